//! Verifiers as one writes them by hand over a library that has HMAC: the header is split, its digits
//! are decoded with `hex`, the MAC is computed with a key that was made before, and compared in
//! constant time; then the age is checked. The same lines for all; only the MAC differs.

use hmac::{KeyInit as _, Mac as _};
use nextapi_webhook_benches::KEY;
use subtle::ConstantTimeEq as _;

use crate::peer::Peer;
use crate::signed::Signed;

const TOLERANCE: u64 = 300;

/// What computes a MAC over timestamp, dot and body.
trait Mac: 'static {
    fn new(secret: &[u8]) -> Self;
    fn mac(&self, parts: [&[u8]; 3]) -> [u8; 32];
}

impl Mac for ring::hmac::Key {
    fn new(secret: &[u8]) -> Self {
        Self::new(ring::hmac::HMAC_SHA256, secret)
    }

    fn mac(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let mut context = ring::hmac::Context::with_key(self);
        for part in parts {
            context.update(part);
        }
        array(context.sign().as_ref())
    }
}

impl Mac for aws_lc_rs::hmac::Key {
    fn new(secret: &[u8]) -> Self {
        Self::new(aws_lc_rs::hmac::HMAC_SHA256, secret)
    }

    fn mac(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let mut context = aws_lc_rs::hmac::Context::with_key(self);
        for part in parts {
            context.update(part);
        }
        array(context.sign().as_ref())
    }
}

impl Mac for hmac::Hmac<sha2::Sha256> {
    fn new(secret: &[u8]) -> Self {
        Self::new_from_slice(secret).expect("HMAC takes keys of any length")
    }

    fn mac(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let mut hmac = self.clone();
        for part in parts {
            hmac.update(part);
        }
        hmac.finalize().into_bytes().into()
    }
}

impl Mac for hmac_sha256::HMAC {
    fn new(secret: &[u8]) -> Self {
        Self::new(secret)
    }

    fn mac(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let mut hmac = self.clone();
        for part in parts {
            hmac.update(part);
        }
        hmac.finalize()
    }
}

fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or_default()
}

pub(crate) fn peers() -> Vec<Peer> {
    vec![
        whole::<ring::hmac::Key>("ring, by hand", "assembly; its own SHA-256"),
        alone::<ring::hmac::Key>("ring, MAC alone"),
        whole::<aws_lc_rs::hmac::Key>("aws-lc-rs, by hand", "C and assembly; its own SHA-256"),
        alone::<aws_lc_rs::hmac::Key>("aws-lc-rs, MAC alone"),
        whole::<hmac::Hmac<sha2::Sha256>>("hmac + sha2, by hand", "the crates that ours uses"),
        alone::<hmac::Hmac<sha2::Sha256>>("hmac + sha2, MAC alone"),
        whole::<hmac_sha256::HMAC>(
            "hmac-sha256, by hand",
            "portable SHA-256 only; hashes the outer key block each time",
        ),
    ]
}

fn whole<M: Mac>(name: &'static str, differs: &'static str) -> Peer {
    let key = M::new(KEY.as_bytes());
    Peer::new(name, differs, move |signed| verify(&key, signed))
}

/// No header, no digits, no age.
fn alone<M: Mac>(name: &'static str) -> Peer {
    let key = M::new(KEY.as_bytes());
    Peer::new(
        name,
        "the timestamp and the decoded MAC are given; no header, no age",
        move |signed| key.mac([signed.digits(), b".", signed.body()]).ct_eq(&signed.mac).into(),
    )
}

fn verify(key: &impl Mac, signed: &Signed) -> bool {
    let (mut timestamp, mut candidate) = (None, None);
    for element in signed.delivery.header.split(',') {
        match element.split_once('=') {
            Some(("t", digits)) => timestamp = Some(digits),
            Some(("v1", digits)) => candidate = Some(digits),
            _ => {}
        }
    }
    let (Some(timestamp), Some(candidate)) = (timestamp, candidate) else { return false };
    let Ok(seconds) = timestamp.parse::<u64>() else { return false };
    let mut theirs = [0; 32];
    if hex::decode_to_slice(candidate, &mut theirs).is_err() {
        return false;
    }
    let ours = key.mac([timestamp.as_bytes(), b".", signed.body()]);
    bool::from(ours.ct_eq(&theirs)) && signed.signed_at().abs_diff(seconds) < TOLERANCE
}
