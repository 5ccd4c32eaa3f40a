//! The verifier with a hash unit that it does not know: every delivery is verified by the crate's own keys, by
//! `verify_with` and an engine that is waited for, and by `Pending` while the unit interrupts. All three answers
//! are given, and how the unit was used for the last two.
//!
//! The unit is that of an `STM32F43x`. QEMU has no model of it, so it brings one along: `bus.rs` and `model.rs`.
#![no_std]
#![no_main]

mod bus;
mod driver;
mod model;
mod receiving;
mod secret;
mod unit;

use cortex_m_rt::entry;
use nextapi_firmware::{Answer, Body, Gate, Judge, KEYS, Uart, serve};
use nextapi_webhook::{EngineError, Error, Tolerance, UnixTime, verify_with};

use crate::driver::{Fault, PATIENCE, Polled};
use crate::model::own;
use crate::receiving::{Receiving, interrupts};
use crate::secret::Secret;
use crate::unit::{Status, Unit};

struct Trial {
    gate: Gate,
    tolerance: Tolerance,
    secrets: [Secret; KEYS],
    count: usize,
    unit: Unit,
    /// Kept here while the unit works, and nowhere on the stack.
    receiving: Option<Receiving>,
    polled: (Answer, Use),
    interrupted: (Answer, Use),
}

impl Judge for Trial {
    fn set(&mut self, secrets: &[&[u8]], tolerance: Tolerance) -> Result<(), &'static str> {
        self.count = 0;
        for place in &mut self.secrets {
            place.set(&[]);
        }
        self.gate.set(secrets, tolerance)?;
        self.tolerance = tolerance;
        for (place, secret) in self.secrets.iter_mut().zip(secrets) {
            place.set(secret);
            self.count = self.count.wrapping_add(1);
        }
        Ok(())
    }

    fn judge(&mut self, header: &[u8], body: &mut Body<'_>) -> Answer {
        let now = body.time_at_end();
        let body = body.all();
        if self.count == 0 {
            return Answer::Reject("key_none");
        }
        let before = Use::so_far(&self.unit);
        let polled = answer(self.poll(header, body, now));
        let between = Use::so_far(&self.unit);
        let interrupted = answer(self.await_interrupts(header, body, now));
        self.polled = (polled, between.since(before));
        self.interrupted = (interrupted, Use::so_far(&self.unit).since(between));

        let Some(verifier) = self.gate.verifier() else { return Answer::Reject("key_none") };
        answer(
            verifier
                .verify(header, body, now)
                .map(|verified| verified.key_index())
                .map_err(EngineError::from),
        )
    }

    fn remark(&self, uart: &mut Uart) {
        for (answer, used) in [&self.polled, &self.interrupted] {
            uart.write("; ");
            answer.write(uart);
            used.write(uart);
        }
    }

    /// The unit gets the defect of that name.
    fn command(&mut self, name: u8) -> bool {
        self.unit.write(own::DEFECT, name.into());
        true
    }
}

impl Trial {
    fn poll(
        &mut self,
        header: &[u8],
        body: &[u8],
        now: UnixTime,
    ) -> Result<usize, EngineError<Fault>> {
        let keys = self.secrets.get(..self.count).unwrap_or_default();
        let mut engine = Polled { unit: &mut self.unit, keys };
        let verified = verify_with(&mut engine, self.tolerance, header, body, now)?;
        Ok(verified.key_index())
    }

    fn await_interrupts(
        &mut self,
        header: &[u8],
        body: &[u8],
        now: UnixTime,
    ) -> Result<usize, EngineError<Fault>> {
        let keys = self.secrets.get(..self.count).unwrap_or_default();
        let receiving = self.receiving.insert(Receiving::begin(&mut self.unit, keys, header)?);
        let mut patience = PATIENCE;
        while !receiving.is_complete() {
            // A device does something else meanwhile, or sleeps.
            if receiving.is_ready() && receiving.go_on(&mut self.unit, keys, body) {
                patience = PATIENCE;
            }
            patience = patience.wrapping_sub(1);
            if patience == 0 {
                self.receiving = None;
                self.unit.interrupt_when(Status::NONE);
                return Err(EngineError::Engine(Fault::TimedOut));
            }
        }
        let complete = self.receiving.take().ok_or(Error::SignatureMismatch)?;
        Ok(complete.finish(now, self.tolerance)?.key_index())
    }
}

fn answer(verdict: Result<usize, EngineError<Fault>>) -> Answer {
    match verdict {
        Ok(key_index) => Answer::Accept(key_index),
        Err(EngineError::Refused(error)) => Answer::Reject(error.code()),
        Err(EngineError::Engine(fault)) => Answer::Reject(fault.code()),
    }
}

/// How the unit was used: computations that were begun, words that were written, words of digests that were read,
/// interrupts, and uses that the manual forbids.
#[derive(Clone, Copy)]
struct Use([u32; 5]);

impl Use {
    const NONE: Self = Self([0; 5]);

    /// Since the device was started.
    fn so_far(unit: &Unit) -> Self {
        let [starts, words, digest_words, misuses] =
            [own::STARTS, own::WORDS, own::DIGEST_WORDS, own::MISUSES]
                .map(|count| unit.read(count));
        Self([starts, words, digest_words, interrupts(), misuses])
    }

    fn since(mut self, before: Self) -> Self {
        for (count, before) in self.0.iter_mut().zip(before.0) {
            *count = count.wrapping_sub(before);
        }
        self
    }

    fn write(self, uart: &mut Uart) {
        for count in self.0 {
            uart.write(" ");
            uart.write_number(count);
        }
    }
}

#[entry]
fn main() -> ! {
    bus::start();
    let nothing = (Answer::Reject("key_none"), Use::NONE);
    serve(Trial {
        gate: Gate::new(),
        tolerance: Tolerance::DEFAULT,
        secrets: [Secret::NONE; KEYS],
        count: 0,
        unit: Unit::take(),
        receiving: None,
        polled: nothing,
        interrupted: nothing,
    })
}
