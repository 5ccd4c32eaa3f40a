//! The body of a submission: what a client asks for.

use nextapi_testkit::{Credits, Generation};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::moderation::Moderation;

/// The documentation's example: 6 seconds at 1080p cost 1.05 credits. The prices of other
/// resolutions, and every limit below, are the simulator's own.
const RESOLUTIONS: [(&str, u64); 3] = [("480p", 50), ("720p", 100), ("1080p", 175)];
const DEFAULT_RESOLUTION: &str = "1080p";
const DEFAULT_SECONDS: u64 = 6;
const MAX_SECONDS: u64 = 60;
const MAX_PROMPT_CHARS: usize = 5_000;
const MAX_MODEL_BYTES: usize = 64;
const MODEL_FAMILY: &str = "seedance-2.0";

/// Reads the body of a submission; the prompt is checked and not kept. Fields that it does not know
/// are ignored, as the provider has more of them than the simulator.
pub(crate) fn read(body: &[u8], moderation: &Moderation) -> Result<Generation, ApiError> {
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::invalid(format!("the body is not JSON (line {line}, column {column})"))
    })?;
    let Value::Object(fields) = body else {
        return Err(ApiError::invalid("the body must be a JSON object"));
    };
    let prompt = prompt(&fields)?;
    let model = model(&fields)?;
    let duration_seconds = duration(&fields)?;
    let (resolution, price) = resolution(&fields)?;
    // What is not valid does not get as far as the profile.
    moderation.look_at(prompt)?;
    let estimate = Credits::from_thousandths(price.saturating_mul(duration_seconds));
    Ok(Generation { model, duration_seconds, resolution: resolution.to_owned(), estimate })
}

fn model(fields: &Map<String, Value>) -> Result<String, ApiError> {
    let model = fields.get("model").and_then(Value::as_str);
    let model =
        model.ok_or_else(|| ApiError::invalid("model is required, and must be a string"))?;
    let variant = model.strip_prefix(MODEL_FAMILY).filter(|variant| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (variant.is_empty() || variant.starts_with('-')) && variant.bytes().all(plain)
    });
    if variant.is_none() || model.len() > MAX_MODEL_BYTES {
        return Err(ApiError::invalid(format!(
            "there is no such model; there are {MODEL_FAMILY} and its variants, {MODEL_FAMILY}-pro \
             for one"
        )));
    }
    Ok(model.to_owned())
}

fn prompt(fields: &Map<String, Value>) -> Result<&str, ApiError> {
    let prompt = fields.get("prompt").and_then(Value::as_str);
    let prompt =
        prompt.ok_or_else(|| ApiError::invalid("prompt is required, and must be a string"))?;
    if prompt.trim().is_empty() {
        return Err(ApiError::invalid("prompt must not be empty"));
    }
    if prompt.chars().count() > MAX_PROMPT_CHARS {
        let message = format!("prompt must have at most {MAX_PROMPT_CHARS} characters");
        return Err(ApiError::invalid(message));
    }
    Ok(prompt)
}

fn duration(fields: &Map<String, Value>) -> Result<u64, ApiError> {
    let Some(duration) = fields.get("duration_seconds") else { return Ok(DEFAULT_SECONDS) };
    duration.as_u64().filter(|seconds| (1..=MAX_SECONDS).contains(seconds)).ok_or_else(|| {
        let message = format!("duration_seconds must be a whole number from 1 to {MAX_SECONDS}");
        ApiError::invalid(message)
    })
}

fn resolution(fields: &Map<String, Value>) -> Result<(&'static str, u64), ApiError> {
    let wanted = match fields.get("resolution") {
        None => Some(DEFAULT_RESOLUTION),
        Some(value) => value.as_str(),
    };
    RESOLUTIONS.into_iter().find(|(name, _)| Some(*name) == wanted).ok_or_else(|| {
        let names = RESOLUTIONS.map(|(name, _)| name).join(", ");
        ApiError::invalid(format!("resolution must be one of {names}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_json(body: &Value) -> Result<Generation, ApiError> {
        read(body.to_string().as_bytes(), &Moderation::default())
    }

    #[test]
    fn the_documented_example_costs_what_is_documented() {
        let example = json!({
            "model": "seedance-2.0-pro", "prompt": "a fox", "duration_seconds": 6,
            "resolution": "1080p", "seed": 7,
        });
        let generation = read_json(&example).unwrap();
        assert_eq!(generation.estimate.to_string(), "1.05");
        assert_eq!(generation, Generation::default());
        let short = json!({ "model": "seedance-2.0-pro", "prompt": "a fox" });
        assert_eq!(read_json(&short).unwrap(), Generation::default());
    }

    #[test]
    fn price_follows_length_and_resolution() {
        for (seconds, resolution, price) in [(10, "1080p", "1.75"), (1, "480p", "0.05")] {
            let body = json!({
                "model": "seedance-2.0", "prompt": "a fox", "duration_seconds": seconds,
                "resolution": resolution,
            });
            assert_eq!(read_json(&body).unwrap().estimate.to_string(), price);
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        let long = "canary ".repeat(1_000);
        for (field, value, named) in [
            ("model", json!(null), "model is required"),
            ("model", json!("canary"), "there is no such model"),
            ("model", json!("seedance-2.0canary"), "there is no such model"),
            ("model", json!("seedance-2.0-CANARY"), "there is no such model"),
            ("prompt", json!(7), "prompt is required"),
            ("prompt", json!(" \n"), "must not be empty"),
            ("prompt", json!(long), "at most 5000"),
            ("duration_seconds", json!(0), "from 1 to 60"),
            ("duration_seconds", json!(61), "from 1 to 60"),
            ("duration_seconds", json!(6.5), "from 1 to 60"),
            ("duration_seconds", json!(null), "from 1 to 60"),
            ("resolution", json!("canary"), "480p, 720p, 1080p"),
            ("resolution", json!(null), "480p, 720p, 1080p"),
        ] {
            let mut body = json!({ "model": "seedance-2.0-pro", "prompt": "a fox" });
            body[field] = value;
            let error = read_json(&body).unwrap_err();
            assert!(error.message.contains(named), "{field}: {error}");
            assert!(!error.message.contains("canary"), "{error}");
            assert_eq!(error.status, 400);
        }
        for body in ["", "[]", "canary", "{\"model\":}"] {
            let error = read(body.as_bytes(), &Moderation::default()).unwrap_err();
            assert!(error.message.starts_with("the body") && !error.message.contains("canary"));
        }
    }
}
