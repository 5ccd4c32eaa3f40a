//! Steps 1 to 4: from a request to an authentic event.

use core::net::IpAddr;
use std::rc::Rc;

use nextapi_webhook::UnixTime;

use super::attempt::Verified;
use super::{Course, Effect, Event, Head, OUT_OF_TURN, Stage};
use crate::client_address;
use crate::delivery;
use crate::forward;
use crate::isolate::Isolate;
use crate::outcome::Outcome;
use crate::record::Record;
use crate::settings::Settings;
use crate::trace::{Random, TraceContext};

/// A delivery whose body is being read.
pub(super) struct Receipt {
    settings: Rc<Settings>,
    head: Head,
    random: Random,
    record: Record,
    /// The client, if somebody counts its forgeries.
    limited: Option<IpAddr>,
    /// Which of the settings' signature headers was found.
    signature_header: usize,
    started_ms: u64,
    #[cfg(feature = "planted")]
    planted: Option<crate::planted::Fault>,
}

impl Course {
    /// Step 1: what can be refused before the body is read.
    pub(super) fn receive(
        &mut self,
        isolate: &mut Isolate,
        settings: Rc<Settings>,
        head: Head,
        random: Random,
        record: Record,
        now_ms: u64,
    ) -> Effect {
        #[cfg(feature = "planted")]
        let planted = crate::planted::Fault::asked_for(head.header(crate::planted::HEADER));
        #[cfg(feature = "planted")]
        crate::planted::strike_before_verifying(planted);
        let address = head.header(client_address::HEADER).and_then(client_address::parse);
        let limited = address.filter(|_| isolate.bindings.rate_limiter).map(client_address::client);
        let refused_seconds =
            limited.and_then(|client| isolate.forgeries.refused_seconds(client, now_ms));
        if let Err(outcome) = delivery::admit(&settings, address, refused_seconds) {
            return self.end(isolate, record, outcome);
        }
        let length = delivery::declared_length(head.header("content-length"));
        let limit = settings.max_body_bytes;
        // A body in chunks may be of any length, whatever else is said of it.
        let is_bounded = length.is_some() && head.header("transfer-encoding").is_none();
        if length.is_some_and(|length| usize::try_from(length).map_or(true, |it| it > limit)) {
            return self.end(isolate, record, Outcome::BodyTooLarge);
        }
        let found = settings.signature_headers.iter().position(|name| head.header(name).is_some());
        let Some(signature_header) = found else {
            return self.refuse(isolate, record, Outcome::SignatureMissing, limited);
        };
        self.stage = Stage::Receiving(Box::new(Receipt {
            settings,
            head,
            random,
            record,
            limited,
            signature_header,
            started_ms: now_ms,
            #[cfg(feature = "planted")]
            planted,
        }));
        Effect::Read { limit, is_bounded }
    }

    /// Steps 2 to 4.
    pub(super) fn received(
        &mut self,
        isolate: &mut Isolate,
        receipt: Box<Receipt>,
        event: Event,
        now_ms: u64,
    ) -> Effect {
        let Receipt { settings, head, random, mut record, limited, .. } = *receipt;
        let (bytes, is_cut) = match event {
            Event::Body { bytes, is_cut } => (bytes, is_cut),
            Event::BodyTooLarge => return self.end(isolate, record, Outcome::BodyTooLarge),
            _ => {
                record.reason = Some(OUT_OF_TURN.to_owned());
                return self.end(isolate, record, Outcome::InternalError);
            }
        };
        record.body_bytes = Some(bytes.len());
        record.body_is_cut = is_cut;
        // The clock was read after the body, whose sender may take its time.
        let now = UnixTime::from_secs(now_ms / 1_000);
        let name = settings.signature_headers.get(receipt.signature_header);
        let name = name.map(String::as_str).unwrap_or_default();
        let signature = head.header(name).unwrap_or_default();
        let authentic = delivery::authenticate(&settings, signature, &bytes, now);
        record.milliseconds.verify = Some(now_ms.saturating_sub(receipt.started_ms));
        match authentic {
            Ok(authentic) => {
                #[cfg(feature = "planted")]
                crate::planted::plant(&authentic.key, receipt.planted);
                record.note_authentic(&authentic);
                let trace = TraceContext::continuing(head.header(forward::TRACEPARENT), &random);
                let signature_header = name.to_owned();
                let edge_signature = forward::edge_signature(&settings, &bytes, now);
                let verified = Verified {
                    settings,
                    authentic,
                    record,
                    trace,
                    random,
                    signature_header,
                    edge_signature,
                };
                self.claim(verified, now_ms)
            }
            Err(error) => {
                record.reason = Some(error.to_string());
                record.age_seconds = delivery::refused_age_seconds(error);
                self.refuse(isolate, record, error.into(), limited)
            }
        }
    }

    /// Ends a delivery that may be a forgery, which somebody may count.
    fn refuse(
        &mut self,
        isolate: &mut Isolate,
        record: Record,
        outcome: Outcome,
        limited: Option<IpAddr>,
    ) -> Effect {
        match limited {
            Some(client) if outcome.is_forgery() => {
                self.stage = Stage::Limiting(Box::new(record), outcome, client);
                Effect::Limit { key: client.to_string() }
            }
            _ => self.end(isolate, record, outcome),
        }
    }
}
