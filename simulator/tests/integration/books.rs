//! The books and the count of requests.

use core::time::Duration;
use std::collections::HashSet;

use nextapi_simulator::{ApiFaults, ApiKeys, Behaviour, Client, Clock, Environment, Simulator};
use nextapi_testkit::{Credits, Origin, Status};
use nextapi_webhook::UnixTime;
use serde_json::json;

use crate::support::{SOON, builder, example, quick};

const JOBS: &str = "/v1/video/generations";
const KEYS: &str = "live:key-1 test:key-2";

/// A simulator whose clock stands, and whose jobs take forty seconds of it.
async fn standing(origin: &Origin, behaviour: Behaviour) -> Simulator {
    let job_duration = Duration::from_secs(40);
    builder(&origin.url(), Behaviour { job_duration, ..behaviour })
        .clock(Clock::standing_at(UnixTime::from_secs(1_700_000_000)))
        .start(ApiKeys::parse(KEYS).unwrap())
        .await
        .unwrap()
}

fn client(simulator: &Simulator, key: &str) -> Client {
    Client::new(&simulator.url(), key).unwrap()
}

/// So many jobs of the documentation's example.
fn price(jobs: usize) -> Credits {
    Credits::from_thousandths(1_050_u64.saturating_mul(jobs as u64))
}

#[tokio::test]
async fn the_books_say_what_was_reserved_settled_and_refunded_whatever_the_client_was_told() {
    let origin = Origin::start().await.unwrap();
    let api_faults = ApiFaults { lose_answer: 0.3, fail_after: 0.2, ..ApiFaults::default() };
    let simulator = standing(&origin, Behaviour { api_faults, failure_rate: 0.3, ..quick() }).await;
    for number in 0..60 {
        let key = if number % 3 == 0 { "key-2" } else { "key-1" };
        let name = format!("order-{number}");
        let client = client(&simulator, key);
        // As often as it takes, under one idempotency key.
        while !client
            .submit(&[("idempotency-key", &name)], &example())
            .await
            .is_ok_and(|answer| answer.status == 200)
        {}
    }
    let books = simulator.books();
    assert_eq!((books.of(Environment::Live).jobs, books.of(Environment::Test).jobs), (40, 20));
    let total = books.total();
    assert_eq!((total.jobs, total.amounts.reserved), (60, price(60)));
    assert_eq!(total.amounts.outstanding(), price(60), "none has ended");

    simulator.clock().advance(Duration::from_secs(40));
    origin.wait_for(180, SOON).await.unwrap();
    let books = simulator.books();
    let ids: HashSet<_> = books.jobs().iter().map(|job| &job.job_id).collect();
    assert_eq!(ids.len(), 60);
    for environment in Environment::ALL {
        let jobs = books.jobs().iter().filter(|job| job.environment == environment);
        let failed = jobs.filter(|job| job.status == Status::Failed).count();
        let total = books.of(environment);
        let count = usize::try_from(total.jobs).unwrap();
        assert!((1..count).contains(&failed));
        assert_eq!(total.amounts.settled, price(count - failed));
        assert_eq!(total.amounts.refunded, price(failed));
        assert_eq!(total.amounts.outstanding(), Credits::default());
        // The account was kept by itself.
        let account = simulator.account(environment);
        assert_eq!(
            (account.spent(), account.reserved()),
            (price(count - failed), Credits::default())
        );
    }
    for job in books.jobs() {
        let (settled, refunded) = match job.status {
            Status::Succeeded => (price(1), price(0)),
            _ => (price(0), price(1)),
        };
        assert_eq!(
            (job.amounts.reserved, job.amounts.settled, job.amounts.refunded),
            (price(1), settled, refunded)
        );
    }
}

#[tokio::test]
async fn they_can_be_read_over_http_and_outlive_the_simulator() {
    let (folder, origin) = (tempfile::tempdir().unwrap(), Origin::start().await.unwrap());
    let mut read = Vec::new();
    for run in 0..2 {
        let simulator = builder(&origin.url(), quick())
            .data(folder.path().join("provider.data"))
            .start(ApiKeys::parse(KEYS).unwrap())
            .await
            .unwrap();
        let client = client(&simulator, "key-1");
        if run == 0 {
            for _ in 0..2 {
                client.submit(&[], &example()).await.unwrap().id().unwrap();
            }
            origin.wait_for(6, SOON).await.unwrap();
        }
        read.push((client.get("/_provider/books?limit=1").await.unwrap().body, simulator.books()));
    }
    assert_eq!(read[0], read[1]);
    let (body, books) = &read[0];
    let amounts = json!({ "jobs": 2, "reserved": "2.1", "settled": "2.1", "refunded": "0", "outstanding": "0" });
    assert_eq!(body["live"], amounts);
    assert_eq!(body["test"]["jobs"], 0);
    assert_eq!((&body["jobs"]["total"], &body["jobs"]["limit"]), (&json!(2), &json!(1)));
    // Newest first.
    assert_eq!(body["jobs"]["data"][0]["job_id"], json!(books.jobs()[1].job_id));
    assert_eq!(body["jobs"]["data"][0]["settled"], "1.05");
}

#[tokio::test]
async fn requests_are_counted_by_key_and_minute() {
    let origin = Origin::start().await.unwrap();
    let simulator = standing(&origin, quick()).await;
    assert_eq!(simulator.usage(), []);
    let (live, test) = (client(&simulator, "key-1"), client(&simulator, "key-2"));
    for (requests, seconds) in [(5, 30), (7, 30), (1, 0)] {
        for _ in 0..requests {
            live.get(JOBS).await.unwrap();
        }
        simulator.clock().advance(Duration::from_secs(seconds));
    }
    for _ in 0..601 {
        test.get(JOBS).await.unwrap();
    }
    // Who is unknown is not counted, nor is what is not the provider's.
    client(&simulator, "key-3").get(JOBS).await.unwrap();
    let counted = live.get("/_provider/usage").await.unwrap().body;
    let usage = simulator.usage();
    let of = |environment| usage.iter().find(|usage| usage.environment == environment).unwrap();
    let seen = of(Environment::Live);
    assert_eq!((seen.requests, seen.refused, seen.most_in_a_minute), (13, 0, 12));
    assert_eq!(seen.by_minute.values().copied().collect::<Vec<_>>(), [12, 1]);
    assert_eq!((of(Environment::Test).requests, of(Environment::Test).refused), (601, 1));
    assert_eq!(usage.len(), 2);
    let told = counted["data"].as_array().unwrap();
    let told = told.iter().find(|usage| usage["environment"] == "live").unwrap();
    assert_eq!((&told["most_in_a_minute"], &told["key"]), (&json!(12), &json!(seen.key)));
}
