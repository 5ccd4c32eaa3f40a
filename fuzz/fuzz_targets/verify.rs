//! Deliveries, right ones and wrong ones: the verdict is that of the naive model. What was signed is
//! accepted exactly while it is fresh, and refused once a bit of it has been flipped.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{
    EngineError, Key, KeyError, Label, Signature, Tolerance, UnixTime, Verifier, verify_with,
};
use nextapi_webhook_fuzz::PLANTED_FAULT;
use nextapi_webhook_fuzz::engine::{Ring, verify_pending};
use nextapi_webhook_fuzz::mac::hmac;
use nextapi_webhook_fuzz::refusal::Refusal;
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
    let receiver = Receiver { secrets: &delivery.secrets, past, future, now };
    let Some(verifier) = verifier(&receiver) else { return };
    let [_, order] = delivery.flipped.to_le_bytes();
    let verify = |header: &[u8], body: &[u8]| judge(&verifier, &receiver, header, body, order);

    let header = delivery.header();
    assert_eq!(verify(&header, delivery.body), receiver.verify(&header, delivery.body));

    let [secret, ..] = delivery.secrets[..] else { return };
    let signed = sign(secret, &delivery);
    let verdict = verify(&signed, delivery.body);
    assert_eq!(verdict, receiver.verify(&signed, delivery.body));
    // The first key made it, so nothing but time can be held against it.
    assert!(!is_about_signature(verdict), "{verdict:?}");
    assert_eq!(verdict.map_or(0, |accepted| accepted.key_index), 0);

    let (signed, body) = flip(signed, delivery.body.to_vec(), delivery.flipped);
    let verdict = verify(&signed, &body);
    // One bit is not what was signed, and nothing is said about time.
    assert!(is_about_signature(verdict), "{verdict:?}");
});

/// The verdict of the verifier, which is that over MACs from elsewhere as well.
fn judge(
    verifier: &Verifier<ROOM>,
    receiver: &Receiver<'_>,
    header: &[u8],
    body: &[u8],
    order: u8,
) -> Result<Accepted, Refusal> {
    let now = UnixTime::from_secs(receiver.now);
    let verdict = verifier.verify(header, body, now);
    let (secrets, tolerance) = (receiver.secrets, verifier.tolerance());
    assert_eq!(verify_pending(secrets, tolerance, header, body, now, order), verdict);
    let with_engine = verify_with(&mut Ring(secrets), tolerance, header, body, now);
    assert_eq!(with_engine, verdict.map_err(EngineError::Refused));
    verdict.map(Accepted::from).map_err(Refusal::from)
}

fn is_about_signature(verdict: Result<Accepted, Refusal>) -> bool {
    !matches!(
        verdict,
        Ok(_) | Err(Refusal::TimestampExpired { .. } | Refusal::TimestampAhead { .. })
    )
}

impl Delivery<'_> {
    /// A header made of the elements.
    fn header(&self) -> Vec<u8> {
        let digits = self.timestamp.to_string();
        let prefix = self.prefix.as_slice();
        let signed_prefix = if self.signs_prefix { prefix } else { &[] };
        let message = [signed_prefix, digits.as_bytes(), b".", self.body];
        let timestamp = [b"t=", prefix, digits.as_bytes()];
        let timestamp_place = usize::from(self.timestamp_place) % (self.elements.len() + 1);
        let mut header = Vec::with_capacity(2048);
        let mut append = |parts: &[&[u8]]| {
            if !header.is_empty() {
                header.extend_from_slice(if self.is_spaced { b"\t, " } else { b"," });
            }
            for part in parts {
                header.extend_from_slice(part);
            }
        };
        for place in 0..=self.elements.len() {
            if place == timestamp_place {
                append(&timestamp);
            }
            match self.elements.get(place) {
                Some(&Element::Signature { label, signer }) => {
                    let signer = usize::from(signer) % (self.secrets.len() + 1);
                    let secret = self.secrets.get(signer).unwrap_or(&self.other_secret);
                    let mac = match label {
                        // What a dead engine gives, and anybody can write.
                        254 => [b'0'; 64],
                        255 => [b'f'; 64],
                        _ => *hmac(secret, &message).as_bytes(),
                    };
                    append(&[label_of(label).as_str().as_bytes(), b"=", &mac]);
                }
                Some(Element::SecondTimestamp) => append(&timestamp),
                Some(Element::Bytes(bytes)) => append(&[bytes]),
                None => {}
            }
        }
        header
    }
}

fn label_of(number: u8) -> Label {
    Label::ALL[usize::from(number) % Label::ALL.len()]
}

/// The verifier for that receiver, or `None` if none can be built, for the reason that it gives.
fn verifier(receiver: &Receiver<'_>) -> Option<Verifier<ROOM>> {
    let tolerance = Tolerance::new(receiver.past, receiver.future);
    let secrets = receiver.secrets;
    let mut verifier = Verifier::<ROOM>::without_keys(tolerance);
    let mut count = 0;
    for place in 0..secrets.len() {
        // The planted fault takes the oldest key for the newest.
        let place = if PLANTED_FAULT { secrets.len() - 1 - place } else { place };
        let added = verifier.add_key(secrets[place]);
        if count == ROOM {
            assert!(matches!(added, Err(KeyError::TooMany { limit: ROOM, .. })), "{added:?}");
        } else {
            assert_eq!(added.is_err(), secrets[place].is_empty());
            count += usize::from(added.is_ok());
        }
    }

    let keys = secrets.iter().filter_map(|secret| Key::new(secret).ok());
    let possible = keys.clone().count();
    match Verifier::<ROOM>::new(keys, tolerance) {
        Ok(_) => assert!((1..=ROOM).contains(&possible)),
        Err(KeyError::None) => assert_eq!(possible, 0),
        Err(error) => {
            assert!(matches!(error, KeyError::TooMany { limit: ROOM, .. }), "{error}");
            assert!(possible > ROOM);
        }
    }
    (count == secrets.len() && count > 0).then_some(verifier)
}

/// The header's value as the verifier's own sender writes it.
fn sign(secret: &[u8], delivery: &Delivery<'_>) -> Vec<u8> {
    let label = label_of(delivery.flipped.to_le_bytes()[0]);
    let signature = Key::new(secret)
        .expect("the verifier has it already")
        .sign(UnixTime::from_secs(delivery.timestamp), delivery.body)
        .with_label(label);
    let mut buffer = [0; Signature::MAX_BYTES];
    let signature = signature.encode(&mut buffer);
    let digits = delivery.timestamp.to_string();
    let mac = hmac(secret, &[digits.as_bytes(), b".", delivery.body]);
    let parts = ["t=", &digits, ",", label.as_str(), "="].map(str::as_bytes);
    assert_eq!(signature.as_bytes(), [parts.concat().as_slice(), mac.as_bytes()].concat());
    signature.into()
}

/// Flips one bit of the header or of the body.
fn flip(mut header: Vec<u8>, mut body: Vec<u8>, bit: u16) -> (Vec<u8>, Vec<u8>) {
    let bit = usize::from(bit) % ((header.len() + body.len()) * 8);
    let byte = header.iter_mut().chain(&mut body).nth(bit / 8).expect("it was counted around");
    *byte ^= 1 << (bit % 8);
    (header, body)
}
