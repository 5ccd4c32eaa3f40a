//! Random bytes, drawn for a hundred requests at once: to ask the platform takes longer than to draw.

use nextapi_edge_core::Random;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The platform's cryptographically secure source.
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn fill(bytes: &mut [u8]);
}

/// Bytes that are drawn at once.
const DRAWN: usize = 100 * Random::BYTES;

/// A supply of random bytes.
pub(crate) struct RandomSupply {
    drawn: Vec<u8>,
    used: usize,
}

impl RandomSupply {
    /// A supply that has nothing yet, and asks for it when it is needed.
    pub(crate) fn new() -> Self {
        Self { drawn: vec![0; DRAWN], used: DRAWN }
    }

    /// What one request needs. Nothing is given out twice.
    pub(crate) fn take(&mut self) -> Random {
        if self.used >= self.drawn.len() {
            fill(&mut self.drawn);
            self.used = 0;
        }
        let random = Random::from_bytes(self.drawn.get(self.used..).unwrap_or_default());
        self.used = self.used.saturating_add(Random::BYTES);
        random
    }
}
