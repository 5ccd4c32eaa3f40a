//! Every transition of a row, one by one: the table in the documentation of `entry`.

use crate::ledger::entry::{
    Change, Claim, Entry, EventState, Reopen, Token, claim, commit, release, reopen,
};
use crate::ledger::event_meta::EventMeta;
use crate::ledger::order::{JobStage, LateEvents, Order};
use crate::ledger::owed::Failure;
use crate::ledger::policy::Policy;

const LEASE_MS: u64 = 30_000;

fn meta() -> EventMeta {
    EventMeta {
        event_id: Some("evt_1".to_owned()),
        event_type: Some("job.succeeded".to_owned()),
        job_id: Some("job_1".to_owned()),
        ..EventMeta::default()
    }
}

fn entry(state: EventState, attempts: Token) -> Entry {
    Entry {
        state,
        attempts,
        first_ms: 1_000,
        last_ms: 2_000,
        last_outcome: Some("origin_failed".to_owned()),
        meta: meta(),
        owed: None,
        noted: Vec::new(),
    }
}

const RUNNING: EventState = EventState::Claimed { lease_end_ms: 40_000 };

fn policy(late_events: LateEvents) -> Policy {
    Policy { lease_ms: LEASE_MS, late_events, ..Policy::of_tests() }
}

fn claim_at(entry: Option<Entry>, now_ms: u64) -> Claim {
    claim(entry, meta(), None, &policy(LateEvents::Forward), now_ms)
}

fn running_event() -> EventMeta {
    EventMeta { event_type: Some("job.running".to_owned()), ..meta() }
}

#[test]
fn claim_from_absent_is_granted_as_the_first_attempt() {
    let expected = Entry {
        state: EventState::Claimed { lease_end_ms: 35_000 },
        attempts: 1,
        first_ms: 5_000,
        last_ms: 5_000,
        last_outcome: None,
        meta: meta(),
        owed: None,
        noted: Vec::new(),
    };
    assert_eq!(claim_at(None, 5_000), Claim::Granted(expected, Order::InOrder));
}

#[test]
fn claim_while_the_lease_runs_is_in_flight() {
    let claim = |now_ms| claim_at(Some(entry(RUNNING, 2)), now_ms);
    assert_eq!(claim(10_000), Claim::InFlight { remaining_ms: 30_000 });
    assert_eq!(claim(39_999), Claim::InFlight { remaining_ms: 1 });
}

#[test]
fn claim_after_the_lease_or_a_release_is_granted_as_the_next_attempt() {
    for state in [RUNNING, EventState::Open, EventState::Dropped, EventState::Reopened] {
        let expected = Entry {
            state: EventState::Claimed { lease_end_ms: 70_000 },
            attempts: 3,
            last_ms: 40_000,
            ..entry(state, 2)
        };
        assert_eq!(
            claim_at(Some(entry(state, 2)), 40_000),
            Claim::Granted(expected, Order::InOrder)
        );
    }
}

#[test]
fn claim_of_a_done_event_is_a_duplicate_for_ever() {
    for now_ms in [0, 40_000, u64::MAX] {
        assert_eq!(claim_at(Some(entry(EventState::Done, 2)), now_ms), Claim::Duplicate);
    }
}

#[test]
fn a_late_event_is_granted_and_marked() {
    let late =
        claim(None, running_event(), Some(JobStage::Ended), &policy(LateEvents::Forward), 5_000);
    let Claim::Granted(entry, order) = late else { panic!("{late:?}") };
    assert_eq!((entry.attempts, order), (1, Order::Late));
}

#[test]
fn a_late_event_is_dropped_if_the_policy_says_so() {
    let expected = |entry: Entry, now_ms| Entry {
        state: EventState::Dropped,
        last_ms: now_ms,
        last_outcome: Some("late_dropped".to_owned()),
        ..entry
    };
    let dropped =
        claim(None, running_event(), Some(JobStage::Ended), &policy(LateEvents::Drop), 5_000);
    let never_tried = Entry {
        attempts: 0,
        first_ms: 5_000,
        meta: running_event(),
        ..entry(EventState::Dropped, 0)
    };
    assert_eq!(dropped, Claim::LateDropped(expected(never_tried, 5_000)));

    for state in [RUNNING, EventState::Open, EventState::Dropped] {
        let entry = Entry { meta: running_event(), ..entry(state, 2) };
        let claimed = claim(
            Some(entry.clone()),
            running_event(),
            Some(JobStage::Ended),
            &policy(LateEvents::Drop),
            40_000,
        );
        assert_eq!(claimed, Claim::LateDropped(expected(entry, 40_000)), "{state:?}");
    }
}

