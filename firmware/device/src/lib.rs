//! What the firmware's programs share: the UART, the frames that come in over it, and the loop that
//! answers them.
//!
//! The programs differ in their [`Judge`] only, so the difference of two of them is the flash that a
//! judge takes.
#![no_std]

mod answer;
mod body;
mod clock;
mod cost;
mod gate;
#[cfg(feature = "small-memory-functions")]
mod memory;
mod panic;
mod receiver;
mod uart;

pub use answer::Answer;
pub use body::{BODY_BYTES, Body, PIECE_BYTES};
pub use clock::Clock;
pub use cost::{Cost, Counter, cost_of};
pub use gate::Gate;
pub use panic::stop;
pub use receiver::{Judge, KEYS, serve};
pub use uart::Uart;
