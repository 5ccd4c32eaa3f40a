//! A worker in the real engine: settings, storage, crash and restart.

use core::time::Duration;
use std::net::TcpStream;
use std::process::Command;

use http::StatusCode;
use nextapi_testkit::{
    Deliverer, Delivery, Job, LocalEdge, LocalEdgeBuilder, Origin, Received, ReferenceEdge, Reply,
    Shape, Status,
};
use nextapi_webhook::{Key, UnixTime};
use serde_json::json;

/// Long enough for a busy machine; what is waited for comes at once.
const SOON: Duration = Duration::from_secs(20);

const SECRET: &str = "whsec_canary_7f3a";

fn reference_edge(fault: &str) -> ReferenceEdge {
    ReferenceEdge::new(fault).unwrap()
}

fn builder(folder: &ReferenceEdge, origin: &Origin) -> LocalEdgeBuilder {
    folder.builder(SECRET, origin)
}

fn deliverer(edge: &LocalEdge) -> Deliverer {
    Deliverer::new(&format!("{}webhook", edge.url())).unwrap()
}

fn delivery() -> Delivery {
    let now = UnixTime::now();
    let body = Job::random(now).unwrap().event(Shape::Envelope, Status::Succeeded).unwrap();
    Delivery::signed(body, &Key::new(SECRET.as_bytes()).unwrap(), now).unwrap()
}

async fn answer(edge: &LocalEdge, delivery: &Delivery) -> String {
    deliverer(edge).send(delivery).await.unwrap().to_string()
}

