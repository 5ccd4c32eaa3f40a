//! Calls to a replay window: it behaves as a queue from the standard library does.
//!
//! The first byte chooses the size of the window. Every other byte is a call: its upper four bits
//! choose which, its lower four bits the key. Calls beyond the 200th show nothing new.

#![no_main]

use std::collections::VecDeque;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{EventKey, ReplayWindow};
use nextapi_webhook_fuzz::PLANTED_FAULT;

static KEYS: LazyLock<[EventKey; 16]> =
    LazyLock::new(|| std::array::from_fn(|number| EventKey::of_unverified(&number.to_le_bytes())));

fuzz_target!(|bytes: &[u8]| {
    let Some((size, calls)) = bytes.split_first() else { return };
    match size % 5 {
        0 | 1 => check::<1>(calls),
        2 => check::<2>(calls),
        3 => check::<5>(calls),
        _ => check::<15>(calls),
    }
});

fn check<const N: usize>(calls: &[u8]) {
    let mut window = ReplayWindow::<N>::new();
    // The oldest in front.
    let mut model: VecDeque<EventKey> = VecDeque::new();
    for call in calls.iter().take(200) {
        let key = KEYS[usize::from(call % 16)];
        let place = model.iter().position(|remembered| *remembered == key);
        match call / 16 {
            // Mostly what fills the window.
            0..=9 => {
                if PLANTED_FAULT && window.remove(&key) {
                    // What is seen again becomes the newest.
                    window.insert(key);
                }
                assert_eq!(window.insert(key), place.is_none());
                if place.is_none() {
                    model.push_back(key);
                }
                if model.len() > N {
                    model.pop_front();
                }
            }
            10..=14 => {
                assert_eq!(window.remove(&key), place.is_some());
                if let Some(place) = place {
                    model.remove(place);
                }
            }
            _ => {
                window = ReplayWindow::default();
                model.clear();
            }
        }
        assert_eq!(window.contains(&key), model.contains(&key));
        assert_eq!(window.len(), model.len());
        assert_eq!(window.is_empty(), model.is_empty());
    }
    // After the last call only: whatever is called before is another input's last call.
    for key in &*KEYS {
        assert_eq!(window.contains(key), model.contains(key));
    }
}
