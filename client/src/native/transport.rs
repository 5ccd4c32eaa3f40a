//! Sends one request, once.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Url};
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use crate::{ApiKey, Fingerprint, HttpRequest, HttpResponse, TransportError};

#[derive(Clone)]
pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    key: ApiKey,
}

/// An answer of which everything has arrived.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Those that the core reads.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Transport {
    pub(super) const fn new(http: reqwest::Client, base: Url, key: ApiKey) -> Self {
        Self { http, base, key }
    }

    pub(super) fn base(&self) -> &str {
        self.base.as_str()
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    /// Sends the request, in a span of its own with the names of OpenTelemetry's HTTP client spans.
    pub(super) async fn send(&self, request: &HttpRequest) -> Result<Answer, TransportError> {
        let span = self.span(request);
        let answer = timeout(Duration::from_millis(request.timeout), self.exchange(request))
            .instrument(span.clone());
        let answer = answer.await.unwrap_or(Err(TransportError::TimedOut));
        match &answer {
            Ok(answer) => {
                span.record("http.response.status_code", answer.status);
                if answer.status >= 400 {
                    span.record("error.type", answer.status.to_string());
                }
            }
            Err(error) => {
                span.record("error.type", error_type(*error));
            }
        }
        answer
    }

    fn span(&self, request: &HttpRequest) -> Span {
        // Without the query: offsets are of no use to anybody who looks at a trace.
        let path = request.path.split('?').next().unwrap_or_default();
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let correlation_id = request
            .headers
            .iter()
            .find(|(name, _)| *name == "x-correlation-id")
            .map(|(_, value)| value.as_str());
        let span = info_span!(
            "HTTP",
            otel.kind = "client",
            otel.name = request.method.as_str(),
            http.request.method = request.method.as_str(),
            http.request.resend_count = Empty,
            http.response.status_code = Empty,
            server.address = self.base.host_str(),
            server.port = self.base.port_or_known_default(),
            url.full = url,
            error.r#type = Empty,
            nextapi.correlation_id = correlation_id,
        );
        if request.resend_count > 0 {
            span.record("http.request.resend_count", request.resend_count);
        }
        span
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<Answer, TransportError> {
        // The core's paths are ASCII and encoded, and the base was checked, so this fails for nothing it makes.
        let url =
            Url::parse(&format!("{}{}", self.base.as_str().trim_end_matches('/'), request.path))
                .map_err(|_| TransportError::NotSent)?;
        let method = match request.method {
            crate::Method::Get => Method::GET,
            crate::Method::Post => Method::POST,
        };
        let authorization = self.key.authorization();
        let mut authorization =
            HeaderValue::from_str(&authorization).map_err(|_| TransportError::NotSent)?;
        authorization.set_sensitive(true);
        let mut builder = self.http.request(method, url).header(AUTHORIZATION, authorization);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body.to_vec());
        }
        let mut response = builder.send().await.map_err(|error| of(&error))?;
        let status = response.status().as_u16();
        let mut headers = Vec::new();
        for name in HttpResponse::HEADERS {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            headers.extend(value.map(|value| (name, value.to_owned())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| after_sending(&error))? {
            if body.len().saturating_add(chunk.len()) > request.max_response_bytes {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

/// Only a connection that was never made is "not sent".
fn of(error: &reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent
    } else {
        after_sending(error)
    }
}

fn after_sending(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() { TransportError::TimedOut } else { TransportError::Broken }
}

const fn error_type(error: TransportError) -> &'static str {
    match error {
        TransportError::NotSent => "not_sent",
        TransportError::TimedOut => "timeout",
        TransportError::Broken => "broken",
        TransportError::TooLarge => "too_large",
    }
}
