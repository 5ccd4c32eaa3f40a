//! The verifier as JavaScript calls it, with nothing around it, to be measured beside `WebCrypto`.

use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
use wasm_bindgen::prelude::*;

/// Verifies deliveries that are signed with one secret.
#[wasm_bindgen]
pub struct WasmVerifier {
    /// With room for as many keys as at the edge.
    verifier: Verifier<8>,
}

#[wasm_bindgen]
impl WasmVerifier {
    /// Takes the secret, and the provider's tolerance of 300 seconds.
    ///
    /// # Errors
    /// If the secret is empty.
    #[wasm_bindgen(constructor)]
    pub fn new(secret: &str) -> Result<Self, JsError> {
        let key = Key::new(secret.as_bytes())?;
        Ok(Self { verifier: Verifier::new([key], Tolerance::DEFAULT)? })
    }

    /// Whether the delivery is authentic and fresh: the value of the signature header, the body as it
    /// was received, and the receiver's clock in seconds since 1970.
    #[must_use]
    pub fn verify(&self, header: &str, body: &[u8], now: f64) -> bool {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time is a whole number, and such casts saturate"
        )]
        let now = UnixTime::from_secs(now as u64);
        self.verifier.verify(header, body, now).is_ok()
    }
}
