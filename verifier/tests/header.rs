//! The signature header: what is accepted, what is refused, and with which error.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_sign_loss,
    reason = "a test may stop at the first surprise"
)]

use nextapi_webhook::{Error, Key, MAX_HEADER_BYTES, Tolerance, UnixTime, Verified, Verifier};

const SECRET: &[u8] = b"whsec_test";
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded"}"#;
const NOW: u64 = 1_700_000_000;

fn verify(header: impl AsRef<[u8]>, now: u64) -> Result<Verified<&'static [u8]>, Error> {
    let key = Key::new(SECRET).unwrap();
    let verifier = Verifier::<1>::new([key], Tolerance::DEFAULT).unwrap();
    verifier.verify(header, BODY, UnixTime::from_secs(now))
}

/// The 64 digits that sign `BODY` at the given time.
fn mac(timestamp: u64) -> String {
    let header = Key::new(SECRET).unwrap().sign(UnixTime::from_secs(timestamp), BODY).to_string();
    header.split_once(",v=").unwrap().1.to_owned()
}

/// One row per test: name, header with `{t}` and `{mac}` filled in, expectation.
macro_rules! headers {
    ($($name:ident: $header:expr => $expected:pat,)*) => {$(
        #[test]
        fn $name() {
            let header: String = $header.into();
            let header = header.replace("{t}", &NOW.to_string()).replace("{mac}", &mac(NOW));
            let verdict = verify(&header, NOW).map(|verified| verified.timestamp().as_secs());
            assert!(matches!(verdict, $expected), "{header:?} gave {verdict:?}");
        }
    )*};
}

