//! The event that is made for an end whose webhook never came.

use base16ct::lower::encode_string;
use nextapi_client::{Credits, Job};
use nextapi_webhook::EventKey;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::ledger::event_meta::EventMeta;
use crate::time::rfc3339;

/// An event of ours.
pub(super) struct MadeEnd {
    /// Its key, as that of any event is made.
    pub(super) key: String,
    pub(super) meta: EventMeta,
    /// The bytes that the origin gets.
    pub(super) body: String,
}

/// The envelope of the provider's own events, and where it comes from. Both are signed by us.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    r#type: &'a str,
    created_at: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    job: JobBody<'a>,
    source: &'static str,
}

/// What the API says of the job. Fields that we do not know stay behind, so that nothing is passed on that
/// nobody has thought of, such as a prompt.
#[derive(Serialize)]
struct JobBody<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_id: Option<&'a str>,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credits: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_credits: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// How much the event repeats of what the provider says about an error, in bytes each of code and message. It has to
/// fit into a row, and nobody reads more.
const ERROR_BYTES: usize = 1_000;

fn cut(text: Option<&str>) -> Option<&str> {
    text.and_then(|text| text.get(..text.floor_char_boundary(ERROR_BYTES)))
}

impl MadeEnd {
    /// The event for a job that has ended. `job_id` is the name that the ledger knows it by. Its id and its key
    /// depend on that and on the status alone, so that a second look makes the same event.
    pub(super) fn new(job_id: &str, job: &Job, now_ms: u64) -> Self {
        let status = job.status.as_str();
        let event_type = format!("job.{status}");
        let digest: [u8; 32] = Sha256::digest(format!("{job_id}\n{status}")).into();
        let event_id =
            format!("evt_edge_{}", encode_string(digest.first_chunk::<16>().unwrap_or(&[0; 16])));
        let (code, message) = (job.error_code.as_deref(), job.error_message.as_deref());
        let error = ErrorBody { code: cut(code), message: cut(message) };
        let has_error = error.code.is_some() || error.message.is_some();
        let body = Body {
            id: &event_id,
            r#type: &event_type,
            created_at: rfc3339(now_ms),
            data: Data {
                job: JobBody {
                    id: job_id,
                    video_id: job.video_id.as_deref().filter(|it| *it != job_id),
                    status,
                    video_url: job.video_url.as_deref(),
                    credits: job.credits.and_then(number),
                    estimated_credits: job.estimated_credits.and_then(number),
                    error: has_error.then_some(error),
                },
                source: "reconciliation",
            },
        };
        // Texts and numbers can always be written as JSON.
        let body = serde_json::to_string(&body).unwrap_or_default();
        let meta = EventMeta {
            event_id: Some(event_id),
            event_type: Some(event_type),
            job_id: Some(job_id.to_owned()),
            ..EventMeta::default()
        };
        Self { key: EventKey::of_unverified(body.as_bytes()).to_string(), meta, body }
    }
}

/// The amount as a number with all its digits.
fn number(amount: Credits) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn made(job: &str) -> MadeEnd {
        MadeEnd::new("job_1", &Job::read(job.as_bytes()).unwrap(), NOW_MS)
    }

    #[test]
    fn the_event_has_the_provider_s_form_and_says_where_it_comes_from() {
        let made = made(
            r#"{"id":"job_1","video_id":"vid_1","status":"succeeded","credits":1.050,"estimated_credits":1.1,
                "video_url":"https://cdn.test/1.mp4?sig=1","prompt":"canary","created_at":1700000000}"#,
        );
        let expected = concat!(
            r#"{"id":"evt_edge_DIGEST","type":"job.succeeded","created_at":"2023-11-14T22:13:20.000Z","data":{"#,
            r#""job":{"id":"job_1","video_id":"vid_1","status":"succeeded","#,
            r#""video_url":"https://cdn.test/1.mp4?sig=1","credits":1.05,"estimated_credits":1.1},"#,
            r#""source":"reconciliation"}}"#
        );
        // printf 'job_1\nsucceeded' | sha256sum
        let digest = "3b777233ff9fb644ce45ffe399bdefd1";
        assert_eq!(made.body, expected.replace("DIGEST", digest));
        assert_eq!(made.meta.job_id.as_deref(), Some("job_1"));
        assert_eq!(made.meta.event_type.as_deref(), Some("job.succeeded"));
        assert_eq!(made.key, EventKey::of_unverified(made.body.as_bytes()).to_string());
    }

    /// It has to fit into a row of the ledger, or it would be made in vain again and again.
    #[test]
    fn what_the_provider_says_about_an_error_is_cut() {
        let long = "é".repeat(1_000_000);
        let body = format!(
            r#"{{"id":"job_1","status":"failed","error":{{"code":"{long}","message":"a{long}"}}}}"#
        );
        let made = made(&body).body;
        assert!(made.len() < 3_000, "{} bytes", made.len());
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(made["data"]["job"]["error"]["message"], format!("a{}", "é".repeat(499)));
    }

    #[test]
    fn a_second_look_makes_the_same_event() {
        let first =
            made(r#"{"id":"job_1","status":"succeeded","video_url":"https://cdn.test/1?sig=1"}"#);
        let second =
            made(r#"{"id":"job_1","status":"succeeded","video_url":"https://cdn.test/1?sig=2"}"#);
        let failed = made(
            r#"{"id":"job_1","status":"failed","error":{"code":"internal_error","message":"m"}}"#,
        );
        assert_eq!(first.key, second.key);
        assert_ne!(first.key, failed.key);
        assert!(
            failed.body.contains(r#""error":{"code":"internal_error","message":"m"}"#),
            "{}",
            failed.body
        );
    }
}
