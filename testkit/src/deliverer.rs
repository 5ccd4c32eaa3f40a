//! The sending side of the provider.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::{Answer, Delivery};

/// The provider gives up on a delivery after about this long.
const GIVES_UP_AFTER: Duration = Duration::from_secs(10);

/// Posts deliveries to one URL, as the provider does: redirects are not followed, and every
/// delivery has a connection of its own.
#[derive(Clone)]
pub struct Deliverer {
    client: Client,
    url: Url,
}

impl Deliverer {
    /// A deliverer that delivers to `url`.
    ///
    /// # Errors
    /// If `url` is not an absolute `http` or `https` URL.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Self::with_timeout(url, GIVES_UP_AFTER)
    }

    /// A deliverer that hangs up after `timeout` instead of the usual 10 seconds.
    ///
    /// # Errors
    /// If `url` is not an absolute `http` or `https` URL.
    pub fn with_timeout(url: &str, timeout: Duration) -> anyhow::Result<Self> {
        let url = Url::parse(url).with_context(|| format!("{url:?} is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            bail!("the URL must begin with http:// or https://, not {}:", url.scheme());
        }
        let mut client = Client::builder()
            .user_agent(concat!("nextapi-hook/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(timeout)
            .pool_max_idle_per_host(0);
        if is_this_machine(&url) {
            // A proxy that the environment names could not reach it.
            client = client.no_proxy();
        }
        let client = client.build().context("cannot set up an HTTP client")?;
        Ok(Self { client, url })
    }

    /// Posts one delivery and reads the whole answer.
    ///
    /// # Errors
    /// If there is no answer: connection refused or cut, or the time-out.
    pub async fn send(&self, delivery: &Delivery) -> anyhow::Result<Answer> {
        let no_answer = || format!("no answer from {}", self.host());
        let response = self
            .client
            .post(self.url.clone())
            .headers(delivery.headers().clone())
            .body(delivery.body().clone())
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(no_answer)?;
        let status = response.status();
        let headers = response.headers().clone();
        let body =
            response.bytes().await.map_err(reqwest::Error::without_url).with_context(no_answer)?;
        Ok(Answer::new(status, headers, body))
    }

    /// The URL without its path and query, which may hold what only its owner should see.
    fn host(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

impl fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deliverer({})", self.host())
    }
}

fn is_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_web_address_is_refused() {
        for (url, named) in [("localhost:80", "localhost:"), ("/hook", "/hook"), ("ftp://a", "ftp")]
        {
            let error = Deliverer::new(url).unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn debug_leaves_the_query_out() {
        let deliverer = Deliverer::new("https://edge.example.com/hook?token=canary").unwrap();
        assert_eq!(format!("{deliverer:?}"), "Deliverer(https://edge.example.com)");
    }

    #[test]
    fn loopback_in_every_spelling() {
        for (url, expected) in [
            ("http://127.0.0.1:8787", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("https://edge.example.com/", false),
        ] {
            assert_eq!(is_this_machine(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
