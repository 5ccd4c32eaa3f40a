//! `provider`: the command around the simulator.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use http::Method;
use nextapi_simulator::Client;
use nextapi_testkit::Origin;

use crate::support::{SECRET, SOON, example, hook, run};

/// `provider` as a process.
pub(crate) struct Providing {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) url: String,
}

impl Providing {
    pub(crate) fn start(webhook_url: &str, keys: Option<&str>, arguments: &[&str]) -> Self {
        Self::start_as(hook(), webhook_url, keys, arguments)
    }

    pub(crate) fn start_as(
        mut command: Command,
        webhook_url: &str,
        keys: Option<&str>,
        arguments: &[&str],
    ) -> Self {
        command.args(["provider", "--port", "0", "--webhook-url", webhook_url]);
        command.args(arguments).env_remove("NEXTAPI_PROVIDER_KEYS").stdout(Stdio::piped());
        if let Some(keys) = keys {
            command.env("NEXTAPI_PROVIDER_KEYS", keys);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let url = first.strip_prefix("listening on ").unwrap().to_owned();
        Self { child, lines, url }
    }

    fn line(&mut self) -> String {
        let line = self.lines.next().unwrap().unwrap();
        assert!(!line.contains(SECRET), "{line}");
        line
    }
}

impl Drop for Providing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// The origin answers while the test reads the command's output.
#[tokio::test(flavor = "multi_thread")]
async fn it_prints_new_keys_and_a_line_for_every_delivery() {
    let origin = Origin::start().await.unwrap();
    let arguments = ["--job-duration", "10ms", "--failure-rate", "1", "--shape", "flat"];
    let mut providing = Providing::start(&origin.url(), None, &arguments);
    let printed = providing.line();
    let key = printed.strip_prefix("key for live, made for this run: ").unwrap();
    assert!(providing.line().starts_with("key for test, made for this run: nxa_test_sk_"));

    let job = Client::new(&providing.url, key)
        .unwrap()
        .submit(&[], &example())
        .await
        .unwrap()
        .id()
        .unwrap();
    let received = origin.wait_for(3, SOON).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(received[2].body()).unwrap();
    assert_eq!((&body["status"], &body["job_id"]), (&"failed".into(), &job.as_str().into()));
    for event in ["job.queued", "job.running", "job.failed"] {
        let line = providing.line();
        assert!(line.starts_with(&format!("{event} job={job} event=evt_")), "{line}");
        assert!(line.contains("attempt=1 reason=first outcome=delivered status=200"), "{line}");
    }

    let id = providing.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(providing.line(), "made 3 deliveries");
    assert_eq!(providing.child.wait().unwrap().code(), Some(0));
}

// The origin answers while the test reads the command's output.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_were_given_work_and_are_not_printed() {
    let origin = Origin::start().await.unwrap();
    let mut providing = Providing::start(&origin.url(), Some("test:key-canary"), &[]);
    let client = Client::new(&providing.url, "key-canary").unwrap();
    client.submit(&[], &example()).await.unwrap().id().unwrap();
    let line = providing.line();
    assert!(line.starts_with("job.queued ") && line.contains("outcome=delivered"), "{line}");
    assert!(!line.contains("canary"), "{line}");
    let wrong = Client::new(&providing.url, "key-canary-2").unwrap();
    let answer =
        wrong.call(Method::GET, "/v1/video/generations", &[], String::new()).await.unwrap();
    assert_eq!(answer.error(), (401, "unauthorized"));
}

// The origin answers while the test reads the command's output.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_or_given_up_is_told_too() {
    let origin = Origin::start().await.unwrap();
    let arguments = ["--lose", "1", "--retry-scale", "0", "--job-duration", "1h"];
    let mut providing = Providing::start(&origin.url(), Some("live:key-1"), &arguments);
    Client::new(&providing.url, "key-1")
        .unwrap()
        .submit(&[], &example())
        .await
        .unwrap()
        .id()
        .unwrap();
    for attempt in 1..=6 {
        let line = providing.line();
        assert!(line.contains(&format!(" attempt={attempt} ")), "{line}");
        assert!(line.contains("outcome=lost status=-"), "{line}");
    }
    let line = providing.line();
    assert!(line.starts_with("gave up on evt_") && line.contains(": 6 attempts failed;"), "{line}");
    assert_eq!(origin.count(), 0);
}

