//! `send`: what it makes of the answers.

use core::time::Duration;
use std::collections::HashSet;
use std::process::{Command, Stdio};

use http::StatusCode;
use nextapi_hook::Scenario;
use nextapi_testkit::ReferenceEdge;
use nextapi_testkit::{Gate, Origin, Reply};
use nextapi_webhook::{EventKey, Key, Tolerance, UnixTime, Verifier};

use crate::support::{SECRET, assert_fits, hook, outcome};

/// Long enough for a busy machine; what is waited for comes at once.
const SOON: Duration = Duration::from_secs(20);

async fn send(arguments: &[&str]) -> (i32, String, String) {
    let mut command = hook();
    command.arg("send").args(arguments);
    // Not in this thread: it serves the origin meanwhile.
    outcome(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

#[tokio::test]
async fn an_edge_that_is_as_designed_gets_0_and_another_one_1() {
    for (fault, expected) in [("", 0), ("forgets", 1)] {
        let folder = ReferenceEdge::new(fault).unwrap();
        let origin = Origin::start().await.unwrap();
        let edge = folder.builder(SECRET, &origin).start().await.unwrap();
        let url = format!("{}webhook", edge.url());
        let (status, stdout, stderr) = send(&["--url", &url]).await;
        assert_eq!(status, expected, "{stdout}{stderr}");
        assert_eq!(stdout.contains("NOT AS DESIGNED"), expected == 1, "{stdout}");
        assert!(!stdout.contains("judged by their status"), "{stdout}");
        assert_fits(&stdout);
        for scenario in Scenario::all() {
            assert!(stdout.contains(&format!("{}: ", scenario.name())), "{stdout}");
        }
    }
}

#[tokio::test]
async fn one_scenario_can_be_told_alone() {
    let origin = Origin::start().await.unwrap();
    origin.reply_with(|_| Reply::default().with_body(r#"{"status":"forwarded"}"#));
    let (status, stdout, _) = send(&["--url", &origin.url(), "--scenario", "lifecycle"]).await;
    assert_eq!((status, origin.count()), (0, 3), "{stdout}");

    // An origin without an edge in front of it takes what is not signed.
    let (status, stdout, _) = send(&["--url", &origin.url(), "--scenario", "unsigned"]).await;
    assert_eq!(status, 1);
    assert!(stdout.contains("NOT AS DESIGNED: expected 400 signature_missing"), "{stdout}");
}

/// A receiver that verifies, and knows nothing of the edge's answers.
#[tokio::test]
async fn an_ordinary_receiver_is_judged_by_its_status() {
    let key = Key::new(SECRET.as_bytes()).unwrap();
    let verifier = Verifier::<1>::new([key], Tolerance::DEFAULT).unwrap();
    let origin = Origin::start().await.unwrap();
    let receive = move |request: &nextapi_testkit::Received| {
        let header = ["x-nextapi-signature", "x-webhook-signature"]
            .iter()
            .find_map(|name| request.header(name))
            .unwrap_or_default();
        let verdict = verifier.verify(header, request.body(), UnixTime::now());
        if verdict.is_ok() {
            Reply::status(StatusCode::NO_CONTENT)
        } else {
            Reply::status(StatusCode::BAD_REQUEST).with_body("go away")
        }
    };
    origin.reply_with(receive);
    let (status, stdout, stderr) = send(&["--url", &origin.url()]).await;
    assert_eq!(status, 0, "{stdout}{stderr}");
    assert!(stdout.contains(" 8 × 204 No Content\n"), "{stdout}");
    assert!(stdout.ends_with("were judged by their status alone.\n"), "{stdout}");

    // One that verifies nothing is found out.
    origin.reply_with(|_| Reply::default().with_body(r#"{"ok":true}"#));
    let (status, stdout, _) = send(&["--url", &origin.url(), "--scenario", "tampered"]).await;
    assert_eq!(status, 1, "{stdout}");
    assert!(stdout.contains("NOT AS DESIGNED: expected 4xx\n"), "{stdout}");
}

#[tokio::test]
async fn the_list_explains_every_scenario_and_needs_nothing() {
    let (status, stdout, _) = send(&["--scenario", "list"]).await;
    assert_eq!(status, 0);
    for scenario in Scenario::all() {
        assert!(stdout.contains(scenario.name()) && stdout.contains(scenario.about()));
    }
}

#[tokio::test]
async fn what_cannot_be_done_ends_with_2_and_says_why() {
    let mut origin = Origin::start().await.unwrap();
    origin.refuse().await;
    let secretive = format!("{}?token=hidden", origin.url());
    for (arguments, told) in [
        (["--url", &secretive].as_slice(), "no answer from http://127.0.0.1"),
        (&["--scenario", "flat"], "--url"),
        (&["--url", "localhost:80"], "http://"),
        (&["--url", "http://127.0.0.1", "--scenario", "flatt"], "lifecycle"),
        (&["--url", "http://127.0.0.1", "--scenario", "flat", "--count", "2"], "--count"),
        (&["--url", "http://127.0.0.1", "--event-type", "a"], "--body"),
        (&["--url", "http://127.0.0.1", "--body", "nowhere/body"], "nowhere/body"),
        (&["--url", "http://127.0.0.1", "--count", "0"], "--count"),
        (&["--url", "http://127.0.0.1", "--rate", "nan"], "--rate"),
    ] {
        let (status, _, stderr) = send(arguments).await;
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
        assert!(!stderr.contains("hidden"), "{stderr}");
    }
}

#[tokio::test]
async fn a_body_of_one_s_own_is_sent_byte_for_byte_and_signed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, b"\xff\r\n").unwrap();
    let origin = Origin::start().await.unwrap();
    let (url, file) = (origin.url(), file.to_str().unwrap());
    let (status, stdout, stderr) =
        send(&["--url", &url, "--body", file, "--event-type", "job.odd", "--count", "3"]).await;
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.starts_with("3 deliveries in "), "{stdout}");
    assert!(stdout.contains("      3  200 OK\nlatency: p50 "), "{stdout}");

    let verifier = Verifier::<1>::new([Key::new(SECRET.as_bytes()).unwrap()], Tolerance::DEFAULT);
    for request in origin.received() {
        assert_eq!(&request.body()[..], b"\xff\r\n");
        assert_eq!(request.header("x-nextapi-event"), Some("job.odd"));
        let header = request.header("x-nextapi-signature").unwrap();
        assert!(verifier.as_ref().unwrap().verify(header, request.body(), UnixTime::now()).is_ok());
    }
}

#[tokio::test]
async fn without_a_body_every_delivery_is_an_event_of_its_own() {
    let origin = Origin::start().await.unwrap();
    let url = origin.url();
    let (status, stdout, _) =
        send(&["--url", &url, "--count", "40", "--concurrency", "8", "--rate", "10000"]).await;
    assert_eq!(status, 0, "{stdout}");
    let received = origin.received();
    let keys: HashSet<_> =
        received.iter().map(|request| EventKey::of_unverified(request.body())).collect();
    assert_eq!((origin.count(), keys.len()), (40, 40));
}

/// Every delivery of the first four is held until all four are there: fewer at once would hang.
#[tokio::test]
async fn as_many_are_under_way_as_was_asked_for() {
    let origin = Origin::start().await.unwrap();
    let (gate, url) = (Gate::new(), origin.url());
    let held = gate.clone();
    origin.reply_with(move |_| Reply::default().when(&held));
    let sending =
        tokio::spawn(
            async move { send(&["--url", &url, "--count", "9", "--concurrency", "4"]).await },
        );
    origin.wait_for(4, SOON).await.unwrap();
    gate.open();
    let (status, stdout, _) = sending.await.unwrap();
    assert_eq!((status, origin.count()), (0, 9), "{stdout}");
}

#[tokio::test]
async fn answers_are_counted_by_kind_and_a_bad_one_ends_with_1() {
    let origin = Origin::start().await.unwrap();
    origin.reply_with(|_| Reply::default().with_body(r#"{"status":"forwarded"}"#));
    origin.reply_next(Reply::status(StatusCode::BAD_GATEWAY));
    origin.reply_next(Reply::close());
    let (status, stdout, _) = send(&["--url", &origin.url(), "--count", "5"]).await;
    assert_eq!(status, 1, "{stdout}");
    for told in ["3  200 forwarded\n", "1  502 Bad Gateway\n", "1  no answer\n"] {
        assert!(stdout.contains(told), "{stdout}");
    }
}

#[tokio::test]
async fn a_signal_ends_it_with_a_summary() {
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::default());
    origin.reply_with(|_| Reply::hang());
    let mut command = hook();
    command.args(["send", "--url", &origin.url(), "--count", "3"]).stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    origin.wait_for(2, SOON).await.unwrap();
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success()
    );
    let (status, stdout, _) = outcome(child.wait_with_output().unwrap());
    assert_eq!(status, 130);
    assert!(stdout.starts_with("1 delivery in "), "{stdout}");
}
