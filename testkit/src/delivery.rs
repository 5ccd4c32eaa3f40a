//! One delivery of a webhook: the body and the headers it is sent with.

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use nextapi_webhook::{Key, Label, UnixTime};

use crate::EventBody;

/// Which of its two documented headers the provider puts the signature into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureHeader {
    /// `X-NextAPI-Signature`
    #[default]
    NextApi,
    /// `X-Webhook-Signature`, as the retry section of the documentation calls it.
    Webhook,
}

impl SignatureHeader {
    /// The header's name.
    #[must_use]
    pub const fn name(self) -> HeaderName {
        match self {
            Self::NextApi => HeaderName::from_static("x-nextapi-signature"),
            Self::Webhook => HeaderName::from_static("x-webhook-signature"),
        }
    }
}

/// A body with the headers that go with it, ready for [`Deliverer::send`](crate::Deliverer::send). A
/// clone is the same delivery once more.
#[derive(Clone, Debug)]
pub struct Delivery {
    body: Bytes,
    headers: HeaderMap,
}

impl Delivery {
    /// A delivery without a signature: JSON, with the event's type in `X-NextAPI-Event`.
    ///
    /// # Errors
    /// If the event's type cannot stand in a header.
    pub fn unsigned(body: EventBody) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { body: body.bytes.into(), headers }.with_header("x-nextapi-event", &body.event_type)
    }

    /// A delivery signed at `timestamp` as documented: header `X-NextAPI-Signature`, label `v`.
    ///
    /// # Errors
    /// If the event's type cannot stand in a header.
    pub fn signed(body: EventBody, key: &Key, timestamp: UnixTime) -> anyhow::Result<Self> {
        Self::unsigned(body)?.sign(key, timestamp, SignatureHeader::default(), Label::default())
    }

    /// Signs the body as it is now, in place of an earlier signature in the same header.
    ///
    /// # Errors
    /// None in practice: a signature can always stand in a header.
    pub fn sign(
        self,
        key: &Key,
        timestamp: UnixTime,
        header: SignatureHeader,
        label: Label,
    ) -> anyhow::Result<Self> {
        let signature = key.sign(timestamp, &self.body).with_label(label);
        self.with_header(header.name().as_str(), signature.to_string())
    }

    /// Sets a header, in place of any of that name.
    ///
    /// # Errors
    /// If the name or the value cannot stand in a header.
    pub fn with_header(
        mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> anyhow::Result<Self> {
        let name = name.as_ref();
        let parsed = HeaderName::try_from(name)
            .with_context(|| format!("{name:?} cannot be the name of a header"))?;
        let value = HeaderValue::from_bytes(value.as_ref())
            .with_context(|| format!("this cannot be the value of the header {name}"))?;
        self.headers.insert(parsed, value);
        Ok(self)
    }

    /// Replaces the body and keeps the headers, the signature of the former body included.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The body, byte for byte.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The headers that this type knows of; the HTTP client adds `Host` and the like.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(delivery: &Delivery, header: SignatureHeader) -> &str {
        delivery.headers()[header.name()].to_str().unwrap()
    }

    #[test]
    fn a_body_replaced_after_signing_keeps_the_old_signature() {
        let key = Key::new(b"whsec_test").unwrap();
        let body = EventBody::new("job.queued", "{}");
        let delivery = Delivery::signed(body, &key, UnixTime::from_secs(5)).unwrap();
        let before = signature(&delivery, SignatureHeader::NextApi).to_owned();
        let delivery = delivery.with_body("{ }");
        assert_eq!(signature(&delivery, SignatureHeader::NextApi), before);
        assert_eq!(&delivery.body()[..], b"{ }");
    }

    #[test]
    fn header_and_label_can_be_chosen() {
        let key = Key::new(b"whsec_test").unwrap();
        let delivery = Delivery::unsigned(EventBody::new("job.queued", "{}"))
            .unwrap()
            .sign(&key, UnixTime::from_secs(5), SignatureHeader::Webhook, Label::Sha256)
            .unwrap();
        assert!(signature(&delivery, SignatureHeader::Webhook).starts_with("t=5,sha256="));
        assert!(!delivery.headers().contains_key("x-nextapi-signature"));
    }

    #[test]
    fn a_bad_header_is_named() {
        let delivery = Delivery::unsigned(EventBody::new("job.queued", "{}")).unwrap();
        let error = delivery.clone().with_header("a b", "x").unwrap_err();
        assert!(error.to_string().contains("\"a b\""), "{error}");
        let error = delivery.with_header("x-a", "line\nfeed").unwrap_err();
        assert!(error.to_string().contains("x-a"), "{error}");
    }
}