// The origin answers while the test reads the command's output.
#[tokio::test(flavor = "multi_thread")]
async fn one_delivery_is_one_delivery() {
    let origin = Origin::start().await.unwrap();
    let arguments = ["--job-duration", "1h"];
    let mut providing = Providing::start(&origin.url(), Some("live:key-1"), &arguments);
    let client = Client::new(&providing.url, "key-1").unwrap();
    client.submit(&[], &example()).await.unwrap().id().unwrap();
    assert!(providing.line().contains("outcome=delivered"));
    let id = providing.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(providing.line(), "made 1 delivery");
}

// The origin answers while the test reads the command's output.
#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_and_drops_as_it_is_told() {
    let origin = Origin::start().await.unwrap();
    let arguments = [
        &["--budget", "1.05", "--refuse-word", "canary", "--refuse-with-400"][..],
        &["--drop-jobs", "1", "--api-reset", "delta-seconds", "--job-duration", "1h"],
    ];
    let mut providing = Providing::start(&origin.url(), Some("live:key-1"), &arguments.concat());
    let client = Client::new(&providing.url, "key-1").unwrap();
    let mut refused = example();
    refused["prompt"] = "a canary".into();
    assert_eq!(client.submit(&[], &refused).await.unwrap().error(), (400, "invalid_request"));
    let job = client.submit(&[], &example()).await.unwrap();
    let reset: u64 = job.headers["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&reset), "{reset}");
    let refused = client.submit(&[], &example()).await.unwrap();
    assert_eq!(refused.error(), (402, "insufficient_credits"));
    for event in ["budget.warning", "budget.exceeded"] {
        let line = providing.line();
        assert!(line.starts_with(&format!("{event} job=- event=evt_")), "{line}");
    }
    let dropped = client.get("/_provider/events?dropped=true").await.unwrap().body;
    assert_eq!(dropped["data"][0]["job_id"], job.id().unwrap());
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn its_api_fails_as_it_is_told() {
    let origin = Origin::start().await.unwrap();
    let arguments = ["--api-lose-answer", "1", "--drop-events", "1"];
    let providing = Providing::start(&origin.url(), Some("live:key-1"), &arguments);
    let client = Client::new(&providing.url, "key-1").unwrap();
    assert!(client.submit(&[], &example()).await.is_err());
    let books = client.get("/_provider/books").await.unwrap().body;
    assert_eq!((&books["live"]["jobs"], &books["live"]["reserved"]), (&1.into(), &"1.05".into()));
}

#[test]
fn what_cannot_be_done_ends_with_2_and_says_why() {
    for (arguments, told) in [
        (&["--webhook-url", "here"][..], "is not a URL"),
        (&["--webhook-url", "http://a/", "--lose", "2"], "lose is a rate"),
        (&["--webhook-url", "http://a/", "--retry-scale", "inf"], "retry-scale"),
        (&["--webhook-url", "http://a/", "--drop-jobs", "2"], "drop-jobs is a rate"),
        (&["--webhook-url", "http://a/", "--api-hang", "2"], "api-hang is a rate"),
        (&["--webhook-url", "http://a/", "--api-reset", "never"], "epoch-millis"),
        (&["--webhook-url", "http://a/", "--budget", "1.0001"], "three decimals"),
        (&["--webhook-url", "http://a/", "--budget-warning", "0"], "budget-warning"),
        (&["--webhook-url", "http://a/", "--refuse-word", "a b"], "a word of letters"),
        (&["--webhook-url", "http://a/", "--job-duration", "soon"], "--job-duration"),
        (&["--webhook-url", "http://a/", "--shape", "round"], "envelope-job-id, flat, mixed"),
        (&["--webhook-url", "http://a/", "--keys-file", "/none"], "the key file /none"),
        (&[], "--webhook-url"),
    ] {
        let (status, _, stderr) = run(hook().args(["provider", "--port", "0"]).args(arguments));
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
}
