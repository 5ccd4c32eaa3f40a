//! A memory of recent events for services that have no other, in an array of the caller.
//!
//! It does what the verifier's `ReplayWindow` does, which the tests hold it against; that one has
//! its size in its type, and C has no such types.

use core::mem;

use crate::{EventKey, Outcome, argument};

/// Whether an event is remembered.
///
/// @param window     an array of keys that was zeroed at the start: the replay window
/// @param capacity   the number of keys in it
/// @return OK if it is not, DUPLICATE if it is, ARGUMENT_INVALID or EVENT_KEY_INVALID
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_replay_window_contains(
    window: *const EventKey,
    capacity: usize,
    key: *const EventKey,
) -> Outcome {
    let found = || {
        // SAFETY: the caller promises that the array is good and that nobody writes to it.
        let window = unsafe { argument::array(window, capacity) }?;
        // SAFETY: the caller promises that the pointer is good.
        let key = unsafe { EventKey::copy(key) }?;
        if window.contains(&key) { Err(Outcome::Duplicate) } else { Ok(()) }
    };
    found().into()
}

/// Remembers an event. When the window is full, the key that was inserted first goes, whether or
/// not its event was seen again since: an event is recognised until `capacity` other events have
/// come in.
///
/// Choose a capacity greater than the number of events that can arrive while a signature is fresh
/// (past and future tolerance together, ten minutes by default); a smaller one lets a captured
/// delivery be replayed once it has been pushed out. A window of no capacity remembers nothing.
///
/// Insert a key when the event has been dealt with, or remove it if dealing with it failed:
/// otherwise the provider's retry is taken for a duplicate, and the event is lost.
///
/// Every call looks at the whole window.
///
/// @param window     an array of keys that was zeroed at the start: the replay window
/// @param capacity   the number of keys in it
/// @return OK if it is new, DUPLICATE if it is remembered already, which changes nothing,
///         ARGUMENT_INVALID or EVENT_KEY_INVALID
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_replay_window_insert(
    window: *mut EventKey,
    capacity: usize,
    key: *const EventKey,
) -> Outcome {
    let inserted = || {
        // SAFETY: the caller promises that the pointer is good; the key is copied before anything
        // is written, so it may be one of the window's.
        let key = unsafe { EventKey::copy(key) }?;
        // SAFETY: the caller promises that the array is good and that nobody else uses it.
        let window = unsafe { argument::array_mut(window, capacity) }?;
        if window.contains(&key) {
            return Err(Outcome::Duplicate);
        }
        // The newest last, so the first one goes. Places that are not in use come first.
        let mut moved = key;
        for place in window.iter_mut().rev() {
            moved = mem::replace(place, moved);
        }
        Ok(())
    };
    inserted().into()
}

/// Forgets an event, so that its next delivery counts as new. What else is remembered stays as old
/// as it was.
///
/// @param window     an array of keys that was zeroed at the start: the replay window
/// @param capacity   the number of keys in it
/// @return OK whether or not it was remembered, ARGUMENT_INVALID or EVENT_KEY_INVALID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_replay_window_remove(
    window: *mut EventKey,
    capacity: usize,
    key: *const EventKey,
) -> Outcome {
    let removed = || {
        // SAFETY: as in `insert`.
        let key = unsafe { EventKey::copy(key) }?;
        // SAFETY: the caller promises that the array is good and that nobody else uses it.
        let window = unsafe { argument::array_mut(window, capacity) }?;
        let place = window.iter().position(|remembered| *remembered == key);
        let older = place.and_then(|place| window.get_mut(..=place)).unwrap_or_default();
        // Those before it move up by one, and the first place is free.
        let mut moved = EventKey::NONE;
        for place in older {
            moved = mem::replace(place, moved);
        }
        Ok(())
    };
    removed().into()
}
