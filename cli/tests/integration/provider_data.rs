//! The stand-in's data file: what outlives the process, however it ends.

use core::time::Duration;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use http::{Method, StatusCode};
use nextapi_hook::{
    ApiKeys, Behaviour, Credits, DeliveryOutcome, Environment, Origin, Reply, StandIn,
};
use nextapi_webhook::{Event, EventKey};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::provider_command::Providing;
use crate::stand_in_client::{Client, Response, SOON, builder, example, quick};
use crate::support::{SECRET, hook, run};

const KEYS: &str = "live:key-canary-live test:key-canary-test";
const LIVE: &str = "key-canary-live";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("provider.data");
    (folder, data)
}

async fn start(origin: &Origin, data: &Path, behaviour: Behaviour) -> StandIn {
    let keys = ApiKeys::parse(KEYS).unwrap();
    builder(&origin.url(), behaviour).data(data).start(keys).await.unwrap()
}

async fn job(client: &Client, id: &str) -> Value {
    client.get(&format!("/v1/video/generations/{id}")).await.body
}

async fn try_submit(client: &Client, key: &str) -> reqwest::Result<Response> {
    let headers = [("idempotency-key", key)];
    client.try_call(Method::POST, "/v1/video/generations", &headers, example().to_string()).await
}

/// The distinct events of each job.
fn events(origin: &Origin) -> HashMap<String, HashSet<String>> {
    let mut jobs: HashMap<String, HashSet<String>> = HashMap::new();
    for request in origin.received() {
        let id = Event::read(request.body()).unwrap().job_id().unwrap().to_owned();
        jobs.entry(id).or_default().insert(EventKey::of(request.body()).to_string());
    }
    jobs
}

/// Waits until the origin has this many distinct events.
async fn wait_for_events(origin: &Origin, count: usize) {
    loop {
        let received = origin.count();
        if events(origin).values().map(HashSet::len).sum::<usize>() >= count {
            return;
        }
        origin.wait_for(received.saturating_add(1), SOON).await.unwrap();
    }
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
    let client = Client::new(&first.url(), LIVE);
    let answer = try_submit(&client, "order-7").await.unwrap();
    origin.wait_for(1, SOON).await.unwrap();
    // The log is written when the answer has come.
    let log = async {
        loop {
            let log = client.get("/_provider/deliveries").await.body;
            if log["data"][0]["outcome"] == "refused" {
                return log;
            }
        }
    };
    let log = tokio::time::timeout(SOON, log).await.unwrap();
    let (told, account) = (job(&client, &answer.id()).await, first.account(Environment::Live));
    assert_eq!(account.reserved(), Credits::from_thousandths(1_050));
    drop(first);

    let other = Behaviour { credits: Credits::whole(7), ..slow };
    let second = start(&origin, &data, other).await;
    let client = Client::new(&second.url(), LIVE);
    assert_eq!(second.account(Environment::Live), account, "the credits are those of the file");
    assert_eq!(job(&client, &answer.id()).await, told);
    assert_eq!(client.get("/_provider/deliveries").await.body, log);
    assert_eq!(try_submit(&client, "order-7").await.unwrap().body, answer.body);
    assert_eq!(client.get("/v1/video/generations").await.body["total"], 1);
    let other = Client::new(&second.url(), "key-canary-test");
    assert_ne!(try_submit(&other, "order-7").await.unwrap().id(), answer.id());
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
    try_submit(&Client::new(&first.url(), LIVE), "order-7").await.unwrap();
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

// The requests are made while the test waits for processes.
#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_loses_no_event_no_credit_and_no_job() {
    const JOBS: usize = 40;
    const KILLS: usize = 6;
    let (_folder, data) = folder();
    let origin = Origin::start().await.unwrap();
    let arguments = [
        "--data",
        data.to_str().unwrap(),
        "--job-duration",
        "50ms",
        "--failure-rate",
        "0.3",
        "--retry-scale",
        "0.0001",
        "--shape",
        "mixed",
    ];
    let mut answered: HashMap<String, String> = HashMap::new();
    for round in 0..=KILLS {
        // Some of the deliveries are refused.
        for _ in 0..10 {
            origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
        }
        let mut providing = Providing::start(&origin.url(), Some(KEYS), &arguments);
        let client = Client::new(&providing.url, LIVE);
        let mut submissions = JoinSet::new();
        for number in 0..JOBS {
            let client = client.clone();
            submissions.spawn(async move {
                let key = format!("order-{number}");
                let answer = try_submit(&client, &key).await;
                (key, answer)
            });
        }
        if round < KILLS {
            // In the middle of everything: some answers are there, some deliveries have begun.
            let seen = origin.count();
            origin.wait_for(seen + 5 + round, SOON).await.unwrap();
            providing.child.kill().unwrap();
            providing.child.wait().unwrap();
        }
        for (key, answer) in submissions.join_all().await {
            let Ok(answer) = answer else {
                assert!(round < KILLS, "the last one was not killed");
                continue;
            };
            let id = answer.id();
            let known = answered.entry(key).or_insert_with(|| id.clone());
            assert_eq!(*known, id, "a job that was answered is there after the kill");
        }
        if round == KILLS {
            assert_eq!(answered.len(), JOBS);
            wait_for_events(&origin, 3 * JOBS).await;
            check_end(&origin, &client, &answered).await;
        }
    }
}

