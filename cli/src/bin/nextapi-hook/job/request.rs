//! What is to be submitted.

use core::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use nextapi_client::{GenerationRequest, Preflight, ValidRequest};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::sign::read_body;

const MODEL: &str = "seedance-2.0-pro";

#[derive(Args)]
#[command(next_help_heading = "The request")]
pub(super) struct Request {
    /// The prompt. Others on this machine can read it there; in a --file they cannot
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// The model [default: seedance-2.0-pro]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// How long the video is to be, in seconds
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u32>,
    /// Its resolution, 1080p for one
    #[arg(long, value_name = "NAME")]
    resolution: Option<String>,
    /// A field with the URL of content, FIELD=https://…; may be repeated
    #[arg(long, value_name = "FIELD=URL")]
    reference: Vec<String>,
    /// A field that this version does not know, FIELD=JSON; may be repeated
    #[arg(long, value_name = "FIELD=JSON")]
    field: Vec<String>,
    /// Read the whole request, a JSON object, from this file, or - for the standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["prompt", "model", "duration", "resolution", "reference", "field"],
    )]
    file: Option<PathBuf>,
    /// Check first that URLs in it are https, at public addresses, and not too large
    #[arg(long)]
    preflight: bool,
}

impl Request {
    /// The request, checked. Errors name fields and never show what is in them.
    pub(super) async fn load(&self) -> anyhow::Result<ValidRequest> {
        let request = match &self.file {
            Some(file) => from_json(&read_body(file)?).context("the request")?,
            None => self.by_options()?,
        };
        let request = request.validate().map_err(|violations| {
            let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the request is not valid: {}", violations.join("; "))
        })?;
        if self.preflight {
            let findings = Preflight::default().check(&request).await;
            let (warnings, problems): (Vec<_>, Vec<_>) =
                findings.into_iter().partition(|finding| finding.problem.is_warning());
            for warning in warnings {
                eprintln!("warning: {warning}");
            }
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            ensure!(problems.is_empty(), "nothing was sent: {}", problems.join("; "));
        }
        Ok(request)
    }

    fn by_options(&self) -> anyhow::Result<GenerationRequest> {
        let Some(prompt) = &self.prompt else {
            bail!("what is to be submitted? Give --prompt TEXT, or --file FILE with a JSON object");
        };
        let model = self.model.as_deref().unwrap_or(MODEL);
        let mut request = GenerationRequest::new(model, prompt);
        if let Some(seconds) = self.duration {
            request = request.duration_seconds(seconds);
        }
        if let Some(resolution) = &self.resolution {
            request = request.resolution(resolution);
        }
        for reference in &self.reference {
            let (field, url) = reference
                .split_once('=')
                .context("--reference is malformed: expected FIELD=URL")?;
            request = request.reference(field, url);
        }
        for field in &self.field {
            let (field, json) =
                field.split_once('=').context("--field is malformed: expected FIELD=JSON")?;
            request = request.extra(field, json);
        }
        Ok(request)
    }
}

/// Reads a JSON object. What has a meaning here has to have its type; everything else goes on as it is written.
fn from_json(bytes: &[u8]) -> anyhow::Result<GenerationRequest> {
    let Ok(Fields(fields)) = serde_json::from_slice(bytes) else {
        // What serde says could quote it.
        bail!("is malformed: expected one JSON object");
    };
    let (mut model, mut prompt, mut seconds, mut resolution) = (MODEL.to_owned(), None, None, None);
    let mut rest = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (field, json) in &fields {
        ensure!(!seen.contains(&field.as_str()), "has a field twice, {}", shown(field));
        seen.push(field);
        let text = || {
            serde_json::from_str::<String>(json.get())
                .ok()
                .with_context(|| format!("is malformed: {field} must be a text"))
        };
        match field.as_str() {
            "model" => model = text()?,
            "prompt" => prompt = Some(text()?),
            "resolution" => resolution = Some(text()?),
            "duration_seconds" => {
                let number = serde_json::from_str(json.get()).ok();
                let expected = "is malformed: duration_seconds must be a whole number";
                seconds = Some(number.context(expected)?);
            }
            _ => rest.push((field, json.get())),
        }
    }
    let prompt = prompt.context("has no prompt")?;
    let mut request = GenerationRequest::new(model, prompt);
    if let Some(seconds) = seconds {
        request = request.duration_seconds(seconds);
    }
    if let Some(resolution) = resolution {
        request = request.resolution(resolution);
    }
    for (field, json) in rest {
        request = match serde_json::from_str::<String>(json) {
            Ok(url) if url.starts_with("https://") => request.reference(field, url),
            _ => request.extra(field, json),
        };
    }
    Ok(request)
}

/// A field's name, which may be anything here.
fn shown(field: &str) -> String {
    if field.len() <= 64 { format!("{field:?}") } else { "with a long name".to_owned() }
}

/// The fields of a JSON object, also those that are there twice.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> anyhow::Result<String> {
        let request = from_json(json.as_bytes())?.validate();
        let request = request.map_err(|violations| anyhow::anyhow!("{violations:?}"))?;
        Ok(String::from_utf8(request.body().to_vec())?)
    }

    #[test]
    fn what_is_not_known_goes_on_as_it_is_written() {
        let given = r#"{"seed": 1.10, "prompt":"a fox", "image":"https://a.example/?sig=1", "nested":{"a": [1, 2]}}"#;
        let expected = r#"{"model":"seedance-2.0-pro","prompt":"a fox","image":"https://a.example/?sig=1","nested":{"a": [1, 2]},"seed":1.10}"#;
        assert_eq!(body(given).unwrap(), expected);
        let options = Request {
            prompt: Some("a fox".to_owned()),
            model: None,
            duration: None,
            resolution: None,
            reference: vec!["image=https://a.example/?sig=1".to_owned()],
            field: vec![r#"nested={"a": [1, 2]}"#.to_owned(), "seed=1.10".to_owned()],
            file: None,
            preflight: false,
        };
        let request = options.by_options().unwrap().validate().unwrap();
        assert_eq!(request.body().as_ref(), expected.as_bytes(), "by options it is the same");
    }

    #[test]
    fn what_is_malformed_is_named_and_not_shown() {
        for (given, told) in [
            ("", "one JSON object"),
            ("[\"canary\"]", "one JSON object"),
            ("{\"prompt\":\"canary", "one JSON object"),
            ("{\"prompt\":\"canary\"} canary", "one JSON object"),
            ("{\"model\":\"canary\"}", "no prompt"),
            ("{\"prompt\":\"canary\",\"prompt\":\"canary\"}", "twice, \"prompt\""),
            ("{\"prompt\":\"a\",\"x\":1,\"x\":2}", "twice, \"x\""),
            ("{\"prompt\":[\"canary\"]}", "prompt must be a text"),
            ("{\"prompt\":\"canary\",\"duration_seconds\":1.5}", "a whole number"),
        ] {
            let error = format!("{:#}", body(given).unwrap_err());
            assert!(error.contains(told), "{given}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
