//! JSON written again in the ways of common libraries, to find out whether somebody did just that.

use serde::de::IgnoredAny;
use serde_json::Value;

/// Where white space goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spacing {
    /// None: `JSON.stringify`, `serde_json`, Go.
    Compact,
    /// One space after `,` and `:`: Python's `json.dumps`.
    Spaced,
    /// A line per value, indented by this many spaces.
    Indented(usize),
}

/// How strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strings {
    /// As they stand.
    Verbatim,
    /// Only the escapes that JSON demands.
    Plain,
    /// What is not ASCII is escaped: Python's default.
    Ascii,
    /// The same, and `/` too: PHP's default.
    AsciiAndSlashes,
}

const SPACINGS: [(Spacing, &str); 4] = [
    (Spacing::Compact, "without white space"),
    (Spacing::Spaced, "with a space after each comma and colon"),
    (Spacing::Indented(2), "indented by 2 spaces"),
    (Spacing::Indented(4), "indented by 4 spaces"),
];

const STRINGS: [(Strings, &str); 4] = [
    (Strings::Verbatim, ""),
    (Strings::Plain, ", with only the necessary escapes"),
    (Strings::Ascii, ", with everything but ASCII escaped"),
    (Strings::AsciiAndSlashes, ", with slashes and everything but ASCII escaped"),
];

/// The same JSON in every style, each with the words for it. Nothing if it is not JSON.
pub(super) fn rewritten(json: &[u8]) -> Vec<(String, Vec<u8>)> {
    if serde_json::from_slice::<IgnoredAny>(json).is_err() {
        return Vec::new();
    }
    // `Value` keeps the fields of an object in the order of their names.
    let sorted = serde_json::from_slice::<Value>(json).ok().map(|value| value.to_string());
    let sorted = sorted.as_ref().map(|text| (text.as_bytes(), ", fields sorted by name"));
    let mut styles = Vec::new();
    for (source, order) in [(json, "")].into_iter().chain(sorted) {
        for (spacing, space) in SPACINGS {
            for (strings, escapes) in STRINGS {
                let words = format!("{space}{escapes}{order}");
                styles.push((words, write(source, spacing, strings)));
            }
        }
    }
    styles
}

fn write(json: &[u8], spacing: Spacing, strings: Strings) -> Vec<u8> {
    let mut written = Vec::with_capacity(json.len());
    let mut depth: usize = 0;
    let mut rest = json.trim_ascii();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'"' => {
                let (string, tail) = split_string(tail);
                write_string(&mut written, string, strings);
                rest = tail;
            }
            b'{' | b'[' => {
                written.push(*byte);
                let inside = tail.trim_ascii_start();
                if let [close @ (b'}' | b']'), tail @ ..] = inside {
                    written.push(*close);
                    rest = tail;
                } else {
                    depth = depth.saturating_add(1);
                    indent(&mut written, spacing, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                indent(&mut written, spacing, depth);
                written.push(*byte);
            }
            b',' => {
                written.push(b',');
                if spacing == Spacing::Spaced {
                    written.push(b' ');
                }
                indent(&mut written, spacing, depth);
            }
            b':' => {
                written.push(b':');
                if spacing != Spacing::Compact {
                    written.push(b' ');
                }
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => written.push(*byte),
        }
    }
    written
}

fn indent(written: &mut Vec<u8>, spacing: Spacing, depth: usize) {
    if let Spacing::Indented(width) = spacing {
        written.push(b'\n');
        written.extend(core::iter::repeat_n(b' ', depth.saturating_mul(width)));
    }
}

/// What stands before the closing quotation mark, and what comes after it.
fn split_string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = text.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    let (string, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, b""));
    (string, rest.strip_prefix(b"\"").unwrap_or(rest))
}

fn write_string(written: &mut Vec<u8>, string: &[u8], strings: Strings) {
    let verbatim = [b"\"", string, b"\""].concat();
    let text = match strings {
        Strings::Verbatim => None,
        _ => serde_json::from_slice::<String>(&verbatim).ok(),
    };
    let Some(text) = text else { return written.extend(verbatim) };
    for character in Value::from(text).to_string().chars() {
        match character {
            '/' if strings == Strings::AsciiAndSlashes => written.extend(b"\\/"),
            _ if character.is_ascii() || strings == Strings::Plain => {
                written.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    written.extend(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &[u8] = r#" {"b": [1.50, {}, [ ]],"a":"\u00e9\/\"é😀"} "#.as_bytes();

    fn one(spacing: Spacing, strings: Strings) -> String {
        String::from_utf8(write(JSON, spacing, strings)).unwrap()
    }

    #[test]
    fn white_space_goes_where_the_style_says() {
        let compact = r#"{"b":[1.50,{},[]],"a":"\u00e9\/\"é😀"}"#;
        assert_eq!(one(Spacing::Compact, Strings::Verbatim), compact);
        let spaced = r#"{"b": [1.50, {}, []], "a": "\u00e9\/\"é😀"}"#;
        assert_eq!(one(Spacing::Spaced, Strings::Verbatim), spaced);
        let value = serde_json::json!({"a": [1, {"b": {}}, []], "c": "d"});
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let ours = write(value.to_string().as_bytes(), Spacing::Indented(2), Strings::Verbatim);
        assert_eq!(String::from_utf8(ours).unwrap(), pretty);
    }

    #[test]
    fn strings_are_escaped_as_the_style_says() {
        let plain = r#"{"b":[1.50,{},[]],"a":"é/\"é😀"}"#;
        assert_eq!(one(Spacing::Compact, Strings::Plain), plain);
        let ascii = r#"{"b":[1.50,{},[]],"a":"\u00e9/\"\u00e9\ud83d\ude00"}"#;
        assert_eq!(one(Spacing::Compact, Strings::Ascii), ascii);
        let php = r#"{"b":[1.50,{},[]],"a":"\u00e9\/\"\u00e9\ud83d\ude00"}"#;
        assert_eq!(one(Spacing::Compact, Strings::AsciiAndSlashes), php);
    }

    #[test]
    fn every_style_says_the_same() {
        let value: Value = serde_json::from_slice(JSON).unwrap();
        let styles = rewritten(JSON);
        assert_eq!(styles.len(), 32);
        for (words, json) in styles {
            assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), value, "{words}");
        }
    }

    #[test]
    fn what_is_not_json_has_no_style() {
        for text in [b"".as_slice(), b"{", b"hello", b"\xff", b"{} {}"] {
            assert!(rewritten(text).is_empty());
        }
    }
}
