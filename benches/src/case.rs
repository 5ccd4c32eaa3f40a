//! The ways in which a delivery is verified that are measured for every size of body.

use core::hint::black_box;

use nextapi_webhook::{Error, Key, MAX_SIGNATURES, Tolerance, UnixTime, Verified, Verifier};

use crate::delivery::{Delivery, KEY, Signing, keys};
use crate::{Failure, Subject};

const SIGNED_AT: UnixTime = UnixTime::from_secs(1_700_000_000);
const NOW: UnixTime = UnixTime::from_secs(1_700_000_010);
/// Later than the default tolerance allows.
const LATE: UnixTime = UnixTime::from_secs(1_700_000_300);
const PIECE: usize = 1024;

/// One way of verifying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// One call, with one key that was made before.
    OneCall,
    /// The body comes in pieces of 1 KiB.
    InPieces,
    /// So many keys, of which the last has signed.
    Keys(usize),
    /// One signature in the header, of which the byte at this place of the MAC is wrong.
    WrongByte(usize),
    /// So many signatures in the header, none of which holds.
    Forged(usize),
    /// As long a header as may be, with as many signatures as may be.
    HostileHeader,
    /// The signature holds, but it is too old.
    Stale,
    /// The key is made from the secret for every delivery.
    KeyEachTime,
}

/// The cases, and what they are called.
pub const CASES: [(&str, Case); 7] = [
    ("one call", Case::OneCall),
    ("in pieces of 1 KiB", Case::InPieces),
    ("two keys", Case::Keys(2)),
    ("eight forged signatures", Case::Forged(MAX_SIGNATURES)),
    ("hostile header", Case::HostileHeader),
    ("stale", Case::Stale),
    ("key made each time", Case::KeyEachTime),
];

impl Case {
    /// Prepares the case for a body of `size` bytes.
    ///
    /// # Errors
    /// None: all keys can be used.
    pub fn subject(self, name: &str, size: u32) -> Result<Subject<'static>, Failure> {
        let signing = match self {
            Self::WrongByte(at) => Signing::WrongByte(at),
            Self::Forged(count) => Signing::Forged(count),
            Self::HostileHeader => Signing::Hostile,
            _ => Signing::Ordinary,
        };
        let Delivery { body, header, .. } = Delivery::new(size, SIGNED_AT, signing)?;
        let count = if let Self::Keys(count) = self { count } else { 1 };
        let verifier = Verifier::<8>::new(keys(count)?, Tolerance::DEFAULT)?;
        let verify = move |now| {
            let verdict = verifier.verify(black_box(&header), black_box(&body), now);
            verdict.map(Verified::without_body)
        };
        Ok(match self {
            Self::OneCall => Subject::new(name, move || signed_by(verify(NOW), 0)),
            Self::Keys(count) => {
                let last = count.saturating_sub(1);
                Subject::new(name, move || signed_by(verify(NOW), last))
            }
            Self::WrongByte(_) | Self::Forged(_) | Self::HostileHeader => {
                Subject::new(name, move || verify(NOW) == Err(Error::SignatureMismatch))
            }
            Self::Stale => Subject::new(name, move || {
                matches!(verify(LATE), Err(Error::TimestampExpired { .. }))
            }),
            Self::InPieces => in_pieces(name, size)?,
            Self::KeyEachTime => key_each_time(name, size)?,
        })
    }
}

fn signed_by<B>(verdict: Result<Verified<B>, Error>, index: usize) -> bool {
    verdict.is_ok_and(|verified| verified.key_index() == index)
}

fn in_pieces(name: &str, size: u32) -> Result<Subject<'static>, Failure> {
    let Delivery { body, header, .. } = Delivery::new(size, SIGNED_AT, Signing::Ordinary)?;
    let verifier = Verifier::<8>::new(keys(1)?, Tolerance::DEFAULT)?;
    Ok(Subject::new(name, move || {
        verifier.begin(black_box(&header)).is_ok_and(|mut stream| {
            for piece in black_box(&body).chunks(PIECE) {
                stream.update(piece);
            }
            signed_by(stream.finish(NOW), 0)
        })
    }))
}

fn key_each_time(name: &str, size: u32) -> Result<Subject<'static>, Failure> {
    let Delivery { body, header, .. } = Delivery::new(size, SIGNED_AT, Signing::Ordinary)?;
    Ok(Subject::new(name, move || {
        Key::new(black_box(KEY).as_bytes())
            .and_then(|key| Verifier::<8>::new([key], Tolerance::DEFAULT))
            .is_ok_and(|verifier| {
                signed_by(verifier.verify(black_box(&header), black_box(&body), NOW), 0)
            })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SIZES;

    #[test]
    fn every_case_answers_rightly_for_every_size() {
        for size in SIZES {
            for (name, case) in CASES {
                assert!(case.subject(name, size).unwrap().time(1).is_ok(), "{name}, {size} bytes");
            }
        }
    }
}
