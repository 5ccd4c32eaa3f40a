//! What a verified body says: which event it is, and of which job.

use heapless::String;

use crate::json::{Reader, Text, Token, Value};
use crate::{EventError, EventKey};

/// Bytes that an event's `id` and a job's id may have. The provider's have about 30.
const ID_BYTES: usize = 128;
/// Bytes that an event's `type` may have. The longest documented one, `job.succeeded`, has 13.
const TYPE_BYTES: usize = 64;
/// Bytes that a job's `status` may have. The longest documented one, `succeeded`, has 9.
const STATUS_BYTES: usize = 32;
/// Bytes that an amount of credits may have. The documented ones have up to 4.
const CREDITS_BYTES: usize = 32;

/// The facts of an event, read from its body.
///
/// Two shapes of body are known, and both are read:
///
/// - the envelope, `{"id":"evt_…","type":"job.succeeded","data":{"job":{"id":"job_…",…}}}`, where
///   `data` may also hold `job_id` or `video_id` itself;
/// - the flat one, `{"id":"<video id>","job_id":"job_…","status":"succeeded",…}`, where `id` is the
///   same for all events of a job.
///
/// An empty text counts as absent, everywhere: where `job.id` is `""`, the job's id is taken from the
/// next place that has one.
///
/// [`Verified::event`](crate::Verified::event) reads it from a body that has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Event {
    id: Option<String<ID_BYTES>>,
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    event_type: Option<String<TYPE_BYTES>>,
    status: Option<String<STATUS_BYTES>>,
    /// Whether the status is the body's own. Only then is it part of the key.
    #[cfg_attr(feature = "serde", serde(skip))]
    has_own_status: bool,
    job_id: Option<String<ID_BYTES>>,
    credits: Option<String<CREDITS_BYTES>>,
}

impl Event {
    /// Bytes that [`id`](Self::id) and [`job_id`](Self::job_id) have at most.
    pub const MAX_ID_BYTES: usize = ID_BYTES;
    /// Bytes that [`event_type`](Self::event_type) has at most.
    pub const MAX_TYPE_BYTES: usize = TYPE_BYTES;
    /// Bytes that [`status`](Self::status) has at most.
    pub const MAX_STATUS_BYTES: usize = STATUS_BYTES;
    /// Bytes that [`credits`](Self::credits) has at most.
    pub const MAX_CREDITS_BYTES: usize = CREDITS_BYTES;

