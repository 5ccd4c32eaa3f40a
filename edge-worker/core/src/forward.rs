//! The request that the origin gets: which headers go along, and which are added.
//!
//! What goes along is an allow-list, so that a header nobody thought of (a cookie, credentials, what
//! the platform adds) stays behind. None of the kept headers is signed: the origin may use them to
//! dispatch, but must believe the body only.

use nextapi_webhook::UnixTime;
use serde::Serialize;

use crate::header_names::{
    AUTHORIZATION, CORRELATION_ID, IDEMPOTENCY_KEY, TRACEPARENT, is_header_name,
};
use crate::json::{self, from_json};
use crate::ledger::order::Order;
use crate::request::Request;
use crate::settings::Settings;
use crate::trace::TraceContext;

pub(crate) const EDGE_ATTEMPT: &str = "x-edge-attempt";
const EDGE_ORDER: &str = "x-edge-order";
const EDGE_REPLAY: &str = "x-edge-replay";
pub(crate) const EDGE_SIGNATURE: &str = "x-edge-signature";

/// What an owed event keeps of its delivery, beside its body: JSON in the ledger.
#[derive(Serialize)]
pub(crate) struct Head {
    /// The name of the delivery.
    pub(crate) correlation_id: String,
    /// The trace that the delivery is part of.
    pub(crate) trace: String,
    /// Headers of the delivery that go along.
    pub(crate) kept: Vec<(String, String)>,
}

from_json!(Head { correlation_id = required, trace = required, kept = required });

impl Head {
    /// As the ledger keeps it.
    pub(crate) fn encode(&self) -> String {
        // Texts can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads it again. Of one that cannot be read only the names are lost: the event goes out all the same.
    pub(crate) fn decode(text: &str) -> Self {
        let unknown =
            || Self { correlation_id: String::new(), trace: String::new(), kept: Vec::new() };
        json::read(text).unwrap_or_else(unknown)
    }
}

/// What is known of a delivery when it is forwarded.
pub(crate) struct Forward<'a> {
    /// The key of the event, equal for all its deliveries.
    pub(crate) key: &'a str,
    /// Which attempt this is, counted from 1.
    pub(crate) attempt: u64,
    /// Whether a newer event of the job was delivered before.
    pub(crate) order: Order,
    /// The name of this delivery.
    pub(crate) correlation_id: &'a str,
    /// The trace that this delivery is part of.
    pub(crate) trace: &'a TraceContext,
    /// Our own signature over the body, if `EDGE_SIGNING_SECRET` is set.
    pub(crate) edge_signature: Option<String>,
    /// The replay that this attempt is part of.
    pub(crate) replay: Option<String>,
}

impl Forward<'_> {
    /// The headers of the origin's request: those kept of the delivery, and ours.
    pub(crate) fn headers(
        self,
        kept: Vec<(String, String)>,
        settings: &Settings,
    ) -> Vec<(String, String)> {
        let mut headers = kept;
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        add(IDEMPOTENCY_KEY, self.key.to_string());
        add(EDGE_ATTEMPT, self.attempt.to_string());
        add(EDGE_ORDER, self.order.name().to_owned());
        add(CORRELATION_ID, self.correlation_id.to_owned());
        add(TRACEPARENT, self.trace.to_string());
        if let Some(signature) = self.edge_signature {
            add(EDGE_SIGNATURE, signature);
        }
        if let Some(replay) = self.replay {
            add(EDGE_REPLAY, replay);
        }
        if let Some(secret) = &settings.origin_authorization {
            add(AUTHORIZATION, secret.expose().to_owned());
        }
        headers
    }
}

/// The headers of a delivery that go along. `signature_header` is the name, in lower case, of the one in
/// which the signature was found.
pub(crate) fn kept_headers(request: &Request, signature_header: &str) -> Vec<(String, String)> {
    let is_kept = |(name, value): &&(String, String)| is_kept(name, value, signature_header);
    request.headers.iter().filter(is_kept).cloned().collect()
}

/// A name or value that no header may have, such as one with a control character, would make a strict
/// origin refuse the event each time that it comes.
fn is_kept(name: &str, value: &str, signature_header: &str) -> bool {
    // The body is passed on as it came, so it is still encoded as its sender says.
    let is_wanted = matches!(name, "content-type" | "content-encoding" | "user-agent")
        || name.starts_with("x-nextapi-")
        || name == signature_header;
    let is_text = |byte: u8| byte == b'\t' || !byte.is_ascii_control();
    is_wanted && is_header_name(name) && value.bytes().all(is_text)
}

/// The value of our own signature header over a body, if the settings want one.
pub(crate) fn edge_signature(settings: &Settings, body: &[u8], now: UnixTime) -> Option<String> {
    settings.edge_signing_key.as_ref().map(|key| key.sign(now, body).to_string())
}

#[cfg(test)]
mod tests {
    use nextapi_webhook::{EventKey, Key, Tolerance, Verifier};

    use super::*;
    use crate::settings::tests::settings_with;
    use crate::trace::Random;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded"}"#;

