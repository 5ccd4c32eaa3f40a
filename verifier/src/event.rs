//! What a verified body says: which event it is, and of which job.

use heapless::String;
use serde::Deserialize;

use crate::json::{check_depth, read, unescape};
use crate::{EventError, EventKey};

/// Bytes that an event's `id` and a job's id may have. The provider's have about 30.
const ID_BYTES: usize = 128;
/// Bytes that an event's `type` may have. The longest documented one, `job.succeeded`, has 13.
const TYPE_BYTES: usize = 64;
/// Bytes that a job's `status` may have. The longest documented one, `succeeded`, has 9.
const STATUS_BYTES: usize = 32;

/// The facts of an event, read from its body.
///
/// Two shapes of body are known, and both are read:
///
/// - the envelope, `{"id":"evt_…","type":"job.succeeded","data":{"job":{"id":"job_…",…}}}`, where
///   `data` may also hold `job_id` or `video_id` itself;
/// - the flat one, `{"id":"<video id>","job_id":"job_…","status":"succeeded",…}`, where `id` is the
///   same for all events of a job.
///
/// Read an event only from a body that has been verified: before that, anybody may have written it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    id: Option<String<ID_BYTES>>,
    event_type: Option<String<TYPE_BYTES>>,
    status: Option<String<STATUS_BYTES>>,
    job_id: Option<String<ID_BYTES>>,
    credits: Option<f64>,
}

impl Event {
    /// Reads the body.
    ///
    /// What identifies the event (`id`, `type`, `status`) must be sound. What only describes it (the
    /// job's id, the credits) is left out where it is not a string or number or has no room, so that
    /// an odd detail never costs the identity.
    ///
    /// # Errors
    /// See [`EventError`]. A body that cannot be read is as authentic as before: forward it, keyed by
    /// [`EventKey::of_body`].
    pub fn read(body: &[u8]) -> Result<Self, EventError> {
        check_depth(body)?;
        let Identity { id, event_type, status } = read(body).ok_or(EventError::NotAnEvent)?;
        let envelope: Envelope<'_> = read(body).unwrap_or_default();
        let data = envelope.data.unwrap_or_default();
        let job = data.job.unwrap_or_default();
        let flat: Flat<'_> = read(body).unwrap_or_default();

        let job_id =
            [job.id, data.job_id, flat.job_id, data.video_id, flat.video_id].into_iter().flatten();
        Ok(Self {
            id: id.map(|text| unescape("id", text)).transpose()?,
            event_type: event_type.map(|text| unescape("type", text)).transpose()?,
            status: status.or(job.status).map(|text| unescape("status", text)).transpose()?,
            job_id: job_id.map(|text| unescape("job_id", text)).find_map(Result::ok),
            credits: read_credits(body),
        })
    }

    /// The `id` of the body: of the event in an envelope, of the video in the flat shape. By itself
    /// it does **not** identify the event; [`key`](Self::key) does.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The `type` of an envelope, such as `job.succeeded`.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.event_type.as_deref()
    }

    /// The job's `status`, such as `succeeded`: of the flat shape, else of the job in the envelope.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// The job's id; where the body has none, the video's.
    #[must_use]
    pub fn job_id(&self) -> Option<&str> {
        self.job_id.as_deref()
    }

    /// What the job cost, in credits: `cost_credits`, else `credits`, of the body, its data or its
    /// job. For display and statistics; a binary fraction is nothing to do accounts with.
    #[must_use]
    pub const fn credits(&self) -> Option<f64> {
        self.credits
    }

    /// The key under which duplicates of this event are recognised, or `None` if the body does not
    /// say which event it is: see [`EventKey`].
    #[must_use]
    pub fn key(&self) -> Option<EventKey> {
        let kind = self.event_type().or(self.status())?;
        Some(EventKey::of_event(self.id()?, kind))
    }
}

#[derive(Deserialize)]
struct Identity<'a> {
    id: Option<&'a str>,
    #[serde(rename = "type")]
    event_type: Option<&'a str>,
    status: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct Flat<'a> {
    job_id: Option<&'a str>,
    video_id: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    job: Option<Job<'a>>,
    job_id: Option<&'a str>,
    video_id: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct Job<'a> {
    id: Option<&'a str>,
    status: Option<&'a str>,
}

#[derive(Deserialize)]
struct Cost {
    cost_credits: Option<f64>,
    credits: Option<f64>,
}

#[derive(Deserialize)]
struct Within<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
struct WithJob {
    job: Option<Cost>,
}

fn read_credits(body: &[u8]) -> Option<f64> {
    let of_body = || read::<Cost>(body);
    let of_data = || read::<Within<Cost>>(body)?.data;
    let of_job = || read::<Within<WithJob>>(body)?.data?.job;
    let credits = |cost: Cost| cost.cost_credits.or(cost.credits);
    of_body()
        .and_then(credits)
        .or_else(|| of_data().and_then(credits))
        .or_else(|| of_job().and_then(credits))
        .filter(|credits| credits.is_finite())
}
