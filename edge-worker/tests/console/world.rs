//! What an operator may find: edges that are busy, empty, in trouble, and closed to operators.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;

use nextapi_simulator::{ApiKeys, Behaviour, Environment, Simulator};
use nextapi_testkit::{
    Deliverer, Delivery, EventBody, LocalEdge, LocalEdgeBuilder, Origin, Received, Reply,
};
use nextapi_webhook::{Event, Key, UnixTime};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

const SECRET: &str = "whsec_canary_of_the_webhook_secret";
const OPERATE: &str = "canary-of-the-token-that-operates";
const READ: &str = "canary-of-the-token-that-reads";
const SUBMIT: &str = "canary-of-the-token-that-submits";
/// How long anything may take that should happen at once. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many events of the list there are at least: more than two pages of it.
const MANY: usize = 120;
/// An id as somebody would send it who wants to run a script in the operator's browser.
const HOSTILE: &str = "job_<img src=x onerror=\"document.title='owned'\">";

pub(crate) struct World {
    /// By their names in the stories.
    edges: BTreeMap<&'static str, LocalEdge>,
    origins: Vec<Origin>,
    simulator: Simulator,
    ids: BTreeMap<&'static str, String>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let (origin, down) = (Origin::start().await.unwrap(), Origin::start().await.unwrap());
        origin.reply_with(of_origin);
        down.reply_with(|_| Reply::status(StatusCode::SERVICE_UNAVAILABLE));
        let keys = ApiKeys::generate().unwrap();
        let (_, api_key) = keys.generated().find(|(of, _)| *of == Environment::Live).unwrap();
        let api_key = api_key.to_owned();
        // Edge and simulator each need the other's address: the simulator's is chosen before it starts.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let busy = start(&origin, |edge| {
            open(edge)
                .setting("ADMIN_TOKENS", format!("reader:read:{READ}"))
                .setting("SUBMIT_TOKEN", SUBMIT)
                .setting("EDGE_SIGNING_SECRET", "canary-of-the-edge-s-own-secret")
                .setting("NEXTAPI_API_KEY", api_key.as_str())
                .setting("NEXTAPI_API_URL", format!("http://127.0.0.1:{port}/v1"))
                .setting("TENANT_FIELD", "data.tenant")
                .setting("RETRY_INITIAL_SECONDS", "240")
                .setting("RETRY_MAX_SECONDS", "240")
                .setting("BREAKER_FAILURES", "1000")
                .setting("KEEP_BODIES_HOURS", "1")
                .setting("ALERTS", "dead > 0; oldest_waiting > 30m")
        })
        .await;
        let simulator = Simulator::builder(format!("{}webhook", busy.url()), key())
            .port(port)
            .behaviour(Behaviour {
                job_duration: Duration::from_millis(200),
                ..Behaviour::default()
            })
            .start(keys)
            .await
            .unwrap();
        let edges = BTreeMap::from([
            ("busy", busy),
            ("empty", start(&origin, open).await),
            ("troubled", start(&down, |edge| open(edge).setting("BREAKER_FAILURES", "2")).await),
            ("closed", start(&origin, |edge| edge).await),
        ]);
        let mut world =
            Self { edges, origins: vec![origin, down], simulator, ids: BTreeMap::new() };
        let submitted = world.submit(&api_key).await;
        world.ids.insert("submitted", submitted);
        world.ids.insert("hostile", HOSTILE.to_owned());
        world.deliver().await;
        world
    }

    /// A job of the simulated provider, which then delivers its events.
    async fn submit(&self, api_key: &str) -> String {
        let answer = Client::new()
            .post(format!("{}v1/video/generations", self.simulator.url()))
            .bearer_auth(api_key)
            .header("idempotency-key", "order-1")
            .body(
                json!({
                    "model": "seedance-2.0-pro", "prompt": "canary of the prompt",
                    "duration_seconds": 6, "resolution": "1080p",
                })
                .to_string(),
            )
            .send()
            .await
            .unwrap();
        let job: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let id = job["id"].as_str().unwrap().to_owned();
        let origin = &self.origins[0];
        while !origin.received().iter().any(|it| of(it) == (id.clone(), "job.succeeded".to_owned()))
        {
            origin.wait_for(origin.count() + 1, PATIENCE).await.unwrap();
        }
        id
    }

    async fn deliver(&self) {
        let busy = Deliverer::new(&format!("{}webhook", self.edges["busy"].url())).unwrap();
        for number in 0..MANY {
            let tenant = ["acme", "globex", "initech"][number % 3];
            let status = if number % 10 == 9 { "failed" } else { "succeeded" };
            deliver(&busy, &format!("job_{number:03}"), status, tenant).await;
        }
        for number in 0..3 {
            deliver(&busy, &format!("job_dead_{number}"), "succeeded", "acme").await;
        }
        deliver(&busy, "job_waits", "succeeded", "globex").await;
        deliver(&busy, HOSTILE, "running", "<b>tenant</b>").await;
        let forged =
            Delivery::signed(event("job_forged", "failed", "acme"), &key(), UnixTime::now())
                .unwrap()
                .with_body("{}");
        assert_eq!(busy.send(&forged).await.unwrap().status(), 401);
        let troubled = Deliverer::new(&format!("{}webhook", self.edges["troubled"].url())).unwrap();
        for number in 0..12 {
            deliver(&troubled, &format!("job_{number}"), "succeeded", "acme").await;
        }
    }

    /// What the stories have to know.
    pub(crate) fn as_json(&self) -> Value {
        let urls: BTreeMap<_, _> =
            self.edges.iter().map(|(name, edge)| (*name, edge.url())).collect();
        json!({
            "edges": urls,
            "ids": self.ids,
            "many": MANY,
            "tokens": { "operate": OPERATE, "read": READ, "submit": SUBMIT },
            "screens": Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screens"),
        })
    }

    pub(crate) fn no_token_in_the_logs(&self) {
        for line in self.edges.values().flat_map(LocalEdge::logs) {
            assert!(!line.contains("canary"), "{line}");
        }
    }
}

