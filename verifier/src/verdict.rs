//! The decision, in constant time.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::signature::MAC_BYTES;
use crate::time::Distance;
use crate::{Error, Tolerance};

/// What the signatures and the clock say together. It is built without a branch or an index that
/// depends on a key or on a computed MAC; [`release`](Self::release) is the one place where the
/// result becomes public.
pub(crate) struct Verdict {
    authentic: Choice,
    /// 32 bits, because that is what small processors select in one step.
    key_index: u32,
}

impl Verdict {
    pub(crate) fn new() -> Self {
        Self { authentic: Choice::from(0), key_index: 0 }
    }

    /// Compares one key's MAC with every signature of the header, without stopping at the first
    /// that matches. Call once per key; of several keys that match, the last one called is kept.
    pub(crate) fn compare(
        &mut self,
        key_index: usize,
        mac: &[u8; MAC_BYTES],
        signatures: &[[u8; MAC_BYTES]],
    ) {
        let mut matches = Choice::from(0);
        for signature in signatures {
            matches |= equal(mac, signature);
        }
        let key_index = u32::try_from(key_index).unwrap_or(u32::MAX);
        self.key_index.conditional_assign(&key_index, matches);
        self.authentic |= matches;
    }

    /// Makes the verdict public: the index of the key that matched, or why not. Whether the
    /// signature is fresh is part of the same choice, and is told only if the signature holds.
    // Its own function in every build, so that a tool that follows secrets can tell this release of
    // the verdict from a leak.
    #[inline(never)]
    pub(crate) fn release(self, distance: Distance, tolerance: Tolerance) -> Result<usize, Error> {
        let fresh = Choice::from(u8::from(distance.is_within(tolerance)));
        if bool::from(self.authentic & fresh) {
            // Nobody has 2^32 keys, so it is what came in.
            Ok(usize::try_from(self.key_index).unwrap_or(usize::MAX))
        } else if !bool::from(self.authentic) {
            Err(Error::SignatureMismatch)
        } else if distance.ahead > 0 {
            Err(Error::TimestampAhead { ahead: distance.ahead, tolerance: tolerance.future_secs() })
        } else {
            Err(Error::TimestampExpired { age: distance.age, tolerance: tolerance.past_secs() })
        }
    }
}

/// By words, not by bytes: `subtle` has the optimiser forget every result by itself.
fn equal(mac: &[u8; MAC_BYTES], signature: &[u8; MAC_BYTES]) -> Choice {
    let (ours, theirs) = (mac.as_chunks().0, signature.as_chunks().0);
    let mut difference = 0;
    for (ours, theirs) in ours.iter().zip(theirs) {
        difference |= u64::from_ne_bytes(*ours) ^ u64::from_ne_bytes(*theirs);
    }
    difference.ct_eq(&0)
}
