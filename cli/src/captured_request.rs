//! An HTTP request that somebody has captured into a file.

use anyhow::{Context as _, bail};
use nextapi_testkit::SignatureHeader;

/// A captured HTTP/1 request: the request line, header lines, an empty line, and the body byte for
/// byte. Lines end with CRLF or LF.
///
/// Where `Content-Length` is given, that many bytes are the body: what an editor has put after them
/// does not count.
#[derive(Clone, Debug)]
pub struct CapturedRequest<'a> {
    headers: Vec<(String, &'a [u8])>,
    body: &'a [u8],
    notes: Vec<String>,
}

impl<'a> CapturedRequest<'a> {
    /// Takes a request apart.
    ///
    /// # Errors
    /// If there is no request line, a header line is not one, the empty line is missing, or the
    /// body is chunked or compressed, so that its bytes are not the signed ones.
    pub fn parse(text: &'a [u8]) -> anyhow::Result<Self> {
        let (first, mut rest) = split_line(text).context("the request is empty")?;
        let words: Vec<_> = first.split(|&byte| byte == b' ').collect();
        if !matches!(words.as_slice(), [_, _, version] if version.starts_with(b"HTTP/")) {
            bail!("the first line is not a request line such as `POST /webhook HTTP/1.1`");
        }
        let mut headers = Vec::new();
        for number in 2_usize.. {
            let (line, tail) = split_line(rest)
                .context("there is no empty line between the headers and the body")?;
            rest = tail;
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|&byte| byte == b':');
            let (name, value) = colon
                .and_then(|colon| line.split_at_checked(colon))
                .filter(|(name, _)| !name.is_empty() && name.iter().all(u8::is_ascii_graphic))
                .with_context(|| format!("line {number} is not a header `Name: value`"))?;
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
            headers.push((name.escape_ascii().to_string().to_ascii_lowercase(), value));
        }
        let mut request = Self { headers, body: rest, notes: Vec::new() };
        request.measure()?;
        Ok(request)
    }

    /// The body, byte for byte.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What is odd about the capture, a sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The value of the signature header: of `name`, or of the first of the two documented names
    /// that is there. Several headers of one name are joined by commas, as RFC 9110 section 5.3
    /// has it.
    #[must_use]
    pub fn signature(&self, name: Option<&str>) -> Option<Vec<u8>> {
        let documented = [SignatureHeader::NextApi, SignatureHeader::Webhook]
            .map(|header| header.name().as_str().to_owned());
        let names =
            name.map_or_else(|| documented.to_vec(), |name| vec![name.to_ascii_lowercase()]);
        names.iter().find_map(|name| self.value(name))
    }

    /// The names of the headers that have to do with a signature, for somebody who looks for it.
    #[must_use]
    pub fn signature_names(&self) -> Vec<&str> {
        let names = self.headers.iter().map(|(name, _)| name.as_str());
        names.filter(|name| name.contains("signature")).collect()
    }

    fn value(&self, name: &str) -> Option<Vec<u8>> {
        let found = self.headers.iter().filter(|(known, _)| known == name);
        let values: Vec<&[u8]> = found.map(|(_, value)| *value).collect();
        (!values.is_empty()).then(|| values.join(b",".as_slice()))
    }

    fn measure(&mut self) -> anyhow::Result<()> {
        if self.value("transfer-encoding").is_some() {
            bail!("the body is in chunks (Transfer-Encoding); capture it without them");
        }
        if self.value("content-encoding").is_some_and(|coding| coding != b"identity") {
            bail!("the body is compressed (Content-Encoding); capture the bytes that were signed");
        }
        let Some(announced) = self.value("content-length") else { return Ok(()) };
        let announced = core::str::from_utf8(&announced).ok().and_then(|text| text.parse().ok());
        let announced: usize = announced.context("the Content-Length is not a number")?;
        let found = self.body.len();
        if let Some(body) = self.body.get(..announced) {
            self.body = body;
        }
        if found > announced {
            self.notes.push(format!(
                "Content-Length says {announced} bytes and the file has {found}: what is beyond \
                 was left out."
            ));
        } else if found < announced {
            self.notes.push(format!(
                "Content-Length says {announced} bytes and the file has only {found}: the body was \
                 cut short or changed."
            ));
        }
        Ok(())
    }
}

/// The first line without its end, and what comes after it.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|&byte| byte == b'\n')?;
    let (line, rest) = text.split_at_checked(end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_line_ends_are_read_and_the_body_is_left_alone() {
        for end in ["\r\n", "\n"] {
            let text = format!(
                "POST /hook HTTP/1.1{end}Host: a{end}x-webhook-SIGNATURE:  t=1 {end}{end}{{}}\r\n\n"
            );
            let request = CapturedRequest::parse(text.as_bytes()).unwrap();
            assert_eq!(request.body(), b"{}\r\n\n");
            assert_eq!(request.signature(None).unwrap(), b"t=1");
            assert!(request.notes().is_empty());
        }
    }

    #[test]
    fn the_first_documented_name_is_preferred_and_another_one_can_be_asked_for() {
        let text = b"POST / HTTP/1.1\nX-Webhook-Signature: b\nX-NextAPI-Signature: a\n\
                     X-Edge-Signature: c\n\n";
        let request = CapturedRequest::parse(text).unwrap();
        assert_eq!(request.signature(None).unwrap(), b"a");
        assert_eq!(request.signature(Some("X-EDGE-signature")).unwrap(), b"c");
        assert_eq!(request.signature(Some("x-hub")), None);
        assert_eq!(request.signature_names().len(), 3);
    }

    #[test]
    fn headers_of_one_name_are_joined() {
        let text = b"POST / HTTP/1.1\nX-NextAPI-Signature: a\nX-NextAPI-Signature: b\n\n";
        assert_eq!(CapturedRequest::parse(text).unwrap().signature(None).unwrap(), b"a,b");
    }

    #[test]
    fn content_length_counts() {
        let parse = |length: &str| {
            let text = format!("POST / HTTP/1.1\nContent-Length: {length}\n\n{{}}\n");
            let request =
                CapturedRequest::parse(text.as_bytes()).map_err(|error| error.to_string());
            request.map(|request| (request.body().len(), request.notes().len()))
        };
        assert_eq!(parse("3"), Ok((3, 0)));
        assert_eq!(parse("2"), Ok((2, 1)));
        assert_eq!(parse("4"), Ok((3, 1)));
        assert!(parse("x").unwrap_err().contains("Content-Length"));
    }

    #[test]
    fn what_is_no_request_is_refused_with_the_reason() {
        for (text, told) in [
            ("", "empty"),
            ("{}\n", "request line"),
            ("HTTP/1.1 200 OK\n\n", "request line"),
            ("POST / HTTP/1.1\nHost: a", "empty line"),
            ("POST / HTTP/1.1\n folded\n\n", "line 2"),
            ("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n", "chunks"),
            ("POST / HTTP/1.1\nContent-Encoding: gzip\n\n", "compressed"),
        ] {
            let error = CapturedRequest::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
