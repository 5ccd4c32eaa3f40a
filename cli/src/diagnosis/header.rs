//! What is wrong with the signature header, element by element.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use nextapi_webhook::{Label, MAX_HEADER_BYTES, MAX_SIGNATURES};

use super::Finding;

/// Hexadecimal digits of an HMAC-SHA256.
const MAC_DIGITS: usize = 64;
/// How much of a label or a timestamp is shown.
const SHOWN: usize = 16;

/// A signature header, read more generously than a verifier may.
pub(super) struct LooseHeader<'a> {
    /// The value without what was copied along with it.
    value: &'a [u8],
    /// The text of every `t=`.
    timestamps: Vec<&'a [u8]>,
    /// Whatever could be meant as a MAC, whatever its label and spelling.
    pub(super) macs: Vec<[u8; 32]>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> LooseHeader<'a> {
    pub(super) fn read(value: &'a [u8]) -> Self {
        let mut header =
            Self { value, timestamps: Vec::new(), macs: Vec::new(), findings: Vec::new() };
        if value.len() > MAX_HEADER_BYTES {
            header.found(
                "header_too_long",
                format!(
                    "The header has {} bytes; at most {MAX_HEADER_BYTES} are read.",
                    value.len()
                ),
            );
            return header;
        }
        let value = header.unwrapped(value.trim_ascii());
        header.value = value;
        let mut signatures: usize = 0;
        for (index, element) in value.split(|&byte| byte == b',').enumerate() {
            let place = index.saturating_add(1);
            signatures = signatures.saturating_add(header.element(place, element.trim_ascii()));
        }
        header.judge_timestamps();
        if signatures > MAX_SIGNATURES {
            header.found(
                "header_too_many_signatures",
                format!(
                    "The header has {signatures} signatures; at most {MAX_SIGNATURES} are read."
                ),
            );
        } else if signatures == 0 {
            header.found(
                "signature_absent",
                "The header has no element `v=`, `v1=` or `sha256=`; expected is \
                 `t=<seconds>,v=<64 lower-case hexadecimal digits>`.",
            );
        }
        header
    }

    /// The MAC of a header that is `sha256=<MAC>` and nothing else, as GitHub sends it.
    pub(super) fn github_mac(&self) -> Option<[u8; 32]> {
        match (self.value, self.macs.as_slice()) {
            (value, [mac]) if value.starts_with(b"sha256=") && !value.contains(&b',') => Some(*mac),
            _ => None,
        }
    }

    /// The one timestamp, if there is exactly one and it is not empty.
    pub(super) fn timestamp(&self) -> Option<&'a [u8]> {
        match self.timestamps.as_slice() {
            [timestamp] if !timestamp.is_empty() => Some(timestamp),
            _ => None,
        }
    }

    fn found(&mut self, name: &'static str, text: impl Into<String>) {
        self.findings.push(Finding::new(name, text));
    }

    /// The value without what was copied along with it.
    fn unwrapped(&mut self, mut value: &'a [u8]) -> &'a [u8] {
        let colon = value.iter().take_while(|&&byte| byte != b'=').position(|&byte| byte == b':');
        if let Some((_, rest)) = colon.and_then(|colon| value.split_at_checked(colon)) {
            self.found(
                "header_has_name",
                "The value begins with the header's name; only what follows the colon is the value.",
            );
            value = rest.strip_prefix(b":").unwrap_or(rest).trim_ascii();
        }
        if let [b'"', inside @ .., b'"'] | [b'\'', inside @ .., b'\''] = value {
            self.found("header_quoted", "The value stands in quotation marks; it has none.");
            value = inside;
        }
        if value.contains(&b';') && !value.contains(&b',') {
            self.found("header_semicolon", "The elements are separated by `;`; expected is `,`.");
        }
        value
    }

    /// Looks at one element, and gives how many signatures it counts as.
    fn element(&mut self, place: usize, element: &'a [u8]) -> usize {
        let equals = element.iter().position(|&byte| byte == b'=');
        let Some((name, text)) = equals.and_then(|at| element.split_at_checked(at)) else {
            if !element.is_empty() {
                // Not shown: it may be a secret that was pasted in the wrong place.
                let length = element.len();
                self.found(
                    "element_without_name",
                    format!(
                        "Element {place} ({length} characters) is not of the form `name=value`."
                    ),
                );
            }
            return 0;
        };
        let text = text.strip_prefix(b"=").unwrap_or(text);
        if name == b"t" {
            self.timestamps.push(text);
            return 0;
        }
        let known = Label::ALL.iter().any(|label| label.as_str().as_bytes() == name);
        let mac = decode(text);
        if known {
            self.judge_mac(place, name, text);
        } else if mac.is_some() {
            let shown = shown(name);
            self.found(
                "label_unknown",
                format!(
                    "Element {place} looks like a signature, but its label {shown} is not one of \
                     `v`, `v1` and `sha256`, so it is ignored."
                ),
            );
        } else if name.trim_ascii().eq_ignore_ascii_case(b"t") {
            self.found(
                "timestamp_misnamed",
                format!("Element {place} is named {}; expected is `t`.", shown(name)),
            );
        }
        self.macs.extend(mac);
        usize::from(known)
    }

    fn judge_mac(&mut self, place: usize, label: &[u8], text: &[u8]) {
        let element = format!("Element {place} ({})", shown(label));
        if text.len() == MAC_DIGITS && text.iter().all(u8::is_ascii_hexdigit) {
            if text.iter().any(u8::is_ascii_uppercase) {
                self.found(
                    "mac_upper_case",
                    format!(
                        "{element} has upper-case hexadecimal digits; expected are lower-case."
                    ),
                );
            }
            return;
        }
        let length = text.len();
        if text.iter().all(u8::is_ascii_hexdigit) && length > 0 {
            let guess = match length {
                32 => ", the length of MD5",
                40 => ", the length of SHA-1",
                128 => ", the length of SHA-512",
                _ if length < MAC_DIGITS => "; it was cut short",
                _ => "; there is something after it",
            };
            self.found(
                "mac_length",
                format!("{element} has {length} hexadecimal digits, not {MAC_DIGITS}{guess}."),
            );
        } else if decode(text).is_some() {
            self.found(
                "mac_base64",
                format!(
                    "{element} is written in base64; expected are {MAC_DIGITS} hexadecimal digits."
                ),
            );
        } else {
            self.found(
                "mac_not_hexadecimal",
                format!(
                    "{element} has {length} characters that are not all hexadecimal digits; \
                     expected are {MAC_DIGITS} of 0-9 and a-f."
                ),
            );
        }
    }

    fn judge_timestamps(&mut self) {
        match self.timestamps.as_slice() {
            [] => self.found("timestamp_absent", "The header has no element `t=<seconds>`."),
            [text] => {
                if let Some(what) = timestamp_fault(text) {
                    let shown = shown(text);
                    self.found(
                        "timestamp_invalid",
                        format!(
                            "The timestamp {shown} {what}; expected are Unix seconds, in plain \
                             decimal digits."
                        ),
                    );
                }
            }
            several => {
                let count = several.len();
                self.found(
                    "headers_joined",
                    format!(
                        "The header has {count} timestamps: several signature headers were joined \
                         into one, or a proxy added its own. Verify each by itself."
                    ),
                );
            }
        }
    }
}

