//! A window of keys, of both.

use nextapi_webhook::{EventKey, ReplayWindow};
use nextapi_webhook_c as c;

/// Keys that the window remembers.
const CAPACITY: usize = 3;

/// Calls to a window; those beyond the 100th show nothing new.
pub(crate) fn check(calls: &[u8]) {
    let mut places = [c::EventKey { bytes: [0; 33] }; CAPACITY];
    let mut model = ReplayWindow::<CAPACITY>::new();
    for call in calls.iter().take(100) {
        let key = EventKey::of_unverified(&[call % 8]);
        let c_key = c::EventKey { bytes: key.to_bytes() };
        let (window, key_there) = (places.as_mut_ptr(), &raw const c_key);
        let is_new = |is_new: bool| if is_new { c::Outcome::Ok } else { c::Outcome::Duplicate };
        match call / 64 {
            0 | 1 => {
                // SAFETY: the window has so many places, and the key is there.
                let outcome =
                    unsafe { c::nextapi_webhook_replay_window_insert(window, CAPACITY, key_there) };
                assert_eq!(outcome, is_new(model.insert(key)));
            }
            2 => {
                // SAFETY: the window has so many places, and the key is there.
                let outcome = unsafe {
                    c::nextapi_webhook_replay_window_contains(window, CAPACITY, key_there)
                };
                assert_eq!(outcome, is_new(!model.contains(&key)));
            }
            _ => {
                // SAFETY: the window has so many places, and the key is there.
                let outcome =
                    unsafe { c::nextapi_webhook_replay_window_remove(window, CAPACITY, key_there) };
                assert_eq!(outcome, c::Outcome::Ok);
                model.remove(&key);
            }
        }
    }
}
