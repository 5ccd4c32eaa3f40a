//! How a client is set up.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use reqwest::{Url, redirect, retry};

use super::client::Client;
use super::transport::Transport;
use crate::{ApiKey, KeyLimits, Options, RetryConfig, Veto};

/// Where the provider is, unless said otherwise.
const BASE_URL: &str = "https://api.nextapi.top/v1";
/// A connection that is not there by then counts as not made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that idle longer are not used again: a server may be about to close them, and a request that meets
/// that may or may not have been received.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sets up a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    key: ApiKey,
    base_url: String,
    options: Options,
}

/// Why a client could not be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The base URL is not an absolute `https` URL without user, password, query and fragment. `http` is taken for
    /// this machine (`localhost`, `127.0.0.1`, `[::1]`) only, since the API key goes there.
    BaseUrl,
    /// The HTTP client could not be set up.
    Http(reqwest::Error),
}

impl ClientBuilder {
    pub(super) fn new(key: ApiKey) -> Self {
        let options = Options::new(key.environment());
        Self { key, base_url: BASE_URL.into(), options }
    }

    /// Where the provider is. Default: `https://api.nextapi.top/v1`.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// How often and for how long to try.
    #[must_use]
    pub const fn retry(mut self, retry: RetryConfig) -> Self {
        self.options.retry = retry;
        self
    }

    /// Forbids retries that would be made.
    #[must_use]
    pub const fn veto(mut self, veto: Veto) -> Self {
        self.options.veto = Some(veto);
        self
    }

    /// Limits that several clients with the same API key share.
    #[must_use]
    pub fn limits(mut self, limits: Arc<KeyLimits>) -> Self {
        self.options.limits = limits;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// If the base URL is refused, or the HTTP client cannot be set up.
    pub fn build(self) -> Result<Client, ClientError> {
        let base = Url::parse(&self.base_url).map_err(|_| ClientError::BaseUrl)?;
        let local = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !plain || !(base.scheme() == "https" || (base.scheme() == "http" && local)) {
            return Err(ClientError::BaseUrl);
        }
        // A request is sent once: what is sent again, and whether, is the core's decision. And to nobody else: a
        // redirect's target would get the API key, or the bytes without their idempotency key.
        let mut http = reqwest::Client::builder()
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .https_only(!local)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("nextapi-client/", env!("CARGO_PKG_VERSION")));
        if local {
            http = http.no_proxy();
        }
        let http = http.build().map_err(ClientError::Http)?;
        let transport = Transport::new(http, base, self.key);
        Ok(Client::new(transport, self.options))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BaseUrl => {
                "the base URL must be https, without user, password, query and fragment"
            }
            Self::Http(_) => "the HTTP client cannot be set up",
        })
    }
}

impl core::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::BaseUrl => None,
            Self::Http(error) => Some(error),
        }
    }
}
