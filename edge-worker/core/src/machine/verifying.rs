//! Steps 2 and 3: from a signature and a body to an authentic event.
//!
//! There are two ways to the MACs, and one verdict over them. WASM has no instructions for SHA-256, but
//! asking the platform takes longer than hashing a short body here. So a short body is handed over and
//! hashed in Rust. A long one stays with the driver while the platform computes its MACs, and is handed
//! over only if it is authentic, or if the platform fails: then it is hashed in Rust as well.

use core::net::IpAddr;
use std::sync::Arc;

use nextapi_webhook::{Error, UnixTime, Verified};
use zeroize::Zeroizing;

use super::delivery::Delivery;
use super::limiting::Limiting;
use super::{Input, Machine, OUT_OF_TURN, Output, State, Step, end};
use crate::authentic::{self, Authentic};
use crate::isolate::Isolate;
use crate::outcome::Outcome;
use crate::record::Record;
use crate::request::Request;
use crate::settings::Settings;
use crate::trace::Random;

/// The longest body that is hashed in Rust, in bytes. Measured with the whole worker on workerd, by
/// `make bench-edge PARTS=macs`: for forged bodies of up to 4 KiB the platform took longer, by a tenth and more, for 8
/// and 16 KiB as long, for 64 KiB three tenths less. With signatures that hold, the two were level from 4 KiB on.
pub(super) const HAND_OVER_LIMIT: usize = 16 * 1024;

/// How long the platform may take for the MACs, in milliseconds. It takes some milliseconds for the longest
/// body. This is as long as a call of the ledger may take, so that it needs no timer of its own.
const MACS_TIMEOUT_MS: u32 = 3_000;

/// A delivery with a signature that is not verified yet.
#[derive(Clone)]
pub(super) struct Unverified {
    pub(super) settings: Arc<Settings>,
    pub(super) request: Request,
    pub(super) random: Random,
    pub(super) record: Record,
    /// The client, if there is a rate limiter to count its invalid signatures.
    pub(super) limited: Option<IpAddr>,
    /// Index of the signature header that was found among those of the settings.
    pub(super) signature_header: usize,
    pub(super) started_ms: u64,
}

/// A delivery with a long body, which the driver keeps.
#[derive(Clone)]
pub(super) struct Verifying {
    delivery: Unverified,
    awaited: Awaited,
}

/// What it waits for.
#[derive(Clone, Copy)]
enum Awaited {
    /// The platform's MACs.
    Macs,
    /// The body, whose signature holds.
    VerifiedBody(Verified),
    /// The body, since the platform gave no MACs.
    Body,
}

impl Verifying {
    /// Asks for the MACs of the body.
    pub(super) fn begin(delivery: Unverified) -> Step {
        let output = Output::ComputeMacs { deadline_ms: MACS_TIMEOUT_MS };
        Self { delivery, awaited: Awaited::Macs }.wait(output)
    }

    /// Continues with the result of the last output.
    pub(super) fn handle(self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        let is_whole = |body: &Vec<u8>| self.delivery.record.body_bytes == Some(body.len());
        match (self.awaited, input) {
            (Awaited::Macs, Input::Macs(result)) => self.judge(isolate, result, now_ms),
            (Awaited::Macs, _) => self.judge(isolate, Err(OUT_OF_TURN.to_owned()), now_ms),
            (Awaited::VerifiedBody(verified), Input::Body(body)) if is_whole(&body) => {
                let verified = verified.with_body(&body);
                let authentic = authentic::read(&self.delivery.settings, &body, verified);
                self.delivery.claim(&authentic, &body, now_ms)
            }
            (Awaited::Body, Input::Body(body)) if is_whole(&body) => {
                self.delivery.verify(isolate, &body, now_ms)
            }
            (Awaited::VerifiedBody(_) | Awaited::Body, _) => self.delivery.out_of_turn(isolate),
        }
    }

    /// Step 2, with the platform's MACs. Whatever is wrong with them costs time, and nothing else.
    fn judge(
        mut self,
        isolate: &mut Isolate,
        result: Result<Vec<u8>, String>,
        now_ms: u64,
    ) -> Step {
        let macs = result.map(Zeroizing::new);
        let error = match macs.as_ref().map(|macs| macs.as_chunks()) {
            Ok((macs, [])) if macs.len() == self.delivery.settings.secret_count => {
                match self.delivery.judge(macs, now_ms) {
                    Ok(verified) => {
                        self.awaited = Awaited::VerifiedBody(verified);
                        return self.wait(Output::HandOverBody);
                    }
                    Err(error) => return self.delivery.refuse(isolate, error, now_ms),
                }
            }
            Ok(_) => "malformed MACs: expected 32 bytes for each key",
            Err(error) => error,
        };
        self.delivery.record.macs_error = Some(error.to_owned());
        self.awaited = Awaited::Body;
        self.wait(Output::HandOverBody)
    }

    fn wait(self, output: Output) -> Step {
        (Some(Machine(State::Verifying(Box::new(self)))), output)
    }
}

impl Unverified {
    /// Steps 2 and 3, with a body that was handed over.
    pub(super) fn verify(self, isolate: &mut Isolate, body: &[u8], now_ms: u64) -> Step {
        match authentic::authenticate(&self.settings, self.signature().1, body, at(now_ms)) {
            Ok(authentic) => self.claim(&authentic, body, now_ms),
            Err(error) => self.refuse(isolate, error, now_ms),
        }
    }

    /// Step 2, with the MAC of each key.
    fn judge(&self, macs: &[[u8; 32]], now_ms: u64) -> Result<Verified, Error> {
        authentic::judge(&self.settings, self.signature().1, macs, at(now_ms))
    }

    /// Step 4.
    fn claim(mut self, authentic: &Authentic, body: &[u8], now_ms: u64) -> Step {
        self.note_time(now_ms);
        self.record.note_authentic(authentic);
        let (name, _) = self.signature();
        let name = name.to_owned();
        let Self { settings, request, random, record, .. } = self;
        Delivery::claim(settings, &request, &name, authentic, body, record, &random, now_ms)
    }

    /// The signature does not hold, or is not fresh.
    fn refuse(mut self, isolate: &mut Isolate, error: Error, now_ms: u64) -> Step {
        self.note_time(now_ms);
        self.record.reason = Some(error.to_string());
        self.record.age_seconds = authentic::refused_age_seconds(error);
        let outcome = Outcome::from(error);
        let limited = self.limited.filter(|_| outcome.is_forgery());
        Limiting::refuse(isolate, self.record, outcome, limited)
    }

    /// The driver came with something else than the body.
    pub(super) fn out_of_turn(mut self, isolate: &mut Isolate) -> Step {
        self.record.reason = Some(OUT_OF_TURN.to_owned());
        end(isolate, self.record, Outcome::InternalError)
    }

    fn note_time(&mut self, now_ms: u64) {
        self.record.verify_ms = Some(now_ms.saturating_sub(self.started_ms));
    }

    /// Name and value of the signature header.
    fn signature(&self) -> (&str, &str) {
        let name = self.settings.signature_headers.get(self.signature_header);
        let name = name.map(String::as_str).unwrap_or_default();
        (name, self.request.header(name).unwrap_or_default())
    }
}

/// The clock was read after the body, whose sender may take its time.
const fn at(now_ms: u64) -> UnixTime {
    UnixTime::from_secs(now_ms / 1_000)
}
