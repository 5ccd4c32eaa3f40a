//! Holds the SHA peripheral against the verifier's own MACs: to be run on a board, under a debugger. It ends in
//! `passed` or in `failed`.
#![no_std]
#![no_main]

use core::hint;
use core::panic::PanicInfo;

use esp_hal::main;
use esp_hal::sha::Sha;
use nextapi_esp_hal::ShaEngine;
use nextapi_self_test::self_test;

/// Short, as long as a block, and longer: the last one's key is its hash.
const SECRETS: [&[u8]; 3] = [b"whsec_new", &[b'k'; 64], &[b'k'; 65]];

esp_bootloader_esp_idf::esp_app_desc!();

#[main]
fn main() -> ! {
    let peripherals = esp_hal::init(esp_hal::Config::default());
    let Ok(mut engine) = ShaEngine::new(Sha::new(peripherals.SHA), SECRETS) else { failed() };
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
