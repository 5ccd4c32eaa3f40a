//! The names under which one delivery is found again: its correlation id, and its W3C trace context.

use core::fmt;

use base16ct::lower::encode_string;
use serde::Serialize;

use crate::header_names::TRACEPARENT;
use crate::request::Request;

/// Random bytes that one request needs, for its ids and to spread retries.
#[derive(Clone)]
pub struct Random {
    /// For the correlation id.
    pub(crate) correlation: [u8; 16],
    /// For the trace id, if the provider sent none.
    pub(crate) trace: [u8; 16],
    /// For the id of our own span.
    pub(crate) span: [u8; 8],
}

impl Random {
    /// How many bytes one request needs.
    pub const BYTES: usize = 16 + 16 + 8;

    /// What spreads tries. The id of a span is as good as any.
    pub(crate) const fn jitter(&self) -> u16 {
        let [first, second, ..] = self.span;
        u16::from_be_bytes([first, second])
    }

    /// Takes the first of these bytes; what is missing is zero.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut random = Self { correlation: [0; 16], trace: [0; 16], span: [0; 8] };
        let targets =
            random.correlation.iter_mut().chain(&mut random.trace).chain(&mut random.span);
        targets.zip(bytes).for_each(|(target, byte)| *target = *byte);
        random
    }
}

/// The longest correlation id that is taken over.
const MAX_CORRELATION_ID: usize = 128;

/// The sender's correlation id if it is sane, else a fresh one.
///
/// Sane is what can stand in a log line, a header and a shell command without harm: 1 to 128 of
/// `A-Z a-z 0-9 . _ : -`.
pub(crate) fn correlation_id(offered: Option<&str>, random: &Random) -> String {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let sane = |id: &&str| (1..=MAX_CORRELATION_ID).contains(&id.len()) && id.bytes().all(allowed);
    offered.filter(sane).map_or_else(|| encode_string(&random.correlation), str::to_owned)
}

/// What is taken over from a `traceparent` header (W3C Trace Context, level 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    span: Span,
    flags: u8,
}

/// The names of a span, as log lines have them: lower-case hex of 16 and of 8 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
}

/// Flag of a trace that is recorded. A new trace has it, because an origin that samples as its
/// parent does would otherwise record no delivery at all.
const SAMPLED: u8 = 1;

impl TraceContext {
    /// Begins a trace.
    pub(crate) fn begun(random: &Random) -> Self {
        Self::below(None, random)
    }

    /// Continues the sender's trace if its header is well formed, else begins a new one. The span is
    /// ours in both cases.
    pub(crate) fn continuing(request: &Request, random: &Random) -> Self {
        Self::below(request.header(TRACEPARENT).and_then(Self::parse), random)
    }

    /// Continues a trace under a new span, or begins one.
    pub(crate) fn below(parent: Option<Self>, random: &Random) -> Self {
        let (trace_id, flags) = parent.map_or_else(
            || (encode_string(&random.trace), SAMPLED),
            |parent| (parent.span.trace_id, parent.flags),
        );
        Self { span: Span { trace_id, span_id: encode_string(&random.span) }, flags }
    }

    /// Its span.
    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    /// Reads `version "-" trace-id "-" parent-id "-" flags`, as it is printed here, too. Versions after `00` may add
    /// fields behind another dash, and of their flags only the first bit is known.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut fields = value.split('-');
        let version = lower_hex(fields.next()?, 2)?;
        let trace_id = lower_hex(fields.next()?, 32)?;
        let span_id = lower_hex(fields.next()?, 16)?;
        let flags = lower_hex(fields.next()?, 2)?;
        let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
        if version == "ff" || is_zero(trace_id) || is_zero(span_id) {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        let flags = if version == "00" {
            // The first version has four fields and no more.
            fields.next().is_none().then_some(flags)?
        } else {
            flags & SAMPLED
        };
        let span = Span { trace_id: trace_id.to_owned(), span_id: span_id.to_owned() };
        Some(Self { span, flags })
    }
}

/// Prints as the value of a `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.span.trace_id, self.span.span_id, self.flags)
    }
}

fn lower_hex(field: &str, digits: usize) -> Option<&str> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (field.len() == digits && field.bytes().all(is_digit)).then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: Random = Random { correlation: [0xc0; 16], trace: [0x7a; 16], span: [0x59; 8] };
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn context(headers: &[(&str, &str)]) -> String {
        TraceContext::continuing(&Request::new("POST", "", headers), &RANDOM).to_string()
    }

    fn continued(offered: &str) -> Option<String> {
        let (printed, begun) = (context(&[(TRACEPARENT, offered)]), context(&[]));
        (printed != begun).then_some(printed)
    }

    #[test]
    fn a_sane_correlation_id_is_kept() {
        for id in ["a", "req-1.2_3:4", &"x".repeat(128)] {
            assert_eq!(correlation_id(Some(id), &RANDOM), id);
        }
    }

    #[test]
    fn any_other_correlation_id_is_replaced() {
        let fresh = "c0".repeat(16);
        assert_eq!(correlation_id(None, &RANDOM), fresh);
        for id in ["", " ", "a b", "a\"b", "a\nb", "ä", "$(id)", "{}", &"x".repeat(129)] {
            assert_eq!(correlation_id(Some(id), &RANDOM), fresh, "{id:?}");
        }
    }

    #[test]
    fn a_trace_is_continued_under_a_new_span() {
        let ours = "5959595959595959";
        for flags in ["00", "01", "03"] {
            let offered = format!("00-{TRACE}-b7ad6b7169203331-{flags}");
            assert_eq!(continued(&offered), Some(format!("00-{TRACE}-{ours}-{flags}")));
        }
    }

    #[test]
    fn a_later_version_is_continued_as_far_as_it_is_known() {
        for rest in ["", "-", "-more", "-a-b"] {
            let offered = format!("cc-{TRACE}-b7ad6b7169203331-03{rest}");
            assert_eq!(continued(&offered), Some(format!("00-{TRACE}-5959595959595959-01")));
        }
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        let zeros = "0".repeat(32);
        for offered in [
            String::new(),
            "garbage".to_owned(),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{TRACE}-b7ad6b7169203331-1"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{zeros}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}x-b7ad6b7169203331-01"),
            format!(" 00-{TRACE}-b7ad6b7169203331-01"),
            format!("0x-{TRACE}-b7ad6b7169203331-01"),
            format!("cc-{TRACE}-b7ad6b7169203331-01x"),
        ] {
            assert_eq!(continued(&offered), None, "{offered:?}");
        }
    }

    #[test]
    fn what_is_printed_is_read_again() {
        let offered = format!("00-{TRACE}-b7ad6b7169203331-03");
        let read = TraceContext::parse(&offered).unwrap();
        let span = Span { trace_id: TRACE.to_owned(), span_id: "b7ad6b7169203331".to_owned() };
        assert_eq!((read.to_string(), read.span()), (offered, &span));
        assert_eq!(
            TraceContext::parse(""),
            None,
            "what an event of an earlier version may have kept"
        );
    }

    #[test]
    fn a_new_trace_is_sampled() {
        let begun = context(&[]);
        assert_eq!(begun, format!("00-{}-{}-01", "7a".repeat(16), "59".repeat(8)));
    }
}
