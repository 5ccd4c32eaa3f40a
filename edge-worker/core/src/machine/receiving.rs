//! Step 1: from a request to its body.

use core::net::IpAddr;
use std::sync::Arc;

use nextapi_webhook::Pending;

use super::limiting::Limiting;
use super::verifying::{HAND_OVER_LIMIT, Unverified, Verifying};
use super::{Input, Machine, Output, State, Step, end};
use crate::client_address;
use crate::isolate::Isolate;
use crate::outcome::Outcome;
use crate::record::Record;
use crate::request::Request;
use crate::settings::Settings;
use crate::trace::Random;

/// How long the body may take, in milliseconds. The provider gives up on a delivery after about 10 s.
const BODY_TIMEOUT_MS: u32 = 10_000;

/// A delivery whose body is being read.
#[derive(Clone)]
pub(super) struct Receiving(Unverified);

impl Receiving {
    /// Step 1: what can be refused before the body is read.
    pub(super) fn begin(
        isolate: &mut Isolate,
        settings: Arc<Settings>,
        request: Request,
        random: Random,
        mut record: Record,
        now_ms: u64,
    ) -> Step {
        let address = request.header(client_address::HEADER).and_then(client_address::parse);
        let limited = address.filter(|_| isolate.bindings.rate_limiter).map(client_address::client);
        let blocked_seconds =
            limited.and_then(|client| isolate.blocked_clients.blocked_seconds(client, now_ms));
        if let Err(outcome) = admit(&settings, address, blocked_seconds) {
            return end(isolate, record, outcome);
        }
        let limit = settings.max_body_bytes;
        let length = declared_length(request.header("content-length"));
        if length.is_some_and(|length| usize::try_from(length).map_or(true, |it| it > limit)) {
            return end(isolate, record, Outcome::BodyTooLarge);
        }
        // A body in chunks may be of any length, whatever else is said of it.
        let length = length.filter(|_| request.header("transfer-encoding").is_none());
        let found = settings
            .signature_headers
            .iter()
            .enumerate()
            .find_map(|(index, name)| request.header(name).map(|signature| (index, signature)));
        let Some((signature_header, signature)) = found else {
            return Limiting::refuse(isolate, record, Outcome::SignatureMissing, limited);
        };
        // A malformed header costs no read.
        let prefix = match Pending::parse(signature) {
            Ok(pending) => prefix(&pending),
            Err(error) => {
                record.reason = Some(error.to_string());
                return Limiting::refuse(isolate, record, error.into(), limited);
            }
        };
        let length = length.and_then(|length| usize::try_from(length).ok());
        let output = Output::ReadBody {
            limit,
            length,
            prefix,
            hand_over_limit: HAND_OVER_LIMIT,
            deadline_ms: BODY_TIMEOUT_MS,
        };
        let receiving = Self(Unverified {
            settings,
            request,
            random,
            record,
            limited,
            signature_header,
            started_ms: now_ms,
        });
        (Some(Machine(State::Receiving(Box::new(receiving)))), output)
    }

    /// The body was read, or not.
    pub(super) fn handle(self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        let Self(mut delivery) = self;
        let limit = delivery.settings.max_body_bytes;
        match input {
            Input::Body(bytes) if bytes.len() <= limit => {
                delivery.record.body_bytes = Some(bytes.len());
                delivery.verify(isolate, &bytes, now_ms)
            }
            Input::LongBody(bytes) if bytes <= limit => {
                delivery.record.body_bytes = Some(bytes);
                Verifying::begin(delivery)
            }
            // Somebody made us read as much as we ever read, and nothing can be said of the signature.
            Input::Body(_) | Input::LongBody(_) | Input::BodyTooLarge => {
                let Unverified { record, limited, .. } = delivery;
                Limiting::refuse(isolate, record, Outcome::BodyTooLarge, limited)
            }
            // No forgery either: an honest sender's connection may be slow or break.
            Input::BodyTimedOut => end(isolate, delivery.record, Outcome::BodyTimeout),
            Input::BodyCut => end(isolate, delivery.record, Outcome::BodyCut),
            _ => delivery.out_of_turn(isolate),
        }
    }
}

/// What is signed in front of the body.
fn prefix(pending: &Pending) -> String {
    let [timestamp, dot, _] = pending.message(&[]);
    // Digits and a dot.
    [timestamp, dot].concat().into_iter().map(char::from).collect()
}

/// The body's length, in bytes, as `Content-Length` declares it. A missing or malformed one declares
/// none; what is read is counted then.
fn declared_length(content_length: Option<&str>) -> Option<u64> {
    let length = content_length?.trim();
    let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| length.parse().ok()).flatten()
}

/// Whether a delivery from this address is looked at at all. `blocked_seconds` is for how long the
/// rate limiter's no still stands.
fn admit(
    settings: &Settings,
    address: Option<IpAddr>,
    blocked_seconds: Option<u64>,
) -> Result<(), Outcome> {
    if !client_address::is_accepted(settings.source_networks.as_deref(), address) {
        return Err(Outcome::SourceRefused);
    }
    match blocked_seconds {
        Some(retry_after_seconds) => Err(Outcome::RateLimited { retry_after_seconds }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings_with;

    #[test]
    fn who_may_not_deliver_is_refused_before_who_fails_too_often() {
        let address = client_address::parse("192.0.2.7");
        let limited = Err(Outcome::RateLimited { retry_after_seconds: 9 });
        let anywhere = settings_with(&[]);
        assert_eq!(admit(&anywhere, None, None), Ok(()));
        assert_eq!(admit(&anywhere, address, None), Ok(()));
        assert_eq!(admit(&anywhere, address, Some(9)), limited);
        let listed = settings_with(&[("SOURCE_ADDRESSES", "192.0.2.0/24")]);
        assert_eq!(admit(&listed, address, None), Ok(()));
        assert_eq!(admit(&listed, address, Some(9)), limited);
        for other in [None, client_address::parse("198.51.100.7")] {
            assert_eq!(admit(&listed, other, None), Err(Outcome::SourceRefused));
            assert_eq!(admit(&listed, other, Some(9)), Err(Outcome::SourceRefused));
        }
    }

    #[test]
    fn only_a_number_declares_a_length() {
        for header in ["", "x", "-6", "+6", "5, 6", "0x5", "184467440737095516150"] {
            assert_eq!(declared_length(Some(header)), None, "{header}");
        }
        assert_eq!(declared_length(None), None);
        for length in [0, 5, 262_145, u64::MAX] {
            assert_eq!(declared_length(Some(&length.to_string())), Some(length));
        }
        assert_eq!(declared_length(Some(" 007 ")), Some(7));
    }
}
