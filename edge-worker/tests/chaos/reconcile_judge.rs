//! The judge of `MODE=reconcile`.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

/// What the origin has got of one job's end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// The keys under which it has answered 2xx, each with the times.
    pub(crate) taken: BTreeMap<String, Vec<Instant>>,
}

/// What a run has come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Jobs whose end never came.
    pub(crate) missing: Vec<String>,
    /// Jobs of which two different events said that they have ended.
    pub(crate) twice: Vec<String>,
    /// Events that the origin has taken, and got again without a reason.
    pub(crate) again: Vec<String>,
    /// How many it got again with one: the engine was killed before it could note the first time, or the edge could
    /// not know what had become of an attempt.
    pub(crate) explained: usize,
}

/// How long before a kill an event may have been taken whose commit the kill has taken along.
const COMMIT: Duration = Duration::from_secs(10);

impl Judgement {
    /// `unknown` has the keys of events with an attempt whose outcome the edge could not know.
    pub(crate) fn of(
        jobs: &BTreeSet<String>,
        ends: &BTreeMap<String, Ends>,
        kills: &[Instant],
        unknown: &BTreeSet<String>,
    ) -> Self {
        let is_missing = |job: &&String| ends.get(*job).is_none_or(|ends| ends.taken.is_empty());
        let missing = jobs.iter().filter(is_missing).cloned().collect();
        let twice =
            ends.iter().filter(|(_, ends)| ends.taken.len() > 1).map(|(job, _)| job.clone());
        let mut judgement = Self { missing, twice: twice.collect(), ..Self::default() };
        for (key, times) in ends.values().flat_map(|ends| &ends.taken) {
            for pair in times.windows(2) {
                let is_between = |kill: &&Instant| {
                    pair[0] < **kill + Duration::from_secs(1)
                        && **kill < pair[1]
                        && **kill < pair[0] + COMMIT
                };
                if unknown.contains(key) || kills.iter().any(|kill| is_between(&kill)) {
                    judgement.explained += 1;
                } else {
                    judgement.again.push(key.clone());
                }
            }
        }
        judgement
    }
}

/// Events with an attempt whose outcome the edge could not know, by its log.
pub(crate) fn unknown_outcomes(log: &[String]) -> BTreeSet<String> {
    let record = |line: &String| serde_json::from_str::<Value>(line.get(line.find('{')?..)?).ok();
    let is_unknown = |record: &Value| {
        matches!(record["outcome"].as_str(), Some("origin_timeout" | "origin_unreachable"))
            || matches!(record["settlement"].as_str(), Some("commit_failed" | "commit_refused"))
    };
    let records = log.iter().filter_map(record).filter(is_unknown);
    records.filter_map(|record| Some(record["event_key"].as_str()?.to_owned())).collect()
}

/// The judge finds what it looks for.
#[test]
fn an_end_that_is_missing_or_comes_twice_is_found() {
    let jobs: BTreeSet<_> = ["a", "b", "c"].map(str::to_owned).into();
    let now = Instant::now();
    let second = |number| now + Duration::from_secs(number);
    let taken = |keys: &[(&str, &[u64])]| Ends {
        taken: keys
            .iter()
            .map(|(key, times)| ((*key).to_owned(), times.iter().map(|it| second(*it)).collect()))
            .collect(),
    };
    let ends = BTreeMap::from([
        ("a".to_owned(), taken(&[("1", &[0]), ("2", &[5])])),
        ("b".to_owned(), taken(&[("3", &[0, 9, 40]), ("4", &[0, 1])])),
    ]);
    let unknown = BTreeSet::from(["4".to_owned()]);
    let expected = Judgement {
        missing: vec!["c".to_owned()],
        twice: vec!["a".to_owned(), "b".to_owned()],
        again: vec!["3".to_owned()],
        explained: 2,
    };
    assert_eq!(Judgement::of(&jobs, &ends, &[second(5)], &unknown), expected);
    let line = r#"edge: {"outcome":"origin_timeout","event_key":"5"}"#.to_owned();
    assert_eq!(unknown_outcomes(&[line, "no record".to_owned()]), ["5".to_owned()].into());
}
