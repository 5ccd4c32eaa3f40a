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
        for element in value.split(|&byte| byte == b',') {
            let Some((name, text)) = split_at_equals(trim(element)) else { continue };
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

fn trim(mut element: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = element {
        element = rest;
    }
    element
}

fn split_at_equals(element: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = element.iter().position(|&byte| byte == b'=')?;
    let (name, rest) = element.split_at_checked(at)?;
    Some((name, rest.get(1..)?))
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

/// Lower-case digits only: that is the only decoder which is linked.
fn decode_mac(text: &[u8]) -> Option<[u8; MAC_BYTES]> {
    let text: &[u8; MAC_DIGITS] = text.try_into().ok()?;
    let mut mac = [0; MAC_BYTES];
    base16ct::lower::decode(text, &mut mac).ok()?;
    Some(mac)
}
