//! A receiver as firmware has it: no heap, no standard library, fixed memory.
//!
//! ```text
//! cargo run -p nextapi-webhook --example no_heap
//! ```
//!
//! Everything above `main` uses only `core` and this crate: `no_std` takes the standard library out of
//! its reach. `main` stands for the board: it needs a console to print on, and so links `std`.

#![no_std]
extern crate std;

use core::fmt::Write as _;

use heapless::{String, Vec};
use nextapi_webhook::{
    Error, Key, KeyError, ReplayWindow, Signature, Tolerance, UnixTime, Verifier,
};

/// The longest body that this device accepts. The key of an event is taken from the whole body, so the
/// whole body is kept until the verdict is there.
const BODY_BYTES: usize = 1024;

/// How much the radio hands over at a time.
const PIECE_BYTES: usize = 64;

/// What the clock of the board says when the story of `main` begins.
const NOW: u64 = 1_700_000_000;

/// All the memory that receiving takes, known when the firmware is linked.
struct Receiver {
    /// Room for two keys: there are two while the secret is being rotated.
    verifier: Verifier<2>,
    /// More than the events that can arrive in ten minutes, the time that a signature stays fresh.
    seen: ReplayWindow<16>,
    body: Vec<u8, BODY_BYTES>,
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// New and authentic: the device acted on it.
    Accepted,
    /// Authentic, and acted on before.
    Duplicate,
    /// Authentic, but the device could not act on it. The provider's next attempt is let in.
    Failed,
    Refused(Error),
    BodyTooLong,
}

impl Receiver {
    fn new(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self {
            verifier: Verifier::new([Key::new(secret)?], Tolerance::DEFAULT)?,
            seen: ReplayWindow::new(),
            body: Vec::new(),
        })
    }

    /// Takes one delivery in. `clock` is one that is set, by a GPS receiver for example: a
    /// device that does not know the time cannot tell fresh from stale, and must not guess.
    fn receive<'a>(
        &mut self,
        header: &[u8],
        pieces: impl Iterator<Item = &'a [u8]>,
        clock: impl Fn() -> UnixTime,
        act: impl FnOnce(&[u8]) -> bool,
    ) -> Outcome {
        // A header that is no good is refused before any of the body is taken in.
        let mut stream = match self.verifier.begin(header) {
            Ok(stream) => stream,
            Err(error) => return Outcome::Refused(error),
        };
        self.body.clear();
        for piece in pieces {
            // Hashed while the next piece is on its way.
            stream.update(piece);
            if self.body.extend_from_slice(piece).is_err() {
                return Outcome::BodyTooLong;
            }
        }
        // The age is judged now: a sender may take its time with the last piece.
        let delivery = match stream.finish(clock()) {
            Ok(verified) => verified.with_body(&self.body),
            Err(error) => return Outcome::Refused(error),
        };
        // Only from here on is the body more than bytes that anybody may have sent.
        let key = delivery.event_key();
        if self.seen.contains(&key) {
            return Outcome::Duplicate;
        }
        if !act(delivery.body()) {
            return Outcome::Failed;
        }
        // Remembered only now: had it been before, the retry after a failure would be a duplicate.
        self.seen.insert(key);
        Outcome::Accepted
    }
}

fn main() -> Result<(), KeyError> {
    let secret = b"whsec_device_7";
    let mut receiver = Receiver::new(secret)?;
    let mut deliver = |name, header: &str, body: &[u8], now, works| {
        let (header, pieces) = (header.as_bytes(), body.chunks(PIECE_BYTES));
        let outcome = receiver.receive(header, pieces, || UnixTime::from_secs(now), |_| works);
        std::println!("{name:<20} {outcome:?}");
    };

    // The provider's side, in fixed memory as well.
    let body = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_7"},"pad":"0123456789"}}"#;
    let mut header = String::<{ Signature::MAX_BYTES }>::new();
    let _ = write!(header, "{}", Key::new(secret)?.sign(UnixTime::from_secs(NOW), body));

    deliver("the actuator jams", &header, body, NOW, false);
    deliver("the provider retries", &header, body, NOW + 60, true);
    deliver("and once more", &header, body, NOW + 61, true);
    deliver("another body", &header, b"{}", NOW, true);
    deliver("an hour later", &header, body, NOW + 3_600, true);
    deliver("a long body", &header, &[0; BODY_BYTES + 1], NOW, true);
    Ok(())
}
