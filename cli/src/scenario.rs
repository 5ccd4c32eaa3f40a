//! Short stories of deliveries, with the answers that the edge's design promises.

use anyhow::Context as _;
use nextapi_testkit::{Delivery, EventBody, Job, Shape, SignatureHeader, Status, random_hex};
use nextapi_webhook::{Key, Label, UnixTime};

use crate::{Expectation, Step};

/// How many deliveries of one event are sent at the same moment.
const CONCURRENT: usize = 8;
/// How far off the timestamps of the scenarios `stale` and `future` are: a day and more, so that
/// they are refused by an edge with a generous tolerance, too.
const FAR_OFF_SECONDS: u64 = 25 * 60 * 60;

/// A short story of deliveries, with the answers that the edge's design promises. Its ids are new
/// every time it is told.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    name: &'static str,
    about: &'static str,
    tell: fn(&Teller<'_>) -> anyhow::Result<Vec<Step>>,
}

/// All scenarios, in the order in which they are told.
const ALL: [Scenario; 13] = [
    Scenario {
        name: "lifecycle",
        about: "a job is queued, runs and succeeds; every documented label of the signature",
        tell: lifecycle,
    },
    Scenario {
        name: "flat",
        about: "bodies without an event id, where the video's id stays the same; header \
                X-Webhook-Signature",
        tell: flat,
    },
    Scenario { name: "failed", about: "a job is queued and fails", tell: failed },
    Scenario {
        name: "duplicate",
        about: "an event is delivered again, signed anew; the origin must get it once",
        tell: duplicate,
    },
    Scenario {
        name: "concurrent",
        about: "an event is delivered 8 times at the same moment, then once more; the origin must \
                get it once",
        tell: concurrent,
    },
    Scenario { name: "tampered", about: "a body is changed after it was signed", tell: tampered },
    Scenario {
        name: "wrong-secret",
        about: "an event is signed with a secret that is not ours",
        tell: wrong_secret,
    },
    Scenario { name: "stale", about: "a signature is 25 hours old", tell: stale },
    Scenario { name: "future", about: "a signature is 25 hours ahead", tell: future },
    Scenario { name: "unsigned", about: "there is no signature header", tell: unsigned },
    Scenario {
        name: "malformed",
        about: "the signature header is not one; a MAC that is cut short",
        tell: malformed,
    },
    Scenario {
        name: "unreadable",
        about: "a signed body is not JSON, not even text: authentic all the same",
        tell: unreadable,
    },
    Scenario {
        name: "no-id",
        about: "an event without an id is delivered twice; its bytes are its identity",
        tell: no_id,
    },
];

impl Scenario {
    /// All scenarios, in the order in which they are best told.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &ALL
    }

    /// The scenario of that name.
    ///
    /// # Errors
    /// If there is none; the error has the names that there are.
    pub fn find(name: &str) -> anyhow::Result<&'static Self> {
        ALL.iter().find(|scenario| scenario.name == name).with_context(|| {
            let names = ALL.map(|scenario| scenario.name);
            format!("there is no scenario {name:?}; there are {}", names.join(", "))
        })
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What happens, in one line.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        self.about
    }

    /// The steps, to be run in this order and soon: their signatures are made at `now`.
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn steps(&self, key: &Key, now: UnixTime) -> anyhow::Result<Vec<Step>> {
        (self.tell)(&Teller { key, now })
    }
}

struct Teller<'a> {
    key: &'a Key,
    now: UnixTime,
}

impl Teller<'_> {
    fn event(&self, shape: Shape, status: Status) -> anyhow::Result<EventBody> {
        Job::random(self.now)?.event(shape, status)
    }

    fn signed(&self, body: EventBody) -> anyhow::Result<Delivery> {
        Delivery::signed(body, self.key, self.now)
    }

    /// One signed event of a job of its own.
    fn succeeded(&self) -> anyhow::Result<Delivery> {
        self.signed(self.event(Shape::Envelope, Status::Succeeded)?)
    }
}

fn lifecycle(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let job = Job::random(teller.now)?;
    let story = [
        (Status::Queued, Label::V),
        (Status::Running, Label::V1),
        (Status::Succeeded, Label::Sha256),
    ];
    let tell = |(status, label): (Status, Label)| {
        let delivery = Delivery::unsigned(job.event(Shape::Envelope, status)?)?.sign(
            teller.key,
            teller.now,
            SignatureHeader::NextApi,
            label,
        )?;
        let what = format!("{}, signed {label}=…", status.event_type());
        Ok(Step::one(what, delivery, Expectation::Taken))
    };
    story.into_iter().map(tell).collect()
}

fn flat(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let job = Job::random(teller.now)?;
    let tell = |status: Status| {
        let delivery = Delivery::unsigned(job.event(Shape::Flat, status)?)?.sign(
            teller.key,
            teller.now,
            SignatureHeader::Webhook,
            Label::V,
        )?;
        let what = format!("{}, same id", status.event_type());
        Ok(Step::one(what, delivery, Expectation::Taken))
    };
    [Status::Running, Status::Succeeded].into_iter().map(tell).collect()
}

fn failed(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let job = Job::random(teller.now)?;
    let tell = |status: Status| {
        let delivery = teller.signed(job.event(Shape::EnvelopeWithJobId, status)?)?;
        Ok(Step::one(status.event_type(), delivery, Expectation::Taken))
    };
    [Status::Queued, Status::Failed].into_iter().map(tell).collect()
}

