//! What was answered under which idempotency key.

use core::time::Duration;
use std::collections::HashMap;

use super::moment::Moment;

/// A key is forgotten after this long, as documented.
const LIFE: Duration = Duration::from_hours(24);

/// SHA-256 of a request's body.
pub(crate) type Fingerprint = [u8; 32];

/// The answers given under idempotency keys, each known to one API key only.
#[derive(Debug, Default)]
pub(crate) struct IdempotencyStore<A> {
    entries: HashMap<(usize, String), Entry<A>>,
}

#[derive(Debug)]
struct Entry<A> {
    fingerprint: Fingerprint,
    answer: A,
    since: Moment,
}

/// What is known of an idempotency key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known<A> {
    /// Nothing, or nothing any more.
    Nothing,
    /// The same request was answered with this.
    Same(A),
    /// It was used for another request.
    Other,
}

impl<A: Clone> IdempotencyStore<A> {
    /// Looks a key up.
    pub(crate) fn look_up(
        &self,
        api_key: usize,
        key: &str,
        fingerprint: &Fingerprint,
        now: Moment,
    ) -> Known<A> {
        match self.entries.get(&(api_key, key.to_owned())) {
            Some(entry) if now.since(entry.since) < LIFE => {
                if entry.fingerprint == *fingerprint {
                    Known::Same(entry.answer.clone())
                } else {
                    Known::Other
                }
            }
            _ => Known::Nothing,
        }
    }

    /// Remembers an answer for 24 hours from now, and forgets what is older.
    pub(crate) fn remember(
        &mut self,
        api_key: usize,
        key: String,
        fingerprint: Fingerprint,
        answer: A,
        now: Moment,
    ) {
        self.entries.retain(|_, entry| now.since(entry.since) < LIFE);
        self.entries.insert((api_key, key), Entry { fingerprint, answer, since: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_millis(1_700_000_000_000);

    fn store() -> IdempotencyStore<&'static str> {
        let mut store = IdempotencyStore::default();
        store.remember(0, "order-7".to_owned(), [1; 32], "first", START);
        store
    }

    #[test]
    fn the_same_request_gets_the_same_answer_and_another_one_is_told_apart() {
        let store = store();
        assert_eq!(store.look_up(0, "order-7", &[1; 32], START), Known::Same("first"));
        assert_eq!(store.look_up(0, "order-7", &[2; 32], START), Known::Other);
        assert_eq!(store.look_up(0, "order-8", &[1; 32], START), Known::Nothing);
    }

    #[test]
    fn another_api_key_knows_nothing_of_it() {
        assert_eq!(store().look_up(1, "order-7", &[1; 32], START), Known::Nothing);
    }

    #[test]
    fn it_is_forgotten_after_a_day() {
        let mut store = store();
        let day = Duration::from_hours(24);
        let last = START.after(day.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(store.look_up(0, "order-7", &[1; 32], last), Known::Same("first"));
        assert_eq!(store.look_up(0, "order-7", &[1; 32], START.after(day)), Known::Nothing);
        store.remember(0, "order-8".to_owned(), [1; 32], "second", START.after(day));
        assert_eq!(store.entries.len(), 1, "what is past is not kept");
    }
}
