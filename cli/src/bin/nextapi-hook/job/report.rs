//! A job, printed.

use core::time::Duration;
use std::time::UNIX_EPOCH;

use nextapi_client::Job;
use serde_json::{Value, json};

/// Every field, also those that are not known, with amounts as decimal text, which is exact everywhere. What the
/// provider says about an error is left out: it may repeat the prompt.
pub(super) fn as_json(job: &Job) -> Value {
    json!({
        "id": job.id,
        "video_id": job.video_id,
        "status": job.status.as_str(),
        "progress": job.progress,
        "video_url": job.video_url,
        "credits": job.credits.map(|credits| credits.to_string()),
        "estimated_credits": job.estimated_credits.map(|credits| credits.to_string()),
        "created_at": job.created_at,
        "error_code": job.error_code,
    })
}

/// The same for people: one line for each field that is known.
pub(super) fn in_words(job: &Job) -> String {
    let mut lines = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name:<9} {}", printable(&value))));
    };
    add("job", Some(job.id.to_string()));
    add("status", Some(status(job)));
    let over = job.status.ending().is_some();
    add("progress", job.progress.filter(|_| !over).map(|progress| format!("{progress} %")));
    match job.credits {
        Some(credits) => add("credits", Some(credits.to_string())),
        None => add("credits", job.estimated_credits.map(|it| format!("{it} reserved"))),
    }
    add("created", job.created_at.map(date));
    add("error", job.error_code.as_deref().map(str::to_owned));
    add("video", job.video_url.as_deref().map(str::to_owned));
    lines.join("\n")
}

/// The status; one that has no name is told as such.
pub(super) fn status(job: &Job) -> String {
    match job.status.as_str() {
        "" => "unknown".to_owned(),
        name => printable(name),
    }
}

/// Unix seconds as a date. What lies beyond year 9999 is shown as it is.
pub(super) fn date(seconds: u64) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    match time {
        Some(time) if seconds < 253_402_300_800 => {
            humantime::format_rfc3339_seconds(time).to_string()
        }
        _ => seconds.to_string(),
    }
}

/// What others have written, without what a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
}