async fn check_end(origin: &Origin, client: &Client, answered: &HashMap<String, String>) {
    let ids: HashSet<_> = answered.values().cloned().collect();
    let list = client.get("/v1/video/generations?limit=100").await.body;
    assert_eq!(list["total"].as_u64(), Some(ids.len() as u64), "each order has made one job");
    let events = events(origin);
    assert_eq!(events.keys().cloned().collect::<HashSet<_>>(), ids);
    assert!(events.values().all(|events| events.len() == 3), "{events:?}");

    let jobs = list["data"].as_array().unwrap();
    let succeeded = jobs.iter().filter(|job| job["status"] == "succeeded").count() as u64;
    assert!((1..ids.len() as u64).contains(&succeeded), "{succeeded}");
    let spent = Credits::from_thousandths(succeeded.saturating_mul(1_050)).to_string();
    let account = client.get("/_provider/accounts").await.body["live"].clone();
    assert_eq!(account["reserved"], json!(0));
    assert_eq!(account["spent"].to_string(), spent);
    let sum = account["spent"].as_f64().unwrap() + account["available"].as_f64().unwrap();
    assert!((sum - 10_000.0).abs() < 0.000_1, "{account}");
}

// The origin answers while the test waits for the process.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_prompt_is_in_the_file() {
    let (_folder, data) = folder();
    let origin = Origin::start().await.unwrap();
    let arguments = ["--data", data.to_str().unwrap(), "--job-duration", "10ms"];
    let mut providing = Providing::start(&origin.url(), Some(KEYS), &arguments);
    let id = try_submit(&Client::new(&providing.url, LIVE), "order-7").await.unwrap().id();
    origin.wait_for(3, SOON).await.unwrap();
    providing.child.kill().unwrap();
    providing.child.wait().unwrap();

    let bytes = fs::read(&data).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&id), "it can be searched");
    for secret in [SECRET, "canary", "a fox in the snow"] {
        assert!(!holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_ends_with_2_and_says_why() {
    let (folder, data) = folder();
    let origin = Origin::start().await.unwrap();
    let _owner = start(&origin, &data, quick()).await;
    let letter = folder.path().join("letter");
    fs::write(&letter, "dear provider").unwrap();
    for (file, told) in [
        (data.as_path(), "is in use by another process"),
        (&letter, "is not one of nextapi-hook provider"),
        (folder.path(), "cannot open the data file"),
        (Path::new("/none/provider.data"), "cannot open the data file /none/provider.data"),
    ] {
        let command = ["provider", "--port", "0", "--webhook-url", "http://127.0.0.1:9/", "--data"];
        let (status, _, stderr) = run(hook().args(command).arg(file));
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
}

// The requests are made while the test waits for the process.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_not_answered_and_ends_it() {
    let (_folder, data) = folder();
    let origin = Origin::start().await.unwrap();
    // Nothing but the submissions is to be written.
    let arguments = ["--data", data.to_str().unwrap(), "--delay", "1h", "--job-duration", "1h"];
    drop(Providing::start(&origin.url(), Some(KEYS), &arguments));
    // The file may not grow: a disk that is full.
    let blocks = fs::metadata(&data).unwrap().len().div_ceil(512);
    let mut command = Command::new("sh");
    let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    command.args(["-c", &limit]).arg(env!("CARGO_BIN_EXE_nextapi-hook"));
    command.env("NEXTAPI_WEBHOOK_SECRET", SECRET).stderr(Stdio::piped());
    let mut providing = Providing::start_as(command, &origin.url(), Some(KEYS), &arguments);
    let client = Client::new(&providing.url, LIVE);
    let mut answered = HashMap::new();
    let refused = loop {
        let key = format!("order-{}", answered.len());
        match try_submit(&client, &key).await {
            Ok(answer) if answer.status == 200 => drop(answered.insert(key, answer.id())),
            Ok(answer) => break Some(answer),
            // It may have ended before the answer was out.
            Err(_) => break None,
        }
    };
    if let Some(refused) = refused {
        assert_eq!(refused.error(), (500, "internal_error"));
    }
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut providing.child.stderr.take().unwrap(), &mut stderr)
        .unwrap();
    assert_eq!(providing.child.wait().unwrap().code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot write the data file"), "{stderr}");

    // With room again, everything that was answered is there.
    assert!(!answered.is_empty());
    let stand_in = start(&origin, &data, quick()).await;
    let client = Client::new(&stand_in.url(), LIVE);
    for (key, id) in &answered {
        assert_eq!(try_submit(&client, key).await.unwrap().id(), *id);
    }
}
