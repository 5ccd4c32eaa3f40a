//! A delivery before it is sent.

use hmac::{Hmac, KeyInit, Mac};
use nextapi_webhook::Label;
use sha2::Sha256;

use crate::random::Random;

pub(crate) struct Delivery {
    pub(crate) secrets: Vec<Vec<u8>>,
    pub(crate) header: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) now: u64,
    pub(crate) past: u64,
    pub(crate) future: u64,
}

/// Everything that a delivery is made of, sound and fresh, for the kinds to spoil.
pub(crate) struct Draft {
    pub(crate) secrets: Vec<Vec<u8>>,
    /// The one of the secrets that signs.
    pub(crate) signer: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// What stands behind `t=`.
    pub(crate) timestamp: String,
    pub(crate) now: u64,
    pub(crate) past: u64,
    pub(crate) future: u64,
}

impl Draft {
    pub(crate) fn new(random: &Random) -> Self {
        let count = random.pick(&[1, 1, 2, 3, 4]);
        let secrets: Vec<Vec<u8>> = (0..count).map(|_| secret(random)).collect();
        let now = 1_600_000_000 + random.next() % 400_000_000;
        Self {
            signer: random.pick(&secrets),
            secrets,
            body: body(random),
            timestamp: (now - 299 + random.next() % 599).to_string(),
            now,
            past: 300,
            future: 300,
        }
    }

    /// The 64 digits that sign the body and the timestamp, whatever stands there.
    pub(crate) fn signature(&self) -> String {
        self.signature_by(&self.signer)
    }

    pub(crate) fn signature_by(&self, secret: &[u8]) -> String {
        let mut hmac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        hmac.update(self.timestamp.as_bytes());
        hmac.update(b".");
        hmac.update(&self.body);
        crate::hex(&hmac.finalize().into_bytes())
    }

    pub(crate) fn header(&self, random: &Random) -> String {
        format!("t={},{}={}", self.timestamp, label(random), self.signature())
    }

    pub(crate) fn deliver(self, header: impl Into<Vec<u8>>) -> Delivery {
        let Self { secrets, body, now, past, future, .. } = self;
        Delivery { secrets, header: header.into(), body, now, past, future }
    }
}

/// Of any length around the block of SHA-256 (64 bytes), text or not.
pub(crate) fn secret(random: &Random) -> Vec<u8> {
    let length = random.pick(&[1, 16, 24, 32, 63, 64, 65, 131]);
    match random.below(3) {
        0 => random.bytes(length),
        _ => format!("whsec_{}", random.text("abcXYZ019+/=_-", length)).into_bytes(),
    }
}

/// Of any length around the paddings of SHA-256, mostly not text.
fn body(random: &Random) -> Vec<u8> {
    let length = match random.below(4) {
        0 => random.pick(&[0, 1, 43, 44, 45, 52, 53, 54, 63, 64, 65, 127, 128]),
        1 if random.one_in(8) => random.below(5_000),
        _ => random.below(300),
    };
    if random.one_in(3) {
        let text = random.text("ab1.,=\"{}: \r\n\0é😀", length);
        return format!(r#"{{"id":"evt_1","type":"job.succeeded","x":"{text}"}}"#).into_bytes();
    }
    random.bytes(length)
}

pub(crate) fn label(random: &Random) -> Label {
    random.pick(Label::ALL)
}
