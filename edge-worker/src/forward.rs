//! The request that the origin gets: which headers go along, and which are added.
//!
//! What goes along is an allow-list, so that a header nobody thought of (a cookie, credentials, what
//! the platform adds) stays behind. None of the kept headers is signed: the origin may use them to
//! dispatch, but must believe the body only.

use nextapi_webhook::{EventKey, UnixTime};

use crate::ledger::order::Order;
use crate::settings::Settings;
use crate::trace::TraceContext;

/// Carries the sender's and the worker's common name for one delivery.
pub(crate) const CORRELATION_ID: &str = "x-correlation-id";
/// Carries the W3C trace context.
pub(crate) const TRACEPARENT: &str = "traceparent";

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const EDGE_ATTEMPT: &str = "x-edge-attempt";
const EDGE_ORDER: &str = "x-edge-order";
const EDGE_SIGNATURE: &str = "x-edge-signature";
const AUTHORIZATION: &str = "authorization";

/// What is known of a delivery when it is forwarded.
pub(crate) struct Forward<'a> {
    /// The name of the event, equal for all its deliveries.
    pub(crate) key: &'a EventKey,
    /// Which attempt this is, counted from 1.
    pub(crate) attempt: u64,
    /// Whether a newer event of the job was delivered before.
    pub(crate) order: Order,
    /// The name of this delivery.
    pub(crate) correlation_id: &'a str,
    /// The trace that this delivery is part of.
    pub(crate) trace: &'a TraceContext,
    /// The header in which the signature was found, lower case.
    pub(crate) signature_header: &'a str,
    /// Our own signature of the body, if there is to be one.
    pub(crate) edge_signature: Option<String>,
}

impl Forward<'_> {
    /// The headers of the origin's request, made of the delivery's headers and the settings.
    pub(crate) fn headers<'b>(
        self,
        delivered: impl IntoIterator<Item = (&'b str, &'b str)>,
        settings: &Settings,
    ) -> Vec<(String, String)> {
        let kept = delivered.into_iter().filter(|(name, value)| self.is_kept(name, value));
        let mut headers: Vec<_> =
            kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        add(IDEMPOTENCY_KEY, self.key.to_string());
        add(EDGE_ATTEMPT, self.attempt.to_string());
        add(EDGE_ORDER, self.order.name().to_owned());
        add(CORRELATION_ID, self.correlation_id.to_owned());
        add(TRACEPARENT, self.trace.to_string());
        if let Some(signature) = self.edge_signature {
            add(EDGE_SIGNATURE, signature);
        }
        if let Some(secret) = &settings.origin_authorization {
            add(AUTHORIZATION, secret.expose().to_owned());
        }
        headers
    }

    /// A header that is none, because of its name or a control character in its value, would make a
    /// strict origin refuse the event each time that it comes.
    fn is_kept(&self, name: &str, value: &str) -> bool {
        const PROVIDERS: &str = "x-nextapi-";
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        let is_wanted = is("content-type")
            || is("user-agent")
            || name
                .get(..PROVIDERS.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(PROVIDERS))
            || is(self.signature_header);
        let is_text = |byte: u8| byte == b'\t' || !byte.is_ascii_control();
        is_wanted && is_header_name(name) && value.bytes().all(is_text)
    }
}

/// The value of our own signature header over a body, if the settings want one.
pub(crate) fn edge_signature(settings: &Settings, body: &[u8], now: UnixTime) -> Option<String> {
    settings.edge_signing_key.as_ref().map(|key| key.sign(now, body).to_string())
}

/// Whether a header of this name (lower case) must not be taken over from a delivery, under any
/// settings: it belongs to one hop, holds the sender's credentials, or is ours to write.
pub(crate) fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 16] = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        AUTHORIZATION,
        "cookie",
        IDEMPOTENCY_KEY,
        CORRELATION_ID,
        TRACEPARENT,
    ];
    RESERVED.contains(&name) || name.starts_with("cf-") || name.starts_with("x-edge-")
}

/// Whether this is the name of a header: a token of RFC 9110, section 5.6.2.
pub(crate) fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use nextapi_webhook::{Key, Tolerance, Verifier};

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
        let forward = Forward {
            key: &EventKey::of(BODY),
            attempt: 3,
            order: Order::Late,
            correlation_id: "correlation-1",
            trace: &TraceContext::continuing(None, &random),
            signature_header,
            edge_signature: edge_signature(settings, BODY, UnixTime::from_secs(1_700_000_000)),
        };
        let mut headers = forward.headers(delivered.iter().copied(), settings);
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
                ("X-NextAPI-Environment", "live"),
                ("x-webhook-signature", "t=1,v=2"),
            ],
            "x-webhook-signature",
            &settings_with(&[]),
        );
        assert_eq!(value(&headers, "content-type"), Some("application/json"));
        assert_eq!(value(&headers, "user-agent"), Some("NextAPI/1"));
        assert_eq!(value(&headers, "x-nextapi-event"), Some("job.succeeded"));
        assert_eq!(value(&headers, "X-NextAPI-Environment"), Some("live"));
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
            "content-encoding",
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
        let key = EventKey::of(BODY).to_string();
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

    #[test]
    fn header_names_are_tokens() {
        for name in ["a", "x-signature", "x_1", "!#$%&'*+-.^_`|~"] {
            assert!(is_header_name(name), "{name}");
        }
        for name in ["", " ", "a b", "a:", "ä", "a\n", "(a)"] {
            assert!(!is_header_name(name), "{name:?}");
        }
    }
}
