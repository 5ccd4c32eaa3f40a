//! A delivery whose MACs the unit computes while the processor does something else.

use core::sync::atomic::{AtomicU32, Ordering};

use nextapi_webhook::{Error, Mac, Pending, Tolerance, UnixTime, Verified};
use zeroize::Zeroize as _;

use crate::driver::Phase;
use crate::secret::Secret;
use crate::unit::{Status, Unit};

/// How often the unit has interrupted.
static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// What the unit's interrupt does: it is counted, and does not come again before it is asked for.
pub(crate) fn on_interrupt() {
    Unit::take().interrupt_when(Status::NONE);
    INTERRUPTS.fetch_add(1, Ordering::Release);
}

pub(crate) fn interrupts() -> u32 {
    INTERRUPTS.load(Ordering::Acquire)
}

/// A delivery between its interrupts: the header that has been read, and how far the unit is. It borrows neither
/// the header nor the body nor the keys, so it can be kept anywhere meanwhile.
pub(crate) struct Receiving {
    pending: Pending,
    /// Which key the unit computes with, and how far it is; nothing, when all keys have been used.
    at: Option<(u32, Phase)>,
    /// How many interrupts there had been before the one that is awaited.
    interrupts: u32,
}

impl Receiving {
    /// Reads the header, and has the unit begin with the first key.
    pub(crate) fn begin(unit: &mut Unit, keys: &[Secret], header: &[u8]) -> Result<Self, Error> {
        let pending = Pending::parse(header)?;
        let mut receiving = Self { pending, at: None, interrupts: interrupts() };
        receiving.begin_with(unit, keys, 0);
        Ok(receiving)
    }

    /// Whether the interrupt that is awaited has come, so that [`go_on`](Self::go_on) is to be called.
    pub(crate) fn is_ready(&self) -> bool {
        interrupts() != self.interrupts
    }

    /// Whether all MACs are there.
    pub(crate) const fn is_complete(&self) -> bool {
        self.at.is_none()
    }

    /// Begins the next phase, or goes on to the next key. Whether it did, or the unit is not ready.
    pub(crate) fn go_on(&mut self, unit: &mut Unit, keys: &[Secret], body: &[u8]) -> bool {
        let Some((index, phase)) = self.at else { return false };
        let Some(key) = key(keys, index) else { return false };
        self.interrupts = interrupts();
        if !unit.status().is_ready_for(phase.ends_with()) {
            // Somebody else's interrupt, or an earlier one.
            unit.interrupt_when(phase.ends_with());
            return false;
        }
        let mut bytes = [0; 32];
        if let Some(next) = phase.next(unit, key, self.pending.message(body), &mut bytes) {
            self.wait_for(unit, index, next);
        } else {
            self.pending.offer(index, &Mac::new(&bytes));
            bytes.zeroize();
            self.begin_with(unit, keys, index.wrapping_add(1));
        }
        true
    }

    /// Gives the verdict.
    pub(crate) fn finish(self, now: UnixTime, tolerance: Tolerance) -> Result<Verified, Error> {
        self.pending.finish(now, tolerance)
    }

    fn begin_with(&mut self, unit: &mut Unit, keys: &[Secret], index: u32) {
        self.at = None;
        if let Some(key) = key(keys, index) {
            let phase = Phase::begin(unit, key);
            self.wait_for(unit, index, phase);
        }
    }

    fn wait_for(&mut self, unit: &mut Unit, index: u32, phase: Phase) {
        self.at = Some((index, phase));
        unit.interrupt_when(phase.ends_with());
    }
}

fn key(keys: &[Secret], index: u32) -> Option<&Secret> {
    keys.get(usize::try_from(index).ok()?)
}
