//! What reached the origin, compared with what should have.

use std::collections::HashMap;

use nextapi_hook::Step;
use nextapi_testkit::Received;
use nextapi_webhook::{EventKey, Key, Tolerance, UnixTime, Verifier};

/// Checks what reached the origin.
pub(crate) struct Arrival {
    edge: Verifier<1>,
    /// The number of the last attempt of each event that has reached the origin so far.
    attempts: HashMap<EventKey, u64>,
}

/// What reached the origin during one step.
pub(crate) struct Arrived {
    /// In a few words.
    pub(crate) what: String,
    /// What is wrong with it.
    pub(crate) faults: Vec<String>,
}

impl Arrival {
    /// `edge_secret` is what the edge signs with.
    pub(crate) fn new(edge_secret: &str) -> anyhow::Result<Self> {
        let key = Key::new(edge_secret.as_bytes())?;
        let edge = Verifier::new([key], Tolerance::DEFAULT)?;
        Ok(Self { edge, attempts: HashMap::new() })
    }

    pub(crate) fn check(&mut self, step: &Step, received: &[Received]) -> Arrived {
        let mut faults = Vec::new();
        let expected = step.expected.arrivals(step.deliveries.len());
        if received.len() != expected {
            faults.push(format!("{} requests reached the origin, not {expected}", received.len()));
        }
        for request in received {
            faults.extend(self.faults(step, request));
        }
        let what = match received {
            [] => "nothing".to_owned(),
            [request] => format!("{} bytes", request.body().len()),
            _ => format!("{} requests", received.len()),
        };
        Arrived { what, faults }
    }

    fn faults(&mut self, step: &Step, request: &Received) -> Vec<String> {
        let mut faults = Vec::new();
        if !step.deliveries.iter().any(|delivery| delivery.body() == request.body()) {
            faults.push("the bytes that arrived are not the bytes that were sent".to_owned());
        }
        faults.extend(self.additions(request));
        faults
    }

    /// What is wrong with that which the edge adds to a request.
    pub(crate) fn additions(&mut self, request: &Received) -> Vec<String> {
        let mut faults = Vec::new();
        let body = request.body();
        let key = EventKey::of_unverified(body);
        if request.idempotency_key() != Some(key.to_string().as_str()) {
            faults.push(format!("Idempotency-Key is not the event's key, {key}"));
        }
        let last = self.attempts.entry(key).or_default();
        // Attempts that the origin did not see count as well.
        match request.attempt() {
            Some(attempt) if attempt > *last => *last = attempt,
            _ => faults.push(format!("X-Edge-Attempt is no number above {last}")),
        }
        match request.edge_signature() {
            None => faults.push("there is no X-Edge-Signature".to_owned()),
            Some(signature) => {
                if let Err(error) = self.edge.verify(signature, body, UnixTime::now()) {
                    faults.push(format!("X-Edge-Signature: {error}"));
                }
            }
        }
        faults
    }
}
