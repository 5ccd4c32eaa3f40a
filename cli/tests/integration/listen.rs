//! `listen`: what it prints of the requests that reach it.

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use nextapi_testkit::{Deliverer, Delivery, Job, Shape, Status};
use nextapi_webhook::{EventKey, Key, UnixTime};
use serde_json::{Value, json};

use crate::support::hook;

/// A running `listen`; killed at the end, whatever happens.
struct Listening {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    provider: Deliverer,
}

impl Listening {
    fn start(arguments: &[&str]) -> Self {
        let mut command = hook();
        command.args(["listen", "--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let (_, rest) = first.split_once("http://").unwrap();
        let url = format!("http://{}", rest.split_terminator('"').next().unwrap());
        Self { child, lines, provider: Deliverer::new(&format!("{url}hook?token=canary")).unwrap() }
    }

    async fn send(&mut self, delivery: &Delivery) -> (u16, String) {
        let status = self.provider.send(delivery).await.unwrap().status();
        (status, self.record())
    }

    /// All that is printed of one request, which ends with the number of bytes, in one line.
    fn record(&mut self) -> String {
        let mut record = String::new();
        while !record.contains(" bytes=") && !record.starts_with('{') {
            let line = self.lines.next().unwrap().unwrap();
            assert!(line.starts_with('{') || line.chars().count() <= 80, "{line}");
            record.push_str(if record.is_empty() {
                &line
            } else {
                line.strip_prefix(' ').unwrap()
            });
        }
        record
    }

    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let last: Vec<_> = self.lines.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code(), last.join("\n"))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn delivery(shape: Shape) -> (Job, Delivery) {
    let job = Job::random(UnixTime::now()).unwrap();
    let body = job.event(shape, Status::Succeeded).unwrap();
    (job, Delivery::unsigned(body).unwrap())
}

#[tokio::test]
async fn it_says_what_came_and_how_often_within_80_columns() {
    let mut listening = Listening::start(&[]);
    let (job, delivery) = delivery(Shape::Flat);
    let (bytes, key) =
        (delivery.body().len(), EventKey::of_unverified(delivery.body()).to_string());
    let key = &key[..18];
    let (video, job) = (job.video_id(), job.id());
    for duplicates in 0..2 {
        let (status, line) = listening.send(&delivery).await;
        assert_eq!(status, 200);
        let order = duplicates + 1;
        let again = if duplicates > 0 { "duplicates=1 " } else { "" };
        let expected = format!(
            "{order} POST /hook succeeded answer=200 {again}credits=50 key={key}… id={video} job={job} \
             bytes={bytes}"
        );
        assert_eq!(line, expected);
    }
    let forwarded = delivery
        .with_header("x-edge-attempt", "2")
        .and_then(|delivery| delivery.with_header("idempotency-key", "event-of-the-edge"))
        .unwrap();
    let (_, line) = listening.send(&forwarded).await;
    assert!(line.contains("answer=200 attempt=2 credits=50 key=event-of-the-edge "), "{line}");
    let told = "received: requests 3, events 2, duplicates 1, refused 0, not answered 2xx 0\n       2  succeeded";
    assert_eq!(listening.stop("-INT"), (Some(0), told.to_owned()));
}

#[tokio::test]
async fn with_the_edge_s_secret_only_the_edge_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edge-secret");
    std::fs::write(&file, "edge-secret\n").unwrap();
    let mut listening = Listening::start(&["--edge-secret-file", file.to_str().unwrap()]);

    let (_, delivery) = delivery(Shape::Envelope);
    let signed = |secret: &str| {
        let key = Key::new(secret.as_bytes()).unwrap();
        let signature = key.sign(UnixTime::now(), delivery.body()).to_string();
        delivery.clone().with_header("x-edge-signature", signature).unwrap()
    };
    for (delivery, status, told) in [
        (delivery.clone(), 401, "edge-signature=signature_missing"),
        (signed("another"), 401, "edge-signature=signature_mismatch"),
        // What was refused before did not count.
        (signed("edge-secret"), 200, "edge-signature=ok"),
        (signed("edge-secret"), 200, "duplicates=1 edge-signature=ok"),
    ] {
        let (answered, line) = listening.send(&delivery).await;
        assert_eq!(answered, status, "{line}");
        assert!(line.contains(&format!(" answer={status} {told} ")), "{line}");
    }
    let told = "received: requests 4, events 1, duplicates 1, refused 2, not answered 2xx 0\n       1  job.succeeded";
    assert_eq!(listening.stop("-TERM"), (Some(0), told.to_owned()));
}

#[tokio::test]
async fn machines_get_one_json_object_per_line() {
    let mut listening = Listening::start(&["--json"]);
    let (job, delivery) = delivery(Shape::Envelope);
    let (_, line) = listening.send(&delivery).await;
    let expected = json!({
        "kind": "request",
        "order": 1,
        "method": "POST",
        "path": "/hook",
        "type": "job.succeeded",
        "id": serde_json::from_slice::<Value>(delivery.body()).unwrap()["id"],
        "job_id": job.id(),
        "attempt": null,
        "credits": "1.05",
        "key": EventKey::of_unverified(delivery.body()).to_string(),
        "bytes": delivery.body().len(),
        "duplicates": 0,
        "edge_signature": "not-checked",
        "answer": 200,
    });
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    let expected = json!({
        "kind": "summary",
        "requests": 1,
        "events": 1,
        "duplicates": 0,
        "refused": 0,
        "not_2xx": 0,
        "types": { "job.succeeded": 1 },
    });
    let (status, summary) = listening.stop("-INT");
    assert_eq!(status, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&summary).unwrap(), expected);
}

#[tokio::test]
async fn it_can_be_a_bad_origin() {
    let mut listening = Listening::start(&["--fail-first", "2", "--status", "204"]);
    let (_, delivery) = delivery(Shape::Flat);
    for expected in [503, 503, 204] {
        let (status, line) = listening.send(&delivery).await;
        assert_eq!(status, expected);
        assert!(line.contains(&format!(" answer={expected} ")), "{line}");
    }
    let (_, summary) = listening.stop("-INT");
    assert!(summary.contains("not answered 2xx 2"), "{summary}");
}

#[tokio::test]
async fn it_can_take_its_time() {
    let mut listening = Listening::start(&["--delay", "50ms"]);
    let before = std::time::Instant::now();
    assert_eq!(listening.send(&delivery(Shape::Flat).1).await.0, 200);
    assert!(before.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn it_can_hang_and_be_ended_all_the_same() {
    let mut listening = Listening::start(&["--hang"]);
    let provider = listening.provider.clone();
    let sending = tokio::spawn(async move { provider.send(&delivery(Shape::Flat).1).await });
    // In a thread of its own, so that this one can send meanwhile.
    let watching = tokio::task::spawn_blocking(move || (listening.record(), listening));
    let (line, listening) = watching.await.unwrap();
    assert!(line.contains(" answer=never "), "{line}");
    assert!(!sending.is_finished());
    assert_eq!(listening.stop("-INT").0, Some(0));
    assert!(sending.await.unwrap().is_err());
}
