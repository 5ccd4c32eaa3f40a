//! The provider's API, made up.

use nextapi_client::TransportError;
use serde_json::{Value, json};

use crate::reconciler::RoundInput;

const MINUTE_MS: u64 = 60_000;

/// What the API answers with instead of what it knows.
type Fault = Option<Result<(u16, Vec<(String, String)>), TransportError>>;

#[derive(Default)]
pub(super) struct Api {
    /// Its jobs, the newest first.
    pub(super) jobs: Vec<Value>,
    pub(super) fault: Fault,
    /// Paths that are answered with a status of their own.
    pub(super) odd: Vec<(String, u16)>,
    /// How long the first two answers take.
    pub(super) first_answers_ms: u64,
    /// Headers of sound answers.
    pub(super) headers: Vec<(String, String)>,
    /// When each request was sent, and its path.
    pub(super) asked: Vec<(u64, String)>,
}

/// A job that has succeeded.
pub(super) fn ended(id: usize, created_s: u64) -> Value {
    json!({
        "id": format!("job_{id}"), "video_id": format!("vid_{id}"), "status": "succeeded",
        "video_url": "https://cdn.test/1.mp4", "credits": 1.05, "created_at": created_s,
    })
}

/// A job that goes on.
pub(super) fn running(id: usize, created_s: u64) -> Value {
    json!({ "id": format!("job_{id}"), "status": "running", "created_at": created_s })
}

impl Api {
    /// The answer to a request, and how long it takes.
    pub(super) fn answer(
        &mut self,
        url: &str,
        headers: &[(&'static str, String)],
        now_ms: u64,
    ) -> (RoundInput, u64) {
        let path = url.strip_prefix("https://api.nextapi.top/v1").unwrap();
        let header = |name: &str| {
            headers.iter().find(|(it, _)| *it == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(header("authorization"), Some("Bearer nxa_live_sk_canary"));
        assert_eq!(header("x-nextapi-environment"), Some("live"));
        self.asked.push((now_ms, path.to_owned()));
        let answer_ms = if self.asked.len() <= 2 { self.first_answers_ms } else { 0 };
        (self.answer_to(path), answer_ms)
    }

    fn answer_to(&self, path: &str) -> RoundInput {
        let answer = |status, headers: &[_], body: &str| RoundInput::Answer {
            status,
            headers: headers.to_vec(),
            body: body.as_bytes().to_vec(),
        };
        let odd = self.odd.iter().find(|(odd, _)| path.starts_with(odd.as_str()));
        if let Some((_, status)) = odd {
            return answer(*status, &[], "{}");
        }
        match &self.fault {
            Some(Ok((status, headers))) => {
                let body = r#"{"error":{"code":"x","message":"canary"}}"#;
                return answer(*status, headers, body);
            }
            Some(Err(error)) => return RoundInput::NoAnswer(*error),
            None => {}
        }
        let rest = path.strip_prefix("/video/generations").unwrap();
        let body = if let Some(id) = rest.strip_prefix('/') {
            self.jobs.iter().find(|job| job["id"] == id || job["video_id"] == id).cloned()
        } else {
            let (_, query) = rest.split_once('?').unwrap();
            let number = |name: &str| -> usize {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(it, _)| *it == name).unwrap().1.parse().unwrap()
            };
            let (limit, offset) = (number("limit"), number("offset"));
            let page: Vec<_> = self.jobs.iter().skip(offset).take(limit).collect();
            let total = self.jobs.len();
            Some(json!({ "data": page, "total": total, "limit": limit, "offset": offset }))
        };
        match body {
            Some(body) => answer(200, &self.headers, &body.to_string()),
            None => {
                answer(404, &self.headers, r#"{"error":{"code":"not_found","message":"canary"}}"#)
            }
        }
    }

    /// How many pages of the list were asked for.
    pub(super) fn pages_asked(&self) -> usize {
        self.asked.iter().filter(|(_, path)| path.contains('?')).count()
    }

    /// The most requests in any minute.
    pub(super) fn busiest_minute(&self) -> usize {
        let sent = || self.asked.iter().map(|(ms, _)| *ms);
        let within =
            |start: u64| sent().filter(|ms| (start..start + MINUTE_MS).contains(ms)).count();
        sent().map(within).max().unwrap_or(0)
    }
}
