//! Holds the peripheral against the verifier's own MACs, at once and in pieces: to be run on a board, under a
//! debugger. It stops at a breakpoint in `passed` or in `failed`.
#![no_std]
#![no_main]
#![allow(
    clippy::used_underscore_binding,
    reason = "what embassy makes of `main` passes the spawner on"
)]

use core::panic::PanicInfo;

use embassy_executor::Spawner;
use embassy_stm32::{bind_interrupts, hash, peripherals};
use nextapi_embassy_stm32::{HashEngine, Secret, verify_from};
use nextapi_self_test::{LONGEST_BODY, self_test};
use nextapi_webhook::{Key, Signature, UnixTime};

const SECRETS: [&[u8]; 2] = [b"whsec_new", &[b'k'; 64]];
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

bind_interrupts!(struct Interrupts {
    HASH_RNG => hash::InterruptHandler<peripherals::HASH>;
});

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let mut peripherals = embassy_stm32::init(embassy_stm32::Config::default());
    let [Ok(new), Ok(old)] = SECRETS.map(Secret::new) else { failed() };

    let hash = hash::Hash::new_blocking(peripherals.HASH.reborrow(), Interrupts);
    if self_test(&mut HashEngine::new(hash, [new, old]), &SECRETS).is_err() {
        failed()
    }

    let mut hash = hash::Hash::new_blocking(peripherals.HASH, Interrupts);
    let Ok(key) = SECRETS.map(Key::new)[1].clone() else { failed() };
    let body = [b'x'; LONGEST_BODY];
    for length in 0..=LONGEST_BODY {
        let mut reader = body.get(..length).unwrap_or_default();
        let mut header = [0; Signature::MAX_BYTES];
        let header = key.sign(NOW, reader).encode(&mut header).as_bytes();
        let clock = || NOW;
        let verdict =
            verify_from(&mut hash, [new, old], header, &mut reader, length, |_| {}, clock).await;
        if verdict.map(|verified| verified.key_index()) != Ok(1) {
            failed()
        }
    }
    passed()
}

/// The peripheral may be used.
#[inline(never)]
fn passed() -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}

/// It may not.
#[inline(never)]
fn failed() -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    failed()
}
