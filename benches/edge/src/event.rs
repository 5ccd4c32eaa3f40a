//! The events that are sent.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use nextapi_webhook::{Key, UnixTime};

/// The secret of all contenders.
pub(crate) const SECRET: &str = "whsec_of_the_edge_bench";

/// How many bytes stand before an event's number.
const BEFORE_NUMBER: usize = r#"{"id":"evt_"#.len();
/// How many digits a number has.
const DIGITS: usize = 12;

/// The body of an event, `size` bytes or as long as it has to be. No two numbers have the id of an event
/// or of a job in common.
pub(crate) fn body(number: u64, size: u32) -> Bytes {
    let front = format!(
        r#"{{"id":"evt_{number:012}","type":"job.succeeded","created_at":1700000000,"data":{{"job":{{"id":"job_{number:012}","status":"succeeded","cost_credits":1.05,"prompt":""#
    );
    let back = r#""}}}"#;
    let filling = (size as usize).saturating_sub(front.len().saturating_add(back.len()));
    [front.as_str(), &"x".repeat(filling), back].concat().into()
}

/// The number of the event that a body is.
pub(crate) fn number(body: &[u8]) -> Option<u64> {
    let digits = body.get(BEFORE_NUMBER..)?.get(..DIGITS)?;
    str::from_utf8(digits).ok()?.parse().ok()
}

/// A delivery of a body, signed now.
///
/// # Errors
/// None: all parts can stand in a request.
pub(crate) fn delivery(body: Bytes, key: &Key) -> http::Result<Request<Full<Bytes>>> {
    Request::post("/webhook")
        .header("host", "edge.test")
        .header("user-agent", "NextAPI-Webhooks/1.0")
        .header("content-type", "application/json")
        .header("accept", "*/*")
        .header("accept-encoding", "gzip, br")
        .header("x-nextapi-event", "job.succeeded")
        .header("x-nextapi-signature", key.sign(UnixTime::now(), &body).to_string())
        .body(Full::new(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_their_size_and_number() {
        for size in [512, 4096] {
            let body = body(17, size);
            assert_eq!((body.len(), number(&body)), (size as usize, Some(17)));
        }
        assert_eq!(number(b"{}"), None);
    }
}
