//! Holds the HMAC peripheral against the verifier's own MACs: to be run on a board whose eFuse block `KEY0` has the
//! secret below and the purpose `HMAC_UP`, under a debugger. It ends in `passed` or in `failed`.
#![no_std]
#![no_main]

use core::hint;
use core::panic::PanicInfo;

use esp_hal::hmac::{Hmac, KeyId};
use esp_hal::main;
use nextapi_esp_hal::HmacEngine;
use nextapi_self_test::self_test;

/// What has been burned, with zeros behind it up to 32 bytes.
const SECRETS: [&[u8]; 1] = [b"whsec_burned"];

esp_bootloader_esp_idf::esp_app_desc!();

#[main]
fn main() -> ! {
    let peripherals = esp_hal::init(esp_hal::Config::default());
    let mut engine = HmacEngine::new(Hmac::new(peripherals.HMAC), [KeyId::Key0]);
    if self_test(&mut engine, &SECRETS).is_err() {
        failed()
    }
    passed()
}

/// The peripheral may be used.
#[inline(never)]
fn passed() -> ! {
    loop {
        hint::black_box("passed");
    }
}

/// It may not.
#[inline(never)]
fn failed() -> ! {
    loop {
        hint::black_box("failed");
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    failed()
}
