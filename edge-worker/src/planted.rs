//! Faults on request: panics, a ledger that fails, and a fast clock, for the end-to-end tests.
//!
//! This is the feature `planted`, which no deployed bundle has; `tests/end_to_end/planted.rs` looks
//! at the bundle to see that. The header `x-planted` of a delivery asks for a fault by name.
//!
//! Faults that strike in the object are kept by the event's key in this instance's memory, which the
//! object shares with the worker in the local engine. Nothing is sent to the object that the deployed
//! worker would not send. A panic takes that memory with it, so it strikes once.

#![allow(clippy::panic, reason = "that is what this module is for")]

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use nextapi_webhook::EventKey;
use wasm_bindgen::prelude::*;

use crate::ledger::message::Call;

/// The header that asks for a fault.
pub(crate) const HEADER: &str = "x-planted";

/// What goes wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    PanicBeforeVerifying,
    PanicAfterOrigin,
    PanicAtClaim,
    PanicAtCommit,
    FailCommitOnce,
    FailCommitAlways,
}

thread_local! {
    static FAULTS: RefCell<BTreeMap<String, Fault>> = const { RefCell::new(BTreeMap::new()) };
}

impl Fault {
    /// The fault that a delivery's header names. A name that is none stops the test that wrote it.
    pub(crate) fn asked_for(header: Option<&str>) -> Option<Self> {
        Some(match header? {
            "panic-before-verifying" => Self::PanicBeforeVerifying,
            "panic-after-origin" => Self::PanicAfterOrigin,
            "panic-at-claim" => Self::PanicAtClaim,
            "panic-at-commit" => Self::PanicAtCommit,
            "fail-commit-once" => Self::FailCommitOnce,
            "fail-commit-always" => Self::FailCommitAlways,
            other => panic!("planted: there is no fault {other:?}"),
        })
    }
}

/// Panics if that is the fault.
pub(crate) fn strike_before_verifying(fault: Option<Fault>) {
    assert!(fault != Some(Fault::PanicBeforeVerifying), "planted: before verifying");
}

/// Keeps a fault that strikes later on the way of an event. A delivery that asks for none takes back
/// what an earlier one of the same event had asked for.
pub(crate) fn plant(key: &EventKey, fault: Option<Fault>) {
    FAULTS.with_borrow_mut(|faults| match fault {
        Some(fault) => drop(faults.insert(key.to_string(), fault)),
        None => drop(faults.remove(&key.to_string())),
    });
}

/// Panics if that is the fault of the event: the origin has answered, the ledger does not know.
pub(crate) fn strike_after_origin(key: &EventKey) {
    let fault = planted(&key.to_string());
    assert!(fault != Some(Fault::PanicAfterOrigin), "planted: after the origin");
}

/// Panics in the object, or fails, as the event's fault says.
pub(crate) fn strike_object(call: &Call) -> Result<(), String> {
    if let Call::Claim { key, .. } = call {
        assert!(planted(key) != Some(Fault::PanicAtClaim), "planted: at the claim");
    }
    let Call::Commit { key, .. } = call else { return Ok(()) };
    match planted(key) {
        Some(Fault::PanicAtCommit) => panic!("planted: at the commit"),
        Some(Fault::FailCommitOnce) => {
            FAULTS.with_borrow_mut(|faults| faults.remove(key));
            Err("planted: the commit fails once".to_owned())
        }
        Some(Fault::FailCommitAlways) => Err("planted: every commit fails".to_owned()),
        _ => Ok(()),
    }
}

fn planted(key: &str) -> Option<Fault> {
    FAULTS.with_borrow(|faults| faults.get(key).copied())
}

/// Says in the log what the alarm has deleted, which nothing else tells.
pub(crate) fn note_swept(deleted: u32) {
    log(&format!("planted: the alarm has deleted {deleted}"));
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn log(line: &str);
}

thread_local! {
    static CLOCK_SPEED: Cell<u64> = const { Cell::new(1) };
}

/// Reads `PLANTED_CLOCK_SPEED`: at most 5,000, since the time must stay a number that JavaScript has
/// exactly.
pub(crate) fn read_clock_speed(lookup: &dyn Fn(&str) -> Option<String>) {
    let speed = lookup("PLANTED_CLOCK_SPEED").map_or(1, |speed| match speed.parse() {
        Ok(speed @ 1..=5_000) => speed,
        _ => panic!("planted: PLANTED_CLOCK_SPEED is not a whole number from 1 to 5000"),
    });
    CLOCK_SPEED.set(speed);
}

/// The object's time, `PLANTED_CLOCK_SPEED` times as far from 1970 as the real one: so it runs that
/// many times as fast, before a restart as well as after it.
pub(crate) fn fast_ms(real_ms: u64) -> u64 {
    real_ms.saturating_mul(CLOCK_SPEED.get())
}

/// The real time at which the object's clock shows `fast_ms`, never earlier.
pub(crate) fn real_ms(fast_ms: u64) -> u64 {
    fast_ms.div_ceil(CLOCK_SPEED.get())
}
