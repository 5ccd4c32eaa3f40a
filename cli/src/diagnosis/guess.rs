//! Ways in which people sign or pass on something else, each tried out.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Finding;
use super::json_style::rewritten;

/// Bytes of a body up to which rewritten JSON is tried.
const MAX_REWRITTEN: usize = 1024 * 1024;

/// What was signed with what, according to the header and the one who asks.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) secret: &'a [u8],
    pub(super) timestamp: &'a [u8],
    pub(super) body: &'a [u8],
}

impl Case<'_> {
    /// The MAC as documented: over the timestamp, a point and the body.
    pub(super) fn mac(self) -> [u8; 32] {
        self.mac_of(&[self.timestamp, b".", self.body])
    }

    /// The MAC over the body alone.
    pub(super) fn mac_of_body(self) -> [u8; 32] {
        self.mac_of(&[self.body])
    }

    fn mac_of(self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes keys of any length (RFC 2104 section 2), so no secret is refused here.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret) else { return [0; 32] };
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Tries every mistake by itself; gives those that would explain one of `macs`. The comparison
/// need not be constant time: whoever runs this has the secret.
pub(super) fn mistakes(case: Case<'_>, macs: &[[u8; 32]]) -> Vec<Finding> {
    let mut findings = Vec::new();
    body_mistakes(case, macs, &mut findings);
    secret_mistakes(case, macs, &mut findings);
    message_mistakes(case, macs, &mut findings);
    findings
}

fn body_mistakes(case: Case<'_>, macs: &[[u8; 32]], findings: &mut Vec<Finding>) {
    let body = case.body;
    let mut attempt = |name, other: &[u8], text: String| {
        let holds = other != body && macs.contains(&Case { body: other, ..case }.mac());
        if holds {
            findings.push(Finding::new(name, text));
        }
        holds
    };
    for (end, what) in [("\n", "line feed"), ("\r\n", "carriage return and line feed")] {
        let text = format!(
            "With a {what} at its end the body matches: it was lost on the way. A shell's `$(…)` \
             and most `trim` functions take it away."
        );
        attempt("body_newline_lost", &[body, end.as_bytes()].concat(), text);
    }
    for end in ["\n", "\r\n"] {
        if let Some(shorter) = body.strip_suffix(end.as_bytes()) {
            let text = "Without the line end at its end the body matches: it was added on the way. \
                        An editor and `echo` add one; `printf %s` does not.";
            if attempt("body_newline_added", shorter, text.to_owned()) {
                break;
            }
        }
    }
    let unix = replaced(body, b"\r\n", b"\n");
    for (other, found, signed) in
        [(replaced(&unix, b"\n", b"\r\n"), "LF", "CRLF"), (unix, "CRLF", "LF")]
    {
        let text = format!(
            "With line ends {signed} instead of {found} the body matches: they were converted on \
             the way."
        );
        // What differs at the very end only is the mistake above.
        if other.trim_ascii_end() != body.trim_ascii_end() {
            attempt("body_line_ends", &other, text);
        }
    }
    if let Some(other) = body.strip_prefix(b"\xef\xbb\xbf") {
        let text = "Without the byte order mark at its beginning the body matches: it was saved \
                    as \"UTF-8 with BOM\".";
        attempt("body_byte_order_mark", other, text.to_owned());
    }
    if let Ok(other) = BASE64_STANDARD.decode(body.trim_ascii()) {
        let text = "Decoded from base64 the body matches: the platform hands over the body in \
                    base64 (AWS: `isBase64Encoded`). Decode it first.";
        attempt("body_base64", &other, text.to_owned());
    }
    if let Ok(other) = serde_json::from_slice::<String>(body) {
        let text = "The body is a JSON string whose content matches: it was serialised once too \
                    often. Verify the raw bytes.";
        attempt("body_quoted", other.as_bytes(), text.to_owned());
    }
    if body.len() <= MAX_REWRITTEN {
        for (style, other) in rewritten(body) {
            let text = format!(
                "Written again {style}, the body matches: it was parsed and serialised again on \
                 the way. Verify the raw bytes, before any JSON middleware."
            );
            if other != body.trim_ascii() && attempt("body_reserialised", &other, text) {
                break;
            }
        }
    }
}

