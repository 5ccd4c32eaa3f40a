//! Webhooks that never come.

use std::collections::{BTreeMap, BTreeSet};

use nextapi_simulator::{Behaviour, Client, Environment, EventRecord, Faults, Simulator};
use nextapi_testkit::Origin;
use nextapi_webhook::Event;

use crate::support::{SOON, example, quick, start};

const JOBS: usize = 40;

/// A simulator in which forty jobs have ended.
async fn ended(origin: &Origin, faults: Faults) -> (Simulator, Vec<String>) {
    let simulator = start(&origin.url(), Behaviour { faults, ..quick() }).await;
    let client = Client::of(&simulator, Environment::Live).unwrap();
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(client.submit(&[], &example()).await.unwrap().id().unwrap());
    }
    simulator.clock().advance(quick().job_duration);
    // Reading makes sure that they have.
    let list = client.get("/v1/video/generations?limit=100").await.unwrap().body;
    assert!(list["data"].as_array().unwrap().iter().all(|job| job["status"] == "succeeded"));
    let events = simulator.events();
    assert_eq!(events.len(), 3 * JOBS, "each has happened, whether it is told or not");
    origin.wait_for(events.iter().filter(|event| !event.dropped()).count(), SOON).await.unwrap();
    (simulator, jobs)
}

/// How many events of each job have come.
fn came(origin: &Origin, jobs: &[String]) -> Vec<usize> {
    let mut came: BTreeMap<_, _> = jobs.iter().map(|job| (job.clone(), 0)).collect();
    for request in origin.received() {
        let event = Event::read_unverified(request.body()).unwrap();
        let count: &mut usize = came.get_mut(event.job_id().unwrap()).unwrap();
        *count = count.saturating_add(1);
    }
    jobs.iter().map(|job| came[job]).collect()
}

#[tokio::test]
async fn all_webhooks_of_some_jobs_never_come_and_the_seed_says_of_which() {
    let faults = Faults { drop_jobs: 0.3, ..Faults::default() };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let origin = Origin::start().await.unwrap();
        let (_simulator, jobs) = ended(&origin, faults).await;
        runs.push(came(&origin, &jobs));
    }
    assert_eq!(runs[0], runs[1]);
    let silent = runs[0].iter().filter(|came| **came == 0).count();
    assert!((5..20).contains(&silent), "{silent}");
    assert!(runs[0].iter().all(|came| [0, 3].contains(came)), "{:?}", runs[0]);
}

#[tokio::test]
async fn some_webhooks_never_come_and_the_others_do_not_wait_for_them() {
    let origin = Origin::start().await.unwrap();
    // Held back to be overtaken, by one that never comes.
    let faults = Faults { drop_events: 0.3, reorder: 0.5, ..Faults::default() };
    let (simulator, jobs) = ended(&origin, faults).await;
    let came = came(&origin, &jobs);
    let dropped = 3 * JOBS - came.iter().sum::<usize>();
    assert!((20..60).contains(&dropped), "{dropped}");
    assert!(came.iter().any(|came| [1, 2].contains(came)));
    assert_eq!(simulator.events().iter().filter(|event| event.dropped()).count(), dropped);
    let mut dropped = simulator.events().into_iter().filter(EventRecord::dropped);
    assert!(dropped.all(|event| event.attempts() == 0 && !event.delivered()));
}

#[tokio::test]
async fn what_was_dropped_can_be_delivered_late() {
    let origin = Origin::start().await.unwrap();
    let faults = Faults { drop_jobs: 1.0, ..Faults::default() };
    let (simulator, jobs) = ended(&origin, faults).await;
    assert_eq!((origin.count(), simulator.deliveries().len()), (0, 0));
    for event in simulator.events() {
        simulator.redeliver(event.event_id()).unwrap();
    }
    origin.wait_for(3 * JOBS, SOON).await.unwrap();
    assert_eq!(came(&origin, &jobs), [3; JOBS]);
    let types: BTreeSet<_> =
        simulator.events().iter().map(|event| event.event_type().to_owned()).collect();
    assert_eq!(types.len(), 3);
    assert!(simulator.redeliver("evt_none").is_err());

    // The same can be asked over HTTP.
    let client = Client::of(&simulator, Environment::Live).unwrap();
    let path = format!("/_provider/events?job_id={}&dropped=true", jobs[0]);
    let events = client.get(&path).await.unwrap().body;
    assert_eq!(events["total"], 3);
    assert_eq!(client.get("/_provider/events?dropped=false").await.unwrap().body["total"], 0);
}
