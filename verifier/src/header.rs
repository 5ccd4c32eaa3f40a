//! The signature header: its grammar and its limits.

use heapless::Vec;

use crate::signature::{Label, MAC_BYTES, MAC_DIGITS};
use crate::{Error, UnixTime};

/// Signatures that a header may hold. The provider sends one, and two while it rotates its secret;
/// eight leaves room for both and bounds the work that a hostile header can ask for.
pub const MAX_SIGNATURES: usize = 8;

/// Bytes that a header may have. Eight signatures and a timestamp take about 600; the rest is room
/// for elements that we do not know.
pub const MAX_HEADER_BYTES: usize = 1024;

/// A signature header, taken apart. Nothing in it has been checked against a key yet.
///
/// ```text
/// header    = element *( "," element )
/// element   = OWS ( timestamp / signature / unknown ) OWS
/// timestamp = "t=" ( "0" / ( %x31-39 *DIGIT ) )     ; exactly one, at most 2^64 - 1
/// signature = label "=" 64( DIGIT / %x61-66 )       ; at least one, lower case only
/// label     = "v" / "v1" / "sha256"
/// unknown   = *( any byte but "," )                 ; ignored
/// OWS       = *( SP / HTAB )
/// ```
///
/// An element with a known label whose value is not 64 lower-case hexadecimal digits is ignored like
/// an unknown one, so that one odd element beside a good one does not lose a paid event; but it
/// counts towards [`MAX_SIGNATURES`]. Upper-case digits are not accepted: the provider's own
/// verifier compares text and would refuse them as well.
///
/// The header is public, so parsing it need not be constant time, and is not.
pub(crate) struct Header<'a> {
    digits: &'a [u8],
    timestamp: UnixTime,
}

/// The signatures of a header. They are large, and so are not moved: the caller has them.
pub(crate) type Signatures = Vec<[u8; MAC_BYTES], MAX_SIGNATURES>;

impl<'a> Header<'a> {
    /// Takes the header apart, and puts its signatures into `signatures`, which is empty.
    pub(crate) fn parse(value: &'a [u8], signatures: &mut Signatures) -> Result<Self, Error> {
        if value.len() > MAX_HEADER_BYTES {
            return Err(Error::HeaderTooLong { length: value.len() });
        }
        let mut digits = None;
        let mut labelled: usize = 0;
        let mut rest = value;
        while let Some((name, text)) = next_named(&mut rest) {
            if name == b"t" {
                if digits.replace(text).is_some() {
                    return Err(Error::TimestampRepeated);
                }
            } else if Label::is_known(name) {
                labelled = labelled.saturating_add(1);
                if labelled > MAX_SIGNATURES {
                    return Err(Error::TooManySignatures);
                }
                if let Some(mac) = decode_mac(text) {
                    // Room was checked just above.
                    signatures.push(mac).map_err(|_| Error::TooManySignatures)?;
                }
            }
        }
        let digits = digits.ok_or(Error::TimestampMissing)?;
        let timestamp = parse_timestamp(digits).ok_or(Error::TimestampInvalid)?;
        if signatures.is_empty() {
            return Err(Error::SignatureMissing);
        }
        Ok(Self { digits, timestamp })
    }

    /// The timestamp exactly as it stands in the header: these bytes were signed.
    pub(crate) fn timestamp_digits(&self) -> &'a [u8] {
        self.digits
    }

    pub(crate) fn timestamp(&self) -> UnixTime {
        self.timestamp
    }
}

/// Takes the next element that has a name off the front, and gives its name and its value.
fn next_named<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    loop {
        let at = rest.iter().position(|byte| matches!(byte, b',' | b'='))?;
        let (mut name, [found, behind @ ..]) = rest.split_at_checked(at)? else { return None };
        if *found == b',' {
            *rest = behind;
            continue;
        }
        let mut text;
        (text, *rest) = split_at_comma(behind);
        while let [b' ' | b'\t', trimmed @ ..] = name {
            name = trimmed;
        }
        while let [trimmed @ .., b' ' | b'\t'] = text {
            text = trimmed;
        }
        return Some((name, text));
    }
}

/// What stands before the first comma, and what behind it.
fn split_at_comma(text: &[u8]) -> (&[u8], &[u8]) {
    let at = text.iter().position(|&byte| byte == b',');
    match at.and_then(|at| text.split_at_checked(at)) {
        Some((before, [_, behind @ ..])) => (before, behind),
        _ => (text, &[]),
    }
}

fn parse_timestamp(digits: &[u8]) -> Option<UnixTime> {
    match digits {
        [] | [b'0', _, ..] => return None,
        _ => {}
    }
    let mut secs: u64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        secs = secs.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))?;
    }
    Some(UnixTime::from_secs(secs))
}

/// Lower-case digits only.
///
/// Nothing here is secret. It goes over the digits in passes that the compiler makes vectors of, so
/// that a header with all the signatures that there may be costs little more than one with one.
fn decode_mac(text: &[u8]) -> Option<[u8; MAC_BYTES]> {
    /// Larger than the value of any digit.
    const NO_DIGIT: u8 = 0xff;
    let text: &[u8; MAC_DIGITS] = text.try_into().ok()?;
    let values = text.map(|digit| match digit {
        b'0'..=b'9' => digit.wrapping_sub(b'0'),
        b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
        _ => NO_DIGIT,
    });
    let largest = values.into_iter().fold(0, u8::max);
    let mut mac = [0; MAC_BYTES];
    for (byte, [high, low]) in mac.iter_mut().zip(values.as_chunks().0) {
        *byte = (high << 4) | low;
    }
    (largest != NO_DIGIT).then_some(mac)
}
