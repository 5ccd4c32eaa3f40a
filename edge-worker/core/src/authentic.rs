//! Steps 2 and 3: from a signature and a body to an event with a key.

use nextapi_webhook::{Error, Event, EventError, EventKey, Mac, Pending, UnixTime, Verified};

use crate::json::Object;
use crate::ledger::credits::Credits;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::order::JobStage;
use crate::settings::Settings;

/// A delivery whose signature holds.
#[derive(Clone, Debug)]
pub(crate) struct Authentic {
    /// Which key matched; 0 is the newest.
    pub(crate) key_index: usize,
    /// How old the signature was; negative if it was ahead of the clock.
    pub(crate) age_seconds: i64,
    /// What the body says, or why it cannot be read.
    pub(crate) event: Result<Event, EventError>,
    /// The key of the event, equal for all its deliveries.
    pub(crate) key: EventKey,
    /// The tenant by the field that `TENANT_FIELD` names.
    pub(crate) tenant: Option<String>,
    /// What the job will cost by `estimated_credits`, if jobs are kept.
    pub(crate) estimated: Option<Credits>,
}

/// Steps 2 and 3: verifies a delivery and reads its event.
///
/// # Errors
/// Why the signature does not hold, or is not fresh.
pub(crate) fn authenticate(
    settings: &Settings,
    signature: &str,
    body: &[u8],
    now: UnixTime,
) -> Result<Authentic, Error> {
    settings.verifier.verify(signature, body, now).map(|verified| read(settings, body, verified))
}

/// Step 2 for a delivery whose MACs were computed elsewhere, one with the key of each secret: the verdict is
/// the same.
///
/// # Errors
/// Why the signature does not hold, or is not fresh.
pub(crate) fn judge(
    settings: &Settings,
    signature: &str,
    macs: &[[u8; 32]],
    now: UnixTime,
) -> Result<Verified, Error> {
    let mut pending = Pending::parse(signature)?;
    for (mac, key_index) in macs.iter().zip(0..) {
        pending.offer(key_index, &Mac::new(mac));
    }
    pending.finish(now, settings.verifier.tolerance())
}

/// Step 3, for a body whose signature holds.
pub(crate) fn read(settings: &Settings, body: &[u8], verified: Verified<&[u8]>) -> Authentic {
    Authentic {
        key_index: verified.key_index(),
        age_seconds: verified.age_secs(),
        key: verified.event_key(),
        event: verified.event(),
        tenant: settings.tenant_field.as_ref().and_then(|field| field.read(body)),
        estimated: settings.policy.jobs.and_then(|_| estimated(body)),
    }
}

/// The estimate of the body, its data or its job; the first of them counts, as it does for the credits of an
/// [`Event`].
fn estimated(body: &[u8]) -> Option<Credits> {
    const NAME: &str = "estimated_credits";
    let mut section = Object::read(core::str::from_utf8(body).ok()?)?;
    for inner in ["data", "job"] {
        if section.raw(NAME).is_some() {
            break;
        }
        section = Object::read(section.raw(inner)?)?;
    }
    Credits::of_json(section.raw(NAME)?)
}

/// How old a signature was that holds and is refused for its age; negative if it was ahead.
pub(crate) fn refused_age_seconds(error: Error) -> Option<i64> {
    let limited = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match error {
        Error::TimestampExpired { age, .. } => Some(limited(age)),
        Error::TimestampAhead { ahead, .. } => Some(limited(ahead).saturating_neg()),
        _ => None,
    }
}

impl Authentic {
    /// What the event is, as far as it can be read, and what it says of its job's money.
    pub(crate) fn meta_with_job(&self) -> EventMeta {
        let meta = self.meta();
        let credits = self.event.as_ref().ok().and_then(Event::credits).and_then(Credits::parse);
        // An estimate is no price.
        let estimated = self.estimated.filter(|_| meta.stage() != Some(JobStage::Ended));
        EventMeta { credits: credits.or(estimated), tenant: self.tenant.clone(), ..meta }
    }

