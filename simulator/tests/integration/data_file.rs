//! The simulator's data file: the next one goes on from it.

use core::time::Duration;
use std::path::{Path, PathBuf};

use http::StatusCode;
use nextapi_simulator::{
    ApiFaults, ApiKeys, Behaviour, Client, DeliveryOutcome, Environment, Response, Simulator,
    SpendLimits,
};
use nextapi_testkit::{Credits, Origin, Reply};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{SOON, builder, example, quick};

const KEYS: &str = "live:key-canary-live test:key-canary-test";
const LIVE: &str = "key-canary-live";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("provider.data");
    (folder, data)
}

async fn start(origin: &Origin, data: &Path, behaviour: Behaviour) -> Simulator {
    let keys = ApiKeys::parse(KEYS).unwrap();
    builder(&origin.url(), behaviour).data(data).start(keys).await.unwrap()
}

async fn job(client: &Client, id: &str) -> Value {
    client.get(&format!("/v1/video/generations/{id}")).await.unwrap().body
}

async fn submit(client: &Client, key: &str) -> Response {
    client.submit(&[("idempotency-key", key)], &example()).await.unwrap()
}

#[tokio::test]
async fn the_next_one_goes_on_where_the_last_one_ended() {
    let (_folder, data) = folder();
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    // The job runs for ever, and its event is not tried again.
    let slow = Behaviour {
        job_duration: Duration::from_hours(1),
        retry_scale: 1.0,
        credits: Credits::whole(10),
        ..quick()
    };
    let first = start(&origin, &data, slow).await;
    let client = Client::new(&first.url(), LIVE).unwrap();
    let answer = submit(&client, "order-7").await;
    origin.wait_for(1, SOON).await.unwrap();
    // The log is written when the answer has come.
    let log = async {
        loop {
            let log = client.get("/_provider/deliveries").await.unwrap().body;
            if log["data"][0]["outcome"] == "refused" {
                return log;
            }
        }
    };
    let log = tokio::time::timeout(SOON, log).await.unwrap();
    let (told, account) =
        (job(&client, &answer.id().unwrap()).await, first.account(Environment::Live));
    assert_eq!(account.reserved(), Credits::from_thousandths(1_050));
    drop(first);

    let other = Behaviour { credits: Credits::whole(7), ..slow };
    let second = start(&origin, &data, other).await;
    let client = Client::new(&second.url(), LIVE).unwrap();
    assert_eq!(second.account(Environment::Live), account, "the credits are those of the file");
    assert_eq!(job(&client, &answer.id().unwrap()).await, told);
    assert_eq!(client.get("/_provider/deliveries").await.unwrap().body, log);
    assert_eq!(submit(&client, "order-7").await.body, answer.body);
    assert_eq!(client.get("/v1/video/generations").await.unwrap().body["total"], 1);
    let other = Client::new(&second.url(), "key-canary-test").unwrap();
    assert_ne!(submit(&other, "order-7").await.id().unwrap(), answer.id().unwrap());
}

#[tokio::test]
async fn a_retry_that_was_planned_is_made_by_the_next_one() {
    let (_folder, data) = folder();
    let mut origin = Origin::start().await.unwrap();
    origin.refuse().await;
    let slow = Behaviour { job_duration: Duration::from_hours(1), ..quick() };
    // 60 ms until the first retry, 300 until the second …
    let slow = Behaviour { retry_scale: 0.001, ..slow };
    let (sender, mut failed) = tokio::sync::mpsc::unbounded_channel();
    let first = builder(&origin.url(), slow)
        .data(&data)
        .on_delivery(move |record| sender.send(record.outcome()).unwrap_or_default())
        .start(ApiKeys::parse(KEYS).unwrap())
        .await
        .unwrap();
    submit(&Client::new(&first.url(), LIVE).unwrap(), "order-7").await;
    assert_eq!(failed.recv().await, Some(DeliveryOutcome::NoAnswer));
    drop(first);

    origin.accept().await.unwrap();
    // Whatever is planned from here on comes in a minute or later.
    let second = start(&origin, &data, Behaviour { retry_scale: 1.0, ..slow }).await;
    let received = origin.wait_for(1, SOON).await.unwrap();
    assert_eq!(received[0].header("x-nextapi-event").unwrap(), "job.queued");
    let log = second.deliveries();
    assert!(log.last().unwrap().attempt() >= 2, "{log:?}");
}

#[tokio::test]
async fn what_was_spent_stored_and_deleted_stays_so() {
    let (_folder, data) = folder();
    let origin = Origin::start().await.unwrap();
    let limits = SpendLimits {
        environment: Some(Credits::from_thousandths(2_100)),
        ..SpendLimits::default()
    };
    let start = |api_faults| {
        builder(&origin.url(), Behaviour { api_faults, ..quick() })
            .spend_limits(limits)
            .data(&data)
            .start(ApiKeys::parse(KEYS).unwrap())
    };
    let none = ApiFaults::default();

    let failing = start(ApiFaults { store_error: 1.0, ..none }).await.unwrap();
    let client = Client::new(&failing.url(), "key-canary-test").unwrap();
    assert_eq!(submit(&client, "order-6").await.status, 500);
    drop(failing);

    let deleting = start(ApiFaults { delete_listed: 1.0, ..none }).await.unwrap();
    let client = Client::new(&deleting.url(), LIVE).unwrap();
    for key in ["order-7", "order-8"] {
        submit(&client, key).await.id().unwrap();
    }
    assert_eq!(submit(&client, "order-9").await.status, 402);
    let list = client.get("/v1/video/generations?offset=2").await.unwrap().body;
    assert_eq!(list["total"], 1);
    let budgets = |simulator: &Simulator| {
        let events = simulator.events().into_iter();
        events.filter(|event| event.event_type().starts_with("budget.")).count()
    };
    assert_eq!(budgets(&deleting), 2);
    drop(deleting);

    let third = start(none).await.unwrap();
    let client = Client::new(&third.url(), LIVE).unwrap();
    assert_eq!(submit(&client, "order-9").await.status, 402);
    assert_eq!(budgets(&third), 2, "each is told once");
    assert_eq!(client.get("/v1/video/generations").await.unwrap().body["total"], 1);
    let client = Client::new(&third.url(), "key-canary-test").unwrap();
    assert_eq!(submit(&client, "order-6").await.status, 500);
}
