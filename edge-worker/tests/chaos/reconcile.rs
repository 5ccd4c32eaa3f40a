//! `MODE=reconcile`: thousands of jobs whose webhooks are lost, an API that fails, an engine that is killed. Each end
//! comes to the origin once; then the provider delivers everything after all, and nothing more comes.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use nextapi_simulator::{ApiFaults, ApiKeys, Behaviour, EventRecord, Faults, Simulator};
use nextapi_testkit::{Deliverer, Delivery, EventBody, LocalEdge, Origin, Reply, random_hex};
use nextapi_webhook::{Event, Key, UnixTime};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::reconcile_judge::{Ends, Judgement, unknown_outcomes};

/// Requests that the edge may send in any minute.
const REQUESTS_PER_MINUTE: u64 = 60;
/// Jobs that one API key may submit within the provider's limit.
const JOBS_PER_KEY: usize = 500;
const TOKEN: &str = "the-operator-of-the-chaos";
/// Kills while jobs are submitted, and in all.
const KILLS: (usize, usize) = (5, 8);
/// How long nothing may happen before the run is given up.
const PATIENCE: Duration = Duration::from_mins(2);

type Book = Arc<Mutex<BTreeMap<String, Ends>>>;

/// Everything that takes part.
struct World {
    begin: Instant,
    book: Book,
    origin: Origin,
    edge: LocalEdge,
    webhook: String,
    simulator: Simulator,
    key: Key,
    /// Submitters' keys.
    api_keys: Vec<String>,
    kills: Vec<Instant>,
    _storage: TempDir,
}

/// The whole run; prints what it does, and fails at a breach.
pub(crate) async fn run(jobs: usize, seed: u64) {
    let mut world = World::start(jobs, seed).await;
    let submitted = world.submit(jobs).await;
    world.wait_for_ends(jobs).await;
    let unknown = unknown_outcomes(&world.edge.logs());
    let judgement = Judgement::of(&submitted, &world.book.lock().unwrap(), &world.kills, &unknown);
    world.check_money().await;
    world.deliver_late().await;
    world.contradict().await;
    world.check_budget();
    let Judgement { missing, twice, again, explained } = judgement;
    println!(
        "  missing {}, twice {}, again without a reason {}, again with one {explained}",
        missing.len(),
        twice.len(),
        again.len(),
    );
    assert!(
        missing.is_empty() && twice.is_empty() && again.is_empty(),
        "missing {missing:?}, twice {twice:?}, again {again:?}"
    );
}

