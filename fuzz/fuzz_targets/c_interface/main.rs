//! The C functions beside the verifier: whatever the alignment of the bytes, however the body is
//! cut, whoever computes the MACs and however small a buffer is, both say the same.

#![no_main]
#![expect(unsafe_code, reason = "this calls the C interface as C does")]

mod event;
mod memory;
mod verdict;
mod window;

use std::mem::MaybeUninit;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
use nextapi_webhook_c as c;

use crate::memory::{Moved, code, pointer, text};
use crate::verdict::Said;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    secrets: Vec<&'a [u8]>,
    tolerance: (u16, u16),
    timestamp: u64,
    /// The receiver's clock, from the timestamp.
    clock: i16,
    /// The place of the secret that signs, counted around.
    signer: u8,
    /// Stands in the header instead of what signs the body.
    header: Option<&'a [u8]>,
    body: &'a [u8],
    /// How long the pieces of the body are, counted around what is left of it.
    cuts: Vec<u16>,
    /// How far the bytes are moved from an aligned address.
    offset: u8,
    /// Bytes of the buffers for texts.
    room: u8,
    /// Calls to a window: what is called and with which key.
    calls: Vec<u8>,
}

fuzz_target!(|input: Input<'_>| {
    let body = Moved::new(input.body, input.offset);
    event::unverified(&body, usize::from(input.room));
    window::check(&input.calls);

    let Some((c_verifier, verifier)) = verifiers(&input) else { return };
    let signer = usize::from(input.signer) % input.secrets.len();
    let signed = sign(input.secrets[signer], &input, usize::from(input.room));
    let header = Moved::new(input.header.unwrap_or(signed.as_bytes()), input.offset);
    let now = input.timestamp.saturating_add_signed(input.clock.into());
    let tolerance = (input.tolerance.0.into(), input.tolerance.1.into());

    let expected = match verifier.verify(header.bytes(), body.bytes(), UnixTime::from_secs(now)) {
        Ok(known) => Said {
            code: "ok",
            timestamp: known.timestamp().as_secs(),
            age: known.age_secs(),
            key_index: known.key_index(),
        },
        Err(error) => Said::refused(error.code()),
    };
    let answers = [
        verdict::at_once(&c_verifier, &header, &body, now),
        verdict::in_pieces(&c_verifier, &header, &body, now, &input.cuts),
        verdict::with_macs(&input.secrets, tolerance, &header, &body, now, signer),
    ];
    for answer in &answers {
        assert_eq!(Said::of(answer), expected);
    }
    event::verified(&body, &answers[usize::from(input.room) % answers.len()]);
});

/// Both verifiers for these secrets, or neither.
fn verifiers(input: &Input<'_>) -> Option<(c::VerifierStorage, Verifier<4>)> {
    let (past, future) = (input.tolerance.0.into(), input.tolerance.1.into());
    let secrets: Vec<c::Secret> = input
        .secrets
        .iter()
        .map(|secret| c::Secret { data: pointer(secret), length: secret.len() })
        .collect();
    let mut storage = MaybeUninit::<c::VerifierStorage>::uninit();
    // SAFETY: the storage and the secrets are there.
    let outcome = unsafe {
        c::nextapi_webhook_verifier_init(
            storage.as_mut_ptr(),
            secrets.as_ptr(),
            secrets.len(),
            past,
            future,
        )
    };
    let expected = match input.secrets.len() {
        0 => "key_none",
        5.. => "key_too_many",
        _ if input.secrets.iter().any(|secret| secret.is_empty()) => "key_empty",
        _ => "ok",
    };
    assert_eq!(code(outcome), expected);
    if expected != "ok" {
        return None;
    }
    let keys = input.secrets.iter().map(|secret| Key::new(secret).expect("it is not empty"));
    let verifier = Verifier::new(keys, Tolerance::new(past, future)).expect("there is room");
    // SAFETY: it has been initialised.
    Some((unsafe { storage.assume_init() }, verifier))
}

fn sign(secret: &[u8], input: &Input<'_>, room: usize) -> String {
    let timestamp = UnixTime::from_secs(input.timestamp);
    let key = Key::new(secret).expect("it is not empty");
    let expected = key.sign(timestamp, input.body).to_string();
    text(room, &expected, |buffer, length| {
        // SAFETY: all that is pointed to is there.
        unsafe {
            c::nextapi_webhook_sign(
                pointer(secret),
                secret.len(),
                pointer(input.body),
                input.body.len(),
                input.timestamp,
                buffer,
                room,
                length,
            )
        }
    });
    expected
}
