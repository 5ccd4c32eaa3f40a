//! Checks references before they are submitted.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Url, redirect, retry};
use std::io;
use tokio::net::lookup_host;

use super::public_address::is_public;
use crate::{Reference, ValidRequest};

/// Checks the references of a request: whether each is an `https` URL at public addresses, and what is there has a size
/// and a type that are allowed. It asks with HEAD, without the API key, and follows no redirect. The address that was
/// checked is the one that is connected to.
///
/// It is a service to whoever submits, not a promise: the content may be another one when the provider reads it.
#[derive(Clone, Debug)]
pub struct Preflight {
    /// The largest content, in bytes. Default: 100 MiB.
    pub max_bytes: u64,
    /// Beginnings of content types that are allowed. Default: `image/`, `video/`, `audio/`.
    pub content_types: Vec<String>,
    /// How long each reference may take. Default: 10 s.
    pub timeout: Duration,
}

/// What was found about a reference. It does not show the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreflightFinding {
    /// The field that holds the reference.
    pub field: String,
    /// What it is.
    pub problem: PreflightProblem,
}

/// What can be found about a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreflightProblem {
    /// It is not an absolute `https` URL.
    NotHttps,
    /// Its host has no address.
    NoAddress,
    /// One of its host's addresses is not public.
    NotPublic,
    /// It cannot be reached, or does not answer in time.
    Unreachable,
    /// It answers with this status, a redirect or 404 for one.
    Status(u16),
    /// The content is larger than is allowed: so many bytes.
    TooLarge(u64),
    /// The content is not of a type that is allowed.
    ContentType,
    /// A warning: HEAD is refused with this status, so nothing is known. A URL that was signed for GET does that.
    HeadRefused(u16),
    /// A warning: the answer does not say how large the content is.
    NoLength,
}

impl PreflightProblem {
    /// Whether it is a warning: the reference may be good all the same.
    #[must_use]
    pub const fn is_warning(&self) -> bool {
        matches!(self, Self::HeadRefused(_) | Self::NoLength)
    }
}

impl Default for Preflight {
    fn default() -> Self {
        Self {
            max_bytes: 100 * 1024 * 1024,
            content_types: ["image/", "video/", "audio/"].map(String::from).into(),
            timeout: Duration::from_secs(10),
        }
    }
}

/// What tests have to differ in: there is no public address on a test's machine.
struct Rules {
    scheme: &'static str,
    allows: fn(IpAddr) -> bool,
}

const RULES: Rules = Rules { scheme: "https", allows: is_public };

impl Preflight {
    /// Checks all references of a request. Nothing that is found means that nothing was found wrong.
    pub async fn check(&self, request: &ValidRequest) -> Vec<PreflightFinding> {
        let mut findings = Vec::new();
        for reference in request.references() {
            if let Err(problem) = self.check_one(reference, &RULES, resolve).await {
                findings.push(PreflightFinding { field: reference.field.clone(), problem });
            }
        }
        findings
    }

    async fn check_one<F>(
        &self,
        reference: &Reference,
        rules: &Rules,
        resolve: impl FnOnce(String, u16) -> F,
    ) -> Result<(), PreflightProblem>
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>>,
    {
        let url = Url::parse(&reference.url).ok().filter(|url| url.scheme() == rules.scheme);
        let url = url.ok_or(PreflightProblem::NotHttps)?;
        let host = url.host_str().ok_or(PreflightProblem::NotHttps)?.to_string();
        let port = url.port_or_known_default().ok_or(PreflightProblem::NotHttps)?;
        // An IPv6 address stands in brackets in a URL, and nowhere else.
        let name = host.trim_start_matches('[').trim_end_matches(']').to_string();
        let addresses = tokio::time::timeout(self.timeout, resolve(name, port)).await;
        let addresses = addresses.ok().and_then(Result::ok).unwrap_or_default();
        if addresses.is_empty() {
            return Err(PreflightProblem::NoAddress);
        }
        if !addresses.iter().all(|address| (rules.allows)(address.ip())) {
            return Err(PreflightProblem::NotPublic);
        }
        let http = reqwest::Client::builder()
            .resolve_to_addrs(&host, &addresses)
            .no_proxy()
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(self.timeout)
            .build()
            .map_err(|_| PreflightProblem::Unreachable)?;
        let response = http.head(url).send().await.map_err(|_| PreflightProblem::Unreachable)?;
        self.judge(response.status().as_u16(), response.headers())
    }

    fn judge(&self, status: u16, headers: &HeaderMap) -> Result<(), PreflightProblem> {
        match status {
            200..=299 => {}
            400 | 401 | 403 | 405 | 501 => return Err(PreflightProblem::HeadRefused(status)),
            _ => return Err(PreflightProblem::Status(status)),
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = text(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        if !self.content_types.iter().any(|allowed| content_type.starts_with(allowed.as_str())) {
            return Err(PreflightProblem::ContentType);
        }
        match text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()) {
            Some(length) if length > self.max_bytes => Err(PreflightProblem::TooLarge(length)),
            Some(_) => Ok(()),
            None => Err(PreflightProblem::NoLength),
        }
    }
}

async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((host.as_str(), port)).await?.collect())
}

impl fmt::Display for PreflightFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.field)?;
        match &self.problem {
            PreflightProblem::NotHttps => f.write_str("must be an https URL"),
            PreflightProblem::NoAddress => f.write_str("refers to a host that has no address"),
            PreflightProblem::NotPublic => f.write_str("refers to an address that is not public"),
            PreflightProblem::Unreachable => f.write_str("refers to a host that does not answer"),
            PreflightProblem::Status(status) => write!(f, "is answered with HTTP {status}"),
            PreflightProblem::TooLarge(bytes) => {
                write!(f, "refers to {bytes} bytes, which is too much")
            }
            PreflightProblem::ContentType => {
                f.write_str("refers to content of another type than is allowed")
            }
            PreflightProblem::HeadRefused(status) => {
                write!(f, "could not be checked: HEAD is refused with HTTP {status}")
            }
            PreflightProblem::NoLength => f.write_str("does not say how large its content is"),
        }
    }
}

#[cfg(test)]
mod tests;
