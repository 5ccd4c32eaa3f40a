//! The one place where verified events go.

use core::fmt;

/// A URL, parsed by the platform (`URL` of the WHATWG standard), so that it means the same here and in
/// `fetch`. The names are those of the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The whole URL in its normal form.
    pub href: String,
    /// Scheme and colon.
    pub protocol: String,
    /// User name, empty if there is none.
    pub username: String,
    /// Password, empty if there is none.
    pub password: String,
    /// Host, and port unless it is the scheme's default, with a colon between.
    pub host: String,
}

/// An http or https URL. `Debug` leaves path and query out, which may hold a token.
pub(crate) struct Origin {
    href: String,
    host: String,
}

impl Origin {
    /// Takes a URL that the platform has parsed, or could not parse.
    ///
    /// # Errors
    /// What is wrong with it, and what to do; never the URL itself.
    pub(crate) fn new(url: Option<Url>) -> Result<Self, &'static str> {
        let Some(url) = url else {
            return Err("is not a URL: give a whole one, such as https://example.com/events");
        };
        if !matches!(url.protocol.as_str(), "http:" | "https:") {
            return Err("is neither http nor https: nothing else can be forwarded to");
        }
        if !url.username.is_empty() || !url.password.is_empty() {
            return Err("has credentials in it: move them to ORIGIN_AUTHORIZATION");
        }
        Ok(Self { host: canonical(&url.host), href: url.href })
    }

    /// The whole URL: only for the request itself.
    pub(crate) fn expose(&self) -> &str {
        &self.href
    }

    /// Host and port, as they may be shown.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether the URL of a request, which the platform has brought into its normal form, has the same
    /// host and port.
    ///
    /// Ports that are the default of their scheme count as equal, because a worker answers on its
    /// host by http and https alike.
    pub(crate) fn is_at(&self, request_url: &str) -> bool {
        let rest = request_url.split_once("://").map_or("", |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        canonical(host) == self.host
    }
}

/// The host without the dot at the end that a full domain name may have.
fn canonical(host: &str) -> String {
    match host.split_once(".:") {
        Some((name, port)) => format!("{name}:{port}"),
        None => host.strip_suffix('.').unwrap_or(host).to_owned(),
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({:?})", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::parse_url;

    fn origin(url: &str) -> Result<Origin, &'static str> {
        Origin::new(parse_url(url))
    }

    #[test]
    fn sound_urls_are_kept() {
        for (url, href) in [
            ("https://origin.example", "https://origin.example/"),
            (
                "https://origin.example/events?token=a&b=%20#c",
                "https://origin.example/events?token=a&b=%20#c",
            ),
            ("HTTPS://Origin.Example:8443/", "https://origin.example:8443/"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/"),
            ("http://[::1]:9000/events", "http://[::1]:9000/events"),
            ("https://origin.example:/", "https://origin.example/"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(origin(url).unwrap().expose(), href);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (url, expected) in [
            ("", "not a URL"),
            ("origin.example", "not a URL"),
            ("/events", "not a URL"),
            ("https://[::1", "not a URL"),
            ("https://", "not a URL"),
            ("https://1.2.3.256", "not a URL"),
            ("https://origin.example:65536", "not a URL"),
            ("https://xn--a.example/", "not a URL"),
            ("ftp://origin.example", "neither http nor https"),
            ("file:///etc/passwd", "neither http nor https"),
            ("javascript:alert(1)", "neither http nor https"),
            ("origin.example:8080", "neither http nor https"),
            ("https://user:password@origin.example", "credentials"),
            ("https://user@origin.example", "credentials"),
            ("https://:password@origin.example", "credentials"),
        ] {
            let error = origin(url).unwrap_err();
            assert!(error.contains(expected), "{url}: {error}");
        }
    }

    #[test]
    fn the_worker_itself_is_recognised() {
        let is_own = |url, own| origin(url).unwrap().is_at(own);
        let url = "https://edge.example/webhook?a=b";
        assert!(is_own("https://edge.example/other", url));
        assert!(is_own("https://EDGE.example:443/", url));
        assert!(is_own("https://edge.example./", url));
        assert!(is_own("https://edge.example?x", url));
        assert!(is_own("http://edge.example/", url), "a worker answers by http as well");
        assert!(is_own("http://127.0.0.1:8787/", "http://127.0.0.1:8787/webhook"));
        assert!(is_own("http://edge.example.:8787/", "http://edge.example:8787/webhook"));
        assert!(is_own("http://[0:0::1]:8787/", "http://[::1]:8787/webhook"));
        assert!(!is_own("https://origin.example/", url));
        assert!(!is_own("https://edge.example.evil.example/", url));
        assert!(!is_own("https://edge.example:8443/", url));
        assert!(!is_own("http://127.0.0.1:9000/", "http://127.0.0.1:8787/webhook"));
        assert!(!is_own("https://edge.example/", ""));
    }

    #[test]
    fn debug_shows_host_and_port_only() {
        let origin = origin("https://origin.example:8443/canary?canary#canary").unwrap();
        let text = format!("{origin:?}");
        assert!(text.contains("origin.example") && text.contains("8443"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
