//! Webhooks that never come: the edge asks the provider's API, and the origin gets each job's end once.

mod registered;
mod trace;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;

use nextapi_simulator::{
    ApiFaults, ApiKeys, Behaviour, Environment, EventRecord, Faults, Simulator,
};
use nextapi_testkit::{LocalEdgeBuilder, Received, Reply};
use nextapi_webhook::{Event, Key, Tolerance, UnixTime, Verifier};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::setup::{PATH, PATIENCE, Setup, key};

const EDGE_SECRET: &str = "the-edge-s-own-secret";
/// Longer than the end of a job takes to be made.
const SETTLED: Duration = Duration::from_secs(4);

/// Simulator, edge and origin, with an API that may fail.
struct World {
    setup: Setup,
    simulator: Simulator,
    api_key: String,
    _storage: TempDir,
}

impl World {
    async fn start(behaviour: Behaviour, settings: &[(&str, &str)]) -> Self {
        Self::choosing(behaviour, settings, |edge| edge).await
    }

    async fn choosing(
        behaviour: Behaviour,
        settings: &[(&str, &str)],
        choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder,
    ) -> Self {
        let keys = ApiKeys::generate().unwrap();
        let (_, api_key) = keys.generated().find(|(of, _)| *of == Environment::Live).unwrap();
        let api_key = api_key.to_owned();
        // Each needs the other's address: the simulator's is chosen before it starts.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let storage = tempfile::tempdir().unwrap();
        let setup = Setup::with(|edge| {
            let edge = edge
                .storage(storage.path())
                .setting("DELIVERY", "durable")
                .setting("LEDGER_SHARDS", "2")
                .setting("RETRY_INITIAL_SECONDS", "1")
                .setting("RETRY_MAX_SECONDS", "1")
                .setting("BREAKER_FAILURES", "1000")
                .setting("EDGE_SIGNING_SECRET", EDGE_SECRET)
                .setting("NEXTAPI_API_KEY", api_key.as_str())
                .setting("NEXTAPI_API_URL", format!("http://127.0.0.1:{port}/v1"))
                .setting("RECONCILE_AFTER_SECONDS", "1")
                .setting("RECONCILE_JOBS", "all");
            choose(settings.iter().fold(edge, |edge, (name, value)| edge.setting(*name, *value)))
        })
        .await;
        let simulator = Simulator::builder(format!("{}{PATH}", setup.edge.url()), key())
            .port(port)
            .behaviour(behaviour)
            .start(keys)
            .await
            .unwrap();
        let world = Self { setup, simulator, api_key, _storage: storage };
        // The first request has the reconciler begin.
        let health =
            Client::new().get(format!("{}healthz", world.setup.edge.url())).send().await.unwrap();
        assert_eq!(health.status(), 200, "{}", health.text().await.unwrap());
        if !settings.contains(&("RECONCILE_JOBS", "known")) {
            world.begun().await;
        }
        world
    }

    /// Waits until the list has been asked for: jobs count that are submitted after the reconciler began.
    async fn begun(&self) {
        let waited = async {
            while self.simulator.usage().iter().all(|key| key.requests == 0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waited).await.expect("the reconciler begins");
    }

    async fn submit_all(&self, jobs: usize) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for number in 0..jobs {
            ids.insert(self.submit(number).await);
        }
        ids
    }

    /// The ends that the origin has taken, by job.
    fn ends(&self) -> BTreeMap<String, Vec<Received>> {
        let mut ends: BTreeMap<String, Vec<Received>> = BTreeMap::new();
        for request in self.setup.origin.received() {
            let event = Event::read_unverified(request.body()).unwrap();
            let is_end = matches!(event.event_type(), Some("job.succeeded" | "job.failed"));
            if is_end {
                ends.entry(event.job_id().unwrap().to_owned()).or_default().push(request);
            }
        }
        ends
    }

    /// Waits until the origin has an end of so many jobs.
    async fn ended(&self, jobs: usize) {
        let waited = async {
            let mut count = 0;
            while self.ends().len() < jobs {
                count += 1;
                // Whatever comes, one at a time.
                let _ = self
                    .setup
                    .origin
                    .wait_for(self.setup.origin.count() + 1, Duration::from_secs(1))
                    .await;
                assert!(count < 1_000_000);
            }
        };
        let is_line = |line: &&String| line.contains("reconcil");
        let lines =
            || self.setup.edge.logs().into_iter().filter(|line| is_line(&line)).collect::<Vec<_>>();
        let message = || format!("{} of {jobs} have ended: {:#?}", self.ends().len(), lines());
        // An API that fails several times in a row is left alone for up to a minute and more.
        tokio::time::timeout(6 * PATIENCE, waited)
            .await
            .unwrap_or_else(|_| panic!("{}", message()));
    }

    /// Each of these jobs has exactly one end at the origin.
    fn each_ended_once(&self, jobs: &BTreeSet<String>) {
        let ends = self.ends();
        assert_eq!(&ends.keys().cloned().collect::<BTreeSet<_>>(), jobs);
        for (job, requests) in ends {
            let shown: Vec<_> =
                requests.iter().map(|it| String::from_utf8_lossy(it.body()).into_owned()).collect();
            assert_eq!(requests.len(), 1, "{job}: {shown:#?}");
        }
    }

    fn no_secret_in_the_log(&self) {
        for line in self.setup.edge.logs() {
            assert!(!line.contains(&self.api_key) && !line.contains("canary"), "{line}");
        }
    }
}

