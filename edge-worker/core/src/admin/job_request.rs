//! A job that is registered with `POST /_edge/jobs`.

use nextapi_webhook::Event;

use super::body::{self, invalid, text, time};
use super::route::Refusal;
use crate::json::Object;
use crate::ledger::credits::Credits;
use crate::ledger::job::NewJob;
use crate::settings::{MAX_TENANT_BYTES, is_tenant};

/// The longest body of such a request, in bytes.
pub(super) const MAX_BYTES: usize = 4 * 1024;

const FIELDS: &str = "id, tenant, deadline, estimated_credits";

/// Reads a request's body. A deadline may have passed: who repeats a registration need not look at the clock.
pub(super) fn read(body: &[u8]) -> Result<NewJob, Refusal> {
    let example = "{\"id\":\"job_…\",\"estimated_credits\":1.05}";
    let fields = body::fields(body, FIELDS, example)?;
    let job_id = body::id(&fields, "id")?
        .ok_or_else(|| invalid("`id` is missing: expected the id that the submission was given"))?;
    // No event names a longer one.
    if job_id.len() > Event::MAX_ID_BYTES {
        return Err(invalid(format!("`id` has more than {} bytes", Event::MAX_ID_BYTES)));
    }
    let tenant = text(&fields, "tenant")?;
    if tenant.as_deref().is_some_and(|tenant| !is_tenant(tenant)) {
        let text = format!(
            "`tenant` is empty, has a control character, or has more than {MAX_TENANT_BYTES} bytes"
        );
        return Err(invalid(text));
    }
    let deadline_ms = time(&fields, "deadline")?;
    Ok(NewJob { job_id, tenant, deadline_ms, estimated: estimated(&fields)? })
}

/// An amount: a number, or its text. It is never a binary fraction on its way.
fn estimated(fields: &Object<'_>) -> Result<Option<Credits>, Refusal> {
    const NAME: &str = "estimated_credits";
    let Some(raw) = fields.raw(NAME) else { return Ok(None) };
    Credits::of_json(raw).map(Some).ok_or_else(|| {
        let text = "is not a number from 0 to 1000000 with up to 6 decimals, such as 1.05";
        invalid(format!("`{NAME}` {text}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    #[test]
    fn an_id_is_enough() {
        let expected =
            NewJob { job_id: "job 1".to_owned(), tenant: None, deadline_ms: None, estimated: None };
        assert_eq!(read(br#"{"id":"job 1"}"#), Ok(expected));
    }

    #[test]
    fn everything_can_be_said() {
        for credits in ["1.05", "\"1.05\""] {
            let body = format!(
                r#"{{"id":"job_1","tenant":"acme","deadline":"2023-11-14T22:13:20Z","estimated_credits":{credits}}}"#
            );
            let expected = NewJob {
                job_id: "job_1".to_owned(),
                tenant: Some("acme".to_owned()),
                deadline_ms: Some(1_700_000_000_000),
                estimated: Some(Credits::of_millionths(1_050_000)),
            };
            assert_eq!(read(body.as_bytes()), Ok(expected), "{credits}");
        }
    }

    /// 0.1 and 0.2 as binary fractions are 0.30000000000000004 together.
    #[test]
    fn credits_are_exact() {
        let estimated = |raw: &str| {
            let body = format!(r#"{{"id":"job_1","estimated_credits":{raw}}}"#);
            read(body.as_bytes()).unwrap().estimated.unwrap()
        };
        assert_eq!(estimated("0.1").plus(estimated("0.2")).to_string(), "0.3");
        assert_eq!(estimated("999999.999999").to_string(), "999999.999999");
        assert_eq!(estimated("0").to_string(), "0");
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(129));
        let tenant = format!(r#"{{"id":"a","tenant":"{}"}}"#, "x".repeat(129));
        for (body, about) in [
            ("", "not a JSON object: expected {\"id\":"),
            ("[]", "not a JSON object"),
            ("{}", "`id` is missing"),
            (r#"{"id":""}"#, "`id` is empty or has a control character"),
            (r#"{"id":"a\n"}"#, "`id` is empty or has a control character"),
            (r#"{"id":7}"#, "`id` is not a text"),
            (&long, "`id` has more than 128 bytes"),
            (
                r#"{"id":"a","job":1}"#,
                "`job` is not a field: expected some of id, tenant, deadline, estimated_credits",
            ),
            (r#"{"id":"a","<b>":1}"#, "a field other than id, tenant"),
            (r#"{"id":"a","tenant":""}"#, "`tenant` is empty"),
            (r#"{"id":"a","tenant":7}"#, "`tenant` is not a text"),
            (&tenant, "`tenant`"),
            (r#"{"id":"a","deadline":"soon"}"#, "`deadline` is malformed: expected a time in UTC"),
            (r#"{"id":"a","deadline":1700000000}"#, "`deadline` is not a text"),
            (r#"{"id":"a","deadline":"2023-11-14T22:13:20+01:00"}"#, "`deadline` is malformed"),
            (r#"{"id":"a","estimated_credits":-1}"#, "`estimated_credits` is not a number from 0"),
            (r#"{"id":"a","estimated_credits":1e3}"#, "`estimated_credits`"),
            (r#"{"id":"a","estimated_credits":0.0000001}"#, "`estimated_credits`"),
            (r#"{"id":"a","estimated_credits":1000001}"#, "`estimated_credits`"),
            (r#"{"id":"a","estimated_credits":null}"#, "`estimated_credits`"),
            (r#"{"id":"a","estimated_credits":"much"}"#, "`estimated_credits`"),
        ] {
            let refusal = read(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.outcome, Outcome::RequestInvalid, "{body}");
            assert!(refusal.text.as_deref().is_some_and(|it| it.contains(about)), "{refusal:?}");
        }
    }
}
