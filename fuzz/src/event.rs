//! What a body says, by the documentation of `Event` and `EventKey`.

use std::borrow::Cow;

use nextapi_webhook::{Event, EventKey};

use crate::json::{self, Json, Members};
use crate::mac::{Hex, sha256};
use crate::refusal::Unreadable;

/// The facts of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// `Event::id`
    pub id: Option<Cow<'a, str>>,
    /// `Event::event_type`
    pub event_type: Option<Cow<'a, str>>,
    /// `Event::status`
    pub status: Option<Cow<'a, str>>,
    /// The hash in the key of the body that says this, if it says which event it is.
    pub key: Option<Hex>,
    /// `Event::job_id`
    pub job_id: Option<Cow<'a, str>>,
    /// `Event::credits`
    pub credits: Option<&'a str>,
}

impl<'a> From<&'a Event> for Facts<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            id: event.id().map(Cow::Borrowed),
            event_type: event.event_type().map(Cow::Borrowed),
            status: event.status().map(Cow::Borrowed),
            key: event.key().map(|key| digest(&key, "event-")),
            job_id: event.job_id().map(Cow::Borrowed),
            credits: event.credits(),
        }
    }
}

/// The hash in a key.
///
/// # Panics
/// If the key does not print as this prefix and the hash.
#[must_use]
pub fn digest(key: &EventKey, prefix: &str) -> Hex {
    let mut buffer = [0; EventKey::MAX_TEXT_BYTES];
    let digits = key.encode(&mut buffer).strip_prefix(prefix).expect("it has that prefix");
    Hex::read(digits).expect("it ends with 64 digits")
}

impl<'a> Facts<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// The one that the verifier gives as well, with one exception: of a body that is nested too
    /// deep and has another fault besides, the verifier tells whichever comes first.
    pub fn read(body: &'a [u8]) -> Result<Self, Unreadable> {
        let root = Json::read(body).filter(|json| matches!(json, Json::Object(_)));
        let root = Members::of(Some(&root.ok_or(Unreadable::NotAnEvent)?));
        for name in ["id", "type", "status"] {
            let is_sound = matches!(root.last(name), None | Some(Json::Null | Json::Text(_)));
            if root.count(name) > 1 || !is_sound {
                return Err(Unreadable::NotAnEvent);
            }
        }
        if json::depth(body) > 32 {
            return Err(Unreadable::TooDeep);
        }
        let data = Members::of(root.last("data").as_ref());
        let job = Members::of(data.last("job").as_ref());
        let job_ids = [
            text(&job, "id"),
            text(&data, "job_id"),
            text(&root, "job_id"),
            text(&data, "video_id"),
            text(&root, "video_id"),
        ];
        let credits = [&root, &data, &job]
            .into_iter()
            .flat_map(|object| [amount(object, "cost_credits"), amount(object, "credits")]);
        let id = identifier("id", text(&root, "id"), 128)?;
        let event_type = identifier("type", text(&root, "type"), 64)?;
        let own_status = identifier("status", text(&root, "status"), 32)?;
        Ok(Self {
            key: key([&id, &event_type, &own_status]),
            id,
            event_type,
            // Of what only describes the event, the first that is sound.
            status: own_status
                .or_else(|| identifier("status", text(&job, "status"), 32).unwrap_or_default()),
            job_id: job_ids
                .into_iter()
                .find_map(|id| identifier("job_id", id, 128).unwrap_or_default()),
            // The first amount counts, whether or not there is room for it.
            credits: credits.flatten().next().filter(|amount| amount.len() <= 32),
        })
    }
}

/// The hash in the key of an event with this id, type and status of its own.
fn key([id, event_type, status]: [&Option<Cow<'_, str>>; 3]) -> Option<Hex> {
    id.as_ref().filter(|_| event_type.is_some() || status.is_some())?;
    let [id, event_type, status] =
        [id, event_type, status].map(|text| text.as_deref().unwrap_or_default().as_bytes());
    Some(sha256(&[id, b"\n", event_type, b"\n", status]))
}

/// An empty text counts as absent.
fn text<'a>(object: &Members<'a>, name: &str) -> Option<Cow<'a, str>> {
    match object.last(name) {
        Some(Json::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// A number, or a text that is written like one.
fn amount<'a>(object: &Members<'a>, name: &str) -> Option<&'a str> {
    match object.last(name)? {
        Json::Number(number) => Some(number),
        Json::Text(Cow::Borrowed(text)) if json::is_number(text) => Some(text),
        _ => None,
    }
}

/// A text within its limit, without control characters. Of both faults the first one counts, and of
/// a character that is both, that it is a control character.
fn identifier<'a>(
    field: &'static str,
    text: Option<Cow<'a, str>>,
    limit: usize,
) -> Result<Option<Cow<'a, str>>, Unreadable> {
    let Some(text) = text else { return Ok(None) };
    let (fitting, rest) = text.split_at(text.floor_char_boundary(limit));
    let first_without_room = rest.chars().next();
    if fitting.chars().chain(first_without_room).any(char::is_control) {
        Err(Unreadable::FieldInvalid { field })
    } else if first_without_room.is_some() {
        Err(Unreadable::FieldTooLong { field, limit })
    } else {
        Ok(Some(text))
    }
}
