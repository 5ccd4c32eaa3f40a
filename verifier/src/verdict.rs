//! The decision, in constant time.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeLess as _};

use crate::time::Distance;
use crate::{Error, Tolerance, UnixTime, Verified};

/// What the signatures and the clock say together. It is built without a branch or an index that
/// depends on a key or on a computed MAC; [`release`](Self::release) is the one place where the
/// result becomes public.
pub(crate) struct Verdict {
    /// The least index of the keys that matched, or `NO_KEY`. 32 bits, because that is what small
    /// processors select in one step.
    key_index: u32,
}

/// Nobody has so many keys.
const NO_KEY: u32 = u32::MAX;

impl Verdict {
    /// Nothing has been compared.
    pub(crate) const NONE: Self = Self { key_index: NO_KEY };

    /// Compares one key's MAC, as words, with every signature of the header, without stopping at the
    /// first that matches. Keys may come in any order: of several that match, the one with the least
    /// index is kept.
    pub(crate) fn compare(&mut self, key_index: u32, mac: &[u32; 8], signatures: &[[u32; 8]]) {
        self.note(key_index, matches(mac, signatures));
    }

    /// As [`compare`](Self::compare), for a MAC from elsewhere: one of nothing but zeros, or nothing
    /// but ones, matches no signature.
    pub(crate) fn compare_foreign(
        &mut self,
        key_index: u32,
        mac: &[u32; 8],
        signatures: &[[u32; 8]],
    ) {
        let is_dead = equal(mac, &[0; 8]) | equal(mac, &[u32::MAX; 8]);
        self.note(key_index, matches(mac, signatures) & !is_dead);
    }

    fn note(&mut self, key_index: u32, matches: Choice) {
        self.key_index.conditional_assign(&key_index, matches & key_index.ct_lt(&self.key_index));
    }

    /// Makes the verdict public: the index of the key that matched, or why not. Whether the
    /// signature is fresh is part of the same choice, and is told only if the signature holds.
    // Its own function in every build, so that a tool that follows secrets can tell this release of
    // the verdict from a leak.
    #[inline(never)]
    pub(crate) fn release(
        &self,
        timestamp: UnixTime,
        now: UnixTime,
        tolerance: Tolerance,
    ) -> Result<Verified, Error> {
        let distance = Distance::between(timestamp, now);
        let authentic = !self.key_index.ct_eq(&NO_KEY);
        let fresh = Choice::from(u8::from(distance.is_within(tolerance)));
        if bool::from(authentic & fresh) {
            let key_index = usize::try_from(self.key_index).unwrap_or(usize::MAX);
            Ok(Verified::new(key_index, timestamp, distance))
        } else if !bool::from(authentic) {
            Err(Error::SignatureMismatch)
        } else if distance.ahead > 0 {
            Err(Error::TimestampAhead { ahead: distance.ahead, tolerance: tolerance.future_secs() })
        } else {
            Err(Error::TimestampExpired { age: distance.age, tolerance: tolerance.past_secs() })
        }
    }
}

/// Whether the MAC is one of the signatures.
fn matches(mac: &[u32; 8], signatures: &[[u32; 8]]) -> Choice {
    let mut matches = 0;
    for signature in signatures {
        matches |= equal(mac, signature).unwrap_u8();
    }
    Choice::from(matches)
}

/// `subtle` has the optimiser forget every result by itself: one result is enough.
fn equal(mac: &[u32; 8], signature: &[u32; 8]) -> Choice {
    let mut difference = 0;
    for (ours, theirs) in mac.iter().zip(signature) {
        difference |= ours ^ theirs;
    }
    difference.ct_eq(&0)
}
