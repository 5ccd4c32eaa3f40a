//! Time against rows in one shard.

use core::time::Duration;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::ensure;
use nextapi_testkit::LocalEdge;
use nextapi_webhook_benches::{Failure, Quartiles};

use crate::client::Client;
use crate::event::Event;
use crate::mode::Mode;
use crate::origin::Origin;
use crate::shard::{Storage, bundle, processor_time};

pub(crate) const ROUNDS: u32 = 60;
/// The first rounds are not counted: the engine compiles what is hot.
const WARM_UP: u32 = 6;
/// Connections, and jobs in a round: one on each.
pub(crate) const CONNECTIONS: u32 = 8;
pub(crate) const DUPLICATES: u32 = 200;
/// Fresh events that a shard gets in all.
pub(crate) const FRESH: u32 = (ROUNDS + WARM_UP) * CONNECTIONS * 3;
/// Rows of the shards, on the average over the run. The first one begins empty.
pub(crate) const ROWS: [u32; 5] = [0, 1_000, 10_000, 100_000, 1_000_000];
/// What the others are compared with, and what is held against the target, by place.
pub(crate) const REFERENCE: usize = 1;
pub(crate) const LAST: usize = 4;
/// Numbers of jobs that no filled shard has.
const FIRST_FRESH_JOB: u32 = 500_000_000;

/// Milliseconds in each round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    /// The three events of a job, one after the other: the median of the round's jobs.
    pub(crate) job: Vec<f64>,
    /// A duplicate: the median of the round's.
    pub(crate) duplicate: Vec<f64>,
    /// Of the processor, for each fresh event; of all threads of the engine.
    pub(crate) fresh_processor: Vec<f64>,
    /// The same for a duplicate.
    pub(crate) duplicate_processor: Vec<f64>,
}

struct Shard {
    storage: Storage,
    edge: LocalEdge,
    client: Client,
    times: Times,
}

/// What was measured, and what other measurements go on with.
pub(crate) struct Measured {
    /// One for each of [`ROWS`].
    pub(crate) times: Vec<Times>,
    /// The storages with the fewest and with the most rows that are compared.
    pub(crate) few: Storage,
    pub(crate) many: Storage,
}

/// Measures with the storages below this folder.
pub(crate) async fn measure(origin: &Origin, folder: &Path) -> Result<Measured, Failure> {
    let mut shards = Vec::new();
    for rows in ROWS {
        eprintln!("ledger: filling a shard with {rows} events");
        // So many at the beginning that there are as many as it says half-way.
        let storage = Storage::filled(origin, folder, rows.saturating_sub(FRESH / 2)).await?;
        let edge = storage.serve(origin, bundle(), Mode::Through).await?;
        let client = Client::new(&edge)?;
        shards.push(Shard { storage, edge, client, times: Times::default() });
    }
    // Each round begins with the next one, so that none always comes first.
    for round in 0..ROUNDS + WARM_UP {
        if round % 10 == 0 {
            eprintln!("ledger: round {round} of {}", ROUNDS + WARM_UP);
        }
        for place in 0..shards.len() {
            let place = place.saturating_add(round as usize).checked_rem(shards.len());
            if let Some(shard) = place.and_then(|place| shards.get_mut(place)) {
                shard.round(origin, round).await?;
            }
        }
    }
    let mut times = Vec::new();
    let mut storages = Vec::new();
    for mut shard in shards {
        shard.edge.kill().await;
        times.push(shard.times);
        storages.push(shard.storage);
    }
    let many = storages.pop().ok_or("no shard")?;
    let few = storages.into_iter().nth(REFERENCE).ok_or("no shard")?;
    Ok(Measured { times, few, many })
}

impl Shard {
    async fn round(&mut self, origin: &Origin, round: u32) -> anyhow::Result<()> {
        let jobs = (0..CONNECTIONS).map(|job| {
            FIRST_FRESH_JOB.wrapping_add(round.wrapping_mul(CONNECTIONS).wrapping_add(job))
        });
        let jobs: Vec<[Event; 3]> = jobs.map(Event::all_of_job).collect();
        let fresh: BTreeSet<String> = jobs.iter().flatten().map(Event::key).collect();
        let lists: anyhow::Result<Vec<Vec<_>>> =
            jobs.iter().map(|job| job.iter().map(Event::delivery).collect()).collect();
        let before = self.processor_time();
        let times = self.client.expect_all(lists?, "forwarded").await?;
        let between = self.processor_time();
        let received = origin.take();
        ensure!(
            received.len() == fresh.len() && received.into_iter().collect::<BTreeSet<_>>() == fresh,
            "the origin did not get every fresh event once"
        );

        // Spread over all rows.
        let step = (self.storage.rows / DUPLICATES).max(1);
        let numbers = (0..DUPLICATES).map(|number| {
            number.wrapping_mul(step).wrapping_add(round).checked_rem(self.storage.rows)
        });
        let mut lists = vec![Vec::new(); CONNECTIONS as usize];
        for (number, list) in numbers.zip((0..lists.len()).cycle()) {
            if let Some(list) = lists.get_mut(list) {
                list.push(Event::of_number(number.unwrap_or(0)).delivery()?);
            }
        }
        let before_duplicates = self.processor_time();
        let duplicates = self.client.expect_all(lists, "duplicate").await?;
        let after = self.processor_time();
        ensure!(origin.take().is_empty(), "the origin got a duplicate");

        if round >= WARM_UP {
            let jobs = times.iter().map(|events| events.iter().sum()).collect();
            self.times.job.push(Quartiles::of(jobs).median);
            self.times.duplicate.push(Quartiles::of(duplicates.concat()).median);
            let each = |time: Duration, events: u32| time.as_secs_f64() * 1e3 / f64::from(events);
            let events = CONNECTIONS * 3;
            self.times.fresh_processor.push(each(between.saturating_sub(before), events));
            let time = after.saturating_sub(before_duplicates);
            self.times.duplicate_processor.push(each(time, DUPLICATES));
        }
        Ok(())
    }

    fn processor_time(&self) -> Duration {
        self.edge.process_id().and_then(processor_time).unwrap_or_default()
    }
}
