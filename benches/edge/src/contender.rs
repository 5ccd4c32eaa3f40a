//! The workers that are compared, each in an engine of its own.

use core::fmt;
use core::ops::Range;
use core::time::Duration;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use nextapi_testkit::LocalEdge;
use nextapi_webhook::Key;
use tempfile::TempDir;

use crate::connection::Connection;
use crate::counting_origin::CountingOrigin;
use crate::event::{self, SECRET};
use crate::processor_time;
use crate::scenario::{Kind, Scenario};
use crate::segment::{self, Load, Segment};

/// A worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// The edge worker of this project.
    Ours,
    /// An earlier one.
    Before,
    /// The same job by hand, in JavaScript with WebCrypto.
    JavaScript,
    /// The example Worker with the crate `worker`: it verifies and forwards, but remembers nothing.
    Example,
    /// The platform's calls that the job takes, and nothing computed: what nobody can go below who makes
    /// them.
    Floor,
    /// Nothing but a request to the origin.
    PassThrough,
    /// The edge worker that stores an event, and answers before it forwards.
    OursDurable,
    /// The same by hand, in JavaScript.
    JavaScriptDurable,
    /// The edge worker with all MACs computed in WASM.
    MacsInWasm,
    /// The edge worker with all MACs from the platform.
    MacsOfPlatform,
}

/// Where the bundles are.
#[derive(Clone, Debug)]
pub(crate) struct Bundles {
    /// The directory of the edge worker.
    pub(crate) edge_dir: PathBuf,
    /// The bundle of an earlier one.
    pub(crate) before: Option<PathBuf>,
}

impl Contender {
    /// Whether it can do what a scenario asks for.
    pub(crate) const fn can_do(self, kind: Kind) -> bool {
        match kind {
            Kind::Fresh => true,
            Kind::Duplicate => !matches!(self, Self::Example | Self::PassThrough),
            Kind::Forged => !matches!(self, Self::Floor | Self::PassThrough),
        }
    }

    fn bundle(self, bundles: &Bundles) -> anyhow::Result<PathBuf> {
        let workers = Path::new(env!("CARGO_MANIFEST_DIR")).join("workers");
        let target = workers.join("../../../target");
        Ok(match self {
            Self::Ours | Self::OursDurable => "build".into(),
            Self::Before => bundles.before.clone().context("no earlier bundle is named")?,
            Self::JavaScript | Self::JavaScriptDurable => workers.join("javascript"),
            // These are bundled by `make`.
            Self::Example => target.join("example-worker-bench"),
            Self::MacsInWasm | Self::MacsOfPlatform => target.join("macs-bench"),
            Self::Floor => workers.join("floor"),
            Self::PassThrough => workers.join("pass-through"),
        })
    }

    /// Whether it owes what it has accepted.
    pub(crate) const fn is_durable(self) -> bool {
        matches!(self, Self::OursDurable | Self::JavaScriptDurable)
    }

    /// Whether a target is about it.
    pub(crate) const fn has_target(self) -> bool {
        !matches!(self, Self::Example | Self::PassThrough)
    }

    /// When the provider is answered.
    const fn mode(self) -> &'static str {
        if self.is_durable() { "durable" } else { "through" }
    }

    /// The longest body whose MACs are computed in WASM, in bytes, if not that of the worker that is deployed.
    const fn hand_over_limit(self) -> Option<&'static str> {
        match self {
            Self::MacsInWasm => Some("4194304"),
            Self::MacsOfPlatform => Some("-1"),
            _ => None,
        }
    }

    /// Starts it in an engine of its own, with an origin and storage of its own.
    ///
    /// # Errors
    /// If it is not built, or does not start.
    pub(crate) async fn start(self, bundles: &Bundles) -> anyhow::Result<Running> {
        let origin = CountingOrigin::start().await?;
        let storage = storage().context("cannot make a temporary directory")?;
        let mut edge = LocalEdge::builder(&bundles.edge_dir)
            .storage(storage.path())
            .bundle(self.bundle(bundles)?)
            .setting("WEBHOOK_SECRETS", SECRET)
            .setting("DELIVERY", "through")
            .setting("ORIGIN_URL", format!("{}events", origin.url()))
            .setting("DELIVERY", self.mode())
            // A retry comes only where `--test` asks for one, and should come soon.
            .setting("RETRY_INITIAL_SECONDS", "1");
        if let Some(limit) = self.hand_over_limit() {
            edge = edge.setting("HAND_OVER_LIMIT", limit);
        }
        let edge = edge.start().await.with_context(|| format!("{self} does not start"))?;
        let port = edge.url().trim_end_matches('/').rsplit(':').next().map(str::parse);
        let port = port.context("the engine has no port")??;
        let key = Key::new(SECRET.as_bytes()).context("the key")?;
        let forger = Key::new(b"whsec_of_somebody_else").context("the forger's key")?;
        Ok(Running {
            contender: self,
            edge,
            _storage: storage,
            port,
            origin,
            key,
            forger,
            delivered: None,
        })
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "nextapi-webhook",
            Self::Before => "nextapi-webhook, before",
            Self::JavaScript => "JavaScript, the same job",
            Self::Example => "the crate `worker`, no ledger",
            Self::Floor => "the floor",
            Self::PassThrough => "pass-through",
            Self::OursDurable => "nextapi-webhook, durable",
            Self::JavaScriptDurable => "JavaScript, durable",
            Self::MacsInWasm => "MACs in WASM",
            Self::MacsOfPlatform => "MACs of the platform",
        })
    }
}