#[tokio::test]
async fn what_was_stored_survives_a_kill() {
    let folder = reference_edge("");
    let origin = Origin::start().await.unwrap();
    let mut edge = builder(&folder, &origin).start().await.unwrap();
    let delivery = delivery();
    assert_eq!(answer(&edge, &delivery).await, "200 forwarded");

    let (url, process) = (edge.url(), edge.process_id());
    edge.kill().await;
    assert_eq!(edge.process_id(), None);
    assert!(deliverer(&edge).send(&delivery).await.is_err());

    edge.restart().await.unwrap();
    assert_eq!(edge.url(), url);
    assert_ne!(edge.process_id(), process);
    assert_eq!(answer(&edge, &delivery).await, "200 duplicate");
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn storage_can_be_handed_on() {
    let folder = reference_edge("");
    let storage = tempfile::tempdir().unwrap();
    let origin = Origin::start().await.unwrap();
    let delivery = delivery();
    let first = builder(&folder, &origin).storage(storage.path()).start().await.unwrap();
    assert_eq!(answer(&first, &delivery).await, "200 forwarded");
    drop(first);
    let second = builder(&folder, &origin).storage(storage.path()).start().await.unwrap();
    assert_eq!(answer(&second, &delivery).await, "200 duplicate");

    let elsewhere = builder(&folder, &origin).start().await.unwrap();
    assert_eq!(answer(&elsewhere, &delivery).await, "200 forwarded");
}

#[tokio::test]
async fn settings_replace_variables_and_can_be_taken_away() {
    // The file says that secrets are logged; the builder says that they are not.
    let folder = reference_edge("logs-secrets");
    let origin = Origin::start().await.unwrap();
    let edge = builder(&folder, &origin).setting("FAULT", "").start().await.unwrap();
    answer(&edge, &delivery()).await;
    edge.wait_for_log(|line| line.contains("granted"), SOON).await.unwrap();
    assert!(!edge.logs().iter().any(|line| line.contains(SECRET)));

    let edge = builder(&folder, &origin).start().await.unwrap();
    answer(&edge, &delivery()).await;
    edge.wait_for_log(|line| line.contains(SECRET), SOON).await.unwrap();

    // Without the variable the worker reads `undefined`, which is no fault either.
    let edge = builder(&folder, &origin).without_setting("FAULT").start().await.unwrap();
    answer(&edge, &delivery()).await;
    edge.wait_for_log(|line| line.contains(r#""leak":"""#), SOON).await.unwrap();
}

/// What the worker makes of a secret that is no text shows which kind it has got.
#[tokio::test]
async fn a_setting_may_be_json() {
    let folder = reference_edge("logs-secrets");
    let origin = Origin::start().await.unwrap();
    for (value, told) in [
        (json!(null), r#""leak":null"#),
        (json!(5), r#""leak":5"#),
        (json!({ "get": ["a"] }), r#""leak":{"get":["a"]}"#),
        (json!("quoted \" \\ \n"), r#""leak":"quoted \" \\ \n""#),
    ] {
        let edge = builder(&folder, &origin).json_setting("WEBHOOK_SECRETS", value.clone());
        // Accepted whatever its signature, since the two do not share the secret.
        let edge = edge.setting("FAULT", "accepts-forgeries logs-secrets").start().await.unwrap();
        answer(&edge, &delivery()).await;
        let line = edge.wait_for_log(|line| line.contains("leak"), SOON).await.unwrap();
        assert!(line.contains(told), "{value}: {line}");
    }
}

#[tokio::test]
async fn the_engine_s_memory_is_known_while_it_runs() {
    let folder = reference_edge("");
    let origin = Origin::start().await.unwrap();
    let mut edge = builder(&folder, &origin).start().await.unwrap();
    let memory = edge.memory().unwrap();
    // No engine with a heap of JavaScript takes less, or as much as a whole machine has.
    assert!((1 << 20..1 << 36).contains(&memory.resident), "{memory:?}");
    assert!(memory.peak >= memory.resident, "{memory:?}");
    edge.kill().await;
    assert!(edge.memory().is_err());
}

#[tokio::test]
async fn an_origin_s_failure_comes_through() {
    let folder = reference_edge("");
    let origin = Origin::start().await.unwrap();
    let edge = builder(&folder, &origin).start().await.unwrap();
    let delivery = delivery();
    origin.reply_next(Reply::status(StatusCode::BAD_GATEWAY));
    assert_eq!(answer(&edge, &delivery).await, "502 origin_failed");
    origin.reply_next(Reply::reset());
    assert_eq!(answer(&edge, &delivery).await, "502 origin_unreachable");
    assert_eq!(answer(&edge, &delivery).await, "200 forwarded");
    let attempts: Vec<_> = origin.received().iter().map(Received::attempt).collect();
    assert_eq!(attempts, [Some(1), Some(2), Some(3)]);
}

#[tokio::test]
async fn its_settings_are_known_and_its_end_is_noticed() {
    let folder = reference_edge("");
    let origin = Origin::start().await.unwrap();
    let edge = builder(&folder, &origin).json_setting("LIMIT", 5).start();
    let mut edge = edge.await.unwrap();
    assert_eq!(edge.setting("ORIGIN_URL"), Some(origin.url().as_str()));
    assert_eq!((edge.setting("FAULT"), edge.setting("LIMIT")), (Some(""), None));

    answer(&edge, &delivery()).await;
    let id = edge.process_id().unwrap().to_string();
    let mut lines = 0;
    edge.follow(|line| {
        assert!(line.contains("granted"), "{line}");
        lines += 1;
        // It has printed all that it will.
        assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    })
    .await;
    assert_eq!(lines, 1);
}

#[tokio::test]
async fn dropping_it_ends_the_engine() {
    let folder = reference_edge("");
    let origin = Origin::start().await.unwrap();
    let edge = builder(&folder, &origin).start().await.unwrap();
    let address = edge.url().replace("http://", "").replace('/', "");
    TcpStream::connect(&address).unwrap();
    drop(edge);
    // The signal is on its way: a connection that is still accepted is cut when the engine ends.
    while let Ok(mut connection) = TcpStream::connect(&address) {
        let _ = std::io::Read::read_to_end(&mut connection, &mut Vec::new());
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_says_so() {
    let folder = reference_edge("");
    let origin = Origin::start().await.unwrap();
    let port = origin.url().trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap();
    let error = builder(&folder, &origin).port(port).start().await.err().unwrap();
    assert!(error.to_string().contains("Address already in use"), "{error}");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let origin = Origin::start().await.unwrap();
    for (missing, told) in [
        ("wrangler.jsonc", "wrangler.jsonc"),
        ("node_modules", "npm ci"),
        ("build/index.js", "build the worker first"),
    ] {
        let folder = reference_edge("");
        std::fs::remove_file(folder.path().join(missing)).unwrap();
        let error = builder(&folder, &origin).start().await.err().unwrap();
        assert!(format!("{error:#}").contains(told), "{error:#}");
    }
}
