//! Carries the engine's deliveries out.

use std::sync::Arc;

use nextapi_testkit::{Deliverer, Delivery};
use nextapi_webhook::Key;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::outbox::Posting;
use crate::record::DeliveryOutcome;
use crate::shared::Shared;

/// How many deliveries are under way at once.
const WORKERS: usize = 64;

/// Where deliveries go, and what they are signed with.
pub(crate) struct Target {
    pub(crate) deliverer: Deliverer,
    pub(crate) key: Key,
}

/// Keeps the engine going until it cannot go on, or the future is dropped; both also cut every
/// delivery.
pub(crate) async fn dispatch(shared: Arc<Shared>, target: Arc<Target>) {
    let workers = Arc::new(Semaphore::new(WORKERS));
    let mut under_way = JoinSet::new();
    loop {
        // An attempt is known to the file before it is made: no two have the same number.
        let step = shared.change(|engine| (engine.advance(shared.now()), engine.next_due()));
        let Ok((postings, next)) = step else { return };
        for posting in postings {
            let (shared, target) = (Arc::clone(&shared), Arc::clone(&target));
            let workers = Arc::clone(&workers);
            under_way.spawn(async move {
                let permit = workers.acquire().await;
                let outcome = post(&posting, &shared, &target).await;
                drop(permit);
                let number = posting.record.number;
                let now = shared.now();
                let record = shared.change(|engine| engine.finished(number, outcome, now));
                // Whoever has closed it knows why.
                if let Ok(Some(record)) = record {
                    (shared.observer)(&record);
                }
                shared.changed.notify_one();
            });
        }
        let due = async {
            match next {
                Some(at) => shared.clock.wait_until(at).await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = shared.changed.notified() => {}
            // Only to forget those that have ended.
            Some(_) = under_way.join_next() => {}
        }
    }
}

/// Makes one attempt, with a signature of its own.
async fn post(posting: &Posting, shared: &Shared, target: &Target) -> DeliveryOutcome {
    if posting.lost {
        return DeliveryOutcome::Lost;
    }
    let correlation = posting.record.correlation_id(&shared.run);
    let delivery = Delivery::signed(posting.body.clone(), &target.key, shared.now().as_unix_time())
        .and_then(|delivery| delivery.with_header("x-correlation-id", correlation));
    let Ok(delivery) = delivery else { return DeliveryOutcome::NoAnswer };
    match target.deliverer.send(&delivery).await {
        Ok(answer) => DeliveryOutcome::Answered(answer.status()),
        Err(_) => DeliveryOutcome::NoAnswer,
    }
}
