//! Deliveries, right ones and wrong ones: the verdict is that of the naive model. What was signed is
//! accepted exactly while it is fresh, and refused once a bit of it has been flipped.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{Error, Key, KeyError, Label, Tolerance, UnixTime, Verifier};
use nextapi_webhook_fuzz::PLANTED_FAULT;
use nextapi_webhook_fuzz::mac::hmac;
use nextapi_webhook_fuzz::verdict::{Accepted, Receiver};

/// Secrets that the verifier has room for.
const ROOM: usize = 4;

#[derive(Arbitrary, Debug)]
struct Delivery<'a> {
    /// Those of the receiver, newest first.
    secrets: Vec<&'a [u8]>,
    /// A secret that the receiver does not have.
    other_secret: &'a [u8],
    timestamp: u64,
    /// A byte in front of the timestamp in the header: a sign, a zero, one digit too many.
    prefix: Option<u8>,
    /// Whether that byte is signed as well.
    signs_prefix: bool,
    clock: Clock,
    tolerance: Limits,
    /// What the header has besides the timestamp.
    elements: Vec<Element<'a>>,
    /// The timestamp's place among the elements, counted around.
    timestamp_place: u8,
    /// Whether there is white space around the elements.
    is_spaced: bool,
    /// The bit that is flipped in what was signed, counted around header and body.
    flipped: u16,
    body: &'a [u8],
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Clock {
    /// This far from the timestamp.
    Near(i16),
    At(u64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Limits {
    Default,
    Narrow(u8, u8),
    Wide(u64, u64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Element<'a> {
    Signature {
        label: u8,
        /// The place of the secret, counted around. Behind the receiver's own comes the other one.
        signer: u8,
    },
    SecondTimestamp,
    Bytes(&'a [u8]),
}

fuzz_target!(|delivery: Delivery<'_>| {
    let (past, future) = match delivery.tolerance {
        Limits::Default => (300, 300),
        Limits::Narrow(past, future) => (past.into(), future.into()),
        Limits::Wide(past, future) => (past, future),
    };
    let now = match delivery.clock {
        Clock::Near(offset) => delivery.timestamp.saturating_add_signed(offset.into()),
        Clock::At(now) => now,
    };
    let receiver = Receiver { secrets: delivery.secrets.clone(), past, future, now };
    let Some(verifier) = verifier(&receiver) else { return };
    let verify = |header: &[u8], body: &[u8]| -> Result<Accepted, Error> {
        verifier.verify(header, body, UnixTime::from_secs(now)).map(Accepted::from)
    };

    let header = delivery.header();
    assert_eq!(verify(&header, delivery.body), receiver.verify(&header, delivery.body));

    let [secret, ..] = delivery.secrets[..] else { return };
    let signed = sign(secret, &delivery);
    let verdict = verify(&signed, delivery.body);
    assert_eq!(verdict, receiver.verify(&signed, delivery.body));
    // The first key made it, so nothing but time can be held against it.
    match verdict {
        Ok(accepted) => assert_eq!(accepted.key_index, 0),
        Err(error) => assert!(error.code().starts_with("timestamp_"), "{error}"),
    }

    let (signed, body) = flip(signed, delivery.body.to_vec(), delivery.flipped);
    let error = verify(&signed, &body).expect_err("one bit is not what was signed");
    assert!(error.code().starts_with("signature_"), "{error}");
});

impl Delivery<'_> {
    /// A header made of the elements.
    fn header(&self) -> Vec<u8> {
        let plain = self.timestamp.to_string().into_bytes();
        let written: Vec<u8> = self.prefix.into_iter().chain(plain.clone()).collect();
        let digits = if self.signs_prefix { &written } else { &plain };
        let message = [digits.as_slice(), b".", self.body].concat();
        let timestamp = [b"t=".as_slice(), &written].concat();
        let secrets = [self.secrets.as_slice(), &[self.other_secret]].concat();
        let mut elements: Vec<Vec<u8>> = self
            .elements
            .iter()
            .map(|element| match *element {
                Element::Signature { label, signer } => {
                    let secret = secrets[usize::from(signer) % secrets.len()];
                    format!("{}={}", label_of(label), hmac(secret, &message)).into_bytes()
                }
                Element::SecondTimestamp => timestamp.clone(),
                Element::Bytes(bytes) => bytes.to_vec(),
            })
            .collect();
        elements.insert(usize::from(self.timestamp_place) % (elements.len() + 1), timestamp);
        let separator: &[u8] = if self.is_spaced { b"\t, " } else { b"," };
        elements.join(separator)
    }
}

fn label_of(number: u8) -> Label {
    Label::ALL[usize::from(number) % Label::ALL.len()]
}

/// The verifier for that receiver, or `None` if none can be built, for the reason that it gives.
fn verifier(receiver: &Receiver<'_>) -> Option<Verifier<ROOM>> {
    let keys: Result<Vec<Key>, KeyError> =
        receiver.secrets.iter().map(|secret| Key::new(secret)).collect();
    let has_empty = receiver.secrets.iter().any(|secret| secret.is_empty());
    assert_eq!(keys.is_err(), has_empty);
    let mut keys = keys.ok()?;
    if PLANTED_FAULT {
        // Takes the oldest key for the newest.
        keys.reverse();
    }
    match Verifier::new(keys, Tolerance::new(receiver.past, receiver.future)) {
        Ok(verifier) => {
            assert!((1..=ROOM).contains(&receiver.secrets.len()));
            Some(verifier)
        }
        Err(error) => {
            let expected = match receiver.secrets.len() {
                0 => KeyError::None,
                _ => KeyError::TooMany { limit: ROOM },
            };
            assert_eq!(error, expected);
            assert!(!(1..=ROOM).contains(&receiver.secrets.len()));
            None
        }
    }
}

/// The header's value as the verifier's own sender writes it.
fn sign(secret: &[u8], delivery: &Delivery<'_>) -> Vec<u8> {
    let label = label_of(delivery.flipped.to_le_bytes()[0]);
    let signature = Key::new(secret)
        .expect("the verifier has it already")
        .sign(UnixTime::from_secs(delivery.timestamp), delivery.body)
        .with_label(label)
        .to_string();
    let timestamp = delivery.timestamp.to_string();
    let message = [timestamp.as_bytes(), b".", delivery.body].concat();
    assert_eq!(signature, format!("t={timestamp},{label}={}", hmac(secret, &message)));
    signature.into_bytes()
}

/// Flips one bit of the header or of the body.
fn flip(mut header: Vec<u8>, mut body: Vec<u8>, bit: u16) -> (Vec<u8>, Vec<u8>) {
    let bit = usize::from(bit) % ((header.len() + body.len()) * 8);
    let byte = header.iter_mut().chain(&mut body).nth(bit / 8).expect("it was counted around");
    *byte ^= 1 << (bit % 8);
    (header, body)
}
