//! The rows that SQLite reads and writes for each operation: what is billed, and what must not grow.

use core::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, bail};
use nextapi_testkit::{LocalEdge, Reply};
use serde::Deserialize;
use tempfile::TempDir;

use crate::client::Client;
use crate::event::Event;
use crate::mode::Mode;
use crate::origin::Origin;
use crate::shard::{Storage, bundle};

/// The module that takes the place of the bundle's first one, and imports that.
const COUNTING: &str = include_str!("../counting.js");
/// Numbers of jobs that no filled shard has.
const FIRST_JOB: u32 = 600_000_000;
/// How many jobs' numbers are left to one counting.
const JOBS: u32 = 1_000;
/// The most rows that one alarm looks at.
const PIECE: u32 = 500;
/// How often outcomes go along, in milliseconds.
pub(crate) const REPORT_MS: u32 = 30_000;
/// The pause between two pieces of a walk, in milliseconds.
const PIECE_PAUSE_MS: u32 = 1_000;

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

/// The rows of every operation in one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) mode: Mode,
    /// By name, in the order of the table.
    operations: Vec<(String, Rows)>,
    /// The calls for a job's three events.
    pub(crate) job: Rows,
    /// A call that is answered `duplicate`.
    pub(crate) duplicate: Rows,
    /// What outcomes add that go along.
    pub(crate) report: Rows,
    /// One alarm that deletes as many as it may.
    pub(crate) full_piece: Rows,
    /// One alarm that looks at as many as it may, and deletes none.
    pub(crate) empty_piece: Rows,
    /// One alarm that finds nothing to do.
    pub(crate) idle: Rows,
    /// Bytes of the log's lines for a job's three events, and how many lines there are.
    pub(crate) log: (usize, usize),
}

impl Counts {
    /// Counts on a storage, with deliveries one after the other. `time` says how often that was done
    /// with this storage before.
    pub(crate) async fn of(
        storage: &Storage,
        origin: &Origin,
        mode: Mode,
        time: u32,
    ) -> anyhow::Result<Self> {
        let first_job = FIRST_JOB.saturating_add(time.saturating_mul(JOBS));
        storage.add_due(first_job.saturating_add(JOBS / 2).saturating_mul(3), PIECE)?;
        let bundle = counting_bundle()?;
        let edge = storage.serve(origin, bundle.path().to_owned(), mode).await?;
        let counter = Counter { client: Client::new(&edge)?, mode };
        let mut operations = Vec::new();

        // The first call looks after the tables and the alarm too, and outcomes go along.
        let [known, ..] = Event::all_of_job(first_job);
        let [first, first_commit] = counter.deliver(&known).await?;
        let logged = lines(&edge);
        let mut job = Rows::default();
        for event in Event::all_of_job(first_job.saturating_add(1)) {
            let [claim, commit] = counter.deliver(&event).await?;
            operations.push((format!("{}, `{}`", mode.call(), event.kind), claim));
            operations.push((format!("commit, `{}`", event.kind), commit));
            job = job.and(claim).and(commit);
        }
        let log = logged_since(&edge, logged, mode.lines().saturating_mul(3)).await?;
        let [usual, usual_commit, ..] = operations.as_slice() else { bail!("no calls") };
        let (start, report) = (first.less(usual.1), first_commit.less(usual_commit.1));

        counter.client.expect(&known.delivery()?, 200, "duplicate").await?;
        let [duplicate] = counter.take([mode.call()]).await?;
        operations.push((format!("{}, answered `duplicate`", mode.call()), duplicate));

        if mode == Mode::Through {
            let [event, ..] = Event::all_of_job(first_job.saturating_add(2));
            origin.reply_next(Reply::status(reqwest::StatusCode::INTERNAL_SERVER_ERROR));
            counter.client.expect(&event.delivery()?, 502, "origin_failed").await?;
            let [_, release] = counter.take(["claim", "release"]).await?;
            operations.push(("release".to_owned(), release));
            let [again, _] = counter.deliver(&event).await?;
            operations.push(("claim once more, after a release".to_owned(), again));
        }
        operations.push(("outcomes that go along with a commit: more".to_owned(), report));
        operations
            .push(("the first call of an object that was not in memory: more".to_owned(), start));

        let full_piece = counter.ring().await?;
        operations.push((format!("alarm that deletes {PIECE} events"), full_piece));
        counter.wait(PIECE_PAUSE_MS).await?;
        let empty_piece = counter.ring().await?;
        operations
            .push((format!("alarm that looks at {PIECE} events, and deletes none"), empty_piece));
        let idle = counter.ring().await?;
        operations.push(("alarm that finds nothing to do".to_owned(), idle));
        origin.take();
        Ok(Self { mode, operations, job, duplicate, report, full_piece, empty_piece, idle, log })
    }