    fn forwarded(
        delivered: &[(&str, &str)],
        signature_header: &str,
        settings: &Settings,
    ) -> Vec<(String, String)> {
        let random = Random { correlation: [1; 16], trace: [2; 16], span: [3; 8] };
        let request = Request::new("POST", "https://edge.test/", delivered);
        let forward = Forward {
            key: &EventKey::of_unverified(BODY).to_string(),
            attempt: 3,
            order: Order::Late,
            correlation_id: "correlation-1",
            trace: &TraceContext::continuing(&Request::new("", "", &[]), &random),
            edge_signature: edge_signature(settings, BODY, UnixTime::from_secs(1_700_000_000)),
            replay: None,
        };
        let mut headers = forward.headers(kept_headers(&request, signature_header), settings);
        headers.sort();
        headers
    }

    fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
        let mut values = headers.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "{name} stands there twice");
        value
    }

    #[test]
    fn keeps_what_the_origin_needs_to_read_the_event() {
        let headers = forwarded(
            &[
                ("content-type", "application/json"),
                ("user-agent", "NextAPI/1"),
                ("x-nextapi-event", "job.succeeded"),
                ("x-nextapi-environment", "live"),
                ("content-encoding", "gzip"),
                ("x-webhook-signature", "t=1,v=2"),
            ],
            "x-webhook-signature",
            &settings_with(&[]),
        );
        assert_eq!(value(&headers, "content-type"), Some("application/json"));
        assert_eq!(value(&headers, "user-agent"), Some("NextAPI/1"));
        assert_eq!(value(&headers, "x-nextapi-event"), Some("job.succeeded"));
        assert_eq!(value(&headers, "x-nextapi-environment"), Some("live"));
        assert_eq!(value(&headers, "content-encoding"), Some("gzip"));
        assert_eq!(value(&headers, "x-webhook-signature"), Some("t=1,v=2"));
    }

    #[test]
    fn drops_everything_else() {
        let dropped = [
            "accept",
            "accept-encoding",
            "authorization",
            "cdn-loop",
            "cf-connecting-ip",
            "cf-ray",
            "connection",
            "content-length",
            "cookie",
            "expect",
            "forwarded",
            "host",
            "idempotency-key",
            "keep-alive",
            "proxy-authorization",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "x-edge-attempt",
            "x-edge-signature",
            "x-forwarded-for",
            "x-nextapi",
            "x-real-ip",
            "x-webhook-signature",
        ];
        let delivered: Vec<_> = dropped.iter().map(|&name| (name, "canary")).collect();
        let headers = forwarded(&delivered, "x-nextapi-signature", &settings_with(&[]));
        assert!(headers.iter().all(|(_, value)| value != "canary"), "{headers:?}");
    }

    #[test]
    fn drops_what_is_no_header() {
        let delivered = [
            ("x-nextapi-delivery", "with\ttab and \u{20ac}"),
            ("x-nextapi-a", "a\u{1}b"),
            ("x-nextapi-b", "\u{7f}"),
            ("x-nextapi-c", "a\r\nx: y"),
            ("x-nextapi-\u{e4}", "a"),
            ("x-nextapi-d[]", "a"),
        ];
        let headers = forwarded(&delivered, "x-nextapi-signature", &settings_with(&[]));
        let kept = headers.iter().filter(|(name, _)| name.starts_with("x-nextapi-"));
        assert_eq!(
            kept.collect::<Vec<_>>(),
            [&("x-nextapi-delivery".to_owned(), delivered[0].1.to_owned())]
        );
    }

    #[test]
    fn adds_the_names_of_event_attempt_delivery_and_trace() {
        let delivered = [
            ("x-correlation-id", "theirs"),
            ("traceparent", "theirs"),
            ("idempotency-key", "theirs"),
        ];
        let headers = forwarded(&delivered, "x-nextapi-signature", &settings_with(&[]));
        let key = EventKey::of_unverified(BODY).to_string();
        assert_eq!(value(&headers, "idempotency-key"), Some(key.as_str()));
        assert_eq!(value(&headers, "x-edge-attempt"), Some("3"));
        assert_eq!(value(&headers, "x-edge-order"), Some("late"));
        assert_eq!(value(&headers, "x-correlation-id"), Some("correlation-1"));
        assert_eq!(
            value(&headers, "traceparent"),
            Some("00-02020202020202020202020202020202-0303030303030303-01"),
        );
        assert_eq!(headers.len(), 5);
    }

    #[test]
    fn signs_again_when_a_secret_is_set() {
        let settings = settings_with(&[("EDGE_SIGNING_SECRET", "edge-secret")]);
        let headers = forwarded(&[], "x-nextapi-signature", &settings);
        let header = value(&headers, "x-edge-signature").unwrap();
        let key = Key::new(b"edge-secret").unwrap();
        let verifier = Verifier::<1>::new([key], Tolerance::DEFAULT).unwrap();
        let verdict = verifier.verify(header, BODY, UnixTime::from_secs(1_700_000_000));
        assert_eq!(verdict.unwrap().age_secs(), 0);
    }

    #[test]
    fn replaces_the_senders_authorization_with_the_configured_one() {
        let settings = settings_with(&[("ORIGIN_AUTHORIZATION", "Bearer ours")]);
        let delivered = [("authorization", "Bearer theirs")];
        let headers = forwarded(&delivered, "x-nextapi-signature", &settings);
        assert_eq!(value(&headers, "authorization"), Some("Bearer ours"));
    }
}
