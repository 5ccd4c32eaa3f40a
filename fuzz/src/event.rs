//! What a body says, by the documentation of `Event` and `EventKey`.

use nextapi_webhook::{Event, EventError};

use crate::json::{self, Json};
use crate::mac::sha256;

/// The facts of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `Event::id`
    pub id: Option<String>,
    /// `Event::event_type`
    pub event_type: Option<String>,
    /// `Event::status`
    pub status: Option<String>,
    /// The key of the body that says this, as it prints, if it says which event it is.
    pub key: Option<String>,
    /// `Event::job_id`
    pub job_id: Option<String>,
    /// `Event::credits`
    pub credits: Option<String>,
}

impl From<&Event> for Facts {
    fn from(event: &Event) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            id: owned(event.id()),
            event_type: owned(event.event_type()),
            status: owned(event.status()),
            key: event.key().map(|key| key.to_string()),
            job_id: owned(event.job_id()),
            credits: owned(event.credits()),
        }
    }
}

impl Facts {
    /// Reads a body.
    ///
    /// # Errors
    /// The one that the verifier gives as well, with one exception: of a body that is nested too
    /// deep and has another fault besides, the verifier tells whichever comes first.
    pub fn read(body: &[u8]) -> Result<Self, EventError> {
        let root = Json::read(body);
        let Some(Json::Object(members)) = &root else { return Err(EventError::NotAnEvent) };
        for name in ["id", "type", "status"] {
            let values: Vec<&Json> =
                members.iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect();
            match values[..] {
                [] | [Json::Null | Json::Text(_)] => {}
                _ => return Err(EventError::NotAnEvent),
            }
        }
        if json::depth(body) > 32 {
            return Err(EventError::TooDeep);
        }
        let data = member(root.as_ref(), "data");
        let job = member(data, "job");
        let root = root.as_ref();
        let job_ids = [
            text(job, "id"),
            text(data, "job_id"),
            text(root, "job_id"),
            text(data, "video_id"),
            text(root, "video_id"),
        ];
        let credits = [root, data, job]
            .into_iter()
            .flat_map(|object| [number(object, "cost_credits"), number(object, "credits")]);
        let id = identifier("id", text(root, "id"), 128)?;
        let event_type = identifier("type", text(root, "type"), 64)?;
        let own_status = identifier("status", text(root, "status"), 32)?;
        Ok(Self {
            key: key([&id, &event_type, &own_status]),
            id,
            event_type,
            // Of what only describes the event, the first that is sound.
            status: own_status
                .or_else(|| identifier("status", text(job, "status"), 32).unwrap_or_default()),
            job_id: job_ids
                .into_iter()
                .find_map(|id| identifier("job_id", id, 128).unwrap_or_default()),
            credits: credits.flatten().find(|number| number.len() <= 32).map(str::to_owned),
        })
    }
}

/// The key of an event with this id, type and status of its own.
fn key([id, event_type, status]: [&Option<String>; 3]) -> Option<String> {
    id.as_ref().filter(|_| event_type.is_some() || status.is_some())?;
    let [id, event_type, status] =
        [id, event_type, status].map(|text| text.as_deref().unwrap_or_default());
    Some(format!("event-{}", sha256(format!("{id}\n{event_type}\n{status}").as_bytes())))
}

/// The last member of that name, if the value is an object and has one.
fn member<'a>(value: Option<&'a Json>, name: &str) -> Option<&'a Json> {
    let Some(Json::Object(members)) = value else { return None };
    members.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// An empty text counts as absent.
fn text<'a>(object: Option<&'a Json>, name: &str) -> Option<&'a str> {
    match member(object, name) {
        Some(Json::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn number<'a>(object: Option<&'a Json>, name: &str) -> Option<&'a str> {
    if let Some(Json::Number(number)) = member(object, name) { Some(number) } else { None }
}

/// A text within its limit, without control characters. Of both faults the first one counts, and of
/// a character that is both, that it is a control character.
fn identifier(
    field: &'static str,
    text: Option<&str>,
    limit: usize,
) -> Result<Option<String>, EventError> {
    let Some(text) = text else { return Ok(None) };
    let (fitting, rest) = text.split_at(text.floor_char_boundary(limit));
    let first_without_room = rest.chars().next();
    if fitting.chars().chain(first_without_room).any(char::is_control) {
        Err(EventError::FieldInvalid { field })
    } else if first_without_room.is_some() {
        Err(EventError::FieldTooLong { field, limit })
    } else {
        Ok(Some(text.to_owned()))
    }
}
