//! The log line of an admin's action.

use serde::Serialize;

use crate::outcome::Outcome;
use crate::time::rfc3339;

/// What an admin's action is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// An event, by its key.
    Event(&'a str),
    /// A bulk replay, by its name.
    Replay(&'a str),
    /// A job, by its id, and who it is for.
    Job(&'a str, Option<&'a str>),
}

/// The log line of an admin's action.
#[derive(Debug, Serialize)]
pub(crate) struct AdminRecord<'a> {
    time: String,
    correlation_id: &'a str,
    /// The name of who did it.
    by: &'a str,
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    /// `ok`, or the code of why not.
    result: &'static str,
    /// That code, if it is one.
    #[serde(skip_serializing_if = "Option::is_none", rename = "error.type")]
    error_type: Option<&'static str>,
}

impl<'a> AdminRecord<'a> {
    /// The record of an operation, on something or on all events.
    pub(crate) fn new(
        now_ms: u64,
        correlation_id: &'a str,
        by: &'a str,
        operation: &'static str,
        target: Option<Target<'a>>,
        result: Result<(), Outcome>,
    ) -> Self {
        let error_type = result.err().map(Outcome::code);
        let mut record = Self {
            time: rfc3339(now_ms),
            correlation_id,
            by,
            operation,
            event_key: None,
            replay_id: None,
            job_id: None,
            tenant: None,
            result: error_type.unwrap_or("ok"),
            error_type,
        };
        match target {
            Some(Target::Event(key)) => record.event_key = Some(key),
            Some(Target::Replay(id)) => record.replay_id = Some(id),
            Some(Target::Job(id, tenant)) => (record.job_id, record.tenant) = (Some(id), tenant),
            None => {}
        }
        record
    }

    /// The line.
    pub(crate) fn line(&self) -> String {
        // Texts can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::parsed;
    use super::*;

    #[test]
    fn the_line_of_an_admins_intervention_is_pinned() {
        for (result, word, error) in
            [(Ok(()), "ok", None), (Err(Outcome::NotFound), "not_found", Some("not_found"))]
        {
            let record = AdminRecord::new(
                1_700_000_000_000,
                "c-1",
                "ann",
                "reopen",
                Some(Target::Event("event-00")),
                result,
            );
            let mut expected = json!({
                "time": "2023-11-14T22:13:20.000Z",
                "correlation_id": "c-1",
                "by": "ann",
                "operation": "reopen",
                "event_key": "event-00",
                "result": word,
            });
            if let Some(error) = error {
                expected["error.type"] = error.into();
            }
            assert_eq!(parsed(&record.line()), expected);
        }
    }

    #[test]
    fn the_line_of_a_registration_is_pinned() {
        let target = Some(Target::Job("job_1", Some("acme")));
        let record = AdminRecord::new(0, "c-1", "submit", "register_job", target, Ok(()));
        let expected = json!({
            "time": "1970-01-01T00:00:00.000Z",
            "correlation_id": "c-1",
            "by": "submit",
            "operation": "register_job",
            "job_id": "job_1",
            "tenant": "acme",
            "result": "ok",
        });
        assert_eq!(parsed(&record.line()), expected);
    }
}
