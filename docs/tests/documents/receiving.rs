//! The origins of `receiving.md`: they are what stands there, and they do what the page says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use nextapi_webhook::{Key, UnixTime};
use reqwest::{Client, StatusCode};

use crate::support::{Serving, block, project};

const SECRET: &str = "edge-secret";
/// White space that a parser would lose, and bytes that are no text.
const BODY: &[u8] = b"{ \"id\": \"evt_1\",\n\"type\":\"job.succeeded\" }\xff";

fn origins() -> PathBuf {
    project().join("docs/origins")
}

#[test]
fn the_page_shows_the_files_that_are_tested() {
    for file in ["express.mjs", "fastapi_origin.py", "axum.rs"] {
        let shown = block("docs/receiving.md", &format!("<!-- file: origins/{file} -->"));
        assert_eq!(shown, fs::read_to_string(origins().join(file)).unwrap(), "{file}");
    }
}

fn signed(age_seconds: u64, body: &[u8]) -> String {
    let now = UnixTime::now().as_secs();
    let time = UnixTime::from_secs(now.saturating_sub(age_seconds));
    Key::new(SECRET.as_bytes()).unwrap().sign(time, body).to_string()
}

/// Delivers what the edge could deliver, and what it never would.
async fn check(mut origin: Serving, url: &str) {
    // Each delivery on a connection of its own: uvicorn closes one after an error, which would race with the
    // next delivery.
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let deliver = async |key: Option<&str>, signature: Option<String>, body: &[u8]| {
        let mut request = client.post(url).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(signature) = signature {
            request = request.header("x-edge-signature", signature);
        }
        request.body(body.to_vec()).send().await.unwrap().status()
    };

    for (name, key, signature) in [
        ("not signed", Some("refused"), None),
        ("no signature", Some("refused"), Some("hello".to_owned())),
        ("stale", Some("refused"), Some(signed(301, BODY))),
        ("of another body", Some("refused"), Some(signed(0, b"{}"))),
        ("without a key", None, Some(signed(0, BODY))),
    ] {
        assert_eq!(deliver(key, signature, BODY).await, StatusCode::UNAUTHORIZED, "{name}");
    }

    let failed = deliver(Some("fail"), Some(signed(0, BODY)), BODY).await;
    assert_eq!(failed, StatusCode::INTERNAL_SERVER_ERROR, "a store that fails");

    // Twice the same event, and then another one, so that a second line for the first would be seen.
    for (key, body) in [("event-1", BODY), ("event-1", BODY), ("event-2", b"".as_slice())] {
        assert_eq!(deliver(Some(key), Some(signed(0, body)), body).await, StatusCode::OK, "{key}");
    }
    origin.wait_for("stored event-2 0");
    let stored: Vec<_> =
        origin.printed().lines().filter(|line| line.starts_with("stored")).collect();
    assert_eq!(stored, [format!("stored event-1 {}", BODY.len()), "stored event-2 0".to_owned()]);
}

/// The URL in a line that says where an origin listens.
fn url(line: &str) -> String {
    let (_, url) = line.split_once("http://").expect("an address");
    let url = url.split_whitespace().next().unwrap().trim_end_matches("/events");
    format!("http://{url}/events")
}

async fn check_program(command: &mut Command, ready: &str) {
    let command = command.env("EDGE_SIGNING_SECRET", SECRET).env("PORT", "0");
    let origin = Serving::start(command, ready);
    let url = url(origin.printed().lines().last().unwrap());
    check(origin, &url).await;
}

#[tokio::test]
async fn axum_does_what_the_page_says() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum_origin"));
    check_program(&mut command, "listening on").await;
}

#[tokio::test]
#[ignore = "`make origins` installs Express first"]
async fn express_does_what_the_page_says() {
    let mut command = Command::new("node");
    // What Express prints of an error is for a developer's eyes.
    command.arg("express.mjs").current_dir(origins()).env("NODE_ENV", "test");
    check_program(&mut command, "listening on").await;
}

#[tokio::test]
#[ignore = "`make origins` installs FastAPI first"]
async fn fastapi_does_what_the_page_says() {
    let python = env::var("ORIGINS_PYTHON").expect("`make origins` says where Python is");
    let mut command = Command::new(Path::new(&python));
    command
        .args(["-m", "uvicorn", "fastapi_origin:app", "--port", "0", "--no-access-log"])
        .current_dir(origins())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    check_program(&mut command, "Uvicorn running on").await;
}
