//! The example with nothing to decide: what the other programs are compared with. It accepts
//! everything, and is of no other use.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nextapi_firmware::{Answer, Body, Judge, serve};
use nextapi_webhook::Tolerance;

struct Nothing;

impl Judge for Nothing {
    fn set(&mut self, _secrets: &[&[u8]], _tolerance: Tolerance) -> Result<(), &'static str> {
        Ok(())
    }

    fn judge(&mut self, _header: &[u8], body: &mut Body<'_>) -> Answer {
        body.all();
        Answer::Accept(0)
    }
}

#[entry]
fn main() -> ! {
    serve(Nothing)
}
