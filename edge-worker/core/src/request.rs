//! The head of a request.

use core::fmt;

use crate::json::{self, from_json};

/// Method, URL and headers of a request. `Debug` leaves out the query and the values of the headers, which
/// may hold secrets.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "RequestHead"))]
pub struct Request {
    /// The method.
    pub method: String,
    /// The whole URL, in the normal form that the platform gives it.
    pub url: String,
    /// Names in lower case, each once; several values of a name are joined by commas.
    pub headers: Vec<(String, String)>,
}

from_json!(Request { method = required, url = required, headers = required });

impl Request {
    /// Reads a request: JSON, `RequestHead` in `border.ts`. None if it is no such object.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        json::read(json)
    }

    /// The value of a header, whose name is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The URL's path. A parsed URL has one, and percent-encodes `?` and `#` within it.
    pub(crate) fn path(&self) -> &str {
        let (path, _) = self.path_and_query();
        path
    }

    /// The URL's query, without the question mark.
    pub(crate) fn query(&self) -> &str {
        let (_, query) = self.path_and_query();
        query
    }

    fn path_and_query(&self) -> (&str, &str) {
        let (_, rest) = self.url.split_once(':').unwrap_or(("", &self.url));
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let path = rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/");
        let path = path.split('#').next().unwrap_or(path);
        path.split_once('?').unwrap_or((path, ""))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        write!(f, "Request({} {} with {names:?})", self.method, self.path())
    }
}

#[cfg(test)]
impl Request {
    /// A request with these headers.
    pub(crate) fn new(method: &str, url: &str, headers: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(owned).collect();
        Self { method: method.to_owned(), url: url.to_owned(), headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_parts_of_the_url() {
        for (url, path, query) in [
            ("https://edge.test/", "/", ""),
            ("https://edge.test/webhook", "/webhook", ""),
            ("http://edge.test:8787/a/b?c=d/e?f", "/a/b", "c=d/e?f"),
            ("https://edge.test/a?b#c?d", "/a", "b"),
            ("https://edge.test/a%3Fb%23c", "/a%3Fb%23c", ""),
            ("https://edge.test", "/", ""),
            ("", "/", ""),
        ] {
            let request = Request::new("GET", url, &[]);
            assert_eq!((request.path(), request.query()), (path, query), "{url}");
        }
    }

    #[test]
    fn debug_shows_neither_the_query_nor_the_value_of_a_header() {
        let headers = [("authorization", "Bearer canary")];
        let request =
            Request::new("POST", "https://a:canary@edge.test/webhook?canary#canary", &headers);
        assert_eq!(format!("{request:?}"), r#"Request(POST /webhook with ["authorization"])"#);
    }

    #[test]
    fn headers_are_found_by_name() {
        let request = Request::new("GET", "https://edge.test/", &[("a", "1"), ("b", " 2, 3 ")]);
        assert_eq!(request.header("a"), Some("1"));
        assert_eq!(request.header("b"), Some(" 2, 3 "));
        assert_eq!(request.header("c"), None);
    }
}