#[test]
fn nothing_else_is_dropped() {
    let granted = |entry, meta, furthest| {
        matches!(
            claim(entry, meta, furthest, &policy(LateEvents::Drop), 40_000),
            Claim::Granted(..)
        )
    };
    assert!(granted(None, running_event(), Some(JobStage::Running)), "not late");
    assert!(granted(None, meta(), Some(JobStage::Ended)), "the end of a job");
    let reopened = Entry { meta: running_event(), ..entry(EventState::Reopened, 2) };
    assert!(granted(Some(reopened), running_event(), Some(JobStage::Ended)), "reopened");
    let under_way = Entry { meta: running_event(), ..entry(RUNNING, 2) };
    assert_eq!(
        claim(
            Some(under_way),
            running_event(),
            Some(JobStage::Ended),
            &policy(LateEvents::Drop),
            39_999
        ),
        Claim::InFlight { remaining_ms: 1 },
    );
}

#[test]
fn commit_by_the_running_attempt_is_stored_even_after_its_lease() {
    for now_ms in [10_000, 50_000] {
        let expected = Entry {
            state: EventState::Done,
            last_ms: now_ms,
            last_outcome: Some("forwarded".to_owned()),
            ..entry(RUNNING, 2)
        };
        assert_eq!(commit(Some(entry(RUNNING, 2)), 2, now_ms), Change::Store(expected));
    }
}

#[test]
fn commit_of_an_event_dropped_meanwhile_is_stored() {
    let Change::Store(done) = commit(Some(entry(EventState::Dropped, 2)), 2, 50_000) else {
        panic!("the origin has the event, and the ledger must know")
    };
    assert_eq!(done.state, EventState::Done);
}

#[test]
fn commit_repeated_by_the_same_attempt_is_ok() {
    assert_eq!(commit(Some(entry(EventState::Done, 2)), 2, 9), Change::Unchanged);
}

#[test]
fn commit_by_anybody_else_is_refused() {
    assert_eq!(commit(None, 1, 9), Change::Superseded);
    assert_eq!(commit(Some(entry(EventState::Open, 2)), 2, 9), Change::Superseded);
    assert_eq!(commit(Some(entry(EventState::Reopened, 2)), 2, 9), Change::Superseded);
    for state in
        [RUNNING, EventState::Open, EventState::Done, EventState::Dropped, EventState::Reopened]
    {
        for token in [0, 1, 3] {
            assert_eq!(commit(Some(entry(state, 2)), token, 9), Change::Superseded);
        }
    }
}

fn release_at(entry: Option<Entry>, token: Token, outcome: &str, now_ms: u64) -> Change {
    release(entry, token, outcome, Failure::default(), &policy(LateEvents::Forward), now_ms)
}

#[test]
fn release_by_the_running_attempt_opens_the_event_and_keeps_the_count() {
    let expected = Entry {
        state: EventState::Open,
        last_ms: 9_000,
        last_outcome: Some("origin_timeout".to_owned()),
        ..entry(RUNNING, 2)
    };
    let released = release_at(Some(entry(RUNNING, 2)), 2, "origin_timeout", 9_000);
    assert_eq!(released, Change::Store(expected));
}

#[test]
fn release_by_anybody_else_is_refused() {
    assert_eq!(release_at(None, 1, "origin_failed", 9), Change::Superseded);
    assert_eq!(release_at(Some(entry(RUNNING, 2)), 1, "origin_failed", 9), Change::Superseded);
    assert_eq!(release_at(Some(entry(RUNNING, 2)), 3, "origin_failed", 9), Change::Superseded);
    for state in [EventState::Open, EventState::Done, EventState::Dropped, EventState::Reopened] {
        assert_eq!(release_at(Some(entry(state, 2)), 2, "origin_failed", 9), Change::Superseded);
    }
}

#[test]
fn reopening_keeps_the_row_and_its_count() {
    for state in
        [RUNNING, EventState::Open, EventState::Done, EventState::Dropped, EventState::Reopened]
    {
        let expected = Entry {
            state: EventState::Reopened,
            last_ms: 40_000,
            last_outcome: Some("reopened".to_owned()),
            ..entry(state, 2)
        };
        assert_eq!(reopen(Some(entry(state, 2)), 40_000), Reopen::Store(expected));
    }
}

#[test]
fn what_is_under_way_is_not_reopened() {
    let reopened = reopen(Some(entry(RUNNING, 2)), 39_999);
    assert_eq!(reopened, Reopen::InFlight { remaining_ms: 1 });
}

#[test]
fn what_is_not_there_cannot_be_reopened() {
    assert_eq!(reopen(None, 9), Reopen::Absent);
}

#[test]
fn every_state_has_its_name() {
    let states =
        [RUNNING, EventState::Open, EventState::Done, EventState::Dropped, EventState::Reopened];
    let owed = [EventState::Waiting { due_ms: None }, EventState::Dead];
    let mut names = states.map(EventState::name).to_vec();
    names.extend(owed.map(EventState::name));
    names.sort_unstable();
    let mut expected = EventState::NAMES;
    expected.sort_unstable();
    assert_eq!(names, expected);
}
