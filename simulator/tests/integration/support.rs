//! What several tests need.

use core::time::Duration;

use nextapi_simulator::{ApiKeys, Behaviour, Simulator, SimulatorBuilder};
use nextapi_webhook::Key;
use serde_json::{Value, json};

/// Long enough for a busy machine; what is waited for comes at once.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) const SECRET: &str = "whsec_canary_7f3a";

/// The documentation's example of a submission.
pub(crate) fn example() -> Value {
    json!({
        "model": "seedance-2.0-pro", "prompt": "a fox in the snow", "duration_seconds": 6,
        "resolution": "1080p",
    })
}

/// Jobs that take next to no time, the same ones failing in every run.
pub(crate) fn quick() -> Behaviour {
    Behaviour {
        job_duration: Duration::from_millis(40),
        retry_scale: 0.0001,
        seed: Some(7),
        ..Behaviour::default()
    }
}

pub(crate) fn builder(webhook_url: &str, behaviour: Behaviour) -> SimulatorBuilder {
    let key = Key::new(SECRET.as_bytes()).unwrap();
    Simulator::builder(webhook_url, key).behaviour(behaviour)
}

pub(crate) async fn start(webhook_url: &str, behaviour: Behaviour) -> Simulator {
    builder(webhook_url, behaviour).start(ApiKeys::generate().unwrap()).await.unwrap()
}
