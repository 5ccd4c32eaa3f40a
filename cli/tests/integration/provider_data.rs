//! `provider --data`: what outlives the process, however it ends.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use http::StatusCode;
use nextapi_simulator::{ApiKeys, Client, Response, Simulator};
use nextapi_testkit::{Credits, Origin, Reply};
use nextapi_webhook::{Event, EventKey, Key};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::provider_command::Providing;
use crate::support::{SECRET, SOON, example, hook, run};

const KEYS: &str = "live:key-canary-live test:key-canary-test";
const LIVE: &str = "key-canary-live";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("provider.data");
    (folder, data)
}

async fn start(origin: &Origin, data: &Path) -> Simulator {
    let key = Key::new(SECRET.as_bytes()).unwrap();
    let keys = ApiKeys::parse(KEYS).unwrap();
    Simulator::builder(origin.url(), key).data(data).start(keys).await.unwrap()
}

/// The error means that there was no answer, or half of one.
async fn submit(client: &Client, key: &str) -> anyhow::Result<Response> {
    client.submit(&[("idempotency-key", key)], &example()).await
}

/// The distinct events of each job.
fn events(origin: &Origin) -> HashMap<String, HashSet<String>> {
    let mut jobs: HashMap<String, HashSet<String>> = HashMap::new();
    for request in origin.received() {
        let id = Event::read_unverified(request.body()).unwrap().job_id().unwrap().to_owned();
        jobs.entry(id).or_default().insert(EventKey::of_unverified(request.body()).to_string());
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
        let client = Client::new(&providing.url, LIVE).unwrap();
        let mut submissions = JoinSet::new();
        for number in 0..JOBS {
            let client = client.clone();
            submissions.spawn(async move {
                let key = format!("order-{number}");
                let answer = submit(&client, &key).await;
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
            let id = answer.id().unwrap();
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
    let list = client.get("/v1/video/generations?limit=100").await.unwrap().body;
    assert_eq!(list["total"].as_u64(), Some(ids.len() as u64), "each order has made one job");
    let events = events(origin);
    assert_eq!(events.keys().cloned().collect::<HashSet<_>>(), ids);
    assert!(events.values().all(|events| events.len() == 3), "{events:?}");

    let jobs = list["data"].as_array().unwrap();
    let succeeded = jobs.iter().filter(|job| job["status"] == "succeeded").count() as u64;
    assert!((1..ids.len() as u64).contains(&succeeded), "{succeeded}");
    let spent = Credits::from_thousandths(succeeded.saturating_mul(1_050)).to_string();
    let account = client.get("/_provider/accounts").await.unwrap().body["live"].clone();
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
    let id =
        submit(&Client::new(&providing.url, LIVE).unwrap(), "order-7").await.unwrap().id().unwrap();
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
    let _owner = start(&origin, &data).await;
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
    let client = Client::new(&providing.url, LIVE).unwrap();
    let mut answered = HashMap::new();
    let refused = loop {
        let key = format!("order-{}", answered.len());
        match submit(&client, &key).await {
            Ok(answer) if answer.status == 200 => drop(answered.insert(key, answer.id().unwrap())),
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
    let simulator = start(&origin, &data).await;
    let client = Client::new(&simulator.url(), LIVE).unwrap();
    for (key, id) in &answered {
        assert_eq!(submit(&client, key).await.unwrap().id().unwrap(), *id);
    }
}
