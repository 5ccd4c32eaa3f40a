//! Reads fields of its own from a payload, of which the verifier knows nothing: with `serde-json-core`, and
//! only after the body has been verified.
//!
//! What to know of `serde-json-core`:
//!
//! - It reads into fields whose types it knows. Names that are not asked for are passed over, but not checked:
//!   `{"x":tru}` is fine with it.
//! - It passes over what is nested by recursion, without a limit: a few kilobytes of brackets take more stack
//!   than a small device has. `Verified::event` refuses more than 32 levels, and whatever is not JSON, so it comes
//!   first.
//! - A borrowed text stands as it does in the body: `"\u0061"` is six characters, not `a`. Where escapes matter,
//!   use `from_slice_escaped`.
//! - A number that does not fit its type is an error, and so is `5.0` for a whole one.
//! - It checks bounds where the compiler does not see that they hold. So this program, unlike the others, has the
//!   code of a panic in it; no body is known that leads there.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use heapless::String;
use nextapi_firmware::{Answer, Body, Gate, Judge, Uart, serve};
use nextapi_webhook::{Tolerance, Verified};
use serde::Deserialize;

/// What this device wants of `{"data":{"job":{"resolution":"720p","duration_seconds":5,…}}}`.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    job: Job<'a>,
}

#[derive(Deserialize)]
struct Job<'a> {
    resolution: &'a str,
    duration_seconds: u32,
}

/// The same, kept when the body has gone.
struct Video {
    resolution: String<8>,
    seconds: u32,
}

impl Video {
    fn read(delivery: &Verified<&[u8]>) -> Option<Self> {
        delivery.event().ok()?;
        let payload = serde_json_core::from_slice::<Payload<'_>>(delivery.body());
        let (payload, _length) = payload.ok()?;
        let Job { resolution, duration_seconds: seconds } = payload.data.job;
        Some(Self { resolution: String::try_from(resolution).ok()?, seconds })
    }
}

struct Receiver {
    gate: Gate,
    /// Of the last delivery, if it was authentic and has the fields.
    video: Option<Video>,
}

impl Judge for Receiver {
    fn set(&mut self, secrets: &[&[u8]], tolerance: Tolerance) -> Result<(), &'static str> {
        self.gate.set(secrets, tolerance)
    }

    fn judge(&mut self, header: &[u8], body: &mut Body<'_>) -> Answer {
        self.video = None;
        match self.gate.verify_in_pieces(header, body) {
            Ok(verified) => {
                self.video = Video::read(&verified.with_body(body.all()));
                Answer::Accept(verified.key_index())
            }
            Err(code) => Answer::Reject(code),
        }
    }

    fn remark(&self, uart: &mut Uart) {
        if let Some(Video { resolution, seconds }) = &self.video {
            uart.write(" ");
            uart.write(resolution);
            uart.write(" ");
            uart.write_number(*seconds);
        }
    }
}

#[entry]
fn main() -> ! {
    serve(Receiver { gate: Gate::new(), video: None })
}
