//! Random histories of one event, checked against what must hold for every history.

#![allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

use proptest::prelude::*;

use crate::ledger::entry::{Change, Claim, Entry, EventState, Token, claim, commit, release};
use crate::ledger::event_meta::EventMeta;
use crate::ledger::order::Order;
use crate::ledger::owed::Failure;
use crate::ledger::policy::Policy;

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
        let policy = Policy { lease_ms: LEASE_MS, ..Policy::of_tests() };
        let (mut entry, mut model, mut now_ms): (Option<Entry>, _, _) =
            (None, Model::default(), 1_000_u64);
        for step in steps {
            let before = entry.clone();
            match step {
                Step::Wait(ms) => now_ms += ms,
                Step::Claim => match claim(entry.clone(), EventMeta::default(), None, &policy, now_ms) {
                    Claim::Granted(next, order) => {
                        prop_assert_eq!(order, Order::InOrder);
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
                    Claim::LateDropped(_) => prop_assert!(false, "nothing is late here"),
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
                        Change::Superseded => {
                            prop_assert!(!holds && model.done_by != Some(token));
                        }
                    }
                }
                Step::Release(back) => {
                    let token = model.granted.saturating_sub(back);
                    let holds = model.holder.is_some_and(|(holder, _)| holder == token);
                    match release(entry.clone(), token, "origin_failed", Failure::default(), &policy, now_ms) {
                        Change::Store(next) => {
                            prop_assert!(holds, "released by a token that holds nothing");
                            model.holder = None;
                            entry = Some(next);
                        }
                        Change::Unchanged => prop_assert!(false, "a release changes something"),
                        Change::Superseded => prop_assert!(!holds),
                    }
                }
            }
            if let (Some(before), Some(after)) = (&before, &entry) {
                prop_assert!(after.attempts >= before.attempts, "attempts never go back");
                prop_assert_eq!(after.first_ms, before.first_ms);
                prop_assert!(after.last_ms >= before.last_ms);
                if before.state == EventState::Done {
                    prop_assert_eq!(after, before, "done is final");
                }
            }
            prop_assert!(before.is_none() || entry.is_some(), "a row does not vanish");
        }
    }
}
