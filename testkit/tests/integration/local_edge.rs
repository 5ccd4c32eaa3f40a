//! A worker in the real engine: settings, storage, crash and restart.

use core::time::Duration;
use std::net::TcpStream;

use http::StatusCode;
use nextapi_testkit::{
    Deliverer, Delivery, Job, LocalEdge, LocalEdgeBuilder, Origin, Received, ReferenceEdge, Reply,
    Shape, Status,
};
use nextapi_webhook::{Key, UnixTime};

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
