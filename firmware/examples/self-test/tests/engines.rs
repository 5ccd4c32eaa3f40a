//! The self-test accepts a good engine, and finds faults such as peripherals have.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use core::convert::Infallible;

use nextapi_self_test::{Failure, self_test};
use nextapi_webhook::{Engine, Key};

const SECRETS: [&[u8]; 2] = [b"whsec_new", &[b'k'; 100]];

/// The crate's own keys, with a fault.
struct Faulty<'k> {
    keys: &'k [Key],
    fault: fn(u32, [&[u8]; 3], &mut [u8; 32]) -> Result<(), &'static str>,
}

impl Engine for Faulty<'_> {
    type Error = &'static str;

    fn key_count(&self) -> u32 {
        self.keys.key_count()
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), &'static str> {
        let Ok(()) = self.keys.mac(key_index, message, mac);
        (self.fault)(key_index, message, mac)
    }
}

fn test(
    fault: fn(u32, [&[u8]; 3], &mut [u8; 32]) -> Result<(), &'static str>,
) -> Result<(), Failure<&'static str>> {
    let keys = SECRETS.map(|secret| Key::new(secret).unwrap());
    self_test(&mut Faulty { keys: &keys, fault }, &SECRETS)
}

#[test]
fn a_good_engine_passes() {
    assert_eq!(test(|_, _, _| Ok(())), Ok(()));
}

#[test]
fn an_engine_without_a_clock_is_found() {
    let dead = test(|_, _, mac| {
        mac.fill(0);
        Ok(())
    });
    assert_eq!(dead, Err(Failure::Refused { key_index: 0, length: 0 }));
}

#[test]
fn a_fault_of_one_length_and_key_is_found() {
    let padding = test(|key_index, [_, _, body], mac| {
        if key_index == 1 && body.len() == 117 {
            mac[0] ^= 1;
        }
        Ok(())
    });
    assert_eq!(padding, Err(Failure::Refused { key_index: 1, length: 117 }));
}

/// It does not begin anew for a shorter body: the registers still hold what came before.
struct Stale<'k> {
    keys: &'k [Key],
    length: usize,
    last: [u8; 32],
}

impl Engine for Stale<'_> {
    type Error = Infallible;

    fn key_count(&self) -> u32 {
        self.keys.key_count()
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Infallible> {
        let [_, _, body] = message;
        if body.len() >= self.length {
            self.keys.mac(key_index, message, &mut self.last)?;
            self.length = body.len();
        }
        *mac = self.last;
        Ok(())
    }
}

#[test]
fn an_engine_that_accepts_what_was_not_signed_is_found() {
    let keys = [Key::new(SECRETS[0]).unwrap()];
    let mut stale = Stale { keys: &keys, length: 0, last: [0; 32] };
    assert_eq!(self_test(&mut stale, &SECRETS[..1]), Err(Failure::Accepted { length: 1 }));
}

#[test]
fn an_engine_that_fails_says_so() {
    assert_eq!(test(|_, _, _| Err("busy")), Err(Failure::Engine("busy")));
}

#[test]
fn secrets_that_are_not_the_engines_are_refused() {
    let keys = SECRETS.map(|secret| Key::new(secret).unwrap());
    assert_eq!(self_test(&mut &keys[..1], &SECRETS), Err(Failure::Secrets));
    assert_eq!(self_test(&mut &keys[..], &[b"whsec_new", b""]), Err(Failure::Secrets));
}
