//! How often the API was asked.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

use crate::keys::{Caller, Environment, KeyDigest, key_label};
use crate::moment::Moment;

const MINUTE: Duration = Duration::from_mins(1);

/// How often the API was asked with one key, since the simulator started. Faults make no difference:
/// what was counted is what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUsage {
    /// The key's environment.
    pub environment: Environment,
    /// The key, by the beginning of its SHA-256: `key_` and 16 hexadecimal digits.
    pub key: String,
    /// How many requests there were, refused ones included.
    pub requests: u64,
    /// How many of them were over the limit, and answered 429.
    pub refused: u64,
    /// The most that came within sixty seconds, whenever they began.
    pub most_in_a_minute: u64,
    /// How many came in each minute since 1970 in which any did.
    pub by_minute: BTreeMap<u64, u64>,
}

impl ApiUsage {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "environment": self.environment.as_str(),
            "key": self.key,
            "requests": self.requests,
            "refused": self.refused,
            "most_in_a_minute": self.most_in_a_minute,
            "by_minute": self.by_minute,
        })
    }
}

/// Counts the requests of every key.
#[derive(Debug, Default)]
pub(crate) struct UsageLog {
    keys: HashMap<KeyDigest, KeyUsage>,
}

#[derive(Debug)]
struct KeyUsage {
    usage: ApiUsage,
    /// Those of the last sixty seconds.
    recent: VecDeque<Moment>,
}

impl UsageLog {
    pub(crate) fn count(&mut self, caller: Caller, granted: bool, now: Moment) {
        let KeyUsage { usage, recent } =
            self.keys.entry(caller.key).or_insert_with(|| KeyUsage::new(caller));
        usage.requests = usage.requests.saturating_add(1);
        usage.refused = usage.refused.saturating_add(u64::from(!granted));
        let minute = usage.by_minute.entry(now.as_unix_time().as_secs() / 60).or_default();
        *minute = minute.saturating_add(1);
        while recent.front().is_some_and(|first| now.since(*first) >= MINUTE) {
            recent.pop_front();
        }
        recent.push_back(now);
        usage.most_in_a_minute = usage.most_in_a_minute.max(recent.len() as u64);
    }

    /// In the order of their names.
    pub(crate) fn all(&self) -> Vec<ApiUsage> {
        let mut all: Vec<_> = self.keys.values().map(|key| key.usage.clone()).collect();
        all.sort_by(|one, other| one.key.cmp(&other.key));
        all
    }
}

impl KeyUsage {
    fn new(caller: Caller) -> Self {
        let usage = ApiUsage {
            environment: caller.environment,
            key: key_label(&caller.key),
            requests: 0,
            refused: 0,
            most_in_a_minute: 0,
            by_minute: BTreeMap::new(),
        };
        Self { usage, recent: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_minute_may_begin_at_any_second() {
        let caller = Caller { key: [7; 32], environment: Environment::Live, admin: false };
        let mut log = UsageLog::default();
        // Twenty seconds into a minute.
        let start = Moment::from_millis(1_700_000_000_000);
        for (seconds, requests, granted) in
            [(0, 10, true), (30, 20, true), (60, 4, true), (60, 1, false)]
        {
            for _ in 0..requests {
                log.count(caller, granted, start.after(Duration::from_secs(seconds)));
            }
        }
        let [usage] = log.all().try_into().unwrap();
        assert_eq!((usage.requests, usage.refused, usage.most_in_a_minute), (35, 1, 30));
        assert_eq!(usage.by_minute.values().copied().collect::<Vec<_>>(), [30, 5]);
        assert_eq!(usage.key, "key_0707070707070707");
    }
}
