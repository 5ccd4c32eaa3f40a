//! The hash unit of an `STM32F43x`, by its registers: ST's reference manual RM0090, chapter 25.

use core::ptr;

/// Where the unit is on the bus.
pub(crate) const BASE: u32 = 0x5006_0400;

/// The registers that are used, as offsets from the base. RM0090, section 25.4.
pub(crate) mod offset {
    /// `HASH_CR`.
    pub(crate) const CONTROL: u32 = 0x00;
    /// `HASH_DIN`.
    pub(crate) const DATA_IN: u32 = 0x04;
    /// `HASH_STR`.
    pub(crate) const START: u32 = 0x08;
    /// `HASH_IMR`.
    pub(crate) const INTERRUPTS: u32 = 0x20;
    /// `HASH_SR`.
    pub(crate) const STATUS: u32 = 0x24;
    /// `HASH_HR0` to `HASH_HR7`, as the units that know SHA-256 have them.
    pub(crate) const DIGEST: u32 = 0x310;
}

/// Words of a digest of SHA-256.
pub(crate) const DIGEST_WORDS: u32 = 8;
/// Bytes of a block of SHA-256. A key that is longer is hashed first.
pub(crate) const BLOCK_BYTES: usize = 64;

/// What `HASH_CR` says.
#[derive(Clone, Copy)]
pub(crate) struct Control(pub(crate) u32);

impl Control {
    pub(crate) const INIT: u32 = 1 << 2;
    /// `DATATYPE`: bytes, of which the first is the lowest of a word.
    const BYTES: u32 = 0b10 << 4;
    const HMAC: u32 = 1 << 6;
    /// `ALGO`, of which the two bits are apart.
    const SHA_256: u32 = 1 << 18 | 1 << 7;
    pub(crate) const LONG_KEY: u32 = 1 << 16;

    /// Begins anew, with HMAC-SHA256 of bytes.
    pub(crate) const BEGIN: Self = Self(Self::INIT | Self::BYTES | Self::HMAC | Self::SHA_256);

    /// The same, with a key of so many bytes.
    pub(crate) const fn begin(key_bytes: usize) -> Self {
        if key_bytes > BLOCK_BYTES { Self(Self::BEGIN.0 | Self::LONG_KEY) } else { Self::BEGIN }
    }
}

/// What `HASH_STR` says.
#[derive(Clone, Copy)]
pub(crate) struct Start(pub(crate) u32);

impl Start {
    const CALCULATE: u32 = 1 << 8;
    const VALID_BITS: u32 = 0b1_1111;

    /// Ends a phase: of the last word that was written, so many bytes count. None means all four.
    pub(crate) const fn after(bytes_of_last_word: u32) -> Self {
        Self(Self::CALCULATE | (bytes_of_last_word.wrapping_mul(8) & Self::VALID_BITS))
    }

    /// How many bytes count of the last word, if this ends a phase.
    pub(crate) const fn bytes_of_last_word(self) -> Option<usize> {
        match self.0 & Self::VALID_BITS {
            _ if self.0 & Self::CALCULATE == 0 => None,
            8 => Some(1),
            16 => Some(2),
            24 => Some(3),
            _ => Some(4),
        }
    }
}

/// What `HASH_SR` says, and what `HASH_IMR` wants to be interrupted for: the lower two bits are the same.
#[derive(Clone, Copy)]
pub(crate) struct Status(pub(crate) u32);

impl Status {
    /// `DINIS`: the unit takes words.
    pub(crate) const TAKES_DATA: Self = Self(1 << 0);
    /// `DCIS`: the digest can be read.
    pub(crate) const HAS_DIGEST: Self = Self(1 << 1);
    /// `BUSY`.
    pub(crate) const BUSY: Self = Self(1 << 3);
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);

    /// Whether the unit has done its work and is ready for this. A unit that says that it is busy as well has no
    /// say: so reads a bus that nobody drives.
    pub(crate) const fn is_ready_for(self, wanted: Self) -> bool {
        self.0 & (wanted.0 | Self::BUSY.0) == wanted.0
    }
}

/// The unit. There is one; who has this, has it.
pub(crate) struct Unit {
    base: u32,
}

impl Unit {
    /// Takes the unit. Two of them are one: they spoil each other's work.
    pub(crate) const fn take() -> Self {
        Self { base: BASE }
    }

    /// `HASH_CR`.
    pub(crate) fn control(&mut self, control: Control) {
        self.write(offset::CONTROL, control.0);
    }

    /// `HASH_DIN`.
    pub(crate) fn data_in(&mut self, word: u32) {
        self.write(offset::DATA_IN, word);
    }

    /// `HASH_STR`.
    pub(crate) fn start(&mut self, start: Start) {
        self.write(offset::START, start.0);
    }

    /// `HASH_IMR`.
    pub(crate) fn interrupt_when(&mut self, wanted: Status) {
        self.write(offset::INTERRUPTS, wanted.0);
    }

    /// `HASH_SR`.
    pub(crate) fn status(&self) -> Status {
        Status(self.read(offset::STATUS))
    }

    /// `HASH_HR0` and so on. There are [`DIGEST_WORDS`].
    pub(crate) fn digest(&self, index: u32) -> u32 {
        self.read(offset::DIGEST.wrapping_add(index.wrapping_mul(4)))
    }

    /// Reads a register of the unit, or of the model's own behind it.
    pub(crate) fn read(&self, offset: u32) -> u32 {
        let register = ptr::with_exposed_provenance::<u32>(self.base.wrapping_add(offset) as usize);
        // SAFETY: the offsets are those of registers, aligned to 4 bytes (RM0090, section 25.4). Nothing that the
        // compiler knows about is there: what answers is the unit or, where there is none, `bus.rs`.
        unsafe { register.read_volatile() }
    }

    /// Writes a register of the unit, or of the model's own behind it.
    pub(crate) fn write(&mut self, offset: u32, value: u32) {
        let register =
            ptr::with_exposed_provenance_mut::<u32>(self.base.wrapping_add(offset) as usize);
        // SAFETY: as for reading. Without DMA, nothing that is written makes the unit access memory by itself.
        unsafe { register.write_volatile(value) }
    }
}
