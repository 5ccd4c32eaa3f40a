//! What is verified: a body, and a header that signs it.

use nextapi_webhook::{Key, KeyError, Label, MAX_HEADER_BYTES, MAX_SIGNATURES, UnixTime};

/// The secret. What follows the prefix is Base64 as well, for peers that decode it.
pub const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// As many keys, of which the last is [`KEY`]: the one that has to be tried last.
///
/// # Errors
/// None: no key is empty.
pub fn keys(count: usize) -> Result<Vec<Key>, KeyError> {
    let others = (1..count).map(|number| Key::new(format!("whsec_other_{number}").as_bytes()));
    others.chain([Key::new(KEY.as_bytes())]).collect()
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// One signature, which holds: what the provider sends.
    Ordinary,
    /// One signature, of which the byte at this place of the MAC, 0 to 31, is wrong.
    WrongByte(usize),
    /// As many signatures that do not hold, up to [`MAX_SIGNATURES`].
    Forged(usize),
    /// [`MAX_SIGNATURES`] signatures that do not hold, and then commas, each of which ends an empty
    /// element, up to [`MAX_HEADER_BYTES`]: as much of all as a header may have.
    Hostile,
}

/// A delivery as it is received.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// An event, filled up to the size asked for.
    pub body: Vec<u8>,
    /// The value of the signature header.
    pub header: String,
    /// When it was signed.
    pub signed_at: UnixTime,
}

impl Delivery {
    /// A body of `size` bytes, signed with [`KEY`].
    ///
    /// # Errors
    /// None: the key is not empty.
    pub fn new(size: u32, signed_at: UnixTime, signing: Signing) -> Result<Self, KeyError> {
        let body = event(size);
        let signature = Key::new(KEY.as_bytes())?.sign(signed_at, &body).with_label(Label::V1);
        let forged = |count: usize| {
            let mut header = format!("t={}", signed_at.as_secs());
            header.extend((0..count).map(|number| format!(",v1={number:064x}")));
            header
        };
        let header = match signing {
            Signing::Ordinary => signature.to_string(),
            Signing::WrongByte(at) => {
                let mut mac = *signature.mac();
                if let Some(byte) = mac.get_mut(at) {
                    *byte ^= 1;
                }
                let digits: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("t={},v1={digits}", signed_at.as_secs())
            }
            Signing::Forged(count) => forged(count),
            Signing::Hostile => format!("{:,<MAX_HEADER_BYTES$}", forged(MAX_SIGNATURES)),
        };
        Ok(Self { body, header, signed_at })
    }

    /// The same header over a body whose last byte was changed.
    #[must_use]
    pub fn tampered(&self) -> Self {
        let mut tampered = self.clone();
        if let Some(last) = tampered.body.last_mut() {
            *last = b'\n';
        }
        tampered
    }
}

/// An event in the shape that one of the peers insists on, if there is room for it; spaces if not.
fn event(size: u32) -> Vec<u8> {
    const FRONT: &str = r#"{"id":"evt_1","object":"event","type":"job.succeeded","created":1700000000,"livemode":false,"pending_webhooks":1,"api_version":null,"request":null,"account":null,"data":{"object":{"id":"job_1","prompt":""#;
    const BACK: &str = r#""}}}"#;
    let size = size as usize;
    let filling = size.checked_sub(FRONT.len().saturating_add(BACK.len()));
    filling.map_or_else(
        || vec![b' '; size],
        |filling| [FRONT, &"x".repeat(filling), BACK].concat().into_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SIZES;

    const AT: UnixTime = UnixTime::from_secs(1_700_000_000);

    #[test]
    fn bodies_have_the_size_asked_for() {
        for size in SIZES {
            let delivery = Delivery::new(size, AT, Signing::Ordinary).unwrap();
            assert_eq!(delivery.body.len(), size as usize);
        }
    }

    #[test]
    fn a_hostile_header_is_as_long_as_headers_may_be() {
        let delivery = Delivery::new(64, AT, Signing::Hostile).unwrap();
        assert_eq!(delivery.header.len(), MAX_HEADER_BYTES);
        assert_eq!(delivery.header.matches("v1=").count(), MAX_SIGNATURES);
    }

    #[test]
    fn only_one_byte_is_wrong() {
        let of = |signing| Delivery::new(64, AT, signing).unwrap().header;
        let ordinary = of(Signing::Ordinary);
        for at in [0, 31] {
            let wrong = of(Signing::WrongByte(at));
            let differing: Vec<usize> = (0..ordinary.len())
                .filter(|&place| wrong.as_bytes()[place] != ordinary.as_bytes()[place])
                .collect();
            assert_eq!(differing, ["t=1700000000,v1=".len() + 2 * at + 1]);
        }
    }

    #[test]
    fn a_tampered_body_differs() {
        let delivery = Delivery::new(512, AT, Signing::Ordinary).unwrap();
        let tampered = delivery.tampered();
        assert_ne!(tampered.body, delivery.body);
        assert_eq!(tampered.header, delivery.header);
    }
}
