//! One data point per delivery. The platform's dataset is played by a worker of a few lines.

use serde_json::Value;

use crate::setup::{PATIENCE, Setup, succeeded};

const DATASET: &str = r#"
    import { WorkerEntrypoint } from "cloudflare:workers";
    export default class extends WorkerEntrypoint {
        writeDataPoint(point) {
            console.log(`data point: ${JSON.stringify(point)}`);
        }
    }
"#;

/// The first data point with this outcome.
async fn point(setup: &Setup, outcome: &str) -> Value {
    let parsed = |line: &str| -> Option<Value> {
        let point: Value = serde_json::from_str(line.strip_prefix("data point: ")?).ok()?;
        (point["indexes"] == serde_json::json!([outcome])).then_some(point)
    };
    let line = setup.edge.wait_for_log(|line| parsed(line).is_some(), PATIENCE).await.unwrap();
    parsed(&line).unwrap()
}

#[tokio::test]
async fn every_delivery_is_a_data_point() {
    let setup = Setup::with(|edge| edge.service("ANALYTICS", DATASET)).await;
    let delivery = succeeded().with_header("x-correlation-id", "c-1").unwrap();
    setup.expect(&delivery, 200, "forwarded").await;
    let forwarded = point(&setup, "forwarded").await;
    let key = setup.origin.received()[0].idempotency_key().unwrap().to_owned();
    assert_eq!(forwarded["blobs"].as_array().unwrap().len(), 8, "{forwarded}");
    assert_eq!(forwarded["blobs"][1], "c-1");
    assert_eq!(forwarded["blobs"][2], key);
    assert_eq!(forwarded["blobs"][7], "committed");
    assert_eq!(forwarded["doubles"].as_array().unwrap().len(), 12, "{forwarded}");
    assert_eq!((&forwarded["doubles"][0], &forwarded["doubles"][1]), (&1.into(), &200.into()));

    setup.expect(&delivery.clone().with_body("{}"), 401, "signature_mismatch").await;
    let refused = point(&setup, "signature_mismatch").await;
    assert_eq!((&refused["blobs"][2], &refused["doubles"][4]), (&"".into(), &(-1).into()));
}

/// A binding that is no dataset costs nobody a delivery.
#[tokio::test]
async fn a_dataset_that_fails_is_noted_and_no_more() {
    let setup = Setup::with(|edge| edge.setting("ANALYTICS", "not a dataset")).await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    let is_it = |line: &str| line.contains("the data point was not written");
    setup.edge.wait_for_log(is_it, PATIENCE).await.unwrap();
}
