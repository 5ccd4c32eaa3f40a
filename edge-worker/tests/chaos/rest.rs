//! Waits until the edge has delivered what it owes.

use core::time::Duration;
use std::collections::HashSet;

use nextapi_testkit::Origin;

use crate::history::{Fact, Recorder, Step};

/// So long without a request at the origin, and nothing more will come: longer than the breaker's longest pause.
const SILENCE: Duration = Duration::from_mins(6);

/// In which the edge hears of the last answers and notes them.
const BREATH: Duration = Duration::from_secs(3);

/// Waits until the origin has answered every event for good, or until nothing comes any more: what that means is
/// for the verdict to say.
pub(crate) async fn wait_until_at_rest(events: usize, origin: &Origin, recorder: &Recorder) {
    println!("  nothing is sent any more; {}", recorder.summary());
    while settled(recorder) < events {
        if origin.wait_for(origin.count() + 1, SILENCE).await.is_err() {
            return;
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// How many events the origin has answered 2xx, or refused for good.
fn settled(recorder: &Recorder) -> usize {
    let entries = recorder.entries();
    let settled = entries.iter().filter_map(|entry| match &entry.fact {
        Fact::Delivery { event, step: Step::OriginAnswered(200..=299), .. } => Some(*event),
        Fact::Delivery { event, step: Step::Received(reception), .. } => {
            reception.conduct.is_final_refusal().then_some(*event)
        }
        _ => None,
    });
    settled.collect::<HashSet<_>>().len()
}
