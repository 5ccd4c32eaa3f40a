//! What is submitted.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::{Fingerprint, Problem, Violation, json};

/// A job to submit, not checked yet.
///
/// The four documented fields have methods. Others are passed on with [`extra`](Self::extra), and content that is
/// large, with [`reference`](Self::reference), by its URL.
#[derive(Clone)]
pub struct GenerationRequest {
    model: String,
    prompt: String,
    duration_seconds: Option<u32>,
    resolution: Option<String>,
    references: Vec<Reference>,
    extra: Vec<(String, String)>,
}

/// A field that holds the URL of content.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference {
    /// The field's name.
    pub field: String,
    /// The URL. Its query may be a signature.
    pub url: String,
}

/// A request whose bytes are final: the same ones are sent at every attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct ValidRequest {
    body: Arc<[u8]>,
    references: Vec<Reference>,
}

/// The largest body, in bytes: our own choice, far above any prompt.
const MAX_BODY_BYTES: usize = 256 * 1024;
const MAX_NAME_BYTES: usize = 64;

impl GenerationRequest {
    /// A job for a model (`seedance-2.0-pro`), with a prompt.
    #[must_use]
    pub fn new(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            prompt: prompt.into(),
            duration_seconds: None,
            resolution: None,
            references: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// `duration_seconds`: how long the video is to be, in seconds.
    #[must_use]
    pub const fn duration_seconds(mut self, seconds: u32) -> Self {
        self.duration_seconds = Some(seconds);
        self
    }

    /// `resolution`: `1080p`, for one.
    #[must_use]
    pub fn resolution(mut self, resolution: impl Into<String>) -> Self {
        self.resolution = Some(resolution.into());
        self
    }

    /// A field that holds the URL of content, an image for one. It must be `https`.
    #[must_use]
    pub fn reference(mut self, field: impl Into<String>, url: impl Into<String>) -> Self {
        self.references.push(Reference { field: field.into(), url: url.into() });
        self
    }

    /// A field that this version does not know, with its value in JSON: `extra("seed", "7")`.
    #[must_use]
    pub fn extra(mut self, field: impl Into<String>, json: impl Into<String>) -> Self {
        self.extra.push((field.into(), json.into()));
        self
    }

    /// Checks every field and freezes the bytes. Fields stand in one order, whatever the order they were given in.
    /// Whether the provider knows the model or the resolution, it says itself.
    ///
    /// # Errors
    /// Everything that is wrong, by the name of the field.
    pub fn validate(mut self) -> Result<ValidRequest, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut check = |field: &str, problem: Option<Problem>| {
            violations.extend(problem.map(|problem| Violation::new(field, problem)));
        };
        check("model", name_problem(&self.model));
        fields.push(("model".into(), quoted(&self.model)));
        check("prompt", self.prompt.trim().is_empty().then_some(Problem::Empty));
        fields.push(("prompt".into(), quoted(&self.prompt)));
        if let Some(seconds) = self.duration_seconds {
            check("duration_seconds", (seconds == 0).then_some(Problem::Zero));
            fields.push(("duration_seconds".into(), alloc::format!("{seconds}")));
        }
        if let Some(resolution) = &self.resolution {
            check("resolution", name_problem(resolution));
            fields.push(("resolution".into(), quoted(resolution)));
        }
        for reference in &self.references {
            check(&reference.field, (!is_https(&reference.url)).then_some(Problem::NotHttps));
            self.extra.push((reference.field.clone(), quoted(&reference.url)));
        }
        for (field, json) in &self.extra {
            check(field, name_problem(field));
            check(field, json::value(json).is_none().then_some(Problem::NotJson));
            let own =
                ["model", "prompt", "duration_seconds", "resolution"].contains(&field.as_str());
            let twice = own || self.extra.iter().filter(|(it, _)| it == field).count() > 1;
            check(field, twice.then_some(Problem::Twice));
        }
        self.extra.sort();
        fields.append(&mut self.extra);
        let body = object(&fields);
        check("body", (body.len() > MAX_BODY_BYTES).then_some(Problem::TooLong(MAX_BODY_BYTES)));
        if violations.is_empty() {
            Ok(ValidRequest { body: body.into_bytes().into(), references: self.references })
        } else {
            violations.dedup();
            Err(violations)
        }
    }
}

impl ValidRequest {
    /// A request from bytes that were frozen before, by a journal for one. They are sent as they are; a request
    /// made this way knows of no references.
    #[must_use]
    pub fn from_frozen(body: impl Into<Arc<[u8]>>) -> Self {
        Self { body: body.into(), references: Vec::new() }
    }

    /// The bytes that are sent.
    #[must_use]
    pub fn body(&self) -> &Arc<[u8]> {
        &self.body
    }

    /// The fields that hold URLs.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The SHA-256 of the bytes, by which a journal knows them again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of("nextapi-client body", &self.body)
    }
}

fn name_problem(name: &str) -> Option<Problem> {
    if name.is_empty() {
        Some(Problem::Empty)
    } else if name.len() > MAX_NAME_BYTES {
        Some(Problem::TooLong(MAX_NAME_BYTES))
    } else if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        None
    } else {
        Some(Problem::NotVisibleAscii)
    }
}

fn is_https(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_at_checked(8) else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("https://")
        && !host.is_empty()
        && !host.contains('@')
        && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn object(fields: &[(String, String)]) -> String {
    let mut body = String::from("{");
    for (number, (field, json)) in fields.iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        body.push_str(&quoted(field));
        body.push(':');
        body.push_str(json);
    }
    body.push('}');
    body
}

/// A JSON string. What has to be escaped, is; the rest stands as it is, in UTF-8.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // A control character: two hexadecimal digits.
            ..' ' => {
                quoted.push_str("\\u00");
                let code = u32::from(character);
                quoted.extend(
                    [code >> 4, code & 15]
                        .into_iter()
                        .filter_map(|digit| char::from_digit(digit, 16)),
                );
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The prompt, URLs and extra values are not shown.
impl fmt::Debug for GenerationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerationRequest")
            .field("model", &self.model)
            .field("prompt_bytes", &self.prompt.len())
            .field("duration_seconds", &self.duration_seconds)
            .field("resolution", &self.resolution)
            .field("references", &self.references)
            .field("extra", &self.extra.iter().map(|(field, _)| field).collect::<Vec<_>>())
            .finish()
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split(['?', '#']).next();
        f.debug_struct("Reference").field("field", &self.field).field("url", &url).finish()
    }
}

impl fmt::Debug for ValidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidRequest")
            .field("body_bytes", &self.body.len())
            .field("references", &self.references)
            .finish()
    }
}
