//! The signature header: its grammar and its limits.

use crate::signature::{Label, MAC_DIGITS};
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
///
/// Every byte has been written and there is no padding, so that who keeps a verification under way keeps
/// nothing of what the stack held before.
pub(crate) struct Header {
    /// In seconds, as bytes: a number of 64 bits would bring padding along.
    timestamp: [u8; 8],
    /// As the words that a hash consists of (FIPS 180-4 section 6.2).
    signatures: [[u32; 8]; MAX_SIGNATURES],
    /// How many of them the header has.
    count: u32,
}

impl Header {
    /// Without a header. It is read in its place: signatures are large, and a microcontroller has little
    /// stack.
    pub(crate) const fn new() -> Self {
        Self { timestamp: [0; 8], signatures: [[0; 8]; MAX_SIGNATURES], count: 0 }
    }

    /// Takes a header's value apart, whatever was there before. Gives the digits of the timestamp exactly
    /// as they stand in the header: these bytes were signed.
    ///
    /// On failure, there are no signatures.
    pub(crate) fn read<'a>(&mut self, value: &'a [u8]) -> Result<&'a [u8], Error> {
        self.forget_signatures();
        self.parse(value).inspect_err(|_| self.forget_signatures())
    }

    fn parse<'a>(&mut self, value: &'a [u8]) -> Result<&'a [u8], Error> {
        if value.len() > MAX_HEADER_BYTES {
            return Err(Error::HeaderTooLong { length: value.len() });
        }
        let mut digits = None;
        let mut labelled: usize = 0;
        let mut rest = value;
        loop {
            match rest {
                [] => break,
                [b',' | b' ' | b'\t', behind @ ..] => {
                    rest = behind;
                    continue;
                }
                [b't', b'=', behind @ ..] => {
                    let text;
                    (text, rest) = split_value(behind);
                    if digits.replace(text).is_some() {
                        return Err(Error::TimestampRepeated);
                    }
                    continue;
                }
                _ => {}
            }
            let Some(behind) = Label::strip(rest) else {
                (_, rest) = split_value(rest);
                continue;
            };
            if labelled == MAX_SIGNATURES {
                return Err(Error::TooManySignatures);
            }
            labelled = labelled.saturating_add(1);
            // There is room: fewer are kept than have been counted.
            let place = usize::try_from(self.count).ok();
            let place = place.and_then(|count| self.signatures.get_mut(count));
            // Digits first: no comma has to be looked for among them.
            let behind_mac = place.and_then(|mac| read_mac(behind, mac));
            let excess;
            (excess, rest) = split_value(behind_mac.unwrap_or(behind));
            if behind_mac.is_some() && excess.is_empty() {
                self.count = self.count.saturating_add(1);
            }
        }
        let digits = digits.ok_or(Error::TimestampMissing)?;
        let timestamp = parse_timestamp(digits).ok_or(Error::TimestampInvalid)?;
        self.timestamp = timestamp.as_secs().to_ne_bytes();
        if self.count == 0 {
            return Err(Error::SignatureMissing);
        }
        Ok(digits)
    }

    pub(crate) const fn timestamp(&self) -> UnixTime {
        UnixTime::from_secs(u64::from_ne_bytes(self.timestamp))
    }

    pub(crate) fn signatures(&self) -> &[[u32; 8]] {
        let count = usize::try_from(self.count).ok();
        count.and_then(|count| self.signatures.get(..count)).unwrap_or_default()
    }

    /// From now on, no MAC matches.
    pub(crate) fn forget_signatures(&mut self) {
        self.count = 0;
    }
}

/// The text up to the next comma, without the white space at its end, and what is left.
fn split_value(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == b',').unwrap_or(text.len());
    let (mut value, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    while let [trimmed @ .., b' ' | b'\t'] = value {
        value = trimmed;
    }
    (value, rest)
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

/// Reads the MAC in lower-case digits that the text begins with, if it does. Gives what is left.
///
/// Nothing here is secret. It goes over the digits in passes that the compiler makes vectors of, so
/// that a header with all the signatures that there may be costs little more than one with one.
fn read_mac<'a>(text: &'a [u8], mac: &mut [u32; 8]) -> Option<&'a [u8]> {
    /// No digit has this value, nor has it bits of its own in common with one.
    const NO_DIGIT: u8 = 0xf0;
    let (digits, rest) = text.split_first_chunk::<MAC_DIGITS>()?;
    let mut values = *digits;
    let mut seen = 0;
    for value in &mut values {
        *value = match *value {
            digit @ b'0'..=b'9' => digit.wrapping_sub(b'0'),
            digit @ b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            _ => NO_DIGIT,
        };
        seen |= *value;
    }
    for (word, values) in mac.iter_mut().zip(values.as_chunks().0) {
        // Of eight bytes with four bits each, four bytes: by halves, quarters and eighths.
        let bytes = u64::from_be_bytes(*values);
        let bytes = (bytes | (bytes >> 4)) & 0x00ff_00ff_00ff_00ff;
        let bytes = (bytes | (bytes >> 8)) & 0x0000_ffff_0000_ffff;
        let [.., a, b, c, d] = (bytes | (bytes >> 16)).to_be_bytes();
        *word = u32::from_be_bytes([a, b, c, d]);
    }
    (seen & NO_DIGIT == 0).then_some(rest)
}
