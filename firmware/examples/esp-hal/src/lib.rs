//! The verifier with the peripherals of an ESP32-C3 or ESP32-C6, through `esp-hal`: SHA, for secrets in memory of
//! any length ([`ShaEngine`]), and HMAC, for secrets in eFuses, which no program can read ([`HmacEngine`]).
#![no_std]

mod hmac;
mod sha;

pub use hmac::HmacEngine;
pub use sha::ShaEngine;
