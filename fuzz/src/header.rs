//! The signature header: the grammar of the verifier's README, read aloud.

use crate::refusal::Refusal;

/// What a sound header says.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The timestamp as it stands in the header.
    pub digits: &'a str,
    /// The timestamp in seconds of Unix time.
    pub timestamp: u64,
    value: &'a [u8],
}

impl<'a> Header<'a> {
    /// Takes a header apart.
    ///
    /// # Errors
    /// The one that the verifier gives as well. Of several faults, a length counts before all else;
    /// then the first element that is one too many; then the timestamp; then the signatures.
    pub fn read(value: &'a [u8]) -> Result<Self, Refusal> {
        if value.len() > 1024 {
            return Err(Refusal::HeaderTooLong { length: value.len() });
        }
        let place = |names, number| named(value, names).nth(number).map(|(place, _)| place);
        match (place(&TIMESTAMP, 1), place(&LABELS, 8)) {
            (Some(second), Some(ninth)) if ninth < second => {
                return Err(Refusal::TooManySignatures);
            }
            (Some(_), _) => return Err(Refusal::TimestampRepeated),
            (None, Some(_)) => return Err(Refusal::TooManySignatures),
            (None, None) => {}
        }
        let (_, digits) = named(value, &TIMESTAMP).next().ok_or(Refusal::TimestampMissing)?;
        let (digits, timestamp) = decimal(digits).ok_or(Refusal::TimestampInvalid)?;
        let header = Self { digits, timestamp, value };
        header.signatures().next().ok_or(Refusal::SignatureMissing)?;
        Ok(header)
    }

    /// The well-formed signatures, in order.
    pub fn signatures(&self) -> impl Iterator<Item = &'a [u8]> {
        named(self.value, &LABELS).map(|(_, digits)| digits).filter(|digits| {
            digits.len() == 64 && digits.iter().all(|digit| b"0123456789abcdef".contains(digit))
        })
    }
}

/// What the element of the timestamp is called.
const TIMESTAMP: [&str; 1] = ["t"];
/// What elements with a signature are called.
const LABELS: [&str; 3] = ["v", "v1", "sha256"];

/// The elements that have one of these names: their place among all elements, and their value.
fn named<'a>(header: &'a [u8], names: &[&str]) -> impl Iterator<Item = (usize, &'a [u8])> {
    header.split(|&byte| byte == b',').enumerate().filter_map(move |(place, element)| {
        let element = trim(element);
        let equals = element.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (&element[..equals], &element[equals + 1..]);
        names.iter().any(|other| other.as_bytes() == name).then_some((place, value))
    })
}

fn trim(mut element: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = element {
        element = rest;
    }
    element
}

/// A decimal number without a sign or a leading zero.
fn decimal(digits: &[u8]) -> Option<(&str, u64)> {
    let digits = str::from_utf8(digits).ok()?;
    let is_plain = digits == "0" || digits.starts_with(|first| ('1'..='9').contains(&first));
    Some((digits, digits.parse().ok().filter(|_| is_plain)?))
}