/// Where Linux has a file system in memory.
const MEMORY: &str = "/dev/shm";

/// Where an engine keeps its objects' data: in memory if possible. Waiting for a disk would take most of
/// the time, the same for all, and hide what the workers take.
fn storage() -> std::io::Result<TempDir> {
    if is_in_memory() { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() }
}

/// Whether the data is kept in memory.
pub(crate) fn is_in_memory() -> bool {
    Path::new(MEMORY).is_dir()
}

/// A worker that runs.
pub(crate) struct Running {
    pub(crate) contender: Contender,
    edge: LocalEdge,
    /// Goes when the engine has gone.
    _storage: TempDir,
    port: u16,
    origin: CountingOrigin,
    key: Key,
    forger: Key,
    /// The number of the first event that was delivered, for duplicates.
    delivered: Option<u64>,
}

impl Running {
    /// Sends what the scenario wants, and checks every answer and what the origin got. What a machine that
    /// stood still has spoilt is measured anew: an origin that is not heard for seconds is answered with 504.
    ///
    /// # Errors
    /// If anything was answered otherwise than it should be, or the origin got anything else, so many times
    /// in a row.
    pub(crate) async fn segment(
        &mut self,
        scenario: Scenario,
        next_number: &mut u64,
        tries: u32,
    ) -> anyhow::Result<Segment> {
        let mut spoilt: u32 = 0;
        loop {
            let sent = self.attempt(scenario, next_number).await;
            match sent.with_context(|| format!("{}: {scenario}", self.contender)) {
                Err(error) if spoilt.saturating_add(1) < tries => {
                    spoilt = spoilt.saturating_add(1);
                    eprintln!("{error:#}; measured anew");
                }
                Err(error) => return Err(error),
                Ok(segment) => return Ok(Segment { spoilt, ..segment }),
            }
        }
    }

    async fn attempt(
        &mut self,
        scenario: Scenario,
        next_number: &mut u64,
    ) -> anyhow::Result<Segment> {
        let mut fresh = || {
            let first = *next_number;
            *next_number = first.saturating_add(scenario.deliveries.into());
            first
        };
        let first = match (scenario.kind, self.delivered) {
            (Kind::Duplicate, Some(first)) => first,
            (Kind::Duplicate, None) => {
                let first = fresh();
                self.send(Scenario { kind: Kind::Fresh, ..scenario }, first).await?;
                self.delivered = Some(first);
                first
            }
            _ => fresh(),
        };
        self.send(scenario, first).await
    }

    /// Delivers events whose first attempts fail, and waits until the worker has tried again by itself.
    ///
    /// # Errors
    /// If anything was answered otherwise than it should be, or the origin did not get them in the end.
    pub(crate) async fn retry(&mut self, next_number: &mut u64) -> anyhow::Result<()> {
        const EVENTS: u32 = 4;
        let first = *next_number;
        *next_number = first.saturating_add(EVENTS.into());
        self.origin.fail_next(EVENTS);
        let scenario = Scenario::new(Kind::Fresh, 512, EVENTS, 1);
        let sent = self.send(scenario, first).await;
        sent.map(drop).with_context(|| format!("{}: retries", self.contender))
    }

    /// Processor time of the engine so far.
    ///
    /// # Errors
    /// If it has stopped.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        processor_time::of(self.process_id()?)
    }

    fn process_id(&self) -> anyhow::Result<u32> {
        self.edge.process_id().context("the engine has stopped")
    }

    async fn send(&mut self, scenario: Scenario, first: u64) -> anyhow::Result<Segment> {
        let numbers = first..first.saturating_add(scenario.deliveries.into());
        let key = if scenario.kind == Kind::Forged { &self.forger } else { &self.key };
        let deliveries = numbers.clone().map(|number| {
            event::delivery(event::body(number, scenario.body), key).map_err(Into::into)
        });
        let deliveries = deliveries.collect::<anyhow::Result<Vec<_>>>()?;
        // The engine closes connections that are idle for seconds, as they are between segments.
        let mut connections = Vec::new();
        for _ in 0..scenario.connections {
            connections.push(Connection::open(self.port).await?);
        }
        let expected = if scenario.kind == Kind::Fresh { numbers } else { 0..0 };
        let sent = self.send_expecting(scenario, connections, deliveries, expected.clone()).await;
        if sent.is_err() {
            self.origin.abandon(expected);
        }
        sent
    }

    async fn send_expecting(
        &self,
        scenario: Scenario,
        connections: Vec<Connection>,
        deliveries: Vec<Request<Full<Bytes>>>,
        expected: Range<u64>,
    ) -> anyhow::Result<Segment> {
        let process_id = self.process_id()?;
        let events = expected.end.saturating_sub(expected.start);
        let load = Load {
            connections,
            deliveries,
            every: Duration::from_millis(scenario.every_ms.into()),
            status: scenario.status(),
        };
        self.origin.delay(scenario.origin_ms);
        let segment = segment::run(load, &self.origin, events, process_id).await?;
        self.origin.expect(expected)?;
        Ok(segment)
    }
}
