//! HMAC-SHA256 by the unit: its phases, and an engine that waits for each.

use nextapi_webhook::Engine;

use crate::secret::Secret;
use crate::unit::{Control, DIGEST_WORDS, Start, Status, Unit};

/// How often the unit is asked whether it is ready, or its interrupt is looked for, before it is given up. The
/// model is ready after a few hundred at most.
pub(crate) const PATIENCE: u32 = 5_000;

/// Why there is no MAC.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The unit does not get ready.
    TimedOut,
    /// There is no key of that index.
    NoKey,
}

impl Fault {
    /// A stable word.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "engine_timed_out",
            Self::NoKey => "engine_no_key",
        }
    }
}

/// One HMAC under way. It has three phases (RM0090, section 25.3.6): the key, the message, and the key again,
/// for the outer hash.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    Key,
    Message,
    KeyAgain,
}

impl Phase {
    /// Begins anew with a key.
    pub(crate) fn begin(unit: &mut Unit, key: &Secret) -> Self {
        unit.control(Control::begin(key.bytes().len()));
        feed(unit, &[key.bytes()]);
        Self::Key
    }

    /// What the unit is ready for when the phase is over.
    pub(crate) const fn ends_with(self) -> Status {
        match self {
            Self::Key | Self::Message => Status::TAKES_DATA,
            Self::KeyAgain => Status::HAS_DIGEST,
        }
    }

    /// Begins the next phase, once the unit is ready. After the last one, puts the MAC into `mac`.
    pub(crate) fn next(
        self,
        unit: &mut Unit,
        key: &Secret,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Option<Self> {
        match self {
            Self::Key => {
                feed(unit, &message);
                Some(Self::Message)
            }
            Self::Message => {
                feed(unit, &[key.bytes()]);
                Some(Self::KeyAgain)
            }
            Self::KeyAgain => {
                for (index, place) in (0..DIGEST_WORDS).zip(mac.as_chunks_mut().0) {
                    *place = unit.digest(index).to_be_bytes();
                }
                None
            }
        }
    }
}

/// Writes what a phase is about, and starts it.
fn feed(unit: &mut Unit, parts: &[&[u8]]) {
    let (mut word, mut filled) = (0, 0_u32);
    for byte in parts.iter().copied().flatten() {
        word |= u32::from(*byte).wrapping_shl(filled.wrapping_mul(8));
        filled = filled.wrapping_add(1) % 4;
        if filled == 0 {
            unit.data_in(word);
            word = 0;
        }
    }
    if filled > 0 {
        unit.data_in(word);
    }
    unit.start(Start::after(filled));
}

/// The unit, with keys: it is asked until it is ready.
pub(crate) struct Polled<'a> {
    pub(crate) unit: &'a mut Unit,
    /// Newest first.
    pub(crate) keys: &'a [Secret],
}

impl Engine for Polled<'_> {
    type Error = Fault;

    fn key_count(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Fault> {
        let index = usize::try_from(key_index).map_err(|_| Fault::NoKey)?;
        let key = self.keys.get(index).ok_or(Fault::NoKey)?;
        let mut phase = Some(Phase::begin(self.unit, key));
        while let Some(now) = phase {
            self.wait_for(now.ends_with())?;
            phase = now.next(self.unit, key, message, mac);
        }
        Ok(())
    }
}

impl Polled<'_> {
    fn wait_for(&mut self, wanted: Status) -> Result<(), Fault> {
        for _ in 0..PATIENCE {
            if self.unit.status().is_ready_for(wanted) {
                return Ok(());
            }
        }
        Err(Fault::TimedOut)
    }
}
