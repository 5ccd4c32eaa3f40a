//! Video jobs and the webhook bodies that the provider sends about them.

use core::time::Duration;
use std::time::SystemTime;

use nextapi_webhook::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Credits, Generation, random_hex};

/// A job's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The upstream has acknowledged the job.
    Queued,
    /// Processing has begun.
    Running,
    /// The video is ready and the credits are final.
    Succeeded,
    /// The job ended without a video; the credits are refunded.
    Failed,
}

impl Status {
    /// The status as it stands in a body.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The type of the event that announces the status.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Queued => "job.queued",
            Self::Running => "job.running",
            Self::Succeeded => "job.succeeded",
            Self::Failed => "job.failed",
        }
    }
}

/// The shape of a body. All of them are seen in the wild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An event with an id of its own; the job stands in `data.job`.
    Envelope,
    /// An envelope whose `data` holds `job_id` and `video_id` directly.
    EnvelopeWithJobId,
    /// No event id: the body is the job itself, with the video's id as `id` in every event.
    Flat,
}

/// The bytes of a webhook, and the event type that goes with them in an (unsigned) header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBody {
    /// The event's type.
    pub event_type: String,
    /// The body, byte for byte.
    pub bytes: Vec<u8>,
}

impl EventBody {
    /// A body of any bytes, sent under `event_type`.
    pub fn new(event_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { event_type: event_type.into(), bytes: bytes.into() }
    }

    /// An event that belongs to no job and has no id: the end of a batch.
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn batch_completed(at: UnixTime) -> anyhow::Result<Self> {
        let body = json!({
            "type": "batch.completed",
            "created_at": at.as_secs(),
            "data": {
                "batch_id": format!("batch_{}", random_hex::<12>()?),
                "total": 12,
                "succeeded": 11,
                "failed": 1,
            },
        });
        Ok(Self::new("batch.completed", body.to_string()))
    }

    /// A body that is neither JSON nor text, and different every time.
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn unreadable() -> anyhow::Result<Self> {
        let mut bytes = b"\xff\x00 not JSON: ".to_vec();
        bytes.extend_from_slice(random_hex::<12>()?.as_bytes());
        Ok(Self::new("job.succeeded", bytes))
    }
}

/// One video job of the provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    id: String,
    video_id: String,
    /// Unix time in seconds.
    created: u64,
    generation: Generation,
    /// What a flat body says the video has cost.
    flat_cost: Credits,
}

impl Job {
    /// A job with ids that no other run has had.
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn random(created: UnixTime) -> anyhow::Result<Self> {
        // The cost is that of the documentation's example of a flat body.
        Ok(Self { flat_cost: Credits::whole(50), ..Self::new(Generation::default(), created)? })
    }

    /// The job that a client has asked for, with new ids.
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn new(generation: Generation, created: UnixTime) -> anyhow::Result<Self> {
        Ok(Self {
            id: format!("job_{}", random_hex::<12>()?),
            video_id: format!("vid_{}", random_hex::<12>()?),
            created: created.as_secs(),
            flat_cost: generation.estimate,
            generation,
        })
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The video's id, which is the `id` of every flat body.
    #[must_use]
    pub fn video_id(&self) -> &str {
        &self.video_id
    }

    /// The body that announces `status`. An envelope gets a new event id at every call: for a
    /// repeated delivery of the same event, send the same body again.
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn event(&self, shape: Shape, status: Status) -> anyhow::Result<EventBody> {
        let body = match shape {
            Shape::Envelope => self.envelope(status, &json!({ "job": self.resource(status) }))?,
            Shape::EnvelopeWithJobId => self.envelope(
                status,
                &json!({
                    "job_id": self.id,
                    "video_id": self.video_id,
                    "status": status.as_str(),
                }),
            )?,
            Shape::Flat => self.flat(status),
        };
        Ok(EventBody::new(status.event_type(), body.to_string()))
    }

    fn envelope(&self, status: Status, data: &Value) -> anyhow::Result<Value> {
        Ok(json!({
            "id": format!("evt_{}", random_hex::<12>()?),
            "type": status.event_type(),
            "created_at": self.created,
            "data": data,
        }))
    }

    /// The job in this state as a JSON object, as it stands in an envelope.
    #[must_use]
    pub fn resource(&self, status: Status) -> Value {
        let credits = self.generation.estimate.to_json();
        let job = json!({
            "id": self.id,
            "video_id": self.video_id,
            "status": status.as_str(),
            "model": self.generation.model,
            "duration_seconds": self.generation.duration_seconds,
            "resolution": self.generation.resolution,
            "estimated_credits": credits,
        });
        let progress = match status {
            Status::Queued => json!({}),
            Status::Running => json!({ "progress": 0 }),
            Status::Succeeded => json!({ "credits": credits, "video_url": self.video_url() }),
            Status::Failed => json!({
                "credits": 0,
                "error": {
                    "code": "internal_error",
                    "message": "the upstream gave up; the credits were refunded",
                },
            }),
        };
        merged(job, progress)
    }

    fn flat(&self, status: Status) -> Value {
        let created = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(self.created))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let job = json!({
            "id": self.video_id,
            "job_id": self.id,
            "video_id": self.video_id,
            "status": status.as_str(),
            "video_url": null,
            "created_at": humantime::format_rfc3339_seconds(created).to_string(),
        });
        let progress = match status {
            Status::Queued | Status::Running => json!({}),
            Status::Succeeded => {
                json!({ "cost_credits": self.flat_cost.to_json(), "video_url": self.video_url() })
            }
            Status::Failed => json!({ "cost_credits": 0 }),
        };
        merged(job, progress)
    }

