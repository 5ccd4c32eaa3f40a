//! `listen`: what it prints of the requests that reach it.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use nextapi_hook::{Delivery, Job, Provider, Shape, Status};
use nextapi_webhook::{EventKey, Key, UnixTime};

use crate::support::hook;

/// A running `listen`; killed at the end, whatever happens.
struct Listening {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    provider: Provider,
}

impl Listening {
    fn start(arguments: &[&str]) -> Self {
        let mut command = hook();
        command.args(["listen", "--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let url = first.strip_prefix("listening on ").unwrap();
        Self { child, lines, provider: Provider::new(&format!("{url}hook?token=canary")).unwrap() }
    }

    async fn send(&mut self, delivery: &Delivery) -> (u16, String) {
        let status = self.provider.send(delivery).await.unwrap().status();
        (status, self.lines.next().unwrap().unwrap())
    }

    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let last = self.lines.next().unwrap().unwrap();
        (self.child.wait().unwrap().code(), last)
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
async fn a_line_says_what_came_and_how_often() {
    let mut listening = Listening::start(&[]);
    let (job, delivery) = delivery(Shape::Flat);
    let (bytes, key) = (delivery.body().len(), EventKey::of(delivery.body()));
    let (video, job) = (job.video_id(), job.id());
    for duplicates in 0..2 {
        let (status, line) = listening.send(&delivery).await;
        assert_eq!(status, 200);
        let expected = format!(
            "POST /hook succeeded id={video} job={job} attempt=- key={key} bytes={bytes} \
             duplicates={duplicates} edge-signature=not-checked"
        );
        assert_eq!(line, expected);
    }
    let forwarded = delivery
        .with_header("x-edge-attempt", "2")
        .and_then(|delivery| delivery.with_header("idempotency-key", "event-of-the-edge"))
        .unwrap();
    let (_, line) = listening.send(&forwarded).await;
    assert!(line.contains("attempt=2 key=event-of-the-edge "), "{line}");
    assert_eq!(listening.stop("-INT"), (Some(0), "received 3 requests".to_owned()));
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
        (delivery.clone(), 401, "duplicates=0 edge-signature=signature_missing"),
        (signed("another"), 401, "duplicates=0 edge-signature=signature_mismatch"),
        // What was refused before did not count.
        (signed("edge-secret"), 200, "duplicates=0 edge-signature=ok"),
        (signed("edge-secret"), 200, "duplicates=1 edge-signature=ok"),
    ] {
        let (answered, line) = listening.send(&delivery).await;
        assert_eq!(answered, status, "{line}");
        assert!(line.ends_with(told), "{line}");
    }
    assert_eq!(listening.stop("-TERM"), (Some(0), "received 4 requests".to_owned()));
}
