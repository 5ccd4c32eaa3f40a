//! An edge with a provider in front of it and an origin behind it.

use core::time::Duration;
use std::path::Path;

use nextapi_testkit::{
    Answer, Deliverer, Delivery, Job, LocalEdge, LocalEdgeBuilder, Origin, Shape, Status,
};
use nextapi_webhook::{Key, UnixTime};
use serde_json::Value;

/// The secret that provider and edge share. It doubles as a canary: no log line may hold it.
pub(crate) const SECRET: &str = "whsec_canary_of_the_webhook_secret";

/// How long anything may take that should happen at once. Only a failing test waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where deliveries go.
pub(crate) const PATH: &str = "webhook";

pub(crate) struct Setup {
    pub(crate) edge: LocalEdge,
    pub(crate) origin: Origin,
    pub(crate) provider: Deliverer,
}

/// The worker's directory: `wrangler.jsonc`, the bundle, the engine.
pub(crate) fn edge_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn key() -> Key {
    Key::new(SECRET.as_bytes()).unwrap()
}

/// In the environment of the tests, it has them all run with the MACs of all bodies from the platform.
const PLATFORM_MACS: &str = "END_TO_END_PLATFORM_MACS";

/// Who computes the MACs of which bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Of long bodies the platform, of short ones the Rust code: as deployed.
    ByLength,
    /// Of all bodies the platform.
    Platform,
    /// Of all bodies the Rust code.
    Rust,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::ByLength, Self::Platform, Self::Rust];

    /// The bundle with faults can move the length from which on a body is long.
    pub(crate) fn choose(self, edge: LocalEdgeBuilder) -> LocalEdgeBuilder {
        let edge = edge.bundle("build-faults");
        match self {
            Self::ByLength => edge.setting("FAULT_HAND_OVER_LIMIT", "as deployed"),
            Self::Platform => edge.setting("FAULT_HAND_OVER_LIMIT", "-1"),
            Self::Rust => edge.setting("FAULT_HAND_OVER_LIMIT", "4194304"),
        }
    }
}

impl Setup {
    pub(crate) async fn start() -> Self {
        Self::with(|edge| edge).await
    }

    /// Starts with other settings than the usual ones.
    pub(crate) async fn with(choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder) -> Self {
        let origin = Origin::start().await.unwrap();
        let mut edge = LocalEdge::builder(edge_dir())
            .setting("WEBHOOK_SECRETS", SECRET)
            // The answer then tells what the origin said, which most tests want to know. `durable` has tests of
            // its own, and chooses for itself.
            .setting("DELIVERY", "through")
            .setting("ORIGIN_URL", format!("{}events?tenant=7", origin.url()));
        if std::env::var_os(PLATFORM_MACS).is_some() {
            edge = Way::Platform.choose(edge);
        }
        let edge = choose(edge).start().await.unwrap();
        let provider = Deliverer::new(&format!("{}{PATH}", edge.url())).unwrap();
        Self { edge, origin, provider }
    }

    /// The edge's `host:port`.
    pub(crate) fn address(&self) -> String {
        self.edge.url().trim_start_matches("http://").trim_end_matches('/').to_owned()
    }

    pub(crate) async fn send(&self, delivery: &Delivery) -> Answer {
        self.provider.send(delivery).await.unwrap()
    }

    /// Sends, and checks status and code.
    pub(crate) async fn expect(&self, delivery: &Delivery, status: u16, code: &str) -> Answer {
        let answer = self.send(delivery).await;
        assert_eq!((answer.status(), answer.code().as_deref()), (status, Some(code)), "{answer}");
        answer
    }

    /// The log line of the first delivery with this outcome.
    pub(crate) async fn log_line(&self, outcome: &str) -> Value {
        let is_it = |line: &str| record(line).is_some_and(|record| record["outcome"] == outcome);
        let line = self.edge.wait_for_log(is_it, PATIENCE).await.unwrap();
        record(&line).unwrap()
    }
}

/// The record in a log line, if that is what the line is.
pub(crate) fn record(line: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
    value.get("outcome").is_some().then_some(value)
}

/// A fresh `job.succeeded`, signed now.
pub(crate) fn succeeded() -> Delivery {
    signed(UnixTime::now())
}

/// A fresh `job.succeeded`, signed at another time.
pub(crate) fn signed(at: UnixTime) -> Delivery {
    let job = Job::random(UnixTime::now()).unwrap();
    let event = job.event(Shape::Envelope, Status::Succeeded).unwrap();
    Delivery::signed(event, &key(), at).unwrap()
}

/// A body of any bytes, signed now.
pub(crate) fn signed_bytes(body: impl Into<Vec<u8>>) -> Delivery {
    let event = nextapi_testkit::EventBody::new("job.succeeded", body);
    Delivery::signed(event, &key(), UnixTime::now()).unwrap()
}

pub(crate) fn seconds_from_now(offset: i64) -> UnixTime {
    UnixTime::from_secs(UnixTime::now().as_secs().checked_add_signed(offset).unwrap())
}