    /// Without the lengths of lines, which have times in them.
    pub(crate) fn without_log(&self) -> Self {
        Self { log: (0, 0), ..self.clone() }
    }

    /// The table.
    pub(crate) fn write(&self, text: &mut String) -> core::fmt::Result {
        writeln!(
            text,
            "\n| `{}`: operation | rows read | rows written | alarms set |",
            self.mode.name()
        )?;
        writeln!(text, "| --- | ---: | ---: | ---: |")?;
        let job = ("**a job: all calls of three events**".to_owned(), self.job);
        for (name, Rows { read, written, alarms }) in self.operations.iter().chain([&job]) {
            writeln!(text, "| {name} | {read} | {written} | {alarms} |")?;
        }
        Ok(())
    }
}

/// How the tables are to be read.
pub(crate) fn write_introduction(text: &mut String) -> core::fmt::Result {
    writeln!(
        text,
        "Rows as SQLite counts them and Cloudflare bills them, in the worker as it is deployed; the \
         same with 10³ and with 10⁶ rows. A fresh event is two calls of an object, a duplicate one. \
         Outcomes go along with a commit or a release at most every {} s.",
        REPORT_MS / 1_000
    )
}

impl Rows {
    /// What is billed as rows written.
    pub(crate) const fn billed(self) -> u32 {
        self.written.saturating_add(self.alarms)
    }

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
    mode: Mode,
}

impl Counter {
    /// Delivers a fresh event, for which the worker has to make two calls.
    async fn deliver(&self, event: &Event) -> anyhow::Result<[Rows; 2]> {
        self.client.expect(&event.delivery()?, 200, self.mode.code()).await?;
        self.take([self.mode.call(), "commit"]).await
    }

    async fn ring(&self) -> anyhow::Result<Rows> {
        let () = self.client.get("bench/ring").await?;
        let [rows] = self.take(["ring"]).await?;
        Ok(rows)
    }

    /// The clock goes on by so many milliseconds.
    async fn wait(&self, ms: u32) -> anyhow::Result<()> {
        self.client.get(&format!("bench/wait?number={ms}")).await
    }

    async fn take<const CALLS: usize>(
        &self,
        calls: [&str; CALLS],
    ) -> anyhow::Result<[Rows; CALLS]> {
        let path = format!("bench/rows?number={CALLS}");
        let operations: Vec<Operation> = self.client.get(&path).await?;
        if !operations.iter().map(|operation| &*operation.name).eq(calls) {
            bail!("{operations:?}, not {calls:?}");
        }
        let rows: Vec<Rows> = operations.into_iter().map(|operation| operation.rows).collect();
        rows.try_into().ok().context("as many as there are calls")
    }
}

/// The worker's lines about deliveries.
fn lines(edge: &LocalEdge) -> Vec<String> {
    let is_line = |line: &String| line.contains("\"event_key\"");
    edge.logs().into_iter().filter(is_line).collect()
}

/// Bytes and number of the lines that have come since, of which there have to be so many.
async fn logged_since(
    edge: &LocalEdge,
    before: Vec<String>,
    expected: usize,
) -> anyhow::Result<(usize, usize)> {
    let wanted = before.len().saturating_add(expected);
    let mut found = 0_usize;
    let is_enough = |line: &str| {
        found = found.saturating_add(usize::from(line.contains("\"event_key\"")));
        found >= wanted
    };
    edge.wait_for_log(is_enough, core::time::Duration::from_mins(1)).await?;
    let since: Vec<String> = lines(edge).split_off(before.len());
    Ok((since.iter().map(String::len).sum(), since.len()))
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