fn duplicate(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let delivery = teller.succeeded()?;
    // Another label, so that the second delivery is not the same request, only the same event.
    let again =
        delivery.clone().sign(teller.key, teller.now, SignatureHeader::NextApi, Label::V1)?;
    Ok(vec![
        Step::one("job.succeeded", delivery, Expectation::Taken),
        Step::one("job.succeeded again", again, Expectation::DUPLICATE),
    ])
}

fn concurrent(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let delivery = teller.succeeded()?;
    let at_once = Step {
        what: format!("job.succeeded × {CONCURRENT} at once"),
        deliveries: vec![delivery.clone(); CONCURRENT],
        expected: Expectation::OneTaken,
    };
    Ok(vec![at_once, Step::one("job.succeeded again", delivery, Expectation::DUPLICATE)])
}

fn tampered(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let delivery = teller.signed(teller.event(Shape::Envelope, Status::Failed)?)?;
    let body = String::from_utf8_lossy(delivery.body()).replace("failed", "succeeded");
    let delivery = delivery.with_body(body);
    let expected = Expectation::Each(401, "signature_mismatch");
    Ok(vec![Step::one("failed changed to succeeded", delivery, expected)])
}

fn wrong_secret(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let other = Key::new(random_hex::<32>()?.as_bytes())?;
    let body = teller.event(Shape::Envelope, Status::Succeeded)?;
    let delivery = Delivery::signed(body, &other, teller.now)?;
    let expected = Expectation::Each(401, "signature_mismatch");
    Ok(vec![Step::one("job.succeeded, another secret", delivery, expected)])
}

fn stale(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let then = UnixTime::from_secs(teller.now.as_secs().saturating_sub(FAR_OFF_SECONDS));
    let body = teller.event(Shape::Envelope, Status::Succeeded)?;
    let delivery = Delivery::signed(body, teller.key, then)?;
    let expected = Expectation::Each(401, "timestamp_expired");
    Ok(vec![Step::one("job.succeeded, t 25 h ago", delivery, expected)])
}

fn future(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let then = UnixTime::from_secs(teller.now.as_secs().saturating_add(FAR_OFF_SECONDS));
    let body = teller.event(Shape::Envelope, Status::Succeeded)?;
    let delivery = Delivery::signed(body, teller.key, then)?;
    let expected = Expectation::Each(401, "timestamp_ahead");
    Ok(vec![Step::one("job.succeeded, t 25 h ahead", delivery, expected)])
}

fn unsigned(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let delivery = Delivery::unsigned(teller.event(Shape::Envelope, Status::Succeeded)?)?;
    let expected = Expectation::Each(400, "signature_missing");
    Ok(vec![Step::one("job.succeeded, no signature", delivery, expected)])
}

fn malformed(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let header = SignatureHeader::NextApi.name();
    let seconds = teller.now.as_secs();
    let values = [
        ("signature \"hello\"", "hello".to_owned()),
        ("MAC cut short", format!("t={seconds},v=0123456789abcdef")),
    ];
    let tell = |(what, value): (&str, String)| {
        let delivery = teller.succeeded()?.with_header(header.as_str(), value)?;
        Ok(Step::one(what, delivery, Expectation::Each(400, "signature_malformed")))
    };
    values.into_iter().map(tell).collect()
}

fn unreadable(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let delivery = teller.signed(EventBody::unreadable()?)?;
    Ok(vec![Step::one("signed bytes, not JSON", delivery, Expectation::Taken)])
}

fn no_id(teller: &Teller<'_>) -> anyhow::Result<Vec<Step>> {
    let delivery = teller.signed(EventBody::batch_completed(teller.now)?)?;
    Ok(vec![
        Step::one("batch.completed, no id", delivery.clone(), Expectation::Taken),
        Step::one("batch.completed again", delivery, Expectation::DUPLICATE),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use nextapi_webhook::{EventKey, Tolerance, Verifier};

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn steps(scenario: &Scenario) -> Vec<Step> {
        scenario.steps(&Key::new(b"whsec_test").unwrap(), NOW).unwrap()
    }

    #[test]
    fn names_are_unique_and_found() {
        let names: HashSet<_> = ALL.iter().map(Scenario::name).collect();
        assert_eq!(names.len(), ALL.len());
        assert_eq!(Scenario::find("flat").unwrap().name(), "flat");
        let error = Scenario::find("flatt").unwrap_err().to_string();
        assert!(error.contains("flatt") && error.contains("lifecycle"), "{error}");
    }

    #[test]
    fn ids_are_new_every_time() {
        for scenario in &ALL {
            let first = EventKey::of_unverified(steps(scenario)[0].deliveries[0].body());
            let second = EventKey::of_unverified(steps(scenario)[0].deliveries[0].body());
            assert_ne!(first, second, "{}", scenario.name());
        }
    }

    /// The verifier is the judge of whether each story is what it says it is.
    #[test]
    fn the_verifier_agrees_with_what_is_expected() {
        let key = Key::new(b"whsec_test").unwrap();
        let verifier = Verifier::<1>::new([key], Tolerance::DEFAULT).unwrap();
        for scenario in &ALL {
            for step in steps(scenario) {
                for delivery in &step.deliveries {
                    let header = delivery
                        .headers()
                        .get("x-nextapi-signature")
                        .or_else(|| delivery.headers().get("x-webhook-signature"));
                    let code = match header {
                        None => "signature_missing",
                        Some(header) => verifier
                            .verify(header, delivery.body(), NOW)
                            .map_or_else(|error| error.code(), |_| "accepted"),
                    };
                    match step.expected {
                        Expectation::Each(400..=401, expected) => assert_eq!(code, expected),
                        _ => assert_eq!(code, "accepted", "{}: {}", scenario.name(), step.what),
                    }
                }
            }
        }
    }
}
