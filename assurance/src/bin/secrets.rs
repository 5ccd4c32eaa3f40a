//! Runs the verifier with secrets that memcheck takes for uninitialised memory: it follows them
//! through key, hash state, MAC and verdict, and reports every branch and every address that
//! depends on them. To be run under valgrind, by `nextapi-assurance secrets`.
//!
//! The argument says what to run: `verifier`, or one of the planted leaks that have to be reported.

use core::ffi::c_void;
use core::hint::black_box;

use crabgrind::memcheck::{MemState, mark_mem};
use crabgrind::{RunMode, run_mode};
use nextapi_webhook::{
    Error, Key, KeyError, Mac, Pending, Tolerance, UnixTime, Verified, Verifier,
};

type Failure = Box<dyn core::error::Error>;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
/// Longer than one block of SHA-256, so that whole blocks and a rest are hashed.
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_1","n":1}}}"#;
/// Longer than one block as well: such a key is itself hashed first (RFC 2104 section 2).
const LONG_SECRET: &[u8; 100] = &[b'k'; 100];
/// Newest first.
const SECRETS: [&[u8]; 3] = [b"whsec_newest", LONG_SECRET, b"whsec_oldest"];

fn main() -> Result<(), Failure> {
    if run_mode() == RunMode::Native {
        return Err("without valgrind this shows nothing; use `nextapi-assurance secrets`".into());
    }
    match std::env::args().nth(1).as_deref() {
        Some("verifier") => verifier(),
        Some("planted_early_exit") => planted(planted_early_exit),
        Some("planted_table_index") => planted(planted_table_index),
        other => Err(format!("what to run? not {other:?}").into()),
    }
}

/// Makes memcheck take the bytes for uninitialised. Their values stay as they are.
fn hide(bytes: &mut [u8]) {
    // This version of crabgrind takes memcheck's "done" for "no valgrind", so its answer says
    // nothing. That the mark works is shown by the planted leaks and by the released verdict.
    let _ = mark_mem(bytes.as_mut_ptr().cast::<c_void>(), bytes.len(), MemState::Undefined);
}

/// Makes memcheck take a value for initialised: for what the verifier has made public.
fn reveal<T>(mut value: T) -> T {
    let _ = mark_mem((&raw mut value).cast::<c_void>(), size_of::<T>(), MemState::Defined);
    value
}

fn hidden_key(secret: &[u8]) -> Result<Key, Failure> {
    let mut secret = secret.to_vec();
    hide(&mut secret);
    Ok(Key::new(&secret)?)
}

/// The same header that the holder of the secret would send; its bytes are public.
fn header(secret: &[u8], timestamp: UnixTime) -> Result<String, KeyError> {
    Ok(Key::new(secret)?.sign(timestamp, BODY).to_string())
}

/// Every way through signing and verifying whose outcome depends on a secret.
fn verifier() -> Result<(), Failure> {
    let [newest, middle, oldest] = SECRETS;
    let verifier = Verifier::<4>::new(
        [hidden_key(newest)?, hidden_key(middle)?, hidden_key(oldest)?],
        Tolerance::DEFAULT,
    )?;

    // The first, a middle and the last of several keys matches, or none.
    for (index, secret) in SECRETS.into_iter().enumerate() {
        let verdict = verify(&verifier, &header(secret, NOW)?, NOW)?;
        assert_eq!(verdict.map(|verified| verified.key_index()), Ok(index));
    }
    let unknown = header(b"whsec_unknown", NOW)?;
    assert_eq!(verify(&verifier, &unknown, NOW)?, Err(Error::SignatureMismatch));

    // The first or the last of several signatures matches, or both do.
    for (one, two) in [(newest, b"whsec_other".as_slice()), (oldest, newest)] {
        let (one, two) = (header(one, NOW)?, header(two, NOW)?);
        for (front, back) in [(&one, &two), (&two, &one)] {
            let (_, signature) = back.split_once(',').ok_or("a header without a comma")?;
            let verdict = verify(&verifier, &format!("{front},{signature}"), NOW)?;
            assert_eq!(verdict.map(|verified| verified.key_index()), Ok(0));
        }
    }

    // Authentic, but too old or too far ahead; forged and too old.
    let past = UnixTime::from_secs(NOW.as_secs().saturating_sub(300));
    let future = UnixTime::from_secs(NOW.as_secs().saturating_add(300));
    let late = verify(&verifier, &header(oldest, past)?, NOW)?;
    assert!(matches!(late, Err(Error::TimestampExpired { age: 300, .. })), "{late:?}");
    let early = verify(&verifier, &header(oldest, future)?, NOW)?;
    assert!(matches!(early, Err(Error::TimestampAhead { ahead: 300, .. })), "{early:?}");
    let forged = header(b"whsec_unknown", past)?;
    assert_eq!(verify(&verifier, &forged, NOW)?, Err(Error::SignatureMismatch));

    // A signature is public once it is made; its making must not show the secret.
    for secret in SECRETS {
        let signature = reveal(hidden_key(secret)?.sign(NOW, BODY));
        assert_eq!(signature.to_string(), header(secret, NOW)?);
    }
    Ok(())
}

/// Verifies at once, in pieces, and with MACs from elsewhere; the verdicts are public once they are given.
fn verify(
    verifier: &Verifier<4>,
    header: &str,
    now: UnixTime,
) -> Result<Result<Verified, Error>, Failure> {
    let verdict = reveal(verifier.verify(header, BODY, now).map(Verified::without_body));
    let mut stream = verifier.begin(header)?;
    for piece in BODY.chunks(7) {
        stream.update(piece);
    }
    assert_eq!(reveal(stream.finish(now)), verdict);
    // As an engine would give them: the MACs are as secret as the keys.
    let mut pending = Pending::parse(header)?;
    for (index, secret) in (0..).zip(SECRETS) {
        let [digits, ..] = pending.message(BODY);
        let signed_at = UnixTime::from_secs(str::from_utf8(digits)?.parse()?);
        pending.offer(index, &Mac::new(hidden_key(secret)?.sign(signed_at, BODY).mac()));
    }
    assert_eq!(reveal(pending.finish(now, Tolerance::DEFAULT)), verdict);
    Ok(verdict)
}

/// Gives a planted leak a MAC that was made with a hidden key, as the verifier's comparison gets it.
fn planted(leak: fn(&[u8; 32], &[u8; 32]) -> u8) -> Result<(), Failure> {
    let signature = hidden_key(b"whsec_secret")?.sign(NOW, BODY);
    black_box(leak(black_box(signature.mac()), black_box(&[0; 32])));
    Ok(())
}

/// What a naive verifier does: compares byte by byte until one differs.
#[inline(never)]
fn planted_early_exit(mac: &[u8; 32], signature: &[u8; 32]) -> u8 {
    for (ours, theirs) in mac.iter().zip(signature) {
        if ours != theirs {
            return 0;
        }
    }
    1
}

/// What a naive hexadecimal encoder does: looks digits up, at addresses made of the secret.
#[inline(never)]
fn planted_table_index(mac: &[u8; 32], _signature: &[u8; 32]) -> u8 {
    let digits = black_box(b"0123456789abcdef");
    mac.iter().fold(0, |all, byte| all ^ digits.get(usize::from(byte & 15)).unwrap_or(&0))
}