    /// What the event is, as far as it can be read.
    pub(crate) fn meta(&self) -> EventMeta {
        self.event.as_ref().map_or_else(
            |_| EventMeta::default(),
            |event| EventMeta {
                event_id: event.id().map(str::to_owned),
                event_type: event.event_type().or(event.status()).map(str::to_owned),
                job_id: event.job_id().map(str::to_owned),
                credits: None,
                tenant: None,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use nextapi_webhook::Key;

    use super::*;
    use crate::outcome::Outcome;
    use crate::settings::tests::{SECRET, settings_with};

    const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job_id":"job_1"}}"#;
    const SIGNED_AT: u64 = 1_700_000_000;

    fn header(secret: &str, body: &[u8]) -> String {
        let key = Key::new(secret.as_bytes()).unwrap();
        key.sign(UnixTime::from_secs(SIGNED_AT), body).to_string()
    }

    fn authenticated(header: &str, body: &[u8], now: u64) -> Result<Authentic, Outcome> {
        let now = UnixTime::from_secs(now);
        authenticate(&settings_with(&[]), header, body, now).map_err(Outcome::from)
    }

    #[test]
    fn an_authentic_delivery_has_a_key_and_meta() {
        let authentic = authenticated(&header(SECRET, BODY), BODY, SIGNED_AT + 299).unwrap();
        assert_eq!((authentic.key_index, authentic.age_seconds), (0, 299));
        assert_eq!(authentic.key, EventKey::of_unverified(BODY));
        let expected = EventMeta {
            event_id: Some("evt_1".to_owned()),
            event_type: Some("job.succeeded".to_owned()),
            job_id: Some("job_1".to_owned()),
            credits: None,
            tenant: None,
        };
        assert_eq!(authentic.meta(), expected);
    }

    #[test]
    fn an_estimate_stands_for_the_credits_until_the_job_ends() {
        let credits = |body: &str, settings: &[(&str, &str)]| {
            let header = header(SECRET, body.as_bytes());
            let now = UnixTime::from_secs(SIGNED_AT);
            let authentic = authenticate(&settings_with(settings), &header, body.as_bytes(), now);
            authentic.unwrap().meta_with_job().credits.map(|credits| credits.to_string())
        };
        let keeping = [("SUBMIT_TOKEN", "0123456789abcdef")];
        let job = |status: &str, more: &str| {
            format!(
                r#"{{"id":"e","type":"job.{status}","data":{{"job":{{"id":"j","estimated_credits":1.05{more}}}}}}}"#
            )
        };
        assert_eq!(credits(&job("queued", ""), &keeping).as_deref(), Some("1.05"));
        assert_eq!(credits(&job("running", r#","credits":2"#), &keeping).as_deref(), Some("2"));
        assert_eq!(credits(&job("succeeded", ""), &keeping), None, "an estimate is no price");
        assert_eq!(credits(&job("failed", r#","credits":0"#), &keeping).as_deref(), Some("0"));
        let flat = r#"{"id":"v","job_id":"j","status":"queued","estimated_credits":"3"}"#;
        assert_eq!(credits(flat, &keeping).as_deref(), Some("3"));
        let beside = r#"{"id":"e","type":"job.queued","estimated_credits":4,"data":7}"#;
        assert_eq!(credits(beside, &keeping).as_deref(), Some("4"));
        for body in ["not JSON", "[]", r#"{"id":"e","type":"job.queued","data":{"job":[]}}"#] {
            assert_eq!(credits(body, &keeping), None, "{body}");
        }
        assert_eq!(credits(&job("queued", ""), &[]), None, "jobs are not kept");
    }

    #[test]
    fn a_flat_body_goes_by_its_status() {
        let body = br#"{"id":"vid_1","job_id":"job_1","status":"failed"}"#;
        let authentic = authenticated(&header(SECRET, body), body, SIGNED_AT).unwrap();
        assert_eq!(authentic.meta().event_type.as_deref(), Some("failed"));
    }

    #[test]
    fn an_authentic_body_that_cannot_be_read_is_keyed_by_its_bytes() {
        for body in [&b""[..], b"not JSON", b"\xff\x00", b"[1]", b"{}"] {
            let authentic = authenticated(&header(SECRET, body), body, SIGNED_AT).unwrap();
            assert_eq!(authentic.key, EventKey::of_unverified(body));
            assert!(authentic.key.to_string().starts_with("body-"));
            assert_eq!(authentic.meta(), EventMeta::default());
        }
    }

    #[test]
    fn only_an_authentic_delivery_learns_that_it_was_stale() {
        let (late, early) = (SIGNED_AT + 300, SIGNED_AT - 300);
        let outcome = |secret, now| authenticated(&header(secret, BODY), BODY, now).unwrap_err();
        assert_eq!(outcome(SECRET, late), Outcome::TimestampExpired);
        assert_eq!(outcome(SECRET, early), Outcome::TimestampAhead);
        assert_eq!(outcome("wrong", late), Outcome::SignatureMismatch);
        assert_eq!(outcome("wrong", early), Outcome::SignatureMismatch);
        assert_eq!(authenticated("", BODY, late).unwrap_err(), Outcome::SignatureMalformed);
    }

    #[test]
    fn the_age_of_a_refused_signature_is_known_when_it_holds() {
        let age = |secret, now| {
            let now = UnixTime::from_secs(now);
            let refused = authenticate(&settings_with(&[]), &header(secret, BODY), BODY, now);
            refused_age_seconds(refused.unwrap_err())
        };
        assert_eq!(age(SECRET, SIGNED_AT + 400), Some(400));
        assert_eq!(age(SECRET, 0), Some(-i64::try_from(SIGNED_AT).unwrap()));
        assert_eq!(age(SECRET, u64::MAX), Some(i64::MAX));
        assert_eq!(age("wrong", SIGNED_AT + 400), None);
    }
}