fn timestamp_fault(text: &[u8]) -> Option<&'static str> {
    match text {
        [] => Some("is empty"),
        [b'0', _, ..] if text.iter().all(u8::is_ascii_digit) => Some("begins with a zero"),
        [b'+' | b'-', ..] => Some("has a sign"),
        _ if text.iter().all(u8::is_ascii_digit) => {
            let number = core::str::from_utf8(text).ok()?.parse::<u64>();
            number.is_err().then_some("is larger than 64 bits can hold")
        }
        _ if text.contains(&b'.') && !text.contains(&b':') => Some("has a fraction"),
        _ if text.contains(&b'-') || text.contains(&b':') => Some("is a date"),
        _ => Some("is not a number"),
    }
}

/// A MAC in any spelling of hexadecimal digits or base64.
fn decode(text: &[u8]) -> Option<[u8; 32]> {
    let bytes = base16ct::mixed::decode_vec(text)
        .or_else(|_| BASE64_STANDARD.decode(text))
        .or_else(|_| BASE64_STANDARD_NO_PAD.decode(text))
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text));
    bytes.ok()?.try_into().ok()
}

/// The beginning of a public part of the header, safe to print.
fn shown(text: &[u8]) -> String {
    let beginning = text.get(..SHOWN);
    let more = if beginning.is_some() && text.len() > SHOWN { "…" } else { "" };
    format!("`{}{more}`", beginning.unwrap_or(text).escape_ascii())
}
