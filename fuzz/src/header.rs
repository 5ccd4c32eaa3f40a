//! The signature header: the grammar of the verifier's README, read aloud.

use nextapi_webhook::Error;

/// What a sound header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The timestamp as it stands in the header.
    pub timestamp: String,
    /// The well-formed signatures, in order.
    pub signatures: Vec<String>,
}

impl Header {
    /// Takes a header apart.
    ///
    /// # Errors
    /// The one that the verifier gives as well. Of several faults, a length counts before all else;
    /// then the first element that is one too many; then the timestamp; then the signatures.
    pub fn read(value: &[u8]) -> Result<Self, Error> {
        if value.len() > 1024 {
            return Err(Error::HeaderTooLong { length: value.len() });
        }
        // Every byte becomes the character of its number, so that any header is text.
        let text: String = value.iter().copied().map(char::from).collect();
        let elements: Vec<(&str, &str)> = text
            .split(',')
            .filter_map(|element| element.trim_matches([' ', '\t']).split_once('='))
            .collect();
        let places = |names: &[&str]| -> Vec<usize> {
            (0..elements.len()).filter(|&place| names.contains(&elements[place].0)).collect()
        };
        let timestamps = places(&["t"]);
        let labelled = places(&["v", "v1", "sha256"]);

        match (timestamps.get(1), labelled.get(8)) {
            (Some(second), Some(ninth)) if ninth < second => return Err(Error::TooManySignatures),
            (Some(_), _) => return Err(Error::TimestampRepeated),
            (None, Some(_)) => return Err(Error::TooManySignatures),
            (None, None) => {}
        }
        let [timestamp] = timestamps[..] else { return Err(Error::TimestampMissing) };
        let timestamp = elements[timestamp].1;
        if !timestamp.parse().is_ok_and(|secs: u64| secs.to_string() == timestamp) {
            return Err(Error::TimestampInvalid);
        }
        let signatures: Vec<String> = labelled
            .iter()
            .map(|&place| elements[place].1.to_owned())
            .filter(|digits| digits.len() == 64 && digits.chars().all(is_digit))
            .collect();
        if signatures.is_empty() {
            return Err(Error::SignatureMissing);
        }
        Ok(Self { timestamp: timestamp.to_owned(), signatures })
    }
}

fn is_digit(character: char) -> bool {
    "0123456789abcdef".contains(character)
}
