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
pub(crate) struct Header<'a> {
    digits: &'a [u8],
    timestamp: UnixTime,
}

/// The signatures of a header, as the words that a hash consists of (FIPS 180-4 section 6.2). They are
/// large, and so are not moved: the caller has them.
///
/// An array of which every word has been written, and a count as narrow as they are, so that there is
/// no padding: who keeps a verification under way keeps nothing of what the stack held before.
pub(crate) struct Signatures {
    macs: [[u32; 8]; MAX_SIGNATURES],
    count: u32,
}

impl Signatures {
    pub(crate) const NONE: Self = Self { macs: [[0; 8]; MAX_SIGNATURES], count: 0 };

    /// Those that the header has.
    pub(crate) fn as_slice(&self) -> &[[u32; 8]] {
        usize::try_from(self.count)
            .ok()
            .and_then(|count| self.macs.get(..count))
            .unwrap_or_default()
    }

    fn push(&mut self, mac: [u32; 8]) -> Result<(), Error> {
        let place = usize::try_from(self.count).ok().and_then(|count| self.macs.get_mut(count));
        *place.ok_or(Error::TooManySignatures)? = mac;
        self.count = self.count.saturating_add(1);
        Ok(())
    }
}

impl<'a> Header<'a> {
    /// Takes the header apart, and puts its signatures into `signatures`, which is empty.
    pub(crate) fn parse(value: &'a [u8], signatures: &mut Signatures) -> Result<Self, Error> {
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
            // Digits first: no comma has to be looked for among them.
            let (mac, behind) = split_mac(behind);
            let excess;
            (excess, rest) = split_value(behind);
            if let (Some(mac), []) = (mac, excess) {
                // Room was checked just above.
                signatures.push(mac)?;
            }
        }
        let digits = digits.ok_or(Error::TimestampMissing)?;
        let timestamp = parse_timestamp(digits).ok_or(Error::TimestampInvalid)?;
        if signatures.count == 0 {
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

/// The MAC in lower-case digits that the text begins with, if it does, and what is left.
///
/// Nothing here is secret. It goes over the digits in passes that the compiler makes vectors of, so
/// that a header with all the signatures that there may be costs little more than one with one.
fn split_mac(text: &[u8]) -> (Option<[u32; 8]>, &[u8]) {
    /// No digit has this value.
    const NO_DIGIT: u8 = 0xff;
    let Some((digits, rest)) = text.split_first_chunk::<MAC_DIGITS>() else {
        return (None, text);
    };
    let mut values = *digits;
    let mut is_hex = true;
    for value in &mut values {
        *value = match *value {
            digit @ b'0'..=b'9' => digit.wrapping_sub(b'0'),
            digit @ b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            _ => NO_DIGIT,
        };
        is_hex &= *value != NO_DIGIT;
    }
    let mut mac = [0; 8];
    for (word, digits) in mac.iter_mut().zip(values.as_chunks::<8>().0) {
        *word = digits.iter().fold(0, |word, digit| (word << 4) | u32::from(*digit));
    }
    if is_hex { (Some(mac), rest) } else { (None, text) }
}
