//! Whole jobs, submitted through the provider's API, with everything going wrong that may.

use core::time::Duration;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use http::StatusCode;
use nextapi_simulator::{ApiKeys, Behaviour, Faults, Simulator};
use nextapi_testkit::Reply;
use nextapi_webhook::Event;
use tokio::sync::watch;

use crate::setup::{PATH, PATIENCE, Setup, key};

const JOBS: usize = 100;
/// Queued, running, succeeded.
const EVENTS: usize = 3 * JOBS;

async fn submit(simulator: &Simulator, number: usize) -> String {
    let (_, api_key) = simulator.keys().generated().next().unwrap();
    let job = serde_json::json!({
        "model": "seedance-2.0-pro", "prompt": "a fox in the snow", "duration_seconds": 6,
        "resolution": "1080p",
    });
    let answer = reqwest::Client::new()
        .post(format!("{}v1/video/generations", simulator.url()))
        .bearer_auth(api_key)
        .header("idempotency-key", format!("order-{number}"))
        .body(job.to_string())
        .send()
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

/// The provider loses deliveries and makes others twice, the origin fails every seventh request. The
/// origin still says 2xx to each event of each job exactly once.
#[tokio::test]
async fn each_event_of_a_hundred_jobs_is_taken_exactly_once() {
    let setup = Setup::start().await;
    let taken: Arc<Mutex<HashMap<(String, String), usize>>> = Arc::default();
    setup.origin.reply_with({
        let taken = Arc::clone(&taken);
        move |request| {
            if request.order() % 7 == 6 {
                return Reply::status(StatusCode::INTERNAL_SERVER_ERROR);
            }
            let event = Event::read_unverified(request.body()).unwrap();
            let name = (event.job_id().unwrap().to_owned(), event.event_type().unwrap().to_owned());
            *taken.lock().unwrap().entry(name).or_default() += 1;
            Reply::default()
        }
    });

    let (sender, mut delivered) = watch::channel(0);
    let seen = Mutex::new(HashSet::new());
    let faults = Faults { lose: 0.1, duplicate: 0.3, reorder: 0.1, ..Faults::default() };
    let behaviour = Behaviour {
        job_duration: Duration::from_millis(40),
        retry_scale: 0.0001,
        seed: Some(7),
        faults,
        ..Behaviour::default()
    };
    let simulator = Simulator::builder(format!("{}{PATH}", setup.edge.url()), key())
        .behaviour(behaviour)
        .on_delivery(move |record| {
            let mut seen = seen.lock().unwrap();
            if record.outcome().is_success() && seen.insert(record.event_id().to_owned()) {
                sender.send_replace(seen.len());
            }
        })
        .start(ApiKeys::generate().unwrap())
        .await
        .unwrap();
    let mut jobs = HashSet::new();
    for number in 0..JOBS {
        jobs.insert(submit(&simulator, number).await);
    }
    let all = delivered.wait_for(|count| *count == EVENTS);
    tokio::time::timeout(2 * PATIENCE, all).await.expect("an event is missing").unwrap();

    let expected: HashMap<_, _> = jobs
        .iter()
        .flat_map(|job| {
            ["job.queued", "job.running", "job.succeeded"]
                .map(|kind| ((job.clone(), kind.to_owned()), 1))
        })
        .collect();
    assert_eq!(*taken.lock().unwrap(), expected);
    assert!(setup.origin.count() > EVENTS, "the origin has not failed at all");
}
