//! How much chaos, and which.

use std::env::{self, VarError};

/// What `make test` runs: enough for every kind of fault.
pub(crate) const EVENTS: usize = 300;
pub(crate) const SEED: u64 = 2;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// How many events there are, at least 1.
    pub(crate) events: usize,
    pub(crate) seed: u64,
    pub(crate) mode: Mode,
}

/// Who retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The provider.
    Through,
    /// The edge.
    Durable,
}

impl Mode {
    /// The setting's value.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Through => "through",
            Self::Durable => "durable",
        }
    }
}

impl Scope {
    /// Reads `EVENTS` and `SEED` if `MODE` asks for the run of [`reconcile`](crate::reconcile).
    pub(crate) fn of_reconcile() -> Result<Option<(usize, u64)>, String> {
        if env::var("MODE").as_deref() != Ok("reconcile") {
            return Ok(None);
        }
        let jobs = number("EVENTS", EVENTS as u64)?.max(1).try_into().unwrap();
        Ok(Some((jobs, number("SEED", SEED)?)))
    }

    /// Reads `EVENTS`, `SEED` and `MODE`. One that is empty or not set has its default.
    pub(crate) fn from_environment() -> Result<Self, String> {
        Ok(Self {
            events: number("EVENTS", EVENTS as u64)?.max(1).try_into().unwrap(),
            seed: number("SEED", SEED)?,
            mode: mode()?,
        })
    }
}

fn mode() -> Result<Mode, String> {
    match env::var("MODE").as_deref() {
        Err(_) | Ok("" | "through") => Ok(Mode::Through),
        Ok("durable") => Ok(Mode::Durable),
        Ok(other) => Err(format!("MODE={other} is none of durable, through, reconcile")),
    }
}

fn number(name: &str, default: u64) -> Result<u64, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(default),
        Ok(text) if text.is_empty() => Ok(default),
        Ok(text) => text.parse().map_err(|_| format!("{name}={text} is not a whole number")),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is not a whole number")),
    }
}
