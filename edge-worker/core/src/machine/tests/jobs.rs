//! Jobs: who may register them, and what is asked of which shard.

use serde_json::{Value, json};

use super::admin::figures_of;
use super::*;
use crate::ledger::credits::Credits;
use crate::ledger::figures::Figures;
use crate::ledger::job::{JobFigures, JobSummary, NewJob};
use crate::ledger::shard;

const SUBMITTER: &str = "fedcba9876543210";

fn keeping_jobs() -> Isolate {
    let settings = [("ADMIN_TOKEN", ADMIN), ("SUBMIT_TOKEN", SUBMITTER), THROUGH];
    Isolate::new(Ok(settings_with(&settings)), Bindings::default())
}

fn run(isolate: Isolate, token: &str, method: &str, path: &str) -> Run {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("x-correlation-id", "c-1")];
    Run::request(isolate, method, path, &headers)
}

/// The page that comes of a request if the shards reply so.
fn answer(run: Run, reply: impl Fn(&str, &Call) -> Reply) -> Value {
    serde_json::from_str(&run.answered(reply).1.body).unwrap()
}

#[test]
fn a_job_is_registered_in_its_one_shard_by_who_submits_or_an_admin() {
    for (token, by) in [(SUBMITTER, "submit"), (ADMIN, "admin")] {
        let mut run = run(keeping_jobs(), token, "POST", "/_edge/jobs");
        assert!(matches!(run.output, Output::ReadBody { limit: 4_096, length: None, .. }));
        run.handle(body(br#"{"id":"job_2","tenant":"acme","estimated_credits":1.05}"#), NOW_MS);
        let new = NewJob {
            job_id: "job_2".to_owned(),
            tenant: Some("acme".to_owned()),
            deadline_ms: None,
            estimated: Credits::parse("1.05"),
        };
        assert_eq!(run.calls(), [("shard-12".to_owned(), Call::RegisterJob(new))]);
        run.handle(replied(&Reply::Ok), NOW_MS);
        let (status, line) = run.code();
        assert_eq!(status, "registered");
        let line: Value = serde_json::from_str(&line).unwrap();
        let expected = json!({
            "time": "2023-11-14T22:13:20.000Z",
            "correlation_id": "c-1",
            "by": by,
            "operation": "register_job",
            "job_id": "job_2",
            "tenant": "acme",
            "result": "ok",
        });
        assert_eq!(line, expected);
    }
}

#[test]
fn a_registration_is_a_success_only_if_the_ledger_says_so() {
    for reply in [broken(), replied(&Reply::Absent), Input::Waited] {
        let mut run = run(keeping_jobs(), SUBMITTER, "POST", "/_edge/jobs");
        run.handle(body(br#"{"id":"job_2"}"#), NOW_MS);
        run.handle(reply, NOW_MS);
        let (code, line) = run.code();
        assert_eq!(code, "ledger_unavailable");
        assert!(line.contains(r#""result":"ledger_unavailable""#), "{line}");
    }
}

#[test]
fn a_registration_that_cannot_be_read_calls_no_shard() {
    for (input, code) in [
        (body(br#"{"id":"job_2","job":1}"#), "request_invalid"),
        (body(&[b' '; 4_097]), "body_too_large"),
        (Input::BodyTooLarge, "body_too_large"),
        (Input::BodyTimedOut, "body_timeout"),
        (Input::BodyCut, "body_cut"),
    ] {
        let mut run = run(keeping_jobs(), SUBMITTER, "POST", "/_edge/jobs");
        run.handle(input, NOW_MS);
        assert_eq!(run.code().0, code);
    }
}

#[test]
fn where_jobs_are_not_kept_that_is_said() {
    for (method, path) in [
        ("POST", "/_edge/jobs"),
        ("GET", "/_edge/jobs"),
        ("GET", "/_edge/jobs/job_2"),
        ("GET", "/_edge/costs"),
    ] {
        let run = run(isolate(Bindings::default()), ADMIN, method, path);
        assert_eq!(run.code().0, "jobs_not_kept", "{method} {path}");
        let response = run.response();
        assert_eq!((response.status, response.body.contains("set NEXTAPI_API_KEY")), (409, true));
    }
    let run = run(isolate(Bindings::default()), ADMIN, "GET", "/_edge/audit");
    assert!(matches!(run.output, Output::CallLedger { .. }), "the log is there all the same");
}

#[test]
fn of_a_job_its_shard_is_asked_for_its_row_and_its_events() {
    let timeline = run(keeping_jobs(), ADMIN, "GET", "/_edge/jobs/job_2");
    let first = timeline.calls();
    assert!(first.iter().all(|(shard, _)| shard == "shard-12"), "{first:?}");
    let [Call::FindJob { job_id }, Call::List(filter), Call::Figures { .. }] =
        [0, 1, 2].map(|index: usize| &first[index].1)
    else {
        panic!("{first:?}")
    };
    assert_eq!((job_id.as_str(), filter.job_id.as_deref()), ("job_2", Some("job_2")));
    // Under a former number of shards it was elsewhere, and is found there.
    let former = shard::name_of_job("job_2", 64);
    let page = answer(timeline, |shard, call| match call {
        Call::Figures { .. } => figures_of("shard-3"),
        Call::FindJob { job_id } if shard == former => {
            Reply::Jobs(vec![JobSummary::open(job_id, 1, 2)])
        }
        Call::FindJob { .. } => Reply::Jobs(Vec::new()),
        _ => Reply::Events(Vec::new()),
    });
    assert_eq!(page["id"], "job_2", "{page}");
}

#[test]
fn the_status_has_jobs_and_money_and_does_without() {
    let reply = |has_costs: bool| {
        move |shard: &str, call: &Call| match call {
            Call::Figures { .. } => Reply::Figures(Figures {
                jobs: Some(JobFigures { open: 1, ..JobFigures::default() }),
                ..Figures::default()
            }),
            Call::Totals if has_costs || shard != "shard-3" => Reply::Costs(Vec::new()),
            _ => Reply::Ok,
        }
    };
    let status =
        |has_costs| answer(run(keeping_jobs(), ADMIN, "GET", "/_edge/status"), reply(has_costs));
    let page = status(true);
    assert_eq!((&page["jobs"]["open"], &page["credits"]["settled"]), (&json!(16), &json!("0")));
    // Money with gaps would be taken for all.
    let page = status(false);
    assert_eq!((&page["jobs"]["open"], &page["credits"]), (&json!(16), &Value::Null));
    let without = run(isolate(Bindings::default()), ADMIN, "GET", "/_edge/status");
    assert_eq!(without.calls().len(), 16, "nobody asks for costs");
}

#[test]
fn questions_do_not_say_who_asks() {
    for path in ["/_edge/status", "/_edge/jobs", "/_edge/audit", "/_edge/costs"] {
        let run = run(keeping_jobs(), ADMIN, "GET", path);
        let Output::CallLedger { calls, .. } = &run.output else { panic!("{:?}", run.output) };
        assert_eq!(Call::decode_by(&calls[0].message).unwrap().1, None, "{path}");
    }
}
