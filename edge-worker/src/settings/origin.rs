//! The one place where verified events go.
//!
//! A whole URL parser would make the worker half as large again, with its tables for domain names in
//! other scripts. What has to be known before a request can be made is little, so it is read here,
//! and more strictly than `fetch` reads it: what passes here means the same there.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::num::NonZeroU16;

/// An http or https URL. `Debug` leaves path and query out, which may hold a token.
pub(crate) struct Origin {
    url: String,
    authority: Authority,
}

/// Host and port of a URL, in the one spelling in which they can be compared.
#[derive(Debug, PartialEq, Eq)]
struct Authority {
    /// Lower case, without a dot at the end.
    host: String,
    /// None if it is the default of the scheme.
    port: Option<NonZeroU16>,
}

impl Origin {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it, and what to do; never the URL itself.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err("has characters that no URL has: percent-encode them, and write a domain \
                        name in other scripts as `xn--…`");
        }
        Ok(Self { url: text.to_owned(), authority: Authority::of(text)? })
    }

    /// The whole URL: only for the request itself.
    pub(crate) fn expose(&self) -> &str {
        &self.url
    }

    /// Whether the URL of a request has the same host and port.
    ///
    /// Ports that are the default of their scheme count as equal, because a worker answers on its
    /// host by http and https alike.
    pub(crate) fn is_at(&self, request_url: &str) -> bool {
        Authority::of(request_url).is_ok_and(|authority| authority == self.authority)
    }
}

impl Origin {
    /// Host and port, as they may be shown.
    pub(crate) fn authority(&self) -> String {
        match self.authority.port {
            Some(port) => format!("{}:{port}", self.authority.host),
            None => self.authority.host.clone(),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({:?})", self.authority)
    }
}

impl Authority {
    fn of(url: &str) -> Result<Self, &'static str> {
        const NOT_A_URL: &str =
            "is not a URL: give a whole one, such as https://example.com/events";
        let (scheme, rest) = url.split_once(':').ok_or(NOT_A_URL)?;
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "http" => 80,
            "https" => 443,
            scheme if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') => {
                return Err("is neither http nor https: nothing else can be forwarded to");
            }
            _ => return Err(NOT_A_URL),
        };
        let rest = rest.strip_prefix("//").ok_or(NOT_A_URL)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("has credentials in it: move them to ORIGIN_AUTHORIZATION");
        }
        let (host, port) = split_port(authority).ok_or(NOT_A_URL)?;
        let host = canonical_host(host).ok_or("has a host that is none: correct it")?;
        let port = match port {
            "" => None,
            digits => Some(digits.parse::<NonZeroU16>().map_err(|_| "has a port that is none")?),
        };
        Ok(Self { host, port: port.filter(|port| port.get() != default_port) })
    }
}

/// Host and port of `host [":" [port]]`, where a host in brackets may have colons.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    let end = if authority.starts_with('[') {
        authority.find(']')?.checked_add(1)?
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at_checked(end)?;
    if port.is_empty() { Some((host, "")) } else { Some((host, port.strip_prefix(':')?)) }
}

fn canonical_host(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(is_inner)
    };
    let last_label = host.rsplit('.').next().unwrap_or_default();
    // A name that ends in a number is an address, or nothing at all.
    let is_address = last_label.starts_with(|first: char| first.is_ascii_digit());
    let is_sound =
        host.split('.').all(is_label) && (!is_address || host.parse::<Ipv4Addr>().is_ok());
    is_sound.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_urls_are_kept_as_they_are() {
        for url in [
            "https://origin.example",
            "https://origin.example/events?token=a&b=%20#c",
            "HTTPS://Origin.Example:8443/",
            "http://127.0.0.1:9000/",
            "http://localhost:9000",
            "http://my_host/",
            "http://[::1]:9000/events",
            "https://origin.example:/",
            "https://origin.example.?a@b",
            "https://xn--bcher-kva.example/",
        ] {
            assert_eq!(Origin::parse(url).map(|origin| origin.url), Ok(url.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (url, expected) in [
            ("", "not a URL"),
            ("origin.example", "not a URL"),
            ("/events", "not a URL"),
            ("https:/origin.example", "not a URL"),
            ("https:origin.example", "not a URL"),
            ("https://[::1", "not a URL"),
            ("https://[::1]9000", "not a URL"),
            ("ht!tp://origin.example", "not a URL"),
            ("ftp://origin.example", "neither http nor https"),
            ("file:///etc/passwd", "neither http nor https"),
            ("javascript:alert(1)", "neither http nor https"),
            ("origin.example:8080", "neither http nor https"),
            ("https://user:password@origin.example", "credentials"),
            ("https://user@origin.example", "credentials"),
            ("https://@origin.example", "credentials"),
            ("https://", "a host that is none"),
            ("https:///events", "a host that is none"),
            ("https://:9000", "a host that is none"),
            ("https://a..b", "a host that is none"),
            ("https://.", "a host that is none"),
            ("https://a%20b", "a host that is none"),
            ("https://1.2.3", "a host that is none"),
            ("https://1.2.3.256", "a host that is none"),
            ("https://0x7f.1", "a host that is none"),
            ("https://[1.2.3.4]", "a host that is none"),
            ("https://origin.example:x", "a port that is none"),
            ("https://origin.example:0", "a port that is none"),
            ("https://origin.example:65536", "a port that is none"),
            ("https://origin.example:80:80", "a port that is none"),
            ("https://bücher.example", "characters that no URL has"),
            ("https://origin.example/a b", "characters that no URL has"),
            ("https://origin.example\\@evil.example", "characters that no URL has"),
            ("https://origin.example/\n", "characters that no URL has"),
        ] {
            let error = Origin::parse(url).unwrap_err();
            assert!(error.contains(expected), "{url}: {error}");
        }
    }

    #[test]
    fn the_worker_itself_is_recognised() {
        let is_own = |origin, own| Origin::parse(origin).unwrap().is_at(own);
        let url = "https://edge.example/webhook?a=\\";
        assert!(is_own("https://edge.example/other", url));
        assert!(is_own("https://EDGE.example:443/", url));
        assert!(is_own("https://edge.example./", url));
        assert!(is_own("https://edge.example?x", url));
        assert!(is_own("http://edge.example/", url), "a worker answers by http as well");
        assert!(is_own("http://127.0.0.1:8787/", "http://127.0.0.1:8787/webhook"));
        assert!(is_own("http://[0:0::1]:8787/", "http://[::1]:8787/webhook"));
        assert!(!is_own("https://origin.example/", url));
        assert!(!is_own("https://edge.example.evil.example/", url));
        assert!(!is_own("https://edge.example:8443/", url));
        assert!(!is_own("http://127.0.0.1:9000/", "http://127.0.0.1:8787/webhook"));
    }

    #[test]
    fn debug_shows_host_and_port_only() {
        let origin = Origin::parse("https://origin.example:8443/canary?canary#canary").unwrap();
        let text = format!("{origin:?}");
        assert!(text.contains("origin.example") && text.contains("8443"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