    fn video_url(&self) -> String {
        format!("https://cdn.example.com/videos/{}.mp4", self.video_id)
    }
}

/// One object with the fields of both; the second one's count.
fn merged(mut object: Value, other: Value) -> Value {
    if let (Value::Object(fields), Value::Object(other)) = (&mut object, other) {
        fields.extend(other);
    }
    object
}

#[cfg(test)]
mod tests {
    use nextapi_webhook::{Event, EventKey};

    use super::*;

    const ALL: [Status; 4] = [Status::Queued, Status::Running, Status::Succeeded, Status::Failed];

    fn job() -> Job {
        Job::random(UnixTime::from_secs(1_700_000_000)).unwrap()
    }

    #[test]
    fn every_shape_says_which_job_it_is_about() {
        let job = job();
        for shape in [Shape::Envelope, Shape::EnvelopeWithJobId, Shape::Flat] {
            for status in ALL {
                let body = job.event(shape, status).unwrap();
                let event = Event::read_unverified(&body.bytes).unwrap();
                assert_eq!(event.job_id(), Some(job.id()), "{shape:?} {status:?}");
                assert_eq!(body.event_type, status.event_type());
                match shape {
                    Shape::Flat => assert_eq!(event.status(), Some(status.as_str())),
                    _ => assert_eq!(event.event_type(), Some(status.event_type())),
                }
            }
        }
    }

    #[test]
    fn flat_bodies_share_their_id_but_not_their_key() {
        let job = job();
        let running = job.event(Shape::Flat, Status::Running).unwrap().bytes;
        let succeeded = job.event(Shape::Flat, Status::Succeeded).unwrap().bytes;
        assert_eq!(Event::read_unverified(&running).unwrap().id(), Some(job.video_id()));
        assert_eq!(Event::read_unverified(&succeeded).unwrap().id(), Some(job.video_id()));
        assert_ne!(EventKey::of_unverified(&running), EventKey::of_unverified(&succeeded));
    }

    #[test]
    fn a_flat_body_dates_itself_in_rfc_3339() {
        let body = job().event(Shape::Flat, Status::Running).unwrap().bytes;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["created_at"], "2023-11-14T22:13:20Z");
    }

    #[test]
    fn final_credits_are_told_at_the_end() {
        let job = job();
        let credits = |shape, status| {
            let event = Event::read_unverified(&job.event(shape, status).unwrap().bytes).unwrap();
            event.credits().map(str::to_owned)
        };
        assert_eq!(credits(Shape::Envelope, Status::Succeeded).as_deref(), Some("1.05"));
        assert_eq!(credits(Shape::Envelope, Status::Failed).as_deref(), Some("0"));
        assert_eq!(credits(Shape::Flat, Status::Succeeded).as_deref(), Some("50"));
        assert_eq!(credits(Shape::Flat, Status::Running), None);
    }

    #[test]
    fn bodies_without_an_event_id_are_keyed_by_their_bytes() {
        for body in [
            EventBody::batch_completed(UnixTime::from_secs(1)).unwrap(),
            EventBody::unreadable().unwrap(),
        ] {
            assert!(EventKey::of_unverified(&body.bytes).to_string().starts_with("body-"));
        }
    }
}