fn quick(faults: Faults) -> Behaviour {
    Behaviour {
        job_duration: Duration::from_millis(200),
        retry_scale: 0.001,
        faults,
        seed: Some(3),
        ..Behaviour::default()
    }
}

/// Nothing comes of these jobs but what the API shows.
fn silent() -> Behaviour {
    quick(Faults { drop_jobs: 1.0, ..Faults::default() })
}

#[tokio::test]
async fn a_job_whose_webhooks_are_all_lost_ends_at_the_origin() {
    let world = World::start(Behaviour { failure_rate: 0.3, ..silent() }, &[]).await;
    let jobs = world.submit_all(20).await;
    world.ended(20).await;
    world.each_ended_once(&jobs);
    let verifier =
        Verifier::<1>::new([Key::new(EDGE_SECRET.as_bytes()).unwrap()], Tolerance::DEFAULT)
            .unwrap();
    for (job, requests) in world.ends() {
        let request = &requests[0];
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(
            (&body["data"]["source"], &body["data"]["job"]["id"]),
            (&"reconciliation".into(), &job.into())
        );
        assert!(body["id"].as_str().unwrap().starts_with("evt_edge_"), "{body}");
        let signature = request.edge_signature().unwrap();
        let verdict = verifier.verify(signature, request.body(), UnixTime::now());
        assert!(verdict.is_ok(), "{signature}");
        assert_eq!(request.header("x-nextapi-signature"), None);
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
    world.no_secret_in_the_log();
}

/// What comes late is known already.
#[tokio::test]
async fn a_webhook_that_comes_after_all_is_a_duplicate() {
    let world = World::start(silent(), &[]).await;
    let jobs = world.submit_all(10).await;
    world.ended(10).await;
    let events = world.simulator.events();
    for event in &events {
        world.simulator.redeliver(event.event_id()).unwrap();
    }
    let all = |world: &World| world.simulator.events().iter().all(EventRecord::delivered);
    let waited = async {
        while !all(&world) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("each is taken");
    tokio::time::sleep(SETTLED).await;
    world.each_ended_once(&jobs);
}

/// `through` has no other bytes on disk than those that it has made.
#[tokio::test]
async fn in_through_as_well() {
    let world = World::start(silent(), &[("DELIVERY", "through")]).await;
    let jobs = world.submit_all(10).await;
    world.ended(10).await;
    world.each_ended_once(&jobs);
}

/// Without a list, jobs are known by any of their webhooks.
#[tokio::test]
async fn of_a_known_job_the_missing_end_is_delivered() {
    let faults = Faults { drop_events: 0.5, ..Faults::default() };
    let world = World::start(quick(faults), &[("RECONCILE_JOBS", "known")]).await;
    let jobs = world.submit_all(30).await;
    let is_known = |job: &&String| {
        world.simulator.events().iter().any(|event| event.job_id() == **job && !event.dropped())
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let known: BTreeSet<_> = jobs.iter().filter(is_known).cloned().collect();
    assert!(known.len() > 20 && known.len() < 30, "{}", known.len());
    world.ended(known.len()).await;
    tokio::time::sleep(SETTLED).await;
    world.each_ended_once(&known);
}

/// An origin that is away, an API that fails, an engine that is killed.
#[tokio::test]
async fn everything_may_fail_and_each_job_ends_once() {
    let api_faults = ApiFaults {
        fail_before: 0.1,
        fail_after: 0.05,
        cut_answer: 0.05,
        stale: 0.2,
        stale_for: Duration::from_millis(300),
        unknown_status: 0.1,
        ..ApiFaults::default()
    };
    let faults = Faults { drop_jobs: 0.5, drop_events: 0.3, duplicate: 0.2, ..Faults::default() };
    let behaviour = Behaviour { api_faults, ..quick(faults) };
    let mut world = World::start(behaviour, &[]).await;
    world.setup.origin.reply_with(|request| {
        let is_away = request.order() % 3 == 0;
        if is_away { Reply::status(StatusCode::SERVICE_UNAVAILABLE) } else { Reply::default() }
    });
    let mut jobs = BTreeSet::new();
    for number in 0..60 {
        jobs.insert(world.submit(number).await);
        if number % 20 == 19 {
            world.setup.edge.kill().await;
            world.setup.edge.restart().await.unwrap();
        }
    }
    world.ended(60).await;
    tokio::time::sleep(SETTLED).await;
    // Those of an event that the origin refused come again, under their one key.
    let ends = world.ends();
    assert_eq!(ends.keys().cloned().collect::<BTreeSet<_>>(), jobs);
    for (job, requests) in ends {
        let keys: BTreeSet<_> =
            requests.iter().map(|it| it.idempotency_key().unwrap().to_owned()).collect();
        assert_eq!(keys.len(), 1, "{job}");
    }
    world.no_secret_in_the_log();
}

impl World {
    /// The API fails here, too: the same key makes the same job.
    async fn submit(&self, number: usize) -> String {
        for _ in 0..50 {
            let job = json!({
                "model": "seedance-2.0-pro", "prompt": "canary of the prompt", "duration_seconds": 6,
                "resolution": "1080p",
            });
            let answer = Client::new()
                .post(format!("{}v1/video/generations", self.simulator.url()))
                .bearer_auth(&self.api_key)
                .header("idempotency-key", format!("order-{number}"))
                .body(job.to_string())
                .send()
                .await;
            let Ok(answer) = answer else { continue };
            let Ok(text) = answer.text().await else { continue };
            let Ok(body) = serde_json::from_str::<Value>(&text) else { continue };
            if let Some(id) = body["id"].as_str() {
                return id.to_owned();
            }
        }
        panic!("no submission gets through");
    }
}
