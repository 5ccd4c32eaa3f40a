//! The head of a request.

use crate::{client_address, forward};

/// Method, URL and headers of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The method.
    pub(crate) method: String,
    /// The whole URL, as the platform has parsed it.
    pub(crate) url: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Head {
    /// The headers that are read before the whole of them is asked for, beside those of the settings
    /// that may hold a signature. To get one by its name costs the platform less than to list all.
    pub(crate) const WANTED: &'static [&'static str] = &[
        "authorization",
        client_address::HEADER,
        "content-length",
        forward::CORRELATION_ID,
        forward::TRACEPARENT,
        "transfer-encoding",
        #[cfg(feature = "planted")]
        crate::planted::HEADER,
    ];

    /// A head as text: a line with method, space and URL, then the headers as `name:value` lines, names
    /// in lower case, several values of a name joined by commas, as the platform has them.
    pub(crate) fn new(text: &str) -> Self {
        let (first, headers) = text.split_once('\n').unwrap_or((text, ""));
        let (method, url) = first.split_once(' ').unwrap_or((first, ""));
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: read(headers)
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
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

/// Names and values of headers that are given as text; see [`Head::new`].
pub(crate) fn read(headers: &str) -> impl Iterator<Item = (&str, &str)> {
    headers.lines().filter_map(|line| line.split_once(':'))
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
            let head = Head::new(&format!("GET {url}"));
            assert_eq!(head.method, "GET");
            assert_eq!((head.path(), head.query()), (path, query), "{url}");
        }
    }

    #[test]
    fn headers_are_found_by_name() {
        let headers = "a:1\nb: 2, 3 \nc:\nd:x:y\nno header\n";
        let head = Head::new(&format!("GET https://edge.test/\n{headers}"));
        assert_eq!(head.header("a"), Some("1"));
        assert_eq!(head.header("b"), Some(" 2, 3 "));
        assert_eq!(head.header("c"), Some(""));
        assert_eq!(head.header("d"), Some("x:y"));
        assert_eq!(head.header("no header"), None);
        assert_eq!(read(headers).count(), 4);
    }
}
