//! Says what a verification costs: every delivery is verified twice, in one call and in pieces, once
//! it is in memory.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nextapi_firmware::{
    Answer, Body, Cost, Counter, Gate, Judge, KEYS, PIECE_BYTES, Uart, cost_of, serve,
};
use nextapi_webhook::{Error, Stream, Tolerance, UnixTime, Verified, Verifier};

struct Measure {
    gate: Gate,
    counter: Counter,
    at_once: Cost,
    in_pieces: Cost,
}

impl Judge for Measure {
    fn set(&mut self, secrets: &[&[u8]], tolerance: Tolerance) -> Result<(), &'static str> {
        self.gate.set(secrets, tolerance)
    }

    fn judge(&mut self, header: &[u8], body: &mut Body<'_>) -> Answer {
        let now = body.time_at_end();
        let body = body.all();
        let Some(verifier) = self.gate.verifier() else { return Answer::Reject("key_none") };
        let (first, at_once) = cost_of(&self.counter, || {
            verifier.verify(header, body, now).map(Verified::without_body)
        });
        let (second, in_pieces) = cost_of(&self.counter, || stream(verifier, header, body, now));
        (self.at_once, self.in_pieces) = (at_once, in_pieces);
        match first {
            _ if first != second => Answer::Reject("verdicts_differ"),
            Ok(accepted) => Answer::Accept(accepted.key_index()),
            Err(error) => Answer::Reject(error.code()),
        }
    }

    fn remark(&self, uart: &mut Uart) {
        for figure in
            [self.at_once.ticks, self.at_once.stack, self.in_pieces.ticks, self.in_pieces.stack]
        {
            uart.write(" ");
            uart.write_number(figure);
        }
    }
}

fn stream(
    verifier: &Verifier<KEYS>,
    header: &[u8],
    body: &[u8],
    now: UnixTime,
) -> Result<Verified, Error> {
    let mut stream = Stream::new(verifier);
    stream.begin(header)?;
    for piece in body.chunks(PIECE_BYTES) {
        stream.update(piece);
    }
    stream.finish(now)
}

#[entry]
fn main() -> ! {
    serve(Measure {
        gate: Gate::new(),
        counter: Counter::start(),
        at_once: Cost::default(),
        in_pieces: Cost::default(),
    })
}
