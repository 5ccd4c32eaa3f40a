//! One event's row, and the transitions that it can make. Pure: no storage, no clock.
//!
//! | call | from | to | answer |
//! | --- | --- | --- | --- |
//! | claim | absent, open, or lease run out | claimed, one attempt more | granted, with a token |
//! | claim | claimed, lease running | – | in flight, time left |
//! | claim | done | – | duplicate |
//! | commit | claimed by that token | done | ok |
//! | commit | done by that token | – | ok |
//! | release | claimed by that token | open, attempts kept | ok |
//! | commit, release | anything else | – | refused |
//!
//! # The token
//!
//! The token of a claim is the row's number of attempts. It fences off attempts that come back
//! late: it grows by one with every claim granted and nothing sets it back (a release keeps it), so
//! of all the claims ever granted on a row exactly one has the number that the row shows, and that
//! is the newest. A random token would prove no more. Only the sweep starts the numbers again, by
//! deleting the row; it does so a retention after the last transition, at least an hour, while a
//! claim's holder lives for less than a minute.
//!
//! Commit is the one transition that may be asked for twice, because its answer can get lost while
//! the origin has the event already. So done by the same token is a success, not a refusal.

use crate::outcome::Outcome;

/// Counts the attempts of one event; the newest attempt's number is what fences off older ones.
pub(crate) type Token = u64;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// An attempt is under way. Past the end of its lease it counts as lost.
    Claimed {
        /// When the lease ends, in milliseconds since 1970.
        lease_end_ms: u64,
    },
    /// The last attempt failed; the next delivery may try again.
    Open,
    /// The origin has the event. Final.
    Done,
}

/// What the signed bytes said about an event. For the audit trail only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The event's id.
    pub(crate) event_id: Option<String>,
    /// The event's type, or the job's status where there is none.
    pub(crate) event_type: Option<String>,
    /// The job's id.
    pub(crate) job_id: Option<String>,
}

/// An event's row without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where the event stands.
    pub(crate) state: State,
    /// How many claims were granted.
    pub(crate) attempts: Token,
    /// When the first claim was granted, in milliseconds since 1970.
    pub(crate) first_ms: u64,
    /// When the last transition was made, in milliseconds since 1970.
    pub(crate) last_ms: u64,
    /// The code of the outcome of the last attempt that reported one.
    pub(crate) last_outcome: Option<String>,
    /// What the event is.
    pub(crate) facts: Facts,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The claimant alone may forward. The entry is to be stored first; its attempts are the token.
    Granted(Entry),
    /// Another attempt is under way.
    InFlight {
        /// Milliseconds until its lease ends, at least 1.
        remaining_ms: u64,
    },
    /// The origin has the event.
    Duplicate,
}

/// The answer to a commit or a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Granted, once the entry is stored.
    Store(Entry),
    /// It was so already: nothing is to be stored.
    Unchanged,
    /// The token is not that of the running attempt.
    Refused,
}

/// Asks for the right to forward an event.
pub(crate) fn claim(entry: Option<Entry>, facts: Facts, now_ms: u64, lease_ms: u64) -> Claim {
    let claimed = State::Claimed { lease_end_ms: now_ms.saturating_add(lease_ms) };
    let Some(entry) = entry else {
        return Claim::Granted(Entry {
            state: claimed,
            attempts: 1,
            first_ms: now_ms,
            last_ms: now_ms,
            last_outcome: None,
            facts,
        });
    };
    match entry.state {
        State::Done => Claim::Duplicate,
        State::Claimed { lease_end_ms } if now_ms < lease_end_ms => {
            Claim::InFlight { remaining_ms: lease_end_ms.saturating_sub(now_ms) }
        }
        State::Claimed { .. } | State::Open => Claim::Granted(Entry {
            state: claimed,
            attempts: entry.attempts.saturating_add(1),
            last_ms: now_ms,
            ..entry
        }),
    }
}

/// Notes that the origin has the event. A lease that has run out does not matter as long as nobody
/// else has claimed the event since.
pub(crate) fn commit(entry: Option<Entry>, token: Token, now_ms: u64) -> Change {
    match entry {
        Some(entry) if entry.attempts == token => match entry.state {
            State::Claimed { .. } => {
                Change::Store(entry.ended(State::Done, Outcome::Forwarded.code(), now_ms))
            }
            State::Done => Change::Unchanged,
            State::Open => Change::Refused,
        },
        _ => Change::Refused,
    }
}

