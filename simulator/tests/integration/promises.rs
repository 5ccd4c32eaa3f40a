//! The simulator's jobs' events arrive, and its API keeps its promises.

use core::time::Duration;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use http::{Method, StatusCode};
use nextapi_simulator::{
    ApiKeys, Behaviour, Client, DeliveryOutcome, DeliveryReason, DeliveryRecord, Environment,
    Faults, Shapes,
};
use nextapi_testkit::{Credits, Origin, Received, ReferenceEdge, Reply};
use nextapi_webhook::{Event, EventKey, Key, Tolerance, UnixTime, Verifier};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::{SECRET, SOON, builder, example, quick, start};

const JOBS: usize = 100;
/// Queued, running, and the end.
const EVENTS: usize = 3 * JOBS;

async fn submit_all(client: &Client) -> HashSet<String> {
    let mut submissions = JoinSet::new();
    for number in 0..JOBS {
        let client = client.clone();
        submissions.spawn(async move {
            let key = format!("order-{number}");
            client.submit(&[("idempotency-key", &key)], &example()).await.unwrap().id().unwrap()
        });
    }
    let ids: HashSet<_> = submissions.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), JOBS);
    ids
}

fn job_and_key(request: &Received) -> (String, String) {
    let event = Event::read_unverified(request.body()).unwrap();
    (event.job_id().unwrap().to_owned(), EventKey::of_unverified(request.body()).to_string())
}

/// How often each event of each job came.
fn by_job(received: &[Received]) -> HashMap<String, HashMap<String, usize>> {
    let mut jobs: HashMap<String, HashMap<String, usize>> = HashMap::new();
    for request in received {
        let (job, key) = job_and_key(request);
        let count = jobs.entry(job).or_default().entry(key).or_default();
        *count = count.saturating_add(1);
    }
    jobs
}

fn check_signatures(received: &[Received]) {
    let keys = [Key::new(SECRET.as_bytes()).unwrap()];
    let verifier: Verifier<1> = Verifier::new(keys, Tolerance::DEFAULT).unwrap();
    for request in received {
        let signature = request.header("x-nextapi-signature").unwrap();
        let verdict = verifier.verify(signature, request.body(), UnixTime::now());
        assert_eq!(verdict.unwrap().key_index(), 0);
    }
}

/// Counts the events that were delivered, each once.
fn count_delivered() -> (watch::Receiver<usize>, impl Fn(&DeliveryRecord) + Send + Sync) {
    let (sender, receiver) = watch::channel(0);
    let seen = Mutex::new(HashSet::new());
    let observe = move |record: &DeliveryRecord| {
        let mut seen = seen.lock().unwrap();
        if record.outcome().is_success() && seen.insert(record.event_id().to_owned()) {
            sender.send_replace(seen.len());
        }
    };
    (receiver, observe)
}

#[tokio::test]
async fn each_event_of_a_hundred_jobs_arrives_exactly_once_and_in_order() {
    let origin = Origin::start().await.unwrap();
    let simulator = start(&origin.url(), Behaviour { failure_rate: 0.2, ..quick() }).await;
    let client = Client::of(&simulator, Environment::Live).unwrap();
    let ids = submit_all(&client).await;

    let received = origin.wait_for(EVENTS, SOON).await.unwrap();
    check_signatures(&received);
    let jobs = by_job(&received);
    assert_eq!(jobs.keys().cloned().collect::<HashSet<_>>(), ids);
    for events in jobs.values() {
        assert_eq!(events.values().copied().collect::<Vec<_>>(), [1, 1, 1]);
    }
    let mut failed = 0;
    for id in &ids {
        let types: Vec<_> = received
            .iter()
            .filter(|request| job_and_key(request).0 == *id)
            .map(|request| request.header("x-nextapi-event").unwrap())
            .collect();
        assert_eq!(types[..2], ["job.queued", "job.running"]);
        let end = client.get(&format!("/v1/video/generations/{id}")).await.unwrap().body;
        assert_eq!(types[2], format!("job.{}", end["status"].as_str().unwrap()));
        failed += u64::from(end["status"] == "failed");
    }
    assert!((5..50).contains(&failed), "{failed} of a hundred failed, not about twenty");

    // What succeeded is paid for, what failed was given back.
    let account = simulator.account(Environment::Live);
    let spent = Credits::from_thousandths((JOBS as u64 - failed) * 1_050);
    assert_eq!((account.spent(), account.reserved()), (spent, Credits::default()));
    let all = account.available().as_thousandths() + spent.as_thousandths();
    assert_eq!(Credits::from_thousandths(all), quick().credits);
    assert_eq!(simulator.deliveries().len(), EVENTS, "no attempt was made that is not needed");
}

