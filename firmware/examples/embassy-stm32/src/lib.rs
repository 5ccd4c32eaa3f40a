//! The verifier with the HASH peripheral of an STM32, in its HMAC mode, through `embassy-stm32`: for bodies at
//! hand ([`HashEngine`]), and for bodies that are awaited ([`verify_from`]).
//!
//! Built for an STM32H753; other members of the family with a HASH peripheral take another feature of
//! `embassy-stm32` and nothing else.
#![no_std]

mod engine;
mod pieces;
mod secret;

pub use engine::HashEngine;
pub use pieces::{PIECE_BYTES, PiecesError, verify_from};
pub use secret::{Secret, UnfitSecret};
