//! A model of the unit, in software: what stands behind its registers where there is no unit.
//!
//! It hashes with the crate `hmac-sha256`, of which the verifier knows nothing. It counts how it is used, and how
//! often wrongly: what a real unit would answer by a wrong digest, or by waiting for ever.

use hmac_sha256::Hash;

use crate::unit::{BLOCK_BYTES, Control, DIGEST_WORDS, Start, Status, offset};

/// Registers of the model itself, behind those of the unit.
pub(crate) mod own {
    /// The first of them.
    pub(crate) const BEGIN: u32 = 0x400;
    /// Computations that were begun.
    pub(crate) const STARTS: u32 = BEGIN;
    /// Words that were written.
    pub(crate) const WORDS: u32 = BEGIN + 4;
    /// Words of digests that were read.
    pub(crate) const DIGEST_WORDS: u32 = BEGIN + 8;
    /// Uses that the manual forbids.
    pub(crate) const MISUSES: u32 = BEGIN + 12;
    /// What is wrong with the unit, to be written: see `Defect`.
    pub(crate) const DEFECT: u32 = BEGIN + 16;
    /// Behind the last of them.
    pub(crate) const END: u32 = BEGIN + 20;
}

/// What is the matter with the unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// Nothing.
    None,
    /// It has no clock: it takes nothing, and all its registers are zero.
    NoClock,
    /// Nobody drives the bus: all that is read is ones.
    NoUnit,
    /// It never gets ready.
    NeverReady,
    /// It interrupts whenever it may, ready or not.
    Early,
    /// The same, and it never gets ready.
    EarlyForNothing,
    /// It goes through its phases, but the digest is nothing but zeros.
    DigestOfZeros,
    /// The same, with ones.
    DigestOfOnes,
}

/// What the unit is waiting for, or working on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Key,
    Message,
    KeyAgain,
    Done,
}

/// What has to be done after a register was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// Call [`Model::complete`] after a while.
    Complete,
    /// Interrupt.
    Interrupt,
}

/// The unit.
pub(crate) struct Model {
    defect: Defect,
    phase: Phase,
    busy: bool,
    long_key: bool,
    /// What an interrupt is wanted for.
    wanted: u32,
    /// The last word. How much of it counts is said when the phase is started.
    last: Option<u32>,
    /// The key of this phase, as it comes in.
    key: [u8; BLOCK_BYTES],
    key_bytes: usize,
    /// Of the message behind the padded key, or of a long key. Nothing is hashed when idle.
    hash: Option<Hash>,
    /// The inner hash, then the digest.
    digest: [u8; 32],
    starts: u32,
    words: u32,
    digest_words: u32,
    misuses: u32,
}

impl Model {
    pub(crate) const NEW: Self = Self {
        defect: Defect::None,
        phase: Phase::Idle,
        busy: false,
        long_key: false,
        wanted: 0,
        last: None,
        key: [0; BLOCK_BYTES],
        key_bytes: 0,
        hash: None,
        digest: [0; 32],
        starts: 0,
        words: 0,
        digest_words: 0,
        misuses: 0,
    };

    /// Reads a register.
    pub(crate) fn read(&mut self, offset: u32) -> u32 {
        match (offset, self.defect) {
            (own::STARTS, _) => self.starts,
            (own::WORDS, _) => self.words,
            (own::DIGEST_WORDS, _) => self.digest_words,
            (own::MISUSES, _) => self.misuses,
            (_, Defect::NoClock) => 0,
            (_, Defect::NoUnit) => u32::MAX,
            (offset::STATUS, _) => self.status(),
            (offset::DIGEST.., _) => self.digest(offset.wrapping_sub(offset::DIGEST)),
            _ => self.misused(),
        }
    }

    /// Writes a register.
    pub(crate) fn write(&mut self, offset: u32, value: u32) -> Then {
        match offset {
            own::DEFECT => self.begin_defect(value),
            _ if matches!(self.defect, Defect::NoClock | Defect::NoUnit) => {}
            offset::CONTROL => self.control(value),
            offset::DATA_IN => self.data_in(value),
            offset::START => return self.start(Start(value)),
            offset::INTERRUPTS => {
                self.wanted = value;
                return self.interrupt();
            }
            _ => {
                self.misused();
            }
        }
        Then::Nothing
    }

