//! What a board runs first: an engine held against the verifier's own MACs.
//!
//! An engine that is wrong accepts nothing, so it does no harm; but it does no good either, and a peripheral
//! that fails for some lengths only is found late.
#![no_std]

use nextapi_webhook::{
    Engine, EngineError, Error, Key, Signature, Tolerance, UnixTime, verify_with,
};

/// Bodies of every length up to this one, in bytes, are verified: enough for every way of padding, in one
/// block of the hash or in several, and for buffers of 128 bytes.
pub const LONGEST_BODY: usize = 520;

/// Why an engine is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// A secret is empty, or there is another number of them than of the engine's keys.
    Secrets,
    /// The engine failed.
    Engine(E),
    /// What was signed with a key of that index was refused, with a body of that length.
    Refused {
        /// The key's index.
        key_index: u32,
        /// The body's length, in bytes.
        length: usize,
    },
    /// A body that was changed was accepted.
    Accepted {
        /// The body's length, in bytes.
        length: usize,
    },
}

/// Signs bodies with each of the secrets, verifies them with the engine, and has it refuse a changed one. The
/// secrets are those of the engine's keys, in their order, and no two are equal.
///
/// # Errors
/// The first [`Failure`].
pub fn self_test<E: Engine>(engine: &mut E, secrets: &[&[u8]]) -> Result<(), Failure<E::Error>> {
    let mut body = [0_u8; LONGEST_BODY];
    for (byte, value) in body.iter_mut().zip((0..=u8::MAX).cycle()) {
        *byte = value;
    }
    if usize::try_from(engine.key_count()) != Ok(secrets.len()) {
        return Err(Failure::Secrets);
    }
    let now = UnixTime::from_secs(1_700_000_000);
    for (secret, key_index) in secrets.iter().zip(0..) {
        let key = Key::new(secret).map_err(|_| Failure::Secrets)?;
        for length in 0..=LONGEST_BODY {
            let signed = body.get(..length).unwrap_or_default();
            let mut header = [0; Signature::MAX_BYTES];
            let header = key.sign(now, signed).encode(&mut header);
            match verify_with(engine, Tolerance::DEFAULT, header, signed, now) {
                Ok(verified) if usize::try_from(key_index) == Ok(verified.key_index()) => {}
                Ok(_) | Err(EngineError::Refused(_)) => {
                    return Err(Failure::Refused { key_index, length });
                }
                Err(EngineError::Engine(error)) => return Err(Failure::Engine(error)),
            }
            // One byte less is another body.
            let Some((_, changed)) = signed.split_last() else { continue };
            match verify_with(engine, Tolerance::DEFAULT, header, changed, now) {
                Err(EngineError::Refused(Error::SignatureMismatch)) => {}
                Ok(_) | Err(EngineError::Refused(_)) => return Err(Failure::Accepted { length }),
                Err(EngineError::Engine(error)) => return Err(Failure::Engine(error)),
            }
        }
    }
    Ok(())
}
