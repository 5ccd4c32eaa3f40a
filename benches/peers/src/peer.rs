//! A verifier that ours is measured beside.

use core::hint::black_box;

use nextapi_webhook_benches::{Failure, Subject};

use crate::signed::Signed;

/// A verifier, its key made before where it can keep one.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What it does otherwise than ours.
    pub(crate) differs: &'static str,
    /// The shortest body that it takes, in bytes.
    pub(crate) least_body: u32,
    verify: Box<dyn Fn(&Signed) -> bool>,
}

impl Peer {
    pub(crate) fn new(
        name: &'static str,
        differs: &'static str,
        verify: impl Fn(&Signed) -> bool + 'static,
    ) -> Self {
        Self { name, differs, least_body: 0, verify: Box::new(verify) }
    }

    pub(crate) fn with_least_body(self, least_body: u32) -> Self {
        Self { least_body, ..self }
    }

    pub(crate) fn accepts(&self, signed: &Signed) -> bool {
        (self.verify)(signed)
    }

    /// A verifier that lets a changed body through is not worth measuring, nor is one that refuses.
    pub(crate) fn check(&self, signed: &Signed) -> Result<(), Failure> {
        if !self.accepts(signed) {
            return Err(format!("{} refuses a delivery that is in order", self.name).into());
        }
        if self.accepts(&signed.tampered()) {
            return Err(format!("{} accepts a body that was changed", self.name).into());
        }
        Ok(())
    }

    pub(crate) fn subject<'a>(&'a self, signed: &'a Signed) -> Subject<'a> {
        Subject::new(self.name, move || self.accepts(black_box(signed)))
    }
}
