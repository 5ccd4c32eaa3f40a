//! For how long an owed event is tried, and what ends that sooner.

use super::memory_store::MemoryStore;
use crate::counts::Counts;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::store::Store as _;
use crate::ledger::{outbox, protocol};
use crate::settings::tests::settings_with;

const HOUR_MS: u64 = 60 * 60 * 1_000;
const NOW_MS: u64 = 1_000 * HOUR_MS;

/// A shard with `RETRY_HOURS=1`, whose events are all of one job.
struct Shard {
    store: MemoryStore,
    policy: Policy,
}

impl Shard {
    fn new() -> Self {
        let policy = settings_with(&[("RETRY_HOURS", "1")]).policy;
        Self { store: MemoryStore::default(), policy }
    }

    fn ask(&mut self, call: Call, now_ms: u64) -> Reply {
        protocol::answer(&mut self.store, call, &self.policy, now_ms).unwrap()
    }

    fn accept(&mut self, key: &str, now_ms: u64) -> Reply {
        let meta = EventMeta { job_id: Some("job".to_owned()), ..EventMeta::default() };
        let (key, head) = (key.to_owned(), "{}".to_owned());
        self.ask(Call::Accept { key, meta, head, body_bytes: 1, correlation_id: None }, now_ms)
    }

    fn fail(&mut self, key: &str, token: u64, retry_after_ms: Option<u64>, now_ms: u64) {
        let call = Call::Release {
            job_id: Some("job".to_owned()),
            key: key.to_owned(),
            token,
            outcome: "origin_failed".to_owned(),
            status: Some(503),
            retry_after_ms,
            jitter: 0,
            counts: Counts::new(),
            correlation_id: None,
        };
        assert_eq!(self.ask(call, now_ms), Reply::Ok);
    }

    fn commit(&mut self, key: &str, token: u64, now_ms: u64) -> Reply {
        let (job_id, key) = (Some("job".to_owned()), key.to_owned());
        self.ask(
            Call::Commit {
                job_id,
                key,
                token,
                counts: Counts::new(),
                status: None,
                correlation_id: None,
            },
            now_ms,
        )
    }

    /// The object makes the next attempt, which must be one of this event; its token.
    fn take(&mut self, key: &str, now_ms: u64) -> u64 {
        let taken = outbox::take(&mut self.store, &self.policy, now_ms).unwrap().unwrap();
        assert_eq!(taken.key, key);
        taken.entry.attempts
    }

    fn pause(&mut self, is_paused: bool, now_ms: u64) {
        assert_eq!(self.ask(Call::Pause { is_paused }, now_ms), Reply::Ok);
    }

    fn state(&self, key: &str) -> &'static str {
        self.store.find(key).unwrap().unwrap().state.name()
    }
}

#[test]
fn an_event_that_its_lane_has_held_has_all_its_time() {
    let mut shard = Shard::new();
    assert!(matches!(shard.accept("a", NOW_MS), Reply::Accepted { token: 1, .. }));
    assert_eq!(shard.accept("b", NOW_MS), Reply::Stored);
    shard.fail("a", 1, None, NOW_MS);
    let later_ms = NOW_MS + HOUR_MS;
    let token = shard.take("a", later_ms);
    shard.fail("a", token, None, later_ms);
    assert_eq!(shard.state("a"), "dead");
    let token = shard.take("b", later_ms);
    shard.fail("b", token, None, later_ms);
    assert_eq!(shard.state("b"), "waiting", "one attempt was all it had");
    let figures = shard.store.figures(0).unwrap();
    assert_eq!(figures.oldest_waiting_ms, Some(NOW_MS), "it waits since it was accepted");
    // From then on its time runs.
    let token = shard.take("b", later_ms + HOUR_MS);
    shard.fail("b", token, None, later_ms + HOUR_MS);
    assert_eq!(shard.state("b"), "dead");
}

#[test]
fn an_event_that_a_pause_has_held_has_all_its_time() {
    let mut shard = Shard::new();
    shard.pause(true, NOW_MS);
    assert_eq!(shard.accept("a", NOW_MS), Reply::Stored);
    let later_ms = NOW_MS + 5 * HOUR_MS;
    shard.pause(false, later_ms);
    let token = shard.take("a", later_ms);
    shard.fail("a", token, None, later_ms);
    assert_eq!(shard.state("a"), "waiting");
    // The same after a replay.
    let token = shard.take("a", later_ms + HOUR_MS);
    shard.fail("a", token, None, later_ms + HOUR_MS);
    assert_eq!(shard.state("a"), "dead");
    let replayed_ms = later_ms + 2 * HOUR_MS;
    shard.pause(true, replayed_ms);
    let replay = Call::Replay { key: "a".to_owned(), id: "r".to_owned() };
    assert_eq!(shard.ask(replay, replayed_ms), Reply::Ok);
    let later_ms = replayed_ms + 5 * HOUR_MS;
    shard.pause(false, later_ms);
    let token = shard.take("a", later_ms);
    shard.fail("a", token, None, later_ms);
    assert_eq!(shard.state("a"), "waiting");
}

#[test]
fn a_wish_of_the_origin_s_makes_no_dead_letter() {
    let mut shard = Shard::new();
    assert!(matches!(shard.accept("a", NOW_MS), Reply::Accepted { .. }));
    shard.fail("a", 1, Some(HOUR_MS), NOW_MS + 50);
    assert_eq!(shard.store.find("a").unwrap().unwrap().due_ms(), Some(NOW_MS + HOUR_MS));
    let token = shard.take("a", NOW_MS + HOUR_MS);
    shard.fail("a", token, None, NOW_MS + HOUR_MS);
    assert_eq!(shard.state("a"), "dead");
}

/// An attempt that has outlived its lease is heard of after the next one has failed.
#[test]
fn what_the_origin_has_does_not_go_out_again() {
    let mut shard = Shard::new();
    let lost_ms = NOW_MS + shard.policy.lease_ms;
    assert!(matches!(shard.accept("a", NOW_MS), Reply::Accepted { token: 1, .. }));
    assert_eq!(shard.take("a", lost_ms), 2);
    assert_eq!(shard.commit("a", 1, lost_ms), Reply::Superseded, "another one is under way");
    assert_eq!(shard.accept("b", lost_ms), Reply::Stored);
    shard.fail("a", 2, None, lost_ms);
    for token in [0, 3] {
        assert_eq!(shard.commit("a", token, lost_ms), Reply::Superseded, "never granted");
    }
    assert_eq!(shard.commit("a", 1, lost_ms), Reply::Ok);
    assert_eq!(shard.state("a"), "done");
    assert_eq!(shard.take("b", lost_ms), 1, "its lane goes on");
}

/// A replay is meant to go out, whatever attempts before it come to.
#[test]
fn an_attempt_from_before_a_replay_does_not_end_it() {
    let mut shard = Shard::new();
    assert!(matches!(shard.accept("a", NOW_MS), Reply::Accepted { token: 1, .. }));
    shard.fail("a", 1, None, NOW_MS);
    let replay = Call::Replay { key: "a".to_owned(), id: "r".to_owned() };
    assert_eq!(shard.ask(replay, NOW_MS), Reply::Ok);
    assert_eq!(shard.commit("a", 1, NOW_MS), Reply::Superseded);
    assert_eq!(shard.state("a"), "waiting");
}
