//! Every path and method, and queries that are malformed.

use super::*;
use crate::ledger::listing::{Cursor, Filter};

const KEY: &str = "event-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn outcome(method: &str, path: &str, query: &str) -> Outcome {
    AdminRoute::of(method, path, query).unwrap_err().outcome
}

#[test]
fn paths() {
    let of = |method, path: &str| AdminRoute::of(method, path, "").unwrap();
    let key = || KEY.to_owned();
    for method in ["GET", "HEAD"] {
        assert_eq!(of(method, "/_edge/whoami"), AdminRoute::Whoami);
        assert_eq!(of(method, "/_edge/status"), AdminRoute::Status);
        assert_eq!(of(method, "/_edge/metrics"), AdminRoute::Metrics);
        assert_eq!(of(method, &format!("/_edge/events/{KEY}")), AdminRoute::Event(key()));
    }
    assert_eq!(of("POST", &format!("/_edge/events/{KEY}/reopen")), AdminRoute::Reopen(key()));
    assert_eq!(of("POST", &format!("/_edge/events/{KEY}/replay")), AdminRoute::Replay(key()));
    assert_eq!(of("POST", "/_edge/pause"), AdminRoute::Pause { is_paused: true });
    assert_eq!(of("POST", "/_edge/resume"), AdminRoute::Pause { is_paused: false });
    assert_eq!(of("GET", "/_edge/replays"), AdminRoute::Replays);
    assert_eq!(of("POST", "/_edge/replays"), AdminRoute::NewReplay);
    assert_eq!(of("GET", "/_edge/replays/r-1"), AdminRoute::BulkReplay("r-1".to_owned()));
    for (act, steering) in
        [("pause", Steering::Pause), ("resume", Steering::Resume), ("cancel", Steering::Cancel)]
    {
        let id = "r-1".to_owned();
        let expected = AdminRoute::SteerReplay { id, steering };
        assert_eq!(of("POST", &format!("/_edge/replays/r-1/{act}")), expected);
    }
    assert_eq!(of("POST", "/_edge/jobs"), AdminRoute::RegisterJob);
    assert_eq!(of("GET", "/_edge/jobs/job%201"), AdminRoute::Job("job 1".to_owned()));
    assert_eq!(of("HEAD", "/_edge/costs"), AdminRoute::Costs);
    assert_eq!(of("GET", "/_edge/history"), AdminRoute::Watch(WatchPage::History));
    assert_eq!(of("HEAD", "/_edge/alerts"), AdminRoute::Watch(WatchPage::Alerts));
    let body_key = KEY.replace("event-", "body-");
    let path = format!("/_edge/events/{body_key}");
    assert_eq!(of("GET", &path), AdminRoute::Event(body_key));
}

#[test]
fn methods() {
    let reopen = format!("/_edge/events/{KEY}/reopen");
    let get = Outcome::MethodNotAllowed { allow: "POST" };
    let replay = format!("/_edge/events/{KEY}/replay");
    for method in ["GET", "HEAD", "DELETE"] {
        for path in [&reopen, &replay, "/_edge/pause", "/_edge/resume", "/_edge/replays/r-1/cancel"]
        {
            assert_eq!(outcome(method, path, ""), get);
        }
    }
    let all = Outcome::MethodNotAllowed { allow: "GET, HEAD, POST" };
    assert_eq!(outcome("DELETE", "/_edge/replays", ""), all);
    assert_eq!(outcome("DELETE", "/_edge/jobs", ""), all);
    let event = format!("/_edge/events/{KEY}");
    let post = Outcome::MethodNotAllowed { allow: "GET, HEAD" };
    for path in [
        "/_edge/whoami",
        "/_edge/status",
        "/_edge/metrics",
        "/_edge/events",
        &event,
        "/_edge/replays/r-1",
        "/_edge/jobs/job_1",
        "/_edge/costs",
        "/_edge/audit",
        "/_edge/history",
        "/_edge/alerts",
    ] {
        assert_eq!(outcome("POST", path, ""), post, "{path}");
    }
}

