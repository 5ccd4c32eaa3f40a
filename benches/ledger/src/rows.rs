//! The rows that SQLite reads and writes for each operation: what is billed, and what must not grow.

use core::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, bail};
use nextapi_testkit::Reply;
use serde::Deserialize;
use tempfile::TempDir;

use crate::client::Client;
use crate::event::Event;
use crate::origin::Origin;
use crate::shard::{Storage, bundle};

/// The module that takes the place of the bundle's first one, and imports that.
const COUNTING: &str = include_str!("../counting.js");
/// Numbers of jobs that no filled shard has.
const FIRST_JOB: u32 = 600_000_000;
/// How many jobs' numbers are left to one counting.
const JOBS: u32 = 1_000;
/// As many as one alarm deletes.
const DUE: u32 = 500;
/// What an outcome that was counted before adds to a commit or a release.
const OUTCOMES: &str = "each outcome more that goes along";

/// Rows of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Rows {
    pub(crate) read: u32,
    pub(crate) written: u32,
    /// Alarms that were set. Each is billed as a row written.
    pub(crate) alarms: u32,
}

#[derive(Debug, Deserialize)]
struct Operation {
    name: String,
    #[serde(flatten)]
    rows: Rows,
}

/// The rows of every operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// By name, in the order of the table.
    operations: Vec<(String, Rows)>,
    /// The claims and commits of a job's three events.
    pub(crate) job: Rows,
    /// A claim that is answered `duplicate`.
    pub(crate) duplicate: Rows,
    /// One alarm that deletes as many as it may.
    pub(crate) full_sweep: Rows,
    /// One alarm that finds nothing due.
    pub(crate) empty_sweep: Rows,
}

impl Counts {
    /// Counts on a storage, with deliveries one after the other. `time` says how often that was done
    /// with this storage before.
    pub(crate) async fn of(storage: &Storage, origin: &Origin, time: u32) -> anyhow::Result<Self> {
        let first_job = FIRST_JOB.saturating_add(time.saturating_mul(JOBS));
        storage.add_due(first_job.saturating_add(JOBS / 2).saturating_mul(3), DUE)?;
        let bundle = counting_bundle()?;
        let edge = storage.serve(origin, bundle.path().to_owned()).await?;
        let counter = Counter { client: Client::new(&edge)? };
        let mut operations = Vec::new();

        // The first call looks after the tables too.
        let [known, ..] = Event::all_of_job(first_job);
        let [first, _] = counter.deliver(&known, 200, "forwarded", ["claim", "commit"]).await?;
        let mut job = Rows::default();
        for event in Event::all_of_job(first_job.saturating_add(1)) {
            let [claim, commit] =
                counter.deliver(&event, 200, "forwarded", ["claim", "commit"]).await?;
            operations.push((format!("claim, `{}`", event.kind), claim));
            operations.push((format!("commit, `{}`", event.kind), commit));
            job = job.and(claim).and(commit);
        }
        let [duplicate] = counter.deliver(&known, 200, "duplicate", ["claim"]).await?;
        operations.push(("claim, answered `duplicate`".to_owned(), duplicate));

        // Two outcomes go along now: that of the duplicate, and its own.
        let [event, next, _] = Event::all_of_job(first_job.saturating_add(2));
        let [_, commit] = counter.deliver(&event, 200, "forwarded", ["claim", "commit"]).await?;
        let one = operations.iter().find(|(name, _)| name.starts_with("commit"));
        let more = commit.less(one.context("no commit")?.1);
        origin.reply_next(Reply::status(reqwest::StatusCode::INTERNAL_SERVER_ERROR));
        let [_, release] =
            counter.deliver(&next, 502, "origin_failed", ["claim", "release"]).await?;
        operations.push(("release".to_owned(), release));
        let [again, _] = counter.deliver(&next, 200, "forwarded", ["claim", "commit"]).await?;
        operations.push(("claim once more, after a release".to_owned(), again));
        operations.push((OUTCOMES.to_owned(), more));
        let usual = operations.iter().find(|(name, _)| name.starts_with("claim"));
        let start = first.less(usual.context("no claim")?.1);
        operations.push(("a claim when the object was not in memory: more".to_owned(), start));

        let full_sweep = counter.sweep().await?;
        operations.push((format!("alarm that deletes {DUE} events"), full_sweep));
        let empty_sweep = counter.sweep().await?;
        operations.push(("alarm that deletes none".to_owned(), empty_sweep));
        origin.take();
        Ok(Self { operations, job, duplicate, full_sweep, empty_sweep })
    }

    /// The table.
    pub(crate) fn write(&self, text: &mut String) -> core::fmt::Result {
        writeln!(
            text,
            "Rows as SQLite counts them and Cloudflare bills them, in the worker as it is deployed; the \
             same with 10³ and with 10⁶ rows. A fresh event is two calls of an object, a duplicate one. \
             With a commit or a release goes its outcome, as it does without load; of several within a second, \
             only the first one takes outcomes along, and the others write a row less.\n"
        )?;
        writeln!(text, "| operation | rows read | rows written | alarms set |")?;
        writeln!(text, "| --- | ---: | ---: | ---: |")?;
        let job = ("**a job: three claims, three commits**".to_owned(), self.job);
        for (name, Rows { read, written, alarms }) in self.operations.iter().chain([&job]) {
            writeln!(text, "| {name} | {read} | {written} | {alarms} |")?;
        }
        Ok(())
    }
}

impl Rows {
    fn less(self, other: Self) -> Self {
        Self {
            read: self.read.saturating_sub(other.read),
            written: self.written.saturating_sub(other.written),
            alarms: self.alarms.saturating_sub(other.alarms),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            read: self.read.saturating_add(other.read),
            written: self.written.saturating_add(other.written),
            alarms: self.alarms.saturating_add(other.alarms),
        }
    }
}

struct Counter {
    client: Client,
}

impl Counter {
    /// Delivers an event, for which the worker has to make exactly these calls.
    async fn deliver<const CALLS: usize>(
        &self,
        event: &Event,
        status: u16,
        code: &str,
        calls: [&str; CALLS],
    ) -> anyhow::Result<[Rows; CALLS]> {
        self.client.expect(&event.delivery()?, status, code).await?;
        self.take(calls).await
    }

    async fn sweep(&self) -> anyhow::Result<Rows> {
        let () = self.client.get("bench/sweep").await?;
        let [rows] = self.take(["sweep"]).await?;
        Ok(rows)
    }

    async fn take<const CALLS: usize>(
        &self,
        calls: [&str; CALLS],
    ) -> anyhow::Result<[Rows; CALLS]> {
        let operations: Vec<Operation> = self.client.get("bench/rows").await?;
        if !operations.iter().map(|operation| &*operation.name).eq(calls) {
            bail!("{operations:?}, not {calls:?}");
        }
        let rows: Vec<Rows> = operations.into_iter().map(|operation| operation.rows).collect();
        rows.try_into().ok().context("as many as there are calls")
    }
}

/// The bundle that is deployed, with its first module renamed and the counting one in its place.
fn counting_bundle() -> anyhow::Result<TempDir> {
    let target = tempfile::tempdir().context("cannot make a temporary directory")?;
    for name in ["index.js", "nextapi_edge_bg.wasm"] {
        let renamed = if name == "index.js" { "worker.js" } else { name };
        fs::copy(bundle().join(name), target.path().join(renamed))
            .with_context(|| format!("no {name} in the bundle: build the worker first"))?;
    }
    fs::write(target.path().join("index.js"), COUNTING)?;
    Ok(target)
}
