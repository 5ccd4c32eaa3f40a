//! An exception of the platform's in the middle of a call into the Rust code costs that call, and not the
//! isolate.

use std::fs::OpenOptions;
use std::io::Write as _;

use reqwest::{Client, StatusCode};

use crate::restarts::ledger_files_below;
use crate::setup::{Setup, succeeded};

const TOKEN: &str = "0123456789abcdef";

/// The size of a database that is no longer one cannot be asked for: the platform throws, in the midst of
/// the object's reply.
#[tokio::test]
async fn a_database_that_is_destroyed_takes_no_other_request_along() {
    let storage = tempfile::tempdir().unwrap();
    let setup = Setup::with(|edge| {
        edge.storage(storage.path()).setting("LEDGER_SHARDS", "1").setting("ADMIN_TOKEN", TOKEN)
    })
    .await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    for file in ledger_files_below(storage.path()) {
        let mut file = OpenOptions::new().write(true).open(file).unwrap();
        file.write_all(&vec![0x5a; 65_536]).unwrap();
    }
    let status = format!("{}_edge/status", setup.edge.url());
    for _ in 0..2 {
        let answer = Client::new().get(&status).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let text = answer.text().await.unwrap();
        assert!(text.contains("1 of 1 shards did not answer"), "{text}");
        setup.expect(&succeeded(), 503, "ledger_unavailable").await;
    }
    let health = Client::new().get(format!("{}healthz", setup.edge.url())).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    assert_eq!(setup.origin.count(), 1);
}