    /// Reads any body.
    ///
    /// Nothing has verified the body here, and anybody may have written it. From what has been
    /// verified, [`Verified::event`](crate::Verified::event) reads.
    ///
    /// What identifies the event (`id`, `type` and `status` of the body itself) must be sound. What
    /// only describes it (the job's id and status, the credits) is left out where it is of the wrong
    /// kind or has no room, so that an odd detail never costs the identity.
    ///
    /// # Errors
    /// See [`EventError`]. A body that cannot be read is as authentic as before.
    pub fn read_unverified(body: &[u8]) -> Result<Self, EventError> {
        let Sections { body, data, job } = Sections::read(body)?;
        let described =
            job.status.and_then(Value::text).and_then(|text| text.resolve("status").ok());
        let job_ids = [job.id, data.job_id, body.job_id, data.video_id, body.video_id];
        let credits = [
            body.cost_credits,
            body.credits,
            data.cost_credits,
            data.credits,
            job.cost_credits,
            job.credits,
        ];
        let id = resolve("id", body.id.and_then(Value::text))?;
        let event_type = resolve("type", body.event_type.and_then(Value::text))?;
        let status = resolve("status", body.status.and_then(Value::text))?;
        Ok(Self {
            id,
            event_type,
            has_own_status: status.is_some(),
            status: status.or(described),
            job_id: job_ids.into_iter().find_map(|value| value?.text()?.resolve("job_id").ok()),
            // The first amount counts. If there is no room for it, another would be a wrong one.
            credits: credits
                .into_iter()
                .find_map(|value| value?.amount())
                .and_then(|amount| String::try_from(amount).ok()),
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

    /// What the job cost, in credits, exactly as the amount stands in the body, such as `1.05`:
    /// `cost_credits`, else `credits`, of the body, its data or its job, whether a number or a text that
    /// is written like one. The first of them counts; one of more than
    /// [`MAX_CREDITS_BYTES`](Self::MAX_CREDITS_BYTES) is left out and not replaced by another. It is text
    /// because a binary fraction is nothing to do accounts with.
    #[must_use]
    pub fn credits(&self) -> Option<&str> {
        self.credits.as_deref()
    }

    /// The key under which duplicates of this event are recognised, or `None` if the body does not
    /// say which event it is: see [`EventKey`].
    #[must_use]
    pub fn key(&self) -> Option<EventKey> {
        // An id alone does not tell the events of a video from one another.
        if self.event_type.is_none() && !self.has_own_status {
            return None;
        }
        let own_status = self.status().filter(|_| self.has_own_status);
        Some(EventKey::of_event(self.id()?, self.event_type(), own_status))
    }
}

fn resolve<const LIMIT: usize>(
    field: &'static str,
    text: Option<Text<'_>>,
) -> Result<Option<String<LIMIT>>, EventError> {
    text.map(|text| text.resolve(field)).transpose()
}

/// The three objects of a body whose members are of interest.
#[derive(Default)]
struct Sections<'a> {
    body: Section<'a>,
    /// The member `data` of the body.
    data: Section<'a>,
    /// The member `job` of the data.
    job: Section<'a>,
}

/// The members of interest of one object, as far as it has them.
#[derive(Default)]
struct Section<'a> {
    id: Option<Value<'a>>,
    event_type: Option<Value<'a>>,
    status: Option<Value<'a>>,
    job_id: Option<Value<'a>>,
    video_id: Option<Value<'a>>,
    cost_credits: Option<Value<'a>>,
    credits: Option<Value<'a>>,
}

impl<'a> Sections<'a> {
    fn read(document: &'a [u8]) -> Result<Self, EventError> {
        let mut sections = Self::default();
        let mut reader = Reader::new(document);
        let Some(Token::Object) = reader.next()? else { return Err(EventError::NotAnEvent) };
        let mut name = None;
        // Whether the object at depth 2 is the data, and the one at depth 3 the data's job.
        let (mut inside_data, mut inside_job) = (false, false);
        while let Some(token) = reader.next()? {
            let (value, depth) = match token {
                Token::Name(text) => {
                    name = Some(text);
                    continue;
                }
                Token::End => continue,
                // It says no more than a missing one.
                Token::Value(Value::Text(text)) if text.is_empty() => (Value::Null, reader.depth()),
                Token::Value(value) => (value, reader.depth()),
                Token::Object | Token::Array => (Value::Other, reader.depth().saturating_sub(1)),
            };
            // Values in an array have no name, and are of no interest.
            let name = name.take();
            let is_object = matches!(token, Token::Object);
            match depth {
                1 => {
                    let is_data = name.is_some_and(|name| name.is("data"));
                    if is_data {
                        // As everywhere, the last of two members of one name counts.
                        sections.data = Section::default();
                        sections.job = Section::default();
                    }
                    (inside_data, inside_job) = (is_data && is_object, false);
                    sections.body.identify(name, value)?;
                }
                2 if inside_data => {
                    let is_job = name.is_some_and(|name| name.is("job"));
                    if is_job {
                        sections.job = Section::default();
                    }
                    inside_job = is_job && is_object;
                    sections.data.set(name, value);
                }
                3 if inside_job => {
                    sections.job.set(name, value);
                }
                _ => {}
            }
        }
        Ok(sections)
    }
}

impl<'a> Section<'a> {
    /// Notes a member of the body itself. Those that identify the event must be texts, or null, and
    /// must not occur twice: who wrote the body and who reads it might disagree about which counts.
    fn identify(&mut self, name: Option<Text<'a>>, value: Value<'a>) -> Result<(), EventError> {
        let identifies =
            name.is_some_and(|name| ["id", "type", "status"].iter().any(|wanted| name.is(wanted)));
        let is_repeated = self.set(name, value);
        if identifies && (is_repeated || !matches!(value, Value::Text(_) | Value::Null)) {
            return Err(EventError::NotAnEvent);
        }
        Ok(())
    }

    /// Notes a member. Returns whether it was noted before.
    fn set(&mut self, name: Option<Text<'a>>, value: Value<'a>) -> bool {
        let members = [
            ("id", &mut self.id),
            ("type", &mut self.event_type),
            ("status", &mut self.status),
            ("job_id", &mut self.job_id),
            ("video_id", &mut self.video_id),
            ("cost_credits", &mut self.cost_credits),
            ("credits", &mut self.credits),
        ];
        for (wanted, member) in members {
            if name.is_some_and(|name| name.is(wanted)) {
                return member.replace(value).is_some();
            }
        }
        false
    }
}

impl<'a> Value<'a> {
    fn text(self) -> Option<Text<'a>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// An amount, written as a number or as a text that would be one.
    fn amount(self) -> Option<&'a str> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.number(),
            Self::Null | Self::Other => None,
        }
    }
}
