//! What was answered under which idempotency key.

use core::time::Duration;
use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::keys::KeyDigest;
use crate::moment::Moment;
use crate::rows::{Change, Row, Rows};

/// A key is forgotten after this long, as documented.
const LIFE: Duration = Duration::from_hours(24);

/// SHA-256 of a request's body.
pub(crate) type Fingerprint = [u8; 32];

/// Where the entries are kept.
const TABLE: &str = "idempotency keys";

/// The answers given under idempotency keys, each known to one API key only.
#[derive(Debug)]
pub(crate) struct IdempotencyStore<A> {
    /// In the order of their time.
    entries: Rows<Entry<A>>,
    by_key: HashMap<(KeyDigest, String), u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry<A> {
    api_key: KeyDigest,
    key: String,
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

impl<A> Default for IdempotencyStore<A> {
    fn default() -> Self {
        Self { entries: Rows::default(), by_key: HashMap::new() }
    }
}

impl<A: Clone + Serialize + DeserializeOwned> IdempotencyStore<A> {
    /// What was remembered before.
    pub(crate) fn restore(
        read: impl FnOnce(&'static str) -> anyhow::Result<Vec<Row>>,
    ) -> anyhow::Result<Self> {
        let entries = Rows::<Entry<A>>::restore(TABLE, read(TABLE)?)?;
        let named =
            |(number, entry): (u64, &Entry<A>)| ((entry.api_key, entry.key.clone()), number);
        Ok(Self { by_key: entries.numbered().map(named).collect(), entries })
    }

    /// What is to be written.
    pub(crate) fn changes(&self) -> serde_json::Result<Vec<Change>> {
        self.entries.changes(TABLE)
    }

    /// Says that every change has been written, or need not be.
    pub(crate) fn written(&mut self) {
        self.entries.written();
    }

    /// Looks a key up.
    pub(crate) fn look_up(
        &self,
        api_key: KeyDigest,
        key: &str,
        fingerprint: &Fingerprint,
        now: Moment,
    ) -> Known<A> {
        let number = self.by_key.get(&(api_key, key.to_owned()));
        match number.and_then(|number| self.entries.get(*number)) {
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
        api_key: KeyDigest,
        key: String,
        fingerprint: Fingerprint,
        answer: A,
        now: Moment,
    ) {
        while self.entries.oldest().is_some_and(|entry| now.since(entry.since) >= LIFE) {
            let Some((number, entry)) = self.entries.forget_oldest() else { break };
            let name = (entry.api_key, entry.key);
            if self.by_key.get(&name) == Some(&number) {
                self.by_key.remove(&name);
            }
        }
        let entry = Entry { api_key, key: key.clone(), fingerprint, answer, since: now };
        self.by_key.insert((api_key, key), self.entries.push(entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_millis(1_700_000_000_000);

    fn store() -> IdempotencyStore<String> {
        let mut store = IdempotencyStore::default();
        store.remember([0; 32], "order-7".to_owned(), [1; 32], "first".to_owned(), START);
        store
    }

    #[test]
    fn the_same_request_gets_the_same_answer_and_another_one_is_told_apart() {
        let store = store();
        assert_eq!(
            store.look_up([0; 32], "order-7", &[1; 32], START),
            Known::Same("first".to_owned())
        );
        assert_eq!(store.look_up([0; 32], "order-7", &[2; 32], START), Known::Other);
        assert_eq!(store.look_up([0; 32], "order-8", &[1; 32], START), Known::Nothing);
    }

    #[test]
    fn another_api_key_knows_nothing_of_it() {
        assert_eq!(store().look_up([1; 32], "order-7", &[1; 32], START), Known::Nothing);
    }

    #[test]
    fn it_is_forgotten_after_a_day() {
        let mut store = store();
        let day = Duration::from_hours(24);
        let last = START.after(day.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(
            store.look_up([0; 32], "order-7", &[1; 32], last),
            Known::Same("first".to_owned())
        );
        assert_eq!(store.look_up([0; 32], "order-7", &[1; 32], START.after(day)), Known::Nothing);
        store.remember(
            [0; 32],
            "order-8".to_owned(),
            [1; 32],
            "second".to_owned(),
            START.after(day),
        );
        assert_eq!((store.entries.len(), store.by_key.len()), (1, 1), "what is past is not kept");
    }
}