#[tokio::test]
async fn with_losses_and_duplicates_every_event_arrives_at_least_once() {
    let origin = Origin::start().await.unwrap();
    let faults = Faults { lose: 0.1, duplicate: 0.2, reorder: 0.3, ..Faults::default() };
    let behaviour = Behaviour { faults, shapes: Shapes::Mixed, ..quick() };
    let (mut delivered, observe) = count_delivered();
    let keys = ApiKeys::generate().unwrap();
    let simulator =
        builder(&origin.url(), behaviour).on_delivery(observe).start(keys).await.unwrap();
    let ids = submit_all(&Client::of(&simulator, Environment::Test).unwrap()).await;

    let all = delivered.wait_for(|count| *count == EVENTS);
    tokio::time::timeout(SOON, all).await.expect("an event is missing").unwrap();
    let received = origin.received();
    check_signatures(&received);
    let jobs = by_job(&received);
    assert_eq!(jobs.keys().cloned().collect::<HashSet<_>>(), ids);
    assert!(jobs.values().all(|events| events.len() == 3));
    assert!(received.len() > EVENTS, "some came twice");

    let log = simulator.deliveries();
    for outcome in [DeliveryOutcome::Lost, DeliveryOutcome::Answered(200)] {
        assert!(log.iter().any(|record| record.outcome() == outcome), "{outcome:?}");
    }
    for reason in [DeliveryReason::First, DeliveryReason::Retry, DeliveryReason::Duplicate] {
        assert!(log.iter().any(|record| record.reason() == reason), "{reason:?}");
    }
}

#[tokio::test]
async fn behind_an_edge_the_origin_gets_each_event_once_in_spite_of_the_faults() {
    let folder = ReferenceEdge::new("").unwrap();
    let origin = Origin::start().await.unwrap();
    let edge = folder.builder(SECRET, &origin).start().await.unwrap();
    let faults = Faults { lose: 0.1, duplicate: 0.3, ..Faults::default() };
    let (mut delivered, observe) = count_delivered();
    let simulator = builder(&format!("{}webhook", edge.url()), Behaviour { faults, ..quick() })
        .on_delivery(observe)
        .start(ApiKeys::generate().unwrap())
        .await
        .unwrap();
    let ids = submit_all(&Client::of(&simulator, Environment::Live).unwrap()).await;

    let all = delivered.wait_for(|count| *count == EVENTS);
    tokio::time::timeout(SOON, all).await.expect("an event is missing").unwrap();
    let jobs = by_job(&origin.received());
    assert_eq!(jobs.keys().cloned().collect::<HashSet<_>>(), ids);
    for events in jobs.values() {
        assert_eq!(events.values().copied().collect::<Vec<_>>(), [1, 1, 1]);
    }
    let log = simulator.deliveries();
    let duplicates =
        log.iter().filter(|record| record.reason() == DeliveryReason::Duplicate).count();
    assert!(duplicates > 30, "{duplicates}");
}

#[tokio::test]
async fn what_is_refused_is_retried_with_another_signature() {
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    origin.reply_next(Reply::status(StatusCode::NO_CONTENT));
    // No other event comes in between.
    let behaviour = Behaviour { job_duration: Duration::from_hours(1), ..quick() };
    // 1.2 s until the first retry: another second has begun by then.
    let behaviour = Behaviour { retry_scale: 0.02, ..behaviour };
    let simulator = start(&origin.url(), behaviour).await;
    Client::of(&simulator, Environment::Live)
        .unwrap()
        .submit(&[], &example())
        .await
        .unwrap()
        .id()
        .unwrap();
    let received = origin.wait_for(2, SOON).await.unwrap();
    check_signatures(&received);
    assert_eq!(received[0].body(), received[1].body());
    for header in ["x-nextapi-signature", "x-correlation-id"] {
        assert_ne!(received[0].header(header), received[1].header(header), "{header}");
    }
}

#[tokio::test]
async fn only_2xx_is_a_success() {
    let origin = Origin::start().await.unwrap();
    for reply in [
        Reply::redirect("http://127.0.0.1:9/"),
        Reply::status(StatusCode::BAD_REQUEST),
        Reply::close(),
        Reply::status(StatusCode::ACCEPTED),
    ] {
        origin.reply_next(reply);
    }
    let behaviour = Behaviour { job_duration: Duration::from_hours(1), ..quick() };
    let (mut delivered, observe) = count_delivered();
    let simulator = builder(&origin.url(), behaviour)
        .on_delivery(observe)
        .start(ApiKeys::generate().unwrap())
        .await
        .unwrap();
    Client::of(&simulator, Environment::Live)
        .unwrap()
        .submit(&[], &example())
        .await
        .unwrap()
        .id()
        .unwrap();
    tokio::time::timeout(SOON, delivered.wait_for(|count| *count == 1)).await.unwrap().unwrap();
    let log = simulator.deliveries();
    let outcomes: Vec<_> = log.iter().map(|record| (record.attempt(), record.outcome())).collect();
    assert_eq!(
        outcomes,
        [
            (1, DeliveryOutcome::Answered(302)),
            (2, DeliveryOutcome::Answered(400)),
            (3, DeliveryOutcome::NoAnswer),
            (4, DeliveryOutcome::Answered(202)),
        ]
    );
}

