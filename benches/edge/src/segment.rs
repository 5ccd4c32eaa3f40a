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
use crate::processor_time;

/// What one stretch of load took.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// Time for each delivery, in microseconds: the stretch divided by its deliveries, of which many are
    /// under way at once.
    pub(crate) elapsed_us: f64,
    /// Processor time of the engine for one delivery, in microseconds.
    pub(crate) processor_us: f64,
    /// Milliseconds from sending a delivery to the end of its answer, in ascending order.
    pub(crate) latencies_ms: Vec<f64>,
}

impl Segment {
    /// The latency that this part of the deliveries did not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let last = self.latencies_ms.len().saturating_sub(1);
        let rank = last.saturating_mul(percent).saturating_add(50) / 100;
        self.latencies_ms.get(rank).copied().unwrap_or(f64::NAN)
    }
}

/// Sends the deliveries over the connections, each as soon as the one before it was answered.
///
/// # Errors
/// If one of them is not answered with `status`.
pub(crate) async fn run(
    connections: Vec<Connection>,
    deliveries: Vec<Request<Full<Bytes>>>,
    status: u16,
    process_id: u32,
) -> anyhow::Result<Segment> {
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
            while let Some(delivery) = deliveries.get(next.fetch_add(1, Ordering::Relaxed)) {
                let delivery = delivery.lock().unwrap_or_else(PoisonError::into_inner).take();
                let delivery = delivery.context("a delivery was sent already")?;
                let sent = Instant::now();
                let answered = connection.send(delivery).await?;
                latencies_ms.push(sent.elapsed().as_secs_f64() * 1e3);
                ensure!(answered == status, "answered {answered}, not {status}");
            }
            Ok::<_, anyhow::Error>(latencies_ms)
        });
    }
    let mut latencies_ms = Vec::with_capacity(count);
    while let Some(ended) = clients.join_next().await {
        latencies_ms.extend(ended??);
    }
    let elapsed = begin.elapsed();
    let processor = processor_time::of(process_id)?.saturating_sub(processor_before);
    latencies_ms.sort_unstable_by(f64::total_cmp);
    Ok(Segment {
        elapsed_us: microseconds_each(elapsed, count),
        processor_us: microseconds_each(processor, count),
        latencies_ms,
    })
}

fn microseconds_each(time: Duration, count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let count = count as f64;
    time.as_secs_f64() * 1e6 / count
}
