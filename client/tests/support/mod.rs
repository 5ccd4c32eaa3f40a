//! A driver with a clock of its own, and answers from a function.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use nextapi_client::{
    ApiKey, Environment, Fingerprint, GenerationRequest, HttpRequest, HttpResponse, IdempotencyKey,
    Millis, Operation, Step, TransportError, ValidRequest,
};

/// 2023-11-14T22:13:20Z
pub const NOW: Millis = 1_700_000_000_000;

/// What the provider does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    Answer { status: u16, headers: Vec<(String, String)>, body: String },
    Lost(TransportError),
}

impl Reply {
    pub fn of(status: u16, body: impl Into<String>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    pub fn error(status: u16, code: &str) -> Self {
        Self::of(status, format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#))
    }

    pub fn job(status: &str) -> Self {
        Self::of(200, job(status))
    }

    pub fn header(self, name: &str, value: impl Into<String>) -> Self {
        let Self::Answer { status, mut headers, body } = self else {
            panic!("no answer, no headers")
        };
        headers.push((name.into(), value.into()));
        Self::Answer { status, headers, body }
    }
}

pub fn job(status: &str) -> String {
    let url = if status == "succeeded" {
        r#","video_url":"https://cdn.example.com/1.mp4?sig=canary""#
    } else {
        ""
    };
    format!(
        r#"{{"id":"job_1","video_id":"vid_1","status":"{status}","created_at":1700000000{url}}}"#
    )
}

/// Numbers that look like chance, and are the same in every run (xorshift64).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// What an operation has sent, and when.
#[derive(Debug)]
pub struct Sent {
    pub at: Millis,
    pub request: HttpRequest,
}

/// Hands an operation what came of its request.
pub fn deliver<O: Operation>(operation: &mut O, now: Millis, reply: &Reply) {
    match reply {
        Reply::Answer { status, headers, body } => {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            operation.on_response(
                now,
                HttpResponse { status: *status, headers: &headers, body: body.as_bytes() },
            );
        }
        Reply::Lost(error) => operation.on_error(now, *error),
    }
}

/// Drives an operation to its end; time passes only where it waits.
pub fn drive<O: Operation>(
    operation: &mut O,
    now: &mut Millis,
    seed: u64,
    mut provider: impl FnMut(Millis, &HttpRequest) -> Reply,
) -> (Result<O::Output, nextapi_client::Error>, Vec<Sent>) {
    let (mut chance, mut sent) = (Chance(seed), Vec::new());
    loop {
        match operation.step(*now, chance.next()) {
            Step::Send(request) => {
                let reply = provider(*now, &request);
                sent.push(Sent { at: *now, request });
                deliver(operation, *now, &reply);
            }
            Step::Wait { until, .. } => {
                assert!(until > *now, "a wait that is over");
                *now = until;
            }
            Step::Done(result) => return (result, sent),
        }
        assert!(sent.len() < 10_000, "it does not end");
    }
}

pub fn request() -> ValidRequest {
    GenerationRequest::new("seedance-2.0-pro", "a fox, canary")
        .duration_seconds(6)
        .validate()
        .unwrap()
}

pub fn key() -> IdempotencyKey {
    IdempotencyKey::from_text("key-1").unwrap()
}

pub fn api_key() -> Fingerprint {
    ApiKey::new("nxa_live_sk_canary", Environment::Live).unwrap().fingerprint()
}
