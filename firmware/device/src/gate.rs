//! The verifier over deliveries that arrive in pieces.

use nextapi_webhook::{Stream, Tolerance, Verified, Verifier};

use crate::{Body, KEYS};

/// A verifier that gets its keys later: without any, nothing is authentic.
#[derive(Debug, Default)]
pub struct Gate(Option<Verifier<KEYS>>);

impl Gate {
    /// A gate without keys.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Takes the secrets, newest first.
    ///
    /// # Errors
    /// The code of the [`KeyError`](nextapi_webhook::KeyError). There are no keys then.
    pub fn set(&mut self, secrets: &[&[u8]], tolerance: Tolerance) -> Result<(), &'static str> {
        self.0 = None;
        if secrets.is_empty() {
            return Err("key_none");
        }
        // The keys are built where they stay.
        let verifier = self.0.insert(Verifier::without_keys(tolerance));
        for secret in secrets {
            if let Err(error) = verifier.add_key(secret) {
                self.0 = None;
                return Err(error.code());
            }
        }
        Ok(())
    }

    /// The verifier, if there are keys.
    #[must_use]
    pub const fn verifier(&self) -> Option<&Verifier<KEYS>> {
        self.0.as_ref()
    }

    /// Verifies a delivery when its body has arrived.
    ///
    /// # Errors
    /// The code of the verifier's [`Error`](nextapi_webhook::Error), or `key_none`.
    pub fn verify_at_once(
        &self,
        header: &[u8],
        body: &mut Body<'_>,
    ) -> Result<Verified, &'static str> {
        let verifier = self.verifier().ok_or("key_none")?;
        let now = body.time_at_end();
        let verdict = verifier.verify(header, body.all(), now);
        verdict.map(Verified::without_body).map_err(|error| error.code())
    }

    /// Verifies a delivery while its body arrives.
    ///
    /// # Errors
    /// The code of the verifier's [`Error`](nextapi_webhook::Error), or `key_none`.
    pub fn verify_in_pieces(
        &self,
        header: &[u8],
        body: &mut Body<'_>,
    ) -> Result<Verified, &'static str> {
        let verifier = self.verifier().ok_or("key_none")?;
        let mut stream = Stream::new(verifier);
        stream.begin(header).map_err(|error| error.code())?;
        while let Some(piece) = body.next_piece() {
            stream.update(piece);
        }
        stream.finish(body.time_at_end()).map_err(|error| error.code())
    }
}
