//! MACs from elsewhere, here from the crate `hmac`: the verdict is that of the verifier's own.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use core::convert::Infallible;

use hmac::{Hmac, KeyInit as _, Mac as _};
use nextapi_webhook::{
    Engine, EngineError, Error, Key, Mac, Pending, Tolerance, UnixTime, Verified, Verifier,
    verify_with,
};
use proptest::prelude::*;
use sha2::Sha256;

const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded"}"#;
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn hmac(secret: &[u8], message: [&[u8]; 3]) -> [u8; 32] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    for part in message {
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}

fn signed(secret: &[u8], at: UnixTime, body: &[u8]) -> String {
    Key::new(secret).unwrap().sign(at, body).to_string()
}

/// Keys that the crate `hmac` computes with, and how often it did.
struct Foreign<'a> {
    secrets: &'a [&'a [u8]],
    computed: u32,
    fails_at: Option<u32>,
}

impl Engine for Foreign<'_> {
    type Error = &'static str;

    fn key_count(&self) -> u32 {
        u32::try_from(self.secrets.len()).unwrap()
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Self::Error> {
        self.computed += 1;
        if self.fails_at == Some(key_index) {
            return Err("no clock");
        }
        *mac = hmac(self.secrets[key_index as usize], message);
        Ok(())
    }
}

#[test]
fn one_mac_for_each_key_whatever_the_header_holds() {
    let secrets: [&[u8]; 2] = [b"new", b"old"];
    let header = format!("{},{}", signed(b"old", NOW, BODY), "v=00".repeat(3));
    let mut engine = Foreign { secrets: &secrets, computed: 0, fails_at: None };
    let verified = verify_with(&mut engine, Tolerance::DEFAULT, &header, BODY, NOW).unwrap();
    assert_eq!((verified.key_index(), verified.body(), engine.computed), (1, BODY, 2));
}

#[test]
fn a_failure_of_the_engine_is_no_verdict() {
    let secrets: [&[u8]; 2] = [b"new", b"old"];
    for index in [0, 1] {
        let mut engine = Foreign { secrets: &secrets, computed: 0, fails_at: Some(index) };
        let header = signed(b"new", NOW, BODY);
        let failed = verify_with(&mut engine, Tolerance::DEFAULT, header, BODY, NOW);
        assert_eq!(failed, Err(EngineError::Engine("no clock")));
        assert_eq!(failed.unwrap_err().to_string(), "the engine failed: no clock");
    }
    let mut engine = Foreign { secrets: &secrets, computed: 0, fails_at: Some(0) };
    let refused = verify_with(&mut engine, Tolerance::DEFAULT, "v=1", BODY, NOW);
    assert_eq!(refused, Err(EngineError::Refused(Error::TimestampMissing)));
    assert_eq!(engine.computed, 0, "a malformed header costs no MAC");
}

#[test]
fn without_an_offer_nothing_matches() {
    let pending = Pending::parse(signed(b"new", NOW, BODY)).unwrap();
    assert_eq!(pending.finish(NOW, Tolerance::DEFAULT), Err(Error::SignatureMismatch));
}

#[test]
fn of_several_keys_that_match_the_first_is_reported_in_whatever_order_they_come() {
    let header = format!(
        "{},{}",
        signed(b"old", NOW, BODY),
        signed(b"new", NOW, BODY).split_once(',').unwrap().1
    );
    let secrets: [&[u8]; 4] = [b"other", b"new", b"old", b"oldest"];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 0, 3, 2]] {
        let mut pending = Pending::parse(&header).unwrap();
        for index in order {
            let mac = hmac(secrets[index], pending.message(BODY));
            pending.offer(u32::try_from(index).unwrap(), &Mac::new(&mac));
        }
        let verified = pending.finish(NOW, Tolerance::DEFAULT).unwrap();
        assert_eq!(verified.key_index(), 1, "{order:?}");
    }
}

/// Anybody can write a signature of zeros. An engine without a clock gives the same.
#[test]
fn a_dead_engine_lets_nobody_in() {
    for byte in [0x00, 0xff] {
        let header = format!("t=1700000000,v={}", format!("{byte:02x}").repeat(32));
        let mut pending = Pending::parse(&header).unwrap();
        pending.offer(0, &Mac::new(&[byte; 32]));
        assert_eq!(pending.finish(NOW, Tolerance::DEFAULT), Err(Error::SignatureMismatch));
    }
    // One that is nearly so is alive.
    let mut bytes = [0; 32];
    bytes[31] = 1;
    let header = format!("t=1700000000,v={}01", "00".repeat(31));
    let mut pending = Pending::parse(&header).unwrap();
    pending.offer(0, &Mac::new(&bytes));
    assert!(pending.finish(NOW, Tolerance::DEFAULT).is_ok());
}

#[test]
fn a_dead_key_beside_one_that_works_does_no_harm() {
    let mut pending = Pending::parse(signed(b"old", NOW, BODY)).unwrap();
    pending.offer(0, &Mac::new(&[0; 32]));
    let mac = hmac(b"old", pending.message(BODY));
    pending.offer(1, &Mac::new(&mac));
    assert_eq!(pending.finish(NOW, Tolerance::DEFAULT).unwrap().key_index(), 1);
}

#[test]
fn nothing_of_a_mac_is_shown() {
    assert_eq!(format!("{:?}", Mac::new(&[0xa5; 32])), "Mac(redacted)");
    let pending = Pending::parse(signed(b"new", NOW, BODY)).unwrap();
    assert_eq!(format!("{pending:?}"), format!("Pending {{ timestamp: {NOW:?}, .. }}"));
}

/// Keys of the crate itself are an engine, too.
#[test]
fn the_keys_of_the_crate_are_an_engine() {
    let keys = [b"new", b"old"].map(|secret| Key::new(secret).unwrap());
    let header = signed(b"old", NOW, BODY);
    let verified = verify_with(&mut &keys[..], Tolerance::DEFAULT, header, BODY, NOW);
    assert_eq!(verified.map(|verified| verified.key_index()), Ok::<_, EngineError<Infallible>>(1));
}

proptest! {
    /// Whatever the delivery, both ways say the same.
    #[test]
    fn the_verdict_is_that_of_the_verifier(
        secrets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 1..4),
        signer in 0_usize..5,
        body in prop::collection::vec(any::<u8>(), 0..300),
        changed in prop::option::of(any::<u8>()),
        age in -400_i64..400,
    ) {
        let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
        let signer = secrets.get(signer).copied().unwrap_or(b"of nobody");
        let header = signed(signer, NOW, &body);
        let mut body = body;
        body.extend(changed);
        let now = UnixTime::from_secs(NOW.as_secs().checked_add_signed(age).unwrap());

        let keys = secrets.iter().map(|secret| Key::new(secret).unwrap());
        let verifier = Verifier::<4>::new(keys, Tolerance::DEFAULT).unwrap();
        let verdict = verifier.verify(&header, &body, now);

        let mut engine = Foreign { secrets: &secrets, computed: 0, fails_at: None };
        let foreign = verify_with(&mut engine, Tolerance::DEFAULT, &header, &body, now);
        prop_assert_eq!(foreign, verdict.map_err(EngineError::Refused));

        let mut pending = Pending::parse(&header).unwrap();
        for (index, secret) in secrets.iter().enumerate().rev() {
            let mac = hmac(secret, pending.message(&body));
            pending.offer(u32::try_from(index).unwrap(), &Mac::new(&mac));
        }
        let pending = pending.finish(now, Tolerance::DEFAULT);
        prop_assert_eq!(pending, verdict.map(Verified::without_body));
    }
}
