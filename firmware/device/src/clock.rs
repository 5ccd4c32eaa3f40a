//! The device's clock.

use nextapi_webhook::UnixTime;

/// The device's clock, which the host sets. It stands still in between, so that a test decides when a second
/// passes; a real one is a counter that is read, and nobody who sends deliveries can set it.
#[derive(Debug)]
pub struct Clock(UnixTime);

impl Clock {
    /// A clock that nobody has set: it is 1970, so nothing is fresh.
    pub(crate) const fn new() -> Self {
        Self(UnixTime::from_secs(0))
    }

    pub(crate) fn set(&mut self, secs: u64) {
        self.0 = UnixTime::from_secs(secs);
    }

    pub(crate) const fn now(&self) -> UnixTime {
        self.0
    }
}