#[tokio::test]
async fn an_event_is_delivered_again_when_somebody_asks() {
    let origin = Origin::start().await.unwrap();
    let simulator = start(&origin.url(), quick()).await;
    let client = Client::of(&simulator, Environment::Live).unwrap();
    let job = client.submit(&[], &example()).await.unwrap().id().unwrap();
    let received = origin.wait_for(3, SOON).await.unwrap();
    let event = Event::read_unverified(received[1].body()).unwrap().id().unwrap().to_owned();

    let path = format!("/_provider/events/{event}/redeliver");
    let answer = client.call(Method::POST, &path, &[], String::new()).await.unwrap();
    assert_eq!((answer.status, &answer.body["event_id"]), (202, &json!(event)));
    let received = origin.wait_for(4, SOON).await.unwrap();
    assert_eq!(received[3].body(), received[1].body());
    let log =
        client.get(&format!("/_provider/deliveries?job_id={job}&limit=1")).await.unwrap().body;
    assert_eq!(log["total"], 4);
    assert_eq!(log["data"][0]["reason"], "redelivery");
    assert_eq!(log["data"][0]["id"], received[3].header("x-correlation-id").unwrap());
}

#[tokio::test]
async fn a_repeated_submission_makes_one_job() {
    let origin = Origin::start().await.unwrap();
    let simulator = start(&origin.url(), quick()).await;
    let live = Client::of(&simulator, Environment::Live).unwrap();
    let test = Client::of(&simulator, Environment::Test).unwrap();
    let key = [("idempotency-key", "order-7")];
    let first = live.submit(&key, &example()).await.unwrap();
    origin.wait_for(3, SOON).await.unwrap();
    let job =
        live.get(&format!("/v1/video/generations/{}", first.id().unwrap())).await.unwrap().body;
    assert_eq!(job["status"], "succeeded");
    assert_eq!(live.submit(&key, &example()).await.unwrap().body, first.body, "the same answer");
    let mut other = example();
    other["prompt"] = json!("canary");
    let conflict = live.submit(&key, &other).await.unwrap();
    assert_eq!(conflict.error(), (409, "invalid_request"));
    assert_ne!(
        test.submit(&key, &example()).await.unwrap().id().unwrap(),
        first.id().unwrap(),
        "each API key has its own"
    );
    assert_eq!(live.get("/v1/video/generations").await.unwrap().body["total"], 1);
}

#[tokio::test]
async fn environments_do_not_see_each_other() {
    let origin = Origin::start().await.unwrap();
    let simulator = start(&origin.url(), quick()).await;
    let live = Client::of(&simulator, Environment::Live).unwrap();
    let test = Client::of(&simulator, Environment::Test).unwrap();
    let job =
        live.submit(&[("x-nextapi-environment", "live")], &example()).await.unwrap().id().unwrap();
    let path = format!("/v1/video/generations/{job}");
    assert_eq!(test.get(&path).await.unwrap().error(), (404, "invalid_request"));
    assert_eq!(test.get("/v1/video/generations").await.unwrap().body["total"], 0);
    let wrong = live.submit(&[("x-nextapi-environment", "test")], &example()).await.unwrap();
    assert_eq!(wrong.error(), (401, "unauthorized"));
    assert_eq!(
        Client::new(&simulator.url(), "canary").unwrap().get(&path).await.unwrap().error().0,
        401
    );
}

#[tokio::test]
async fn nothing_is_delivered_once_it_is_dropped() {
    let origin = Origin::start().await.unwrap();
    let behaviour = Behaviour { job_duration: Duration::from_hours(1), ..quick() };
    let simulator = start(&origin.url(), behaviour).await;
    let url = simulator.url();
    let client = Client::of(&simulator, Environment::Live).unwrap();
    client.submit(&[], &example()).await.unwrap().id().unwrap();
    origin.wait_for(1, SOON).await.unwrap();
    drop(simulator);
    // The port is free again as soon as the server has seen that it is to end.
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let refused = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, refused).await.unwrap();
}
