//! One stretch of load on one contender, and what it took.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::counting_origin::CountingOrigin;
use crate::processor_time;

/// What one stretch of load took.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// Time for each delivery, in microseconds: the stretch divided by its deliveries, of which many are
    /// under way at once. It ends when all are answered and the origin has answered all of its events.
    pub(crate) elapsed_us: f64,
    /// Processor time of the engine for one delivery, in microseconds.
    pub(crate) processor_us: f64,
    /// Milliseconds from sending a delivery to the end of its answer, in ascending order.
    pub(crate) latencies_ms: Vec<f64>,
    /// How many deliveries were sent again, since the engine had closed their connection.
    pub(crate) resent: usize,
    /// How often it was begun before and not brought to its end.
    pub(crate) spoilt: u32,
}

impl Segment {
    /// The latency that this part of the deliveries did not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let last = self.latencies_ms.len().saturating_sub(1);
        let rank = last.saturating_mul(percent).saturating_add(50) / 100;
        self.latencies_ms.get(rank).copied().unwrap_or(f64::NAN)
    }
}

/// How the deliveries are sent.
pub(crate) struct Load {
    /// One for each client.
    pub(crate) connections: Vec<Connection>,
    /// What is sent.
    pub(crate) deliveries: Vec<Request<Full<Bytes>>>,
    /// From one delivery to the next; zero: as soon as a connection is free.
    pub(crate) every: Duration,
    /// What every delivery has to be answered with.
    pub(crate) status: u16,
}

/// Sends the deliveries, and waits until the origin has answered so many events.
///
/// # Errors
/// If one of them is not answered with the status, or the events do not come.
pub(crate) async fn run(
    load: Load,
    origin: &CountingOrigin,
    events: u64,
    process_id: u32,
) -> anyhow::Result<Segment> {
    let Load { connections, deliveries, every, status } = load;
    let count = deliveries.len();
    let next = Arc::new(AtomicUsize::new(0));
    let deliveries: Arc<[_]> =
        deliveries.into_iter().map(|delivery| Mutex::new(Some(delivery))).collect();
    let processor_before = processor_time::of(process_id)?;
    let begin = Instant::now();
    let mut clients = JoinSet::new();
    for mut connection in connections {
        let (next, deliveries) = (Arc::clone(&next), Arc::clone(&deliveries));
        clients.spawn(async move {
            let mut latencies_ms = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(delivery) = deliveries.get(index) else { break };
                let delivery = delivery.lock().unwrap_or_else(PoisonError::into_inner).take();
                let delivery = delivery.context("a delivery was sent already")?;
                let sent = turn(begin, every, index).await;
                let answered = connection.send(delivery).await?;
                latencies_ms.push(sent.elapsed().as_secs_f64() * 1e3);
                ensure!(answered == status, "answered {answered}, not {status}");
            }
            Ok::<_, anyhow::Error>((latencies_ms, connection.resent))
        });
    }
    let mut latencies_ms = Vec::with_capacity(count);
    let mut resent: usize = 0;
    while let Some(ended) = clients.join_next().await {
        let (of_client, resent_by_client) = ended??;
        latencies_ms.extend(of_client);
        resent = resent.saturating_add(resent_by_client);
    }
    origin.answered(events).await?;
    let elapsed = begin.elapsed();
    let processor = processor_time::of(process_id)?.saturating_sub(processor_before);
    latencies_ms.sort_unstable_by(f64::total_cmp);
    Ok(Segment {
        elapsed_us: microseconds_each(elapsed, count),
        processor_us: microseconds_each(processor, count),
        latencies_ms,
        resent,
        spoilt: 0,
    })
}

/// Waits for the turn of a delivery, and gives the moment from which on its answer is waited for: one that
/// found no connection in its time has waited since then.
async fn turn(begin: Instant, every: Duration, index: usize) -> Instant {
    let offset = every.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
    let now = Instant::now();
    let due = begin.checked_add(offset).unwrap_or(now);
    if every.is_zero() || due <= now {
        return if every.is_zero() { now } else { due };
    }
    tokio::time::sleep_until(due.into()).await;
    Instant::now()
}

fn microseconds_each(time: Duration, count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let count = count as f64;
    time.as_secs_f64() * 1e6 / count
}
