//! Carries the engine's deliveries out.

use core::convert::Infallible;
use std::sync::Arc;

use nextapi_webhook::{Key, UnixTime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::outbox::Posting;
use super::record::DeliveryOutcome;
use super::shared::Shared;
use crate::{Delivery, Provider};

/// How many deliveries are under way at once.
const WORKERS: usize = 64;

/// Where deliveries go, and what they are signed with.
pub(crate) struct Target {
    pub(crate) provider: Provider,
    pub(crate) key: Key,
}

/// Keeps the engine going until the future is dropped, which also cuts every delivery.
pub(crate) async fn dispatch(shared: Arc<Shared>, target: Arc<Target>) -> Infallible {
    let workers = Arc::new(Semaphore::new(WORKERS));
    let mut under_way = JoinSet::new();
    loop {
        let (postings, next) = {
            let mut engine = shared.engine();
            let postings = engine.advance(shared.now());
            (postings, engine.next_due())
        };
        for posting in postings {
            let (shared, target) = (Arc::clone(&shared), Arc::clone(&target));
            let workers = Arc::clone(&workers);
            under_way.spawn(async move {
                let permit = workers.acquire().await;
                let outcome = post(&posting, &shared.run, &target).await;
                drop(permit);
                let record = shared.engine().finished(posting.record.number, outcome, shared.now());
                if let Some(record) = record {
                    (shared.observer)(&record);
                }
                shared.changed.notify_one();
            });
        }
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(shared.instant(at)).await,
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
async fn post(posting: &Posting, run: &str, target: &Target) -> DeliveryOutcome {
    if posting.lost {
        return DeliveryOutcome::Lost;
    }
    let correlation = posting.record.correlation_id(run);
    let delivery = Delivery::signed(posting.body.clone(), &target.key, UnixTime::now())
        .and_then(|delivery| delivery.with_header("x-correlation-id", correlation));
    let Ok(delivery) = delivery else { return DeliveryOutcome::NoAnswer };
    match target.provider.send(&delivery).await {
        Ok(answer) => DeliveryOutcome::Answered(answer.status()),
        Err(_) => DeliveryOutcome::NoAnswer,
    }
}
