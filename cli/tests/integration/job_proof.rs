//! A thousand submissions, a third of the answers lost, and SIGKILL at every boundary of the journal.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use nextapi_client::{ApiKey, Client, Disposition, Environment, GenerationRequest, RetryConfig};
use nextapi_hook::{Accepted, Boundary, JobIntent, Journal, SubmissionError, submit};
use nextapi_simulator::{ApiFaults, ApiKeys, Behaviour, Simulator};
use nextapi_testkit::Credits;
use nextapi_webhook::Key;

/// How many jobs are submitted: 1,000 for the whole proof.
const SUBMITS: &str = "SUBMITS";
const DEFAULT_SUBMITS: usize = 40;

/// More than the boundaries of a submission that is sent twice.
const KILLS: usize = 23;

/// As many as keep the requests of each below the limit.
const KEYS: usize = 16;

const URL: &str = "JOB_PROOF_URL";
const FOLDER: &str = "JOB_PROOF_FOLDER";
const FIRST: &str = "JOB_PROOF_FIRST";
const COUNT: &str = "JOB_PROOF_COUNT";
/// After how many boundaries the process kills itself.
const KILL: &str = "JOB_PROOF_KILL";

fn api_key(number: usize) -> String {
    format!("nxa_test_sk_{}", number % KEYS)
}

fn number(variable: &str) -> usize {
    env::var(variable).unwrap().parse().unwrap()
}

fn kill_myself(boundary: Boundary) {
    eprintln!("killed {boundary:?}");
    let id = std::process::id().to_string();
    Command::new("kill").args(["-KILL", &id]).status().unwrap();
    unreachable!("after SIGKILL");
}

/// Submits jobs one after the other until it is killed.
#[tokio::test]
#[ignore = "runs in the processes that the proof below starts and kills"]
async fn submitter() {
    let (url, folder) = (env::var(URL).unwrap(), env::var(FOLDER).unwrap());
    let (kill, reached) = (number(KILL), AtomicUsize::new(0));
    let journal = Journal::open(&folder).unwrap().observed(move |boundary| {
        if reached.fetch_add(1, Ordering::Relaxed) == kill {
            kill_myself(boundary);
        }
    });
    for order in number(FIRST)..number(COUNT) {
        let key = ApiKey::new(&api_key(order), Environment::Test).unwrap();
        let retry = RetryConfig { initial_backoff: 2, max_backoff: 10, ..RetryConfig::default() };
        let client = Client::builder(key).base_url(&url).retry(retry).build().unwrap();
        let request = GenerationRequest::new("seedance-2.0-pro", "a fox");
        let request = request.duration_seconds(6).resolution("1080p").validate().unwrap();
        let (namespace, name) = ("proof".to_owned(), format!("order-{order}"));
        let intent = JobIntent { namespace, name, take: 1, environment: Environment::Test };
        let mut claim = journal.claim(&intent).unwrap();
        claim.intend(&url, client.fingerprint(), &request).unwrap().unwrap();
        let id = loop {
            match submit(&client, &mut claim).await {
                Ok(accepted) => break accepted.id,
                // Every answer was lost.
                Err(SubmissionError::Ended { error, .. })
                    if error.disposition == Disposition::Unknown => {}
                Err(error) => panic!("{error}"),
            }
        };
        eprintln!("done {order} {id}");
    }
}

/// Runs a submitter to its end, and gives what it says.
fn run(url: &str, folder: &Path, first: usize, count: usize, kill: usize) -> (bool, String) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "job_proof::submitter", "--ignored", "--nocapture"])
        .env(URL, url)
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .env(COUNT, count.to_string())
        .env(KILL, kill.to_string())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    // Without a status it was killed.
    let killed = output.status.code().is_none();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(killed || output.status.success(), "{told}");
    (killed, told)
}

