//! The example without a memory of recent events, which verifies a body when all of it has arrived.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nextapi_firmware::{Answer, Body, Gate, Judge, serve};
use nextapi_webhook::Tolerance;

struct Verify(Gate);

impl Judge for Verify {
    fn set(&mut self, secrets: &[&[u8]], tolerance: Tolerance) -> Result<(), &'static str> {
        self.0.set(secrets, tolerance)
    }

    fn judge(&mut self, header: &[u8], body: &mut Body<'_>) -> Answer {
        match self.0.verify_at_once(header, body) {
            Ok(verified) => Answer::Accept(verified.key_index()),
            Err(code) => Answer::Reject(code),
        }
    }
}

#[entry]
fn main() -> ! {
    serve(Verify(Gate::new()))
}