fn secret_mistakes(case: Case<'_>, macs: &[[u8; 32]], findings: &mut Vec<Finding>) {
    const PREFIX: &[u8] = b"whsec_";
    let secret = case.secret;
    let bare = secret.strip_prefix(PREFIX);
    let mut attempt = |name, other: Vec<u8>, text: &str| {
        let other = Zeroizing::new(other);
        if *other != secret && macs.contains(&Case { secret: &other, ..case }.mac()) {
            findings.push(Finding::new(name, text));
        }
    };
    for end in ["\n", "\r\n", " "] {
        let text = "The secret has a trailing newline or space where it signs: with it, the \
                    signature matches. `echo` adds one; use `printf %s`, or trim what is read from \
                    a file.";
        attempt("secret_newline", [secret, end.as_bytes()].concat(), text);
    }
    if let [b'"', inside @ .., b'"'] | [b'\'', inside @ .., b'\''] = secret {
        let text = "Without its quotation marks the secret matches: they are not part of it. Some \
                    readers of `.env` files keep them.";
        attempt("secret_quoted_here", inside.to_vec(), text);
    }
    for mark in ["\"", "'"] {
        let text = "The secret stands in quotation marks where it signs: with them, the signature \
                    matches.";
        let quoted = [mark.as_bytes(), secret, mark.as_bytes()].concat();
        attempt("secret_quoted_there", quoted, text);
    }
    if let Some(bare) = bare {
        let text = "Without its `whsec_` the secret matches: it was taken off where it signs. \
                    NextAPI uses the whole string, prefix included.";
        attempt("secret_without_prefix", bare.to_vec(), text);
    } else {
        let text = "With `whsec_` in front the secret matches: the prefix belongs to it and was \
                    lost here.";
        attempt("secret_prefix_lost", [PREFIX, secret].concat(), text);
    }
    let text = "It was signed with the decoded secret (base64 or hexadecimal). NextAPI uses the \
                string as it stands and decodes nothing.";
    let encoded = bare.unwrap_or(secret);
    let decoded = BASE64_STANDARD
        .decode(encoded)
        .or_else(|_| BASE64_STANDARD_NO_PAD.decode(encoded))
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(encoded));
    for decoded in [decoded.ok(), base16ct::mixed::decode_vec(encoded).ok()].into_iter().flatten() {
        attempt("secret_decoded", decoded, text);
    }
}

fn message_mistakes(case: Case<'_>, macs: &[[u8; 32]], findings: &mut Vec<Finding>) {
    let Case { timestamp, body, .. } = case;
    let mut attempt = |name, mac: [u8; 32], text: &str| {
        if macs.contains(&mac) {
            findings.push(Finding::new(name, text));
        }
    };
    attempt(
        "mac_over_body_alone",
        case.mac_of_body(),
        "The MAC is over the body alone; expected is over `<t>.<body>`.",
    );
    attempt(
        "mac_without_point",
        case.mac_of(&[timestamp, body]),
        "The MAC is over the timestamp and the body without the point between them; expected is \
         over `<t>.<body>`.",
    );
    for separator in [":", "\n", "-", " "] {
        attempt(
            "mac_with_other_separator",
            case.mac_of(&[timestamp, separator.as_bytes(), body]),
            "The MAC is over the timestamp and the body with something else than a point between \
             them; expected is over `<t>.<body>`.",
        );
    }
    attempt(
        "mac_over_body_first",
        case.mac_of(&[body, b".", timestamp]),
        "The MAC is over `<body>.<t>`; expected is over `<t>.<body>`.",
    );
    let plain = |parts: [&[u8]; 3]| Sha256::digest(parts.concat()).into();
    for parts in [[timestamp, b".", body], [body, b"", b""]] {
        attempt(
            "mac_without_key",
            plain(parts),
            "The value is a plain SHA-256, which anybody can compute; expected is HMAC-SHA256 with \
             the secret.",
        );
    }
    let seconds = timestamp.len().checked_sub(3).and_then(|end| timestamp.get(..end));
    if let Some(seconds) = seconds.filter(|seconds| !seconds.is_empty()) {
        attempt(
            "mac_over_seconds",
            case.mac_of(&[seconds, b".", body]),
            "The MAC is over the seconds, but the header's `t` has milliseconds; it must hold the \
             digits that were signed.",
        );
    }
    attempt(
        "mac_over_milliseconds",
        case.mac_of(&[timestamp, b"000.", body]),
        "The MAC is over milliseconds, but the header's `t` has seconds; it must hold the digits \
         that were signed.",
    );
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        if let Some(tail) = rest.strip_prefix(from) {
            written.extend_from_slice(to);
            rest = tail;
        } else {
            written.push(*byte);
            rest = tail;
        }
    }
    written
}