// The simulator answers while the test waits for the submitter.
#[tokio::test(flavor = "multi_thread")]
async fn sigkill_at_every_boundary_neither_loses_nor_doubles_a_job() {
    let count = env::var(SUBMITS).map_or(DEFAULT_SUBMITS, |count| count.parse().unwrap());
    let keys: Vec<_> = (0..KEYS).map(|key| format!("test:{}", api_key(key))).collect();
    let behaviour = Behaviour {
        api_faults: ApiFaults { lose_answer: 0.3, ..ApiFaults::default() },
        seed: Some(7),
        ..Behaviour::default()
    };
    let simulator = Simulator::builder("http://127.0.0.1:9/", Key::new(b"whsec_x").unwrap())
        .behaviour(behaviour)
        .start(ApiKeys::parse(&keys.join(" ")).unwrap())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("{}v1", simulator.url());

    let mut kills: BTreeMap<String, usize> = BTreeMap::new();
    let mut ids = BTreeMap::new();
    let mut runs = 0;
    loop {
        let (first, kill) = (ids.len(), runs % KILLS);
        runs += 1;
        let (killed, told) = run(&url, folder.path(), first, count, kill);
        for line in told.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["killed", boundary] => *kills.entry(boundary.to_owned()).or_default() += 1,
                ["done", order, id] => {
                    assert_eq!(ids.insert(order.parse::<usize>().unwrap(), id.to_owned()), None);
                }
                _ => {}
            }
        }
        if !killed {
            break;
        }
    }
    let books = simulator.books();
    let requests: u64 = simulator.usage().iter().map(|usage| usage.requests).sum();
    println!(
        "{count} submits in {runs} processes, {requests} requests, {} jobs; killed: {kills:?}",
        books.jobs().len()
    );
    assert_eq!(ids.len(), count);
    let made: BTreeSet<_> = books.jobs().iter().map(|job| job.job_id.clone()).collect();
    assert_eq!(made, ids.into_values().collect(), "each intent has its job, and there is no other");
    assert_eq!(books.total().jobs, count as u64);
    let reserved = Credits::from_thousandths(1_050 * count as u64);
    assert_eq!(books.total().amounts.reserved, reserved);
    for boundary in ["Created", "Written", "FileSynced", "Renamed", "FolderSynced", "Answered"] {
        assert!(kills.contains_key(boundary), "never killed at {boundary}: {kills:?}");
    }
    // Some answers were lost.
    assert!(requests > count as u64);
}

/// Submits a job whose journal vanishes when the first answer has come, or has not.
async fn without_a_journal(api_faults: ApiFaults) -> (Result<Accepted, SubmissionError>, u64) {
    let key = api_key(0);
    let simulator = Simulator::builder("http://127.0.0.1:9/", Key::new(b"whsec_x").unwrap())
        .behaviour(Behaviour { api_faults, ..Behaviour::default() })
        .start(ApiKeys::parse(&format!("test:{key}")).unwrap())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = Arc::new(folder.path().join("journal"));
    let gone = Arc::clone(&path);
    let journal = Journal::open(path.as_path()).unwrap().observed(move |boundary| {
        if boundary == Boundary::Answered {
            std::fs::remove_dir_all(&*gone).unwrap();
        }
    });
    let url = format!("{}v1", simulator.url());
    let key = ApiKey::new(&key, Environment::Test).unwrap();
    let client = Client::builder(key).base_url(&url).build().unwrap();
    let request = GenerationRequest::new("seedance-2.0-pro", "a fox").validate().unwrap();
    let (namespace, name) = ("proof".to_owned(), "order-7".to_owned());
    let intent = JobIntent { namespace, name, take: 1, environment: Environment::Test };
    let mut claim = journal.claim(&intent).unwrap();
    claim.intend(&url, client.fingerprint(), &request).unwrap().unwrap();
    let result = submit(&client, &mut claim).await;
    (result, simulator.usage()[0].requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_more_is_sent_when_the_journal_is_gone() {
    let faults = ApiFaults { fail_before: 1.0, ..ApiFaults::default() };
    let (result, requests) = without_a_journal(faults).await;
    assert!(matches!(result, Err(SubmissionError::Journal(_))), "{result:?}");
    assert_eq!(requests, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_the_journal_does_not_get_is_told_all_the_same() {
    let (result, _) = without_a_journal(ApiFaults::default()).await;
    let accepted = result.unwrap();
    assert!(accepted.id.starts_with("job_") && accepted.not_noted.is_some(), "{accepted:?}");
}
