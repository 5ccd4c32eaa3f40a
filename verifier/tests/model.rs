//! The verifier beside a naive model of the same rules: RFC 2104 written out over a bare SHA-256,
//! text instead of bytes, allocation wherever it is convenient.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_sign_loss,
    reason = "a test may stop at the first surprise"
)]

use nextapi_webhook::{Key, Tolerance, UnixTime, Verified, Verifier};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// RFC 2104 section 2, with the block and output sizes of SHA-256.
fn naive_hmac(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block =
        if secret.len() > 64 { Sha256::digest(secret).to_vec() } else { secret.to_vec() };
    block.resize(64, 0);
    let inner: Vec<u8> = block.iter().map(|byte| byte ^ 0x36).chain(message.to_vec()).collect();
    let outer: Vec<u8> =
        block.iter().map(|byte| byte ^ 0x5c).chain(Sha256::digest(inner).to_vec()).collect();
    Sha256::digest(outer).to_vec()
}

fn naive_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the header is authentic and fresh, by the grammar read aloud.
fn naive_verify(secrets: &[Vec<u8>], header: &str, body: &[u8], now: u64) -> bool {
    if header.len() > 1024 {
        return false;
    }
    let elements: Vec<(&str, &str)> = header
        .split(',')
        .filter_map(|element| element.trim_matches([' ', '\t']).split_once('='))
        .collect();
    let timestamps: Vec<&str> =
        elements.iter().filter(|(name, _)| *name == "t").map(|(_, value)| *value).collect();
    let signatures: Vec<&str> = elements
        .iter()
        .filter(|(name, _)| ["v", "v1", "sha256"].contains(name))
        .map(|(_, value)| *value)
        .collect();
    let [timestamp] = timestamps[..] else { return false };
    let Ok(secs) = timestamp.parse::<u64>() else { return false };
    if timestamp != secs.to_string() || signatures.len() > 8 || secs.abs_diff(now) >= 300 {
        return false;
    }
    secrets.iter().any(|secret| {
        let message = [timestamp.as_bytes(), b".", body].concat();
        let expected = naive_hex(&naive_hmac(secret, &message));
        signatures.contains(&expected.as_str())
    })
}

const NOW: u64 = 1_700_000_000;

/// Headers around the documented shape: right and wrong times, labels, digits and separators, with
/// `{mac}` where the right signature goes.
fn header() -> impl Strategy<Value = String> {
    let timestamp = prop_oneof![
        4 => (0..=700_u64).prop_map(|offset| (NOW - 350 + offset).to_string()),
        1 => any::<u64>().prop_map(|secs| secs.to_string()),
        1 => "[+-]?0?[0-9]{0,21}",
    ];
    let label = prop_oneof![6 => Just("v"), 2 => Just("v1"), 2 => Just("sha256"), 1 => Just("w"), 1 => Just("V")];
    let value = prop_oneof![
        6 => Just("{mac}".to_owned()),
        2 => "[0-9a-f]{64}",
        1 => "[0-9A-Fa-f]{60,66}",
        1 => "[ -~]{0,8}",
    ];
    let signature = (label, value).prop_map(|(label, value)| format!("{label}={value}"));
    let element = prop_oneof![8 => signature, 1 => "[ -~]{0,12}", 1 => Just(String::new())];
    let space = prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\t ")];
    (timestamp, proptest::collection::vec((space, element), 0..11), any::<bool>()).prop_map(
        |(timestamp, elements, timestamp_first)| {
            let mut parts: Vec<String> = elements
                .into_iter()
                .map(|(space, element)| format!("{space}{element}{space}"))
                .collect();
            let at = if timestamp_first { 0 } else { parts.len() };
            parts.insert(at, format!("t={timestamp}"));
            parts.join(",")
        },
    )
}

/// Cuts `body` at the given places, in order, wherever they fall.
fn pieces(body: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| body[pair[0]..pair[1]].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, ..ProptestConfig::default() })]

    #[test]
    fn mac_equals_the_naive_one(
        secret in proptest::collection::vec(any::<u8>(), 1..200),
        body in proptest::collection::vec(any::<u8>(), 0..400),
        secs in any::<u64>(),
    ) {
        let message = [secs.to_string().as_bytes(), b".", &body].concat();
        let signature = Key::new(&secret).unwrap().sign(UnixTime::from_secs(secs), &body);
        prop_assert_eq!(
            signature.to_string(),
            format!("t={},v={}", secs, naive_hex(&naive_hmac(&secret, &message)))
        );
    }

    #[test]
    fn verdict_equals_the_naive_one(
        template in header(),
        signer in 0..3_usize,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        cuts in proptest::collection::vec(any::<usize>(), 0..5),
    ) {
        // The third secret signs sometimes, but is not among those that are accepted.
        let secrets = [b"first".to_vec(), b"second".to_vec(), b"unknown".to_vec()];
        let timestamp = template
            .split(',')
            .find_map(|element| element.trim().strip_prefix("t="))
            .unwrap_or_default();
        let message = [timestamp.as_bytes(), b".", &body].concat();
        let header = template.replace("{mac}", &naive_hex(&naive_hmac(&secrets[signer], &message)));

        let keys = secrets[..2].iter().map(|secret| Key::new(secret).unwrap());
        let verifier = Verifier::<2>::new(keys, Tolerance::DEFAULT).unwrap();
        let now = UnixTime::from_secs(NOW);
        let verdict = verifier.verify(&header, &body, now);
        prop_assert_eq!(verdict.is_ok(), naive_verify(&secrets[..2], &header, &body, NOW), "{}", header);
        if let Ok(verified) = verdict {
            prop_assert_eq!(verified.key_index(), signer);
        }

        let streamed = verifier.begin(&header).and_then(|mut stream| {
            for piece in pieces(&body, &cuts) {
                stream.update(&piece);
            }
            stream.finish(now)
        });
        prop_assert_eq!(streamed, verdict.map(Verified::without_body));
    }
}
