//! Jobs that are forgotten although nobody knows how they have ended.

use serde::Serialize;

use crate::time::rfc3339;

/// The name under which they are counted.
pub(crate) const EXPIRED_JOB: &str = "expired_job";

/// An open job that was deleted `DEAD_RETENTION_DAYS` after its deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExpiredJob {
    /// Its deadline, in milliseconds since 1970.
    pub(crate) deadline_ms: u64,
    /// Its id.
    pub(crate) job_id: String,
    /// Who it was for.
    pub(crate) tenant: Option<String>,
    /// The status that the API has shown last.
    pub(crate) shown: Option<String>,
}

/// The log line of one, which is the last that is known of it.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    expired: &'static str,
    job_id: &'a str,
    tenant: &'a Option<String>,
    shown: &'a Option<String>,
    deadline: String,
}

impl ExpiredJob {
    /// The line.
    pub(crate) fn line(&self, now_ms: u64) -> String {
        let line = Line {
            time: rfc3339(now_ms),
            expired: "job",
            job_id: &self.job_id,
            tenant: &self.tenant,
            shown: &self.shown,
            deadline: rfc3339(self.deadline_ms),
        };
        // Texts can always be written as JSON.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_line_is_pinned() {
        let expired = ExpiredJob {
            deadline_ms: 1_700_000_000_000,
            job_id: "job \"1\"\n".to_owned(),
            tenant: Some("acme".to_owned()),
            shown: None,
        };
        let line = expired.line(1_700_000_001_000);
        assert!(!line.contains('\n'), "one line");
        let expected = json!({
            "time": "2023-11-14T22:13:21.000Z",
            "expired": "job",
            "job_id": "job \"1\"\n",
            "tenant": "acme",
            "shown": null,
            "deadline": "2023-11-14T22:13:20.000Z",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }
}
