//! Bodies of admins' requests: JSON objects with few fields, each of which is named if it is refused.

use super::query::filter_text;
use super::route::Refusal;
use crate::json::{FromJson as _, Object};
use crate::outcome::Outcome;
use crate::time;

/// The longest text that is repeated in an answer.
const MAX_NAME: usize = 64;

/// The fields of a body, which has none but those of a list such as `id, tenant`. `example` is a body that would do.
pub(super) fn fields<'a>(
    body: &'a [u8],
    known: &str,
    example: &str,
) -> Result<Object<'a>, Refusal> {
    let Some(fields) = core::str::from_utf8(body).ok().and_then(Object::read) else {
        return Err(invalid(format!(
            "the body is not a JSON object: expected {example} or the like"
        )));
    };
    let is_unknown = |name: &&str| !known.split(", ").any(|it| it == *name);
    if let Some(name) = fields.iter().map(|(name, _)| name).find(is_unknown) {
        return Err(invalid(if is_plain(name) {
            format!("`{name}` is not a field: expected some of {known}")
        } else {
            format!("the body has a field other than {known}")
        }));
    }
    Ok(fields)
}

/// Whether a text can be repeated in an answer without harm.
pub(super) fn is_plain(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// A field that is a text.
pub(super) fn text(fields: &Object<'_>, name: &str) -> Result<Option<String>, Refusal> {
    let Some(raw) = fields.raw(name) else { return Ok(None) };
    let text = String::from_json(raw);
    text.map(Some).ok_or_else(|| invalid(format!("`{name}` is not a text")))
}

/// A field that is a text which can be looked for: neither empty nor with control characters.
pub(super) fn id(fields: &Object<'_>, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = text(fields, name)? else { return Ok(None) };
    filter_text(name, &value)
        .map(Some)
        .map_err(|refusal| Refusal { outcome: Outcome::RequestInvalid, ..refusal })
}

/// A field that is a time in UTC; in milliseconds since 1970.
pub(super) fn time(fields: &Object<'_>, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = text(fields, name)? else { return Ok(None) };
    let malformed = || {
        invalid(format!(
            "`{name}` is malformed: expected a time in UTC such as 2026-11-29T10:00:00Z"
        ))
    };
    time::parse(&text).map(Some).ok_or_else(malformed)
}

/// A body is refused, with what to do.
pub(super) fn invalid(text: impl Into<String>) -> Refusal {
    Refusal { outcome: Outcome::RequestInvalid, text: Some(text.into()) }
}
