//! What concerns all events together: pauses, how many attempts are under way, and whether anything sleeps.

use core::time::Duration;
use std::collections::HashMap;

use crate::breach::Breach;
use crate::conduct::Conduct;
use crate::history::{Entry, EventNumber, Fact, History, Reception, Step};
use crate::run::{ORIGIN_TIMEOUT, SHARDS};
use crate::verdict::Verdict;

/// How long an attempt may be on its way that was claimed before a pause.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// The platform gives an object six connections that wait for an answer, and one of them is kept free.
pub(crate) const MOST_AT_ONCE: usize = 5 * SHARDS;

pub(super) fn judge(history: &History, verdict: &mut Verdict) {
    judge_pauses(history, verdict);
    judge_attempts_at_once(history, verdict);
    if history.owed > 0 {
        verdict.breaches.push((Breach::Asleep, None));
    }
}

fn judge_pauses(history: &History, verdict: &mut Verdict) {
    let mut paused = None;
    for Entry { at, fact } in &history.entries {
        match fact {
            Fact::Paused => paused = Some(*at),
            Fact::Resuming => paused = None,
            Fact::Delivery { event, step: Step::Received(_), .. }
                if paused.is_some_and(|since| *at > since + ON_ITS_WAY) =>
            {
                verdict.breaches.push((Breach::WhilePaused, Some(*event)));
            }
            _ => {}
        }
    }
}

/// Of an event's attempts only the first can be the Worker's.
fn judge_attempts_at_once(history: &History, verdict: &mut Verdict) {
    let mut under_way: HashMap<EventNumber, Duration> = HashMap::new();
    for Entry { at, fact } in &history.entries {
        match fact {
            Fact::EngineKilled | Fact::DiskFull | Fact::OriginGone => under_way.clear(),
            Fact::Delivery { event, step: Step::OriginAnswered(_), .. } => {
                under_way.remove(event);
            }
            Fact::Delivery { event, step: Step::Received(reception), .. }
                if reception.attempt >= Some(2) && waits(reception) =>
            {
                under_way.retain(|_, end| *end > *at);
                // Surely not yet given up by the edge, whose clock began before.
                under_way.insert(*event, *at + ORIGIN_TIMEOUT / 2);
                if under_way.len() > MOST_AT_ONCE {
                    verdict.breaches.push((Breach::TooManyAtOnce, Some(*event)));
                }
            }
            _ => {}
        }
    }
}

const fn waits(reception: &Reception) -> bool {
    !matches!(reception.conduct, Conduct::Close | Conduct::Reset)
}
