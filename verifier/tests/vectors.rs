//! The deliveries that every build of the verifier is held to: this crate, the C library on the host
//! and the firmware. Their MACs were made by another implementation, Python's `hmac`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use nextapi_webhook::{Error, Key, Tolerance, UnixTime, Verifier};

fn name(error: Error) -> &'static str {
    match error {
        Error::HeaderTooLong { .. } => "header_too_long",
        Error::TimestampMissing => "timestamp_missing",
        Error::TimestampRepeated => "timestamp_repeated",
        Error::TimestampInvalid => "timestamp_invalid",
        Error::SignatureMissing => "signature_missing",
        Error::TooManySignatures => "too_many_signatures",
        Error::SignatureMismatch => "signature_mismatch",
        Error::TimestampExpired { .. } => "timestamp_expired",
        Error::TimestampAhead { .. } => "timestamp_ahead",
        _ => "an error without a name here",
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    if digits == "-" {
        return Vec::new();
    }
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}

#[test]
fn deliveries() {
    let table = include_str!("vectors/deliveries.tsv");
    let rows: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(rows.len() > 50);
    for row in rows {
        let fields: Vec<&str> = row.split('\t').collect();
        let [_, secrets, past, future, now, header, body, result, index, age] = fields[..] else {
            panic!("ten fields, not {fields:?}");
        };
        let number = |text: &str| text.parse::<u64>().unwrap();
        let keys = secrets.split(',').map(|secret| Key::new(&bytes(secret)).unwrap());
        let tolerance = Tolerance::new(number(past), number(future));
        let verifier = Verifier::<4>::new(keys, tolerance).unwrap();
        match verifier.verify(bytes(header), &bytes(body), UnixTime::from_secs(number(now))) {
            Ok(accepted) => {
                assert_eq!("ok", result, "{row}");
                assert_eq!(accepted.key_index() as u64, number(index), "{row}");
                assert_eq!(accepted.age_secs(), age.parse::<i64>().unwrap(), "{row}");
            }
            Err(error) => assert_eq!(name(error), result, "{row}"),
        }
    }
}