#[test]
fn anything_else_is_not_there() {
    for path in [
        "/_edge/",
        "/_edge/Status",
        "/_edge/status/",
        "/_edge/events/",
        "/_edge/events/event-00",
        &format!("/_edge/events/{}", KEY.to_uppercase()),
        &format!("/_edge/events/{KEY}0"),
        &format!("/_edge/events/{KEY}/"),
        &format!("/_edge/events/{KEY}/reopen/"),
        &format!("/_edge/events/{KEY}/other"),
        "/_edge/jobs/",
        "/_edge/jobs/job_1/events",
        "/_edge/costs/",
        "/_edge/audit/1",
        "/_edge/history/",
        "/_edge/alerts/1",
        "/_edge/replays/",
        "/_edge/replays/a.b",
        "/_edge/replays/r-1/other",
        "/_edge/replays/r-1/cancel/",
        "/status",
        "/",
    ] {
        assert_eq!(outcome("GET", path, ""), Outcome::NotFound, "{path}");
    }
    assert!(is_admin_path("/_edge/anything"));
    assert!(!is_admin_path("/_edge") && !is_admin_path("/webhook"));
}

#[test]
fn events_are_filtered_and_paged() {
    let filter = |query| match AdminRoute::of("GET", "/_edge/events", query) {
        Ok(AdminRoute::Events { search, limit }) => {
            let Search { filter, from, to, rows } = search;
            assert_eq!((from, to, rows), (None, None, 10_000));
            (filter, limit)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(filter(""), (Filter { limit: 51, ..Filter::default() }, 50));
    let all = Filter {
        state: Some("open".to_owned()),
        job_id: Some("job 1&".to_owned()),
        event_type: Some("job.failed".to_owned()),
        tenant: Some("acme".to_owned()),
        last_outcome: Some("origin_failed".to_owned()),
        event_id: Some("evt_1".to_owned()),
        since_ms: Some(1_700_000_000_000),
        until_ms: Some(1_700_000_000_001),
        after: Some(Cursor { last_ms: 1_700_000_000_000, key: KEY.to_owned() }),
        limit: 8,
        ..Filter::default()
    };
    let query = format!(
        "state=open&job=job+1%26&type=job.failed&tenant=acme&outcome=origin_failed&id=evt_1\
             &since=2023-11-14T22:13:20Z&until=1700000000001&limit=7&cursor=1700000000000.{KEY}"
    );
    assert_eq!(filter(&query), (all, 7));
    assert_eq!(filter("limit=100").0.limit, 101);
}

#[test]
fn a_malformed_query_is_refused_in_words() {
    for (query, about) in [
        ("state=gone", "`state` is none of claimed, waiting, dead, open, done"),
        ("state=", "`state`"),
        ("limit=0", "`limit` is not a whole number from 1 to 100"),
        ("limit=101", "`limit`"),
        ("limit=x", "`limit`"),
        ("cursor=", "`cursor` is malformed"),
        ("cursor=1", "`cursor`"),
        ("cursor=x.event-00", "`cursor`"),
        ("cursor=+1.event-00", "`cursor`"),
        ("cursor=1.a%00", "`cursor`"),
        ("job=", "`job` is empty"),
        ("job=a%0Ab", "`job` is empty or has a control character"),
        ("type=a%00b", "`type` is empty or has a control character"),
        ("tenant=", "`tenant` is empty"),
        ("outcome=a%00", "`outcome` is empty or has"),
        ("id=", "`id` is empty"),
        ("since=yesterday", "`since` is malformed: expected a time in UTC"),
        ("until=2023-11-14", "`until` is malformed"),
        ("until=-1", "`until` is malformed"),
        ("since=2&until=2", "`since` is not before `until`"),
        ("offset=1", "other than state, type, job, tenant, outcome, id, since, until,"),
        ("stat=open", "other than"),
    ] {
        let refusal = AdminRoute::of("GET", "/_edge/events", query).unwrap_err();
        assert_eq!(refusal.outcome, Outcome::QueryInvalid, "{query}");
        assert!(refusal.text.as_deref().is_some_and(|text| text.contains(about)), "{refusal:?}");
    }
}