headers! {
    documented_shape: "t={t},v={mac}" => Ok(NOW),
    label_v1: "t={t},v1={mac}" => Ok(NOW),
    label_sha256: "t={t},sha256={mac}" => Ok(NOW),
    signature_before_timestamp: "v={mac},t={t}" => Ok(NOW),
    white_space_around_elements: " t={t} ,\tv={mac} " => Ok(NOW),
    unknown_elements_are_ignored: "t={t},a=b,novalue,,=,v0=x,v={mac}" => Ok(NOW),
    empty_elements_are_ignored: ",t={t},,v={mac}," => Ok(NOW),

    nothing_but_commas_for_a_signatures_length: format!("t={{t}},a={}v={{mac}}", ",".repeat(64)) => Ok(NOW),
    commas_after_the_timestamp_come_in_pairs: "t={t},,,,v={mac}" => Ok(NOW),

    several_signatures_good_one_last: format!("t={{t}},v={},v={{mac}}", "0".repeat(64)) => Ok(NOW),
    several_signatures_good_one_first: format!("t={{t}},v={{mac}},v={}", "0".repeat(64)) => Ok(NOW),
    eight_signatures: format!("t={{t}}{},v={{mac}}", format!(",v={}", "0".repeat(64)).repeat(7)) => Ok(NOW),
    nine_signatures: format!("t={{t}}{},v={{mac}}", format!(",v={}", "0".repeat(64)).repeat(8)) => Err(Error::TooManySignatures),
    nine_signatures_malformed_ones_count: format!("t={{t}}{},v={{mac}}", ",v=0".repeat(8)) => Err(Error::TooManySignatures),

    malformed_signature_beside_a_good_one: "t={t},v=xyz,v={mac}" => Ok(NOW),
    signature_too_short: format!("t={{t}},v={}", "0".repeat(63)) => Err(Error::SignatureMissing),
    signature_too_long: format!("t={{t}},v={}", "0".repeat(65)) => Err(Error::SignatureMissing),
    signature_not_hexadecimal: format!("t={{t}},v={}", "g".repeat(64)) => Err(Error::SignatureMissing),
    signature_upper_case: format!("t={{t}},v={}", mac(NOW).to_uppercase()) => Err(Error::SignatureMissing),
    signature_with_inner_white_space: "t={t},v= {mac}" => Err(Error::SignatureMissing),
    signature_empty: "t={t},v=" => Err(Error::SignatureMissing),
    signature_at_the_end_cut_short: "v={mac},t={t},v=0123" => Ok(NOW),
    white_space_behind_a_signature: "t={t},v={mac} \t ,x" => Ok(NOW),
    text_behind_a_signature: "t={t},v={mac} x" => Err(Error::SignatureMissing),
    signature_behind_a_signature_without_a_comma: "t={t},v={mac}v={mac}" => Err(Error::SignatureMissing),
    comma_among_the_digits: format!("t={{t}},v={},{}", "0".repeat(32), "0".repeat(31)) => Err(Error::SignatureMissing),
    signature_inside_a_value: "t={t},x=v={mac}" => Err(Error::SignatureMissing),
    signature_inside_a_signature: "t={t},v=v={mac}" => Err(Error::SignatureMissing),
    signature_behind_a_name: "t={t},x v={mac}" => Err(Error::SignatureMissing),
    label_apart_from_its_equals_sign: "t={t},v ={mac}" => Err(Error::SignatureMissing),
    signature_missing: "t={t}" => Err(Error::SignatureMissing),
    label_unknown: "t={t},v2={mac}" => Err(Error::SignatureMissing),
    label_upper_case: "t={t},V={mac}" => Err(Error::SignatureMissing),

    timestamp_missing: "v={mac}" => Err(Error::TimestampMissing),
    timestamp_label_upper_case: "T={t},v={mac}" => Err(Error::TimestampMissing),
    timestamp_inside_a_signature: "v=t={t},v={mac}" => Err(Error::TimestampMissing),
    timestamp_repeated: "t={t},t={t},v={mac}" => Err(Error::TimestampRepeated),
    timestamp_empty: "t=,v={mac}" => Err(Error::TimestampInvalid),
    timestamp_signed_plus: "t=+{t},v={mac}" => Err(Error::TimestampInvalid),
    timestamp_negative: "t=-{t},v={mac}" => Err(Error::TimestampInvalid),
    timestamp_leading_zero: "t=0{t},v={mac}" => Err(Error::TimestampInvalid),
    timestamp_fraction: "t={t}.0,v={mac}" => Err(Error::TimestampInvalid),
    timestamp_inner_white_space: "t= {t},v={mac}" => Err(Error::TimestampInvalid),
    timestamp_hexadecimal: "t=0x10,v={mac}" => Err(Error::TimestampInvalid),
    timestamp_beyond_u64: "t=18446744073709551616,v={mac}" => Err(Error::TimestampInvalid),
    timestamp_far_beyond_u64: "t=999999999999999999999999999999,v={mac}" => Err(Error::TimestampInvalid),

    empty: "" => Err(Error::TimestampMissing),
    only_commas: ",,,," => Err(Error::TimestampMissing),
    two_headers_joined: "t={t},v={mac}, t={t},v={mac}" => Err(Error::TimestampRepeated),
    too_long: "x".repeat(MAX_HEADER_BYTES + 1) => Err(Error::HeaderTooLong { length: 1025, .. }),
    as_long_as_allowed: format!("t={{t}},v={{mac}},{}", "x".repeat(MAX_HEADER_BYTES - 80)) => Ok(NOW),
}

#[test]
fn bytes_that_are_not_text_are_ignored_like_any_unknown_element() {
    let mut header = format!("t={NOW},v={},", mac(NOW)).into_bytes();
    header.extend([0xff, 0x00, b'\r', b'\n']);
    assert!(verify(header, NOW).is_ok());
}

#[test]
fn timestamps_at_the_integer_limits_neither_overflow_nor_live_for_ever() {
    for timestamp in [0, 1, u64::from(u32::MAX), i64::MAX as u64, u64::MAX - 1, u64::MAX] {
        let header = format!("t={timestamp},v={}", mac(timestamp));
        for now in [0, NOW, i64::MAX as u64, u64::MAX] {
            let verdict = verify(&header, now);
            assert_eq!(verdict.is_ok(), timestamp.abs_diff(now) < 300, "t={timestamp} now={now}");
        }
    }
}