    /// Ends the phase that was started.
    pub(crate) fn complete(&mut self) -> Then {
        if matches!(self.defect, Defect::NeverReady | Defect::EarlyForNothing) || !self.busy {
            return Then::Nothing;
        }
        self.busy = false;
        match self.phase {
            Phase::Key => {
                self.pad_key(0x36);
                self.phase = Phase::Message;
            }
            Phase::Message => {
                self.digest = self.hash.take().map(Hash::finalize).unwrap_or_default();
                self.begin_key(Phase::KeyAgain);
            }
            Phase::KeyAgain => {
                let inner = self.digest;
                self.pad_key(0x5c);
                self.take(&inner);
                self.digest = self.hash.take().map(Hash::finalize).unwrap_or_default();
                self.phase = Phase::Done;
            }
            Phase::Idle | Phase::Done => {}
        }
        self.interrupt()
    }

    fn begin_defect(&mut self, name: u32) {
        self.defect = match u8::try_from(name) {
            Ok(b'c') => Defect::NoClock,
            Ok(b'u') => Defect::NoUnit,
            Ok(b'r') => Defect::NeverReady,
            Ok(b'e') => Defect::Early,
            Ok(b'n') => Defect::EarlyForNothing,
            Ok(b'0') => Defect::DigestOfZeros,
            Ok(b'1') => Defect::DigestOfOnes,
            _ => Defect::None,
        };
    }

    fn status(&self) -> u32 {
        match (self.busy, self.phase) {
            (true, _) => Status::BUSY.0,
            (false, Phase::Done) => Status::HAS_DIGEST.0,
            (false, _) => Status::TAKES_DATA.0,
        }
    }

    fn interrupt(&self) -> Then {
        let is_early = matches!(self.defect, Defect::Early | Defect::EarlyForNothing);
        let reasons = if is_early { u32::MAX } else { self.status() };
        if reasons & self.wanted == 0 { Then::Nothing } else { Then::Interrupt }
    }

    fn digest(&mut self, at: u32) -> u32 {
        let index = usize::try_from(at / 4).ok();
        let word = index.and_then(|index| self.digest.as_chunks().0.get(index));
        let (Some(bytes), Phase::Done) = (word, self.phase) else { return self.misused() };
        let word = u32::from_be_bytes(*bytes);
        self.digest_words = self.digest_words.wrapping_add(1);
        match self.defect {
            Defect::DigestOfZeros => 0,
            Defect::DigestOfOnes => u32::MAX,
            _ => word,
        }
    }

    fn control(&mut self, value: u32) {
        // Nothing but HMAC-SHA256 of bytes is modelled.
        if value & !Control::LONG_KEY != Control::BEGIN.0 {
            self.misused();
            return;
        }
        self.starts = self.starts.wrapping_add(1);
        self.busy = false;
        self.last = None;
        self.long_key = value & Control::LONG_KEY != 0;
        self.begin_key(Phase::Key);
    }

    fn data_in(&mut self, word: u32) {
        self.words = self.words.wrapping_add(1);
        if self.busy || matches!(self.phase, Phase::Idle | Phase::Done) {
            self.misused();
            return;
        }
        if let Some(before) = self.last.replace(word) {
            self.take(&before.to_le_bytes());
        }
    }

    fn start(&mut self, start: Start) -> Then {
        let bytes_of_last_word = start.bytes_of_last_word();
        let (Some(count), false) = (bytes_of_last_word, self.busy) else {
            self.misused();
            return Then::Nothing;
        };
        if let Some(last) = self.last.take() {
            self.take(last.to_le_bytes().get(..count).unwrap_or_default());
        }
        self.busy = true;
        Then::Complete
    }

    /// Bytes of the key or of the message.
    fn take(&mut self, bytes: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
            return;
        }
        for byte in bytes {
            if let Some(place) = self.key.get_mut(self.key_bytes) {
                *place = *byte;
                self.key_bytes = self.key_bytes.wrapping_add(1);
            } else {
                // A long key that was not said to be one.
                self.misused();
            }
        }
    }

    fn begin_key(&mut self, phase: Phase) {
        self.phase = phase;
        self.key = [0; BLOCK_BYTES];
        self.key_bytes = 0;
        self.hash = self.long_key.then(Hash::new);
    }

    /// Begins a hash with the padded key (RFC 2104, section 2).
    fn pad_key(&mut self, pad: u8) {
        if let Some(hash) = self.hash.take() {
            self.take(&hash.finalize());
        }
        let mut hash = Hash::new();
        hash.update(self.key.map(|byte| byte ^ pad));
        self.hash = Some(hash);
    }

    fn misused(&mut self) -> u32 {
        self.misuses = self.misuses.wrapping_add(1);
        0
    }
}

const _: () = assert!(offset::DIGEST + 4 * DIGEST_WORDS <= own::BEGIN);
