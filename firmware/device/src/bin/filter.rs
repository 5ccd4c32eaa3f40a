//! A webhook filter: verifies every delivery while it arrives, and lets each event through once.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nextapi_firmware::{Answer, Body, Gate, Judge, serve};
use nextapi_webhook::{ReplayWindow, Tolerance};

/// Events that are remembered. A device with a few jobs a day has fewer in the ten minutes in which a
/// captured delivery would still be fresh.
const REMEMBERED: usize = 16;

struct Filter {
    gate: Gate,
    window: ReplayWindow<REMEMBERED>,
}

impl Judge for Filter {
    fn set(&mut self, secrets: &[&[u8]], tolerance: Tolerance) -> Result<(), &'static str> {
        self.window = ReplayWindow::new();
        self.gate.set(secrets, tolerance)
    }

    fn judge(&mut self, header: &[u8], body: &mut Body<'_>) -> Answer {
        let verified = match self.gate.verify_in_pieces(header, body) {
            Ok(verified) => verified,
            Err(code) => return Answer::Reject(code),
        };
        // Here a device does what the event is for, and remembers it only if that has succeeded.
        if self.window.insert(verified.with_body(body.all()).event_key()) {
            Answer::Accept(verified.key_index())
        } else {
            Answer::Duplicate
        }
    }
}

#[entry]
fn main() -> ! {
    serve(Filter { gate: Gate::new(), window: ReplayWindow::new() })
}
