//! Events that follow from their numbers, so that a million of them need not be kept.

use nextapi_testkit::{Delivery, EventBody};
use nextapi_webhook::{EventKey, Key, UnixTime};
use sha2::{Digest as _, Sha256};

/// The secret that provider and edge share.
pub(crate) const SECRET: &str = "whsec_of_the_ledger_bench";

/// The length of every body.
pub(crate) const BODY_BYTES: usize = 4_096;

/// The events of a job, in their order.
pub(crate) const KINDS: [&str; 3] = ["job.queued", "job.running", "job.succeeded"];

/// An event of the provider's.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) job_id: String,
    /// The stage of the job: 1 queued, 2 running, 3 ended.
    pub(crate) stage: u32,
}

impl Event {
    /// The event of that number: the first three are those of one job, the next three of another.
    pub(crate) fn of_number(number: u32) -> Self {
        Self::of_job(number / 3, number % 3)
    }

    /// The events of that job, in their order.
    pub(crate) fn all_of_job(job: u32) -> [Self; 3] {
        [0, 1, 2].map(|place| Self::of_job(job, place))
    }

    fn of_job(job: u32, place: u32) -> Self {
        let kind = KINDS.get(place as usize).copied().unwrap_or_default();
        Self {
            id: format!("evt_{}", digits(&format!("{job} {kind}"))),
            kind,
            job_id: format!("job_{}", digits(&format!("{job}"))),
            stage: place.saturating_add(1),
        }
    }

    /// The body, like one of the provider's, with a prompt that makes it [`BODY_BYTES`] long.
    pub(crate) fn body(&self) -> String {
        let Self { id, kind, job_id, .. } = self;
        let status = kind.trim_start_matches("job.");
        let video = job_id.trim_start_matches("job_");
        let body = format!(
            r#"{{"id":"{id}","type":"{kind}","created_at":1700000000,"data":{{"job":{{"id":"{job_id}","#
        ) + &format!(
            r#""video_id":"vid_{video}","status":"{status}","model":"seedance-2.0","duration_seconds":5,"#
        ) + r#""resolution":"720p","estimated_credits":1.05,"prompt":""#;
        let end = r#""}}}"#;
        let prompt = BODY_BYTES.saturating_sub(body.len().saturating_add(end.len()));
        body + &"x".repeat(prompt) + end
    }

    /// The key that the ledger knows the event by.
    pub(crate) fn key(&self) -> String {
        EventKey::of_unverified(self.body().as_bytes()).to_string()
    }

    /// A delivery of the event, signed now.
    pub(crate) fn delivery(&self) -> anyhow::Result<Delivery> {
        let key = Key::new(SECRET.as_bytes())?;
        Delivery::signed(EventBody::new(self.kind, self.body()), &key, UnixTime::now())
    }
}

/// 24 hexadecimal digits, in no order, as in the provider's ids.
fn digits(name: &str) -> String {
    let digest = Sha256::digest(name);
    base16ct::lower::encode_string(&digest.first_chunk::<12>().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_reads_what_the_event_says() {
        for event in Event::all_of_job(7) {
            let body = event.body();
            assert_eq!(body.len(), BODY_BYTES);
            let read = nextapi_webhook::Event::read_unverified(body.as_bytes()).unwrap();
            assert_eq!(read.id(), Some(&*event.id));
            assert_eq!(read.event_type(), Some(event.kind));
            assert_eq!(read.job_id(), Some(&*event.job_id));
            assert!(event.key().starts_with("event-"));
        }
    }

    #[test]
    fn every_number_is_another_event() {
        let keys: std::collections::BTreeSet<_> =
            (0..300).map(|number| Event::of_number(number).key()).collect();
        assert_eq!(keys.len(), 300);
        assert_eq!(Event::of_number(5).id, Event::all_of_job(1)[2].id);
    }
}