impl World {
    async fn start(jobs: usize, seed: u64) -> Self {
        let book: Book = Arc::default();
        let origin = Origin::builder().record(false).start().await.unwrap();
        origin_replies(&origin, &book);
        let storage = tempfile::tempdir().unwrap();
        let secret = random_hex::<24>().unwrap();
        let key = Key::new(secret.as_bytes()).unwrap();
        let api_key = || format!("nxa_live_sk_{}", random_hex::<24>().unwrap());
        let api_keys: Vec<_> = (0..=jobs / JOBS_PER_KEY).map(|_| api_key()).collect();
        let edge_key = api_key();
        let known: Vec<_> =
            api_keys.iter().chain([&edge_key]).map(|key| format!("live:{key}")).collect();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let edge = LocalEdge::builder(Path::new(env!("CARGO_MANIFEST_DIR")))
            .storage(storage.path())
            .setting("WEBHOOK_SECRETS", &secret)
            .setting("ORIGIN_URL", origin.url())
            .setting("EDGE_SIGNING_SECRET", "the-edge-s-own-secret")
            .setting("ADMIN_TOKEN", TOKEN)
            .setting("LEDGER_SHARDS", "4")
            .setting("RETRY_INITIAL_SECONDS", "1")
            .setting("RETRY_MAX_SECONDS", "1")
            .setting("BREAKER_FAILURES", "1000")
            // What comes after the end is acknowledged and not forwarded.
            .setting("LATE_EVENTS", "drop")
            .setting("NEXTAPI_API_KEY", &edge_key)
            .setting("NEXTAPI_API_URL", format!("http://127.0.0.1:{port}/v1"))
            .setting("RECONCILE_AFTER_SECONDS", "1")
            .setting("RECONCILE_JOBS", "all")
            .setting("RECONCILE_REQUESTS_PER_MINUTE", REQUESTS_PER_MINUTE.to_string())
            .start()
            .await
            .unwrap();
        let webhook = format!("{}webhook", edge.url());
        let simulator = Simulator::builder(&webhook, key.clone())
            .port(port)
            .behaviour(behaviour(seed))
            .start(ApiKeys::parse(&known.join(" ")).unwrap())
            .await
            .unwrap();
        // The first request has the reconciler begin.
        let health = Client::new().get(format!("{}healthz", edge.url())).send().await.unwrap();
        assert_eq!(health.status(), 200);
        // Jobs count that are submitted after it has begun, and so has asked for the list.
        let asked = async {
            while simulator.usage().iter().all(|key| key.requests == 0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("the reconciler begins");
        let (begin, kills) = (Instant::now(), Vec::new());
        Self {
            begin,
            book,
            origin,
            edge,
            webhook,
            simulator,
            key,
            api_keys,
            kills,
            _storage: storage,
        }
    }

    async fn kill(&mut self) {
        self.kills.push(Instant::now());
        self.edge.kill().await;
        self.edge.restart().await.unwrap();
    }

    async fn submit(&mut self, jobs: usize) -> BTreeSet<String> {
        let mut submitted = BTreeSet::new();
        let between = (jobs / KILLS.0).max(1);
        for number in 0..jobs {
            let api_key = &self.api_keys[number / JOBS_PER_KEY];
            submitted.insert(submit(&self.simulator, api_key, number).await);
            if number % between == between - 1 {
                self.kill().await;
            }
        }
        self.say(&format!("{} jobs submitted", submitted.len()));
        submitted
    }

    async fn wait_for_ends(&mut self, jobs: usize) {
        let mut last = (0, Instant::now());
        loop {
            let ended = self.book.lock().unwrap().len();
            if ended >= jobs {
                break;
            }
            if ended != last.0 {
                last = (ended, Instant::now());
            }
            assert!(last.1.elapsed() < PATIENCE, "{ended} of {jobs} have ended, and no more come");
            self.say(&format!("{ended} of {jobs} jobs have ended at the origin"));
            tokio::time::sleep(Duration::from_secs(5)).await;
            if self.kills.len() < KILLS.1 {
                self.kill().await;
            }
        }
        self.say("every job has ended at the origin");
    }

    /// Everything comes after all, and nothing of it is forwarded.
    async fn deliver_late(&self) {
        let before = self.origin.count();
        let events = self.simulator.events();
        let late: Vec<_> = events.iter().filter(|event| event.dropped()).collect();
        for event in &late {
            self.simulator.redeliver(event.event_id()).unwrap();
        }
        let begin = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let events = self.simulator.events();
            let left: Vec<_> = events.iter().filter(|event| !event.delivered()).collect();
            if left.is_empty() {
                break;
            }
            assert!(begin.elapsed() < 5 * PATIENCE, "{} late webhooks are not taken", left.len());
            // The provider's retries are over within milliseconds here, and an engine that is busy says 503.
            if begin.elapsed().as_secs().is_multiple_of(10) {
                for event in left {
                    self.simulator.redeliver(event.event_id()).unwrap();
                }
            }
        }
        let further = self.origin.count() - before;
        self.say(&format!("{} late webhooks taken, {further} of them forwarded", late.len()));
        assert_eq!(further, 0, "late webhooks of jobs that had ended were forwarded");
    }

    /// An end that says something else is forwarded.
    async fn contradict(&self) {
        let books = self.simulator.books();
        let events = self.simulator.events();
        let is_made = |job: &&nextapi_simulator::JobBook| {
            events.iter().filter(|event| event.job_id() == job.job_id).all(EventRecord::dropped)
        };
        let job = books.jobs().iter().find(is_made).unwrap();
        let status = if job.status.as_str() == "succeeded" { "failed" } else { "succeeded" };
        let body = json!({
            "id": "evt_conflict",
            "type": format!("job.{status}"),
            "data": { "job": { "id": job.job_id, "status": status, "credits": 7 } },
        });
        let event = EventBody::new(format!("job.{status}"), body.to_string());
        let delivery = Delivery::signed(event, &self.key, UnixTime::now()).unwrap();
        let answer = Deliverer::new(&self.webhook).unwrap().send(&delivery).await.unwrap();
        assert_eq!(answer.status(), 200, "{answer}");
        let begin = Instant::now();
        while self.book.lock().unwrap()[&job.job_id].taken.len() < 2 {
            assert!(begin.elapsed() < PATIENCE, "the conflicting end is not forwarded");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.say("an end that says something else is forwarded");
    }

    /// What jobs have cost by the edge, and by the provider's books.
    async fn check_money(&self) {
        let url = format!("{}_edge/costs", self.edge.url());
        let answer = Client::new().get(url).bearer_auth(TOKEN).send().await.unwrap();
        let costs: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let settled = self.simulator.books().total().amounts.settled.to_string();
        self.say(&format!("settled {}, by the books {settled}", costs["total"]["settled"]));
        assert_eq!(costs["total"]["settled"], settled.as_str(), "{}", costs["total"]);
    }

    fn check_budget(&self) {
        let usage = self.simulator.usage();
        // Each of the submitters' keys has sent hundreds in a minute.
        let edge = usage.iter().min_by_key(|it| it.most_in_a_minute).unwrap();
        let (requests, most, refused) = (edge.requests, edge.most_in_a_minute, edge.refused);
        self.say(&format!(
            "{requests} requests of the edge, at most {most} in a minute, {refused} refused"
        ));
        assert!(most <= REQUESTS_PER_MINUTE && refused == 0);
    }

    fn say(&self, what: &str) {
        let seconds = self.begin.elapsed().as_secs();
        println!("  {seconds:>4} s, {} kills: {what}", self.kills.len());
    }
}

fn behaviour(seed: u64) -> Behaviour {
    Behaviour {
        job_duration: Duration::from_millis(500),
        failure_rate: 0.2,
        retry_scale: 0.0001,
        seed: Some(seed),
        faults: Faults { drop_jobs: 0.5, drop_events: 0.5, ..Faults::default() },
        api_faults: ApiFaults {
            fail_before: 0.02,
            cut_answer: 0.02,
            stale: 0.02,
            ..ApiFaults::default()
        },
        ..Behaviour::default()
    }
}

async fn submit(simulator: &Simulator, api_key: &str, number: usize) -> String {
    let job = json!({
        "model": "seedance-2.0-pro", "prompt": "a fox in the snow", "duration_seconds": 6, "resolution": "1080p",
    });
    // The API fails here, too. The same key makes the same job.
    for _ in 0..100 {
        let request = Client::new()
            .post(format!("{}v1/video/generations", simulator.url()))
            .bearer_auth(api_key)
            .header("idempotency-key", format!("order-{number}"))
            .body(job.to_string());
        let Ok(answer) = request.send().await else { continue };
        let Ok(text) = answer.text().await else { continue };
        let Ok(body) = serde_json::from_str::<Value>(&text) else { continue };
        if let Some(id) = body["id"].as_str() {
            return id.to_owned();
        }
    }
    panic!("no submission gets through");
}

fn origin_replies(origin: &Origin, book: &Book) {
    let book = Arc::clone(book);
    origin.reply_with(move |request| {
        if request.order() % 20 == 7 {
            return Reply::status(StatusCode::SERVICE_UNAVAILABLE);
        }
        let event = Event::read_unverified(request.body()).unwrap();
        if matches!(event.event_type(), Some("job.succeeded" | "job.failed")) {
            let key = request.idempotency_key().unwrap().to_owned();
            let job = event.job_id().unwrap().to_owned();
            book.lock()
                .unwrap()
                .entry(job)
                .or_default()
                .taken
                .entry(key)
                .or_default()
                .push(Instant::now());
        }
        Reply::default()
    });
}