/// What the origin answers: a dead letter is refused until it is replayed, and what waits never gets through.
fn of_origin(request: &Received) -> Reply {
    let (job_id, _) = of(request);
    let is_replay = request.header("x-edge-replay").is_some();
    if job_id.starts_with("job_dead") && !is_replay {
        Reply::status(StatusCode::UNPROCESSABLE_ENTITY)
    } else if job_id == "job_waits" {
        Reply::status(StatusCode::SERVICE_UNAVAILABLE)
    } else {
        Reply::default()
    }
}

/// The job and the type of an event.
fn of(request: &Received) -> (String, String) {
    let event = Event::read_unverified(request.body()).unwrap();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (text(event.job_id()), text(event.event_type()))
}

async fn start(
    origin: &Origin,
    choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder,
) -> LocalEdge {
    let edge = LocalEdge::builder(Path::new(env!("CARGO_MANIFEST_DIR")))
        .setting("WEBHOOK_SECRETS", SECRET)
        .setting("LEDGER_SHARDS", "2")
        .setting("ORIGIN_URL", format!("{}events?key=canary-of-the-origin", origin.url()));
    choose(edge).start().await.unwrap()
}

fn open(edge: LocalEdgeBuilder) -> LocalEdgeBuilder {
    edge.setting("ADMIN_TOKEN", OPERATE)
}

fn key() -> Key {
    Key::new(SECRET.as_bytes()).unwrap()
}

fn event(job_id: &str, status: &str, tenant: &str) -> EventBody {
    let event_type = format!("job.{status}");
    let body = json!({
        "id": format!("evt_of_{job_id}"),
        "type": event_type,
        "created_at": UnixTime::now().as_secs(),
        "data": {
            "tenant": tenant,
            "job": { "id": job_id, "status": status, "prompt": "canary of the prompt", "cost_credits": 1.05 },
        },
    });
    EventBody::new(event_type, body.to_string())
}

async fn deliver(provider: &Deliverer, job_id: &str, status: &str, tenant: &str) {
    let delivery =
        Delivery::signed(event(job_id, status, tenant), &key(), UnixTime::now()).unwrap();
    let answer = provider.send(&delivery).await.unwrap();
    assert_eq!(answer.status(), 200, "{answer}");
}