/// Notes that an attempt failed, so that the next delivery need not wait for the lease to end.
pub(crate) fn release(entry: Option<Entry>, token: Token, outcome: &str, now_ms: u64) -> Change {
    match entry {
        Some(entry) if entry.attempts == token && matches!(entry.state, State::Claimed { .. }) => {
            Change::Store(entry.ended(State::Open, outcome, now_ms))
        }
        _ => Change::Refused,
    }
}

impl Entry {
    fn ended(self, state: State, outcome: &str, now_ms: u64) -> Self {
        Self { state, last_ms: now_ms, last_outcome: Some(outcome.to_owned()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE_MS: u64 = 30_000;

    fn facts() -> Facts {
        Facts {
            event_id: Some("evt_1".to_owned()),
            event_type: Some("job.succeeded".to_owned()),
            job_id: Some("job_1".to_owned()),
        }
    }

    fn entry(state: State, attempts: Token) -> Entry {
        Entry {
            state,
            attempts,
            first_ms: 1_000,
            last_ms: 2_000,
            last_outcome: Some("origin_failed".to_owned()),
            facts: facts(),
        }
    }

    const RUNNING: State = State::Claimed { lease_end_ms: 40_000 };

    fn claim_at(entry: Option<Entry>, now_ms: u64) -> Claim {
        claim(entry, facts(), now_ms, LEASE_MS)
    }

    #[test]
    fn claim_from_absent_is_granted_as_the_first_attempt() {
        let expected = Entry {
            state: State::Claimed { lease_end_ms: 35_000 },
            attempts: 1,
            first_ms: 5_000,
            last_ms: 5_000,
            last_outcome: None,
            facts: facts(),
        };
        assert_eq!(claim_at(None, 5_000), Claim::Granted(expected));
    }

    #[test]
    fn claim_while_the_lease_runs_is_in_flight() {
        let claim = |now_ms| claim_at(Some(entry(RUNNING, 2)), now_ms);
        assert_eq!(claim(10_000), Claim::InFlight { remaining_ms: 30_000 });
        assert_eq!(claim(39_999), Claim::InFlight { remaining_ms: 1 });
    }

    #[test]
    fn claim_after_the_lease_or_a_release_is_granted_as_the_next_attempt() {
        for state in [RUNNING, State::Open] {
            let expected = Entry {
                state: State::Claimed { lease_end_ms: 70_000 },
                attempts: 3,
                last_ms: 40_000,
                ..entry(state, 2)
            };
            assert_eq!(claim_at(Some(entry(state, 2)), 40_000), Claim::Granted(expected));
        }
    }

    #[test]
    fn claim_of_a_done_event_is_a_duplicate_for_ever() {
        for now_ms in [0, 40_000, u64::MAX] {
            assert_eq!(claim_at(Some(entry(State::Done, 2)), now_ms), Claim::Duplicate);
        }
    }

    #[test]
    fn commit_by_the_running_attempt_is_stored_even_after_its_lease() {
        for now_ms in [10_000, 50_000] {
            let expected = Entry {
                state: State::Done,
                last_ms: now_ms,
                last_outcome: Some("forwarded".to_owned()),
                ..entry(RUNNING, 2)
            };
            assert_eq!(commit(Some(entry(RUNNING, 2)), 2, now_ms), Change::Store(expected));
        }
    }

    #[test]
    fn commit_repeated_by_the_same_attempt_is_ok() {
        assert_eq!(commit(Some(entry(State::Done, 2)), 2, 9), Change::Unchanged);
    }

    #[test]
    fn commit_by_anybody_else_is_refused() {
        assert_eq!(commit(None, 1, 9), Change::Refused);
        assert_eq!(commit(Some(entry(State::Open, 2)), 2, 9), Change::Refused);
        for state in [RUNNING, State::Open, State::Done] {
            for token in [0, 1, 3] {
                assert_eq!(commit(Some(entry(state, 2)), token, 9), Change::Refused);
            }
        }
    }

    #[test]
    fn release_by_the_running_attempt_opens_the_event_and_keeps_the_count() {
        let expected = Entry {
            state: State::Open,
            last_ms: 9_000,
            last_outcome: Some("origin_timeout".to_owned()),
            ..entry(RUNNING, 2)
        };
        let released = release(Some(entry(RUNNING, 2)), 2, "origin_timeout", 9_000);
        assert_eq!(released, Change::Store(expected));
    }

    #[test]
    fn release_by_anybody_else_is_refused() {
        assert_eq!(release(None, 1, "origin_failed", 9), Change::Refused);
        assert_eq!(release(Some(entry(RUNNING, 2)), 1, "origin_failed", 9), Change::Refused);
        assert_eq!(release(Some(entry(RUNNING, 2)), 3, "origin_failed", 9), Change::Refused);
        for state in [State::Open, State::Done] {
            assert_eq!(release(Some(entry(state, 2)), 2, "origin_failed", 9), Change::Refused);
        }
    }
}

#[cfg(test)]
mod properties {
    //! Random histories of one event, checked against what must hold for every history.

    #![allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

    use proptest::prelude::*;

    use super::*;

    const LEASE_MS: u64 = 10;

    #[derive(Clone, Debug)]
    enum Step {
        Wait(u64),
        Claim,
        /// The token is counted back from the newest, so that both good and stale ones occur.
        Commit(u64),
        Release(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            2 => (0..LEASE_MS + 2).prop_map(Step::Wait),
            3 => Just(Step::Claim),
            1 => (0..3_u64).prop_map(Step::Commit),
            2 => (0..3_u64).prop_map(Step::Release),
        ];
        proptest::collection::vec(step, 0..60)
    }

    /// A naive model: who holds the event, and until when. It knows nothing of rows and states.
    #[derive(Default)]
    struct Model {
        granted: Token,
        holder: Option<(Token, u64)>,
        done_by: Option<Token>,
    }

    proptest! {
        #[test]
        fn histories_agree_with_the_model(steps in steps()) {
            let (mut entry, mut model, mut now_ms): (Option<Entry>, _, _) =
                (None, Model::default(), 1_000_u64);
            for step in steps {
                let before = entry.clone();
                match step {
                    Step::Wait(ms) => now_ms += ms,
                    Step::Claim => match claim(entry.clone(), Facts::default(), now_ms, LEASE_MS) {
                        Claim::Granted(next) => {
                            prop_assert_eq!(model.done_by, None, "done is final");
                            prop_assert!(
                                model.holder.is_none_or(|(_, end)| end <= now_ms),
                                "two holders at once"
                            );
                            model.granted += 1;
                            prop_assert_eq!(next.attempts, model.granted, "a token occurs once");
                            model.holder = Some((next.attempts, now_ms + LEASE_MS));
                            entry = Some(next);
                        }
                        Claim::InFlight { remaining_ms } => {
                            let end = model.holder.map(|(_, end)| end);
                            prop_assert_eq!(end, Some(now_ms + remaining_ms));
                            prop_assert!(remaining_ms >= 1);
                        }
                        Claim::Duplicate => prop_assert!(model.done_by.is_some()),
                    },
                    Step::Commit(back) => {
                        let token = model.granted.saturating_sub(back);
                        let holds = model.holder.is_some_and(|(holder, _)| holder == token);
                        match commit(entry.clone(), token, now_ms) {
                            Change::Store(next) => {
                                prop_assert!(holds, "committed by a token that holds nothing");
                                model.done_by = Some(token);
                                model.holder = None;
                                entry = Some(next);
                            }
                            Change::Unchanged => prop_assert_eq!(model.done_by, Some(token)),
                            Change::Refused => {
                                prop_assert!(!holds && model.done_by != Some(token));
                            }
                        }
                    }
                    Step::Release(back) => {
                        let token = model.granted.saturating_sub(back);
                        let holds = model.holder.is_some_and(|(holder, _)| holder == token);
                        match release(entry.clone(), token, "origin_failed", now_ms) {
                            Change::Store(next) => {
                                prop_assert!(holds, "released by a token that holds nothing");
                                model.holder = None;
                                entry = Some(next);
                            }
                            Change::Unchanged => prop_assert!(false, "a release changes something"),
                            Change::Refused => prop_assert!(!holds),
                        }
                    }
                }
                if let (Some(before), Some(after)) = (&before, &entry) {
                    prop_assert!(after.attempts >= before.attempts, "attempts never go back");
                    prop_assert_eq!(after.first_ms, before.first_ms);
                    prop_assert!(after.last_ms >= before.last_ms);
                    if before.state == State::Done {
                        prop_assert_eq!(after, before, "done is final");
                    }
                }
                prop_assert!(before.is_none() || entry.is_some(), "a row does not vanish");
            }
        }
    }
}
