//! `job submit`, `get`, `list` and `wait` against the simulated provider: what they print, and how they end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use nextapi_simulator::{ApiFaults, Behaviour};
use serde_json::Value;

use crate::job_support::{Desk, KEY, ROTATED, faulty, job_at, json_lines, quick, told};

const FOX: [&str; 4] = ["submit", "--prompt", "a canary", "--resolution=1080p"];

fn fox(more: &[&'static str]) -> Vec<&'static str> {
    [&FOX, more].concat()
}

// The simulator answers while the test waits for the command.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_from_its_submission_to_its_end() {
    let desk = Desk::with(quick()).await;
    let (status, stdout, stderr) = told(&mut desk.job(&fox(&["--name", "order-7"])));
    assert_eq!((status, stderr.as_str()), (0, ""));
    let id = stdout.trim_end();
    assert!(id.starts_with("job_"), "{stdout}");
    let [file] = &desk.journal_files()[..] else { panic!("one file") };
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = fs::read_to_string(file).unwrap();
    assert!(kept.contains(id) && !kept.contains("canary"), "{kept}");

    let (status, stdout, _) =
        told(&mut desk.job(&["wait", "--name", "order-7", "--interval=100ms"]));
    assert_eq!(status, 0, "{stdout}");
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines[0], id, "before it waits");
    assert_eq!(lines[1..3], [format!("job       {id}"), "status    succeeded".to_owned()]);
    assert!(lines.iter().any(|line| line.starts_with("video     http")), "{stdout}");

    let (status, stdout, _) = told(&mut desk.job(&["wait", id, "--json", "--interval=100ms"]));
    assert_eq!(status, 0);
    let lines = json_lines(&stdout);
    assert_eq!((&lines[0]["kind"], &lines[0]["id"]), (&"waiting".into(), &id.into()));
    let last = lines.last().unwrap();
    assert_eq!((&last["kind"], &last["status"]), (&"job".into(), &"succeeded".into()));

    let (status, stdout, _) = told(&mut desk.job(&["get", id, "--json"]));
    let job: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, &job["id"], &job["status"]), (0, &id.into(), &"succeeded".into()));
    assert!(job["video_url"].as_str().unwrap().starts_with("http"), "{job}");

    let before = desk.requests();
    let (status, stdout, stderr) = told(&mut desk.job(&fox(&["--name", "order-7", "--json"])));
    let line: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, stderr.as_str(), &line["id"]), (0, "", &id.into()));
    assert_eq!(
        (&line["known"], &line["requests"], &line["name"]),
        (&true.into(), &1.into(), &"order-7".into())
    );
    assert_eq!((desk.requests(), desk.jobs()), (before, 1), "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_intent_is_one_job_and_another_take_name_or_namespace_is_another() {
    let desk = Desk::with(quick()).await;
    let submit = |more: &[&'static str]| {
        let (status, stdout, stderr) = told(&mut desk.job(&fox(more)));
        assert_eq!(status, 0, "{stderr}");
        stdout
    };
    let nameless = submit(&[]);
    assert_eq!(submit(&[]), nameless, "the same request");
    let mut ids = vec![nameless, submit(&["--name=a"])];
    ids.push(submit(&["--name=a", "--take=2"]));
    ids.push(submit(&["--name=a", "--namespace=b"]));
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), desk.jobs()), (4, 4));

    let mut other = desk.job(&["submit", "--prompt", "another canary", "--name=a"]);
    let (status, stdout, stderr) = told(&mut other);
    assert_eq!((status, stdout.as_str()), (2, ""));
    assert!(stderr.contains("another request was submitted under this name"), "{stderr}");
    assert_eq!(desk.jobs(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn submit_waits_with_a_line_for_each_change() {
    let desk = Desk::with(quick()).await;
    let submit = fox(&["--wait", "--json", "--interval=100ms"]);
    let (status, stdout, stderr) = told(&mut desk.job(&submit));
    assert_eq!((status, stderr.as_str()), (0, ""));
    let lines = json_lines(&stdout);
    assert_eq!(lines[0]["kind"], "submitted");
    assert_eq!(lines[0]["estimated_credits"], "1.05");
    let changes: Vec<_> = lines[1..].iter().map(|it| (&it["status"], &it["progress"])).collect();
    assert_eq!(changes.last().unwrap().0, "succeeded");
    assert!(changes.windows(2).all(|pair| pair[0] != pair[1]), "only changes: {changes:?}");
    assert_eq!(lines.last().unwrap()["credits"], "1.05");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_a_table_or_json_page_by_page() {
    let desk = Desk::with(quick()).await;
    for name in ["--name=a", "--name=b", "--name=c"] {
        assert_eq!(told(&mut desk.job(&fox(&[name]))).0, 0);
    }
    let (status, stdout, _) = told(&mut desk.job(&["list", "--limit=2"]));
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!((status, lines.len(), lines[3]), (0, 4, "2 of 3"), "{stdout}");
    assert!(lines[0].starts_with("job ") && lines[1].starts_with("job_"), "{stdout}");
    crate::support::assert_fits(&stdout);
    let (status, stdout, _) = told(&mut desk.job(&["list", "--limit=2", "--offset=2", "--json"]));
    let page: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, &page["total"], page["jobs"].as_array().unwrap().len()), (0, &3.into(), 1));
    assert_eq!(told(&mut desk.job(&["list", "--limit=0"])).0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_or_refused_job_ends_with_1() {
    let desk = Desk::with(Behaviour { failure_rate: 1.0, ..quick() }).await;
    let (status, stdout, _) = told(&mut desk.job(&fox(&["--wait", "--interval=100ms"])));
    assert_eq!(status, 1, "{stdout}");
    let id = stdout.lines().next().unwrap();
    assert!(stdout.contains("status    failed"), "{stdout}");
    assert_eq!(told(&mut desk.job(&["get", id])).0, 1);
    let (status, _, stderr) = told(&mut desk.job(&["get", "job_none"]));
    assert_eq!(status, 1);
    assert!(stderr.contains("no such job") && stderr.contains("Check the id"), "{stderr}");

    let refused = ["submit", "--prompt", "a forbidden canary", "--name", "order-7"];
    let (status, stdout, stderr) = told(&mut desk.job(&refused));
    assert_eq!((status, stdout.as_str()), (1, ""));
    assert!(stderr.contains("HTTP 422") && stderr.contains("Nothing was done."), "{stderr}");
    let (status, _, stderr) = told(&mut desk.job(&["wait", "--name", "order-7"]));
    assert_eq!(status, 1);
    assert!(stderr.contains("refused this job (invalid_request)"), "{stderr}");
    assert_eq!(desk.jobs(), 1);
    // Corrected, it may have the same name.
    assert_eq!(told(&mut desk.job(&fox(&["--name", "order-7"]))).0, 0);
    assert_eq!(desk.jobs(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_right_ends_with_2_and_sends_nothing() {
    let desk = Desk::with(quick()).await;
    for (arguments, told_why) in [
        (&["submit"][..], "--prompt TEXT, or --file FILE"),
        (&["submit", "--prompt", " "], "prompt must not be empty"),
        (&["submit", "--prompt=a", "--duration=0"], "duration_seconds must not be zero"),
        (&["submit", "--prompt=a", "--field=x"], "expected FIELD=JSON"),
        (&["submit", "--prompt=a", "--field=x={"], "x must be JSON"),
        (&["submit", "--prompt=a", "--reference=x=http://canary/"], "absolute https URL"),
        (&["submit", "--file=/none"], "cannot read the body from /none"),
        (&["submit", "--prompt=a", "--take=0"], "--take"),
        (&["submit", "--prompt=a", "--environment=live"], "belongs to the environment test"),
        (&["submit", "--prompt=a", "--api-key-file=/none"], "cannot read the file /none"),
        (&["submit", "--prompt=a", "--register=http://edge.example/"], "must be https"),
        (&["submit", "--prompt=a", "--register=http://127.0.0.1:1/"], "SUBMIT_TOKEN"),
        (&["submit", "--prompt=a", "--tenant=a"], "--register"),
        (&["submit", "--prompt=a", "--journal=/dev/null"], "the journal /dev/null"),
        (
            &["submit", "--prompt=a", "--preflight", "--reference=x=https://127.0.0.1/?canary"],
            "x refers to an address that is not public",
        ),
        (&["wait"], "Give its id, or --name NAME"),
        (&["wait", "job_1", "--name=a"], "cannot be used with"),
        (&["wait", "--name=none"], "knows no job of this name"),
        (&["wait", "job_1", "--interval=1ms"], "100ms"),
    ] {
        let (status, stdout, stderr) = told(&mut desk.job(arguments));
        assert_eq!((status, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(told_why), "{arguments:?}: {stderr}");
    }
    let (status, _, stderr) = told(desk.job(&["list"]).env_remove("NEXTAPI_API_KEY"));
    assert_eq!(status, 2);
    assert!(stderr.contains("NEXTAPI_API_KEY or give --api-key-file FILE"), "{stderr}");
    let (status, _, stderr) = told(desk.job(&["list"]).env("NEXTAPI_API_KEY", "sk_canary"));
    assert_eq!(status, 2);
    assert!(stderr.contains("begins with nxa_live_sk_"), "{stderr}");
    let (status, _, stderr) = told(&mut job_at("http://api.example.com/", &desk.state, &["list"]));
    assert_eq!(status, 2);
    assert!(stderr.contains("--api-url: the base URL must be https"), "{stderr}");
    assert_eq!(desk.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_over_ends_with_3_and_says_how_to_go_on() {
    let job_duration = core::time::Duration::from_hours(1);
    let desk = Desk::with(Behaviour { job_duration, ..quick() }).await;
    let (status, stdout, stderr) = told(&mut desk.job(&fox(&["--wait", "--timeout=200ms"])));
    let id = stdout.trim_end();
    assert_eq!(status, 3, "{stderr}");
    let resume = format!("nextapi-hook job wait {id} --api-url {}", desk.api_url());
    assert!(stderr.contains(&resume), "{stderr}");
    assert_eq!(told(&mut desk.job(&["get", id])).0, 3);
    // Nobody is there.
    let mut away = job_at("http://127.0.0.1:9/v1", &desk.state, &fox(&["--name=away"]));
    away.env("NEXTAPI_API_KEY", KEY);
    let (status, _, stderr) = told(&mut away);
    assert_eq!(status, 3, "{stderr}");
    assert!(stderr.contains("Nothing was done. To go on:"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_ends_with_4_and_can_go_on_under_another_key() {
    let desk = Desk::with(quick()).await;
    let stranger = |arguments: &[&str]| {
        told(desk.job(arguments).env("NEXTAPI_API_KEY", "nxa_test_sk_canary_stranger"))
    };
    for arguments in [&fox(&["--name=a"])[..], &["list"], &["get", "job_1"], &["wait", "job_1"]] {
        let (status, _, stderr) = stranger(arguments);
        assert_eq!(status, 4, "{arguments:?} {stderr}");
        assert!(stderr.contains("Check the API key"), "{stderr}");
    }
    assert_eq!(told(&mut desk.job(&["wait", "--name=a", "--interval=100ms"])).0, 0);
    assert_eq!(desk.jobs(), 1);

    let credits = nextapi_testkit::Credits::whole(0);
    let desk = Desk::with(Behaviour { credits, ..quick() }).await;
    let (status, _, stderr) = told(&mut desk.job(&FOX));
    assert_eq!(status, 4);
    assert!(stderr.contains("Add credits"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_ends_with_5_and_is_never_a_second_job() {
    // Every submission is answered 500 for good; in half of the cases there is a job.
    let faults = ApiFaults { store_error: 1.0, ..ApiFaults::default() };
    let desk = Desk::with(faulty(faults)).await;
    for _ in 0..2 {
        let (status, stdout, stderr) = told(&mut desk.job(&fox(&["--name=a"])));
        assert_eq!((status, stdout.as_str()), (5, ""), "{stderr}");
        assert!(stderr.contains("Do not submit it under another name"), "{stderr}");
        assert!(stderr.contains("nextapi-hook job wait --name a"), "{stderr}");
    }
    assert_eq!(told(&mut desk.job(&["wait", "--name=a"])).0, 5);
    assert!(desk.jobs() <= 1);
}

/// The journal after a process that was killed before it could read the answer.
fn sent_long_ago(desk: &Desk, hours: u64) {
    let [file] = &desk.journal_files()[..] else { panic!("one file") };
    let mut record: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let first = record["state"]["first_sent_at"]
        .as_u64()
        .unwrap()
        .saturating_sub(hours.saturating_mul(3_600_000));
    record["state"]["first_sent_at"] = first.into();
    record["phase"] = serde_json::json!({"is": "sent"});
    let body = r#"{"model":"seedance-2.0-pro","prompt":"a canary","resolution":"1080p"}"#;
    record["body"] = body.into();
    fs::write(file, record.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_rotated_key_nor_an_old_journal_makes_a_second_job() {
    let desk = Desk::with(quick()).await;
    let (_, id, _) = told(&mut desk.job(&fox(&["--name=a"])));
    // Within 23 hours and under the same key, it goes on.
    sent_long_ago(&desk, 22);
    assert_eq!(told(&mut desk.job(&["wait", "--name=a", "--interval=100ms"])).0, 0);
    for (key, hours, why) in [
        (ROTATED, 0, "sent under another API key"),
        (KEY, 23, "too old for another attempt"),
        (KEY, 25, "too old for another attempt"),
    ] {
        sent_long_ago(&desk, hours);
        let before = desk.requests();
        for arguments in [&fox(&["--name=a"])[..], &["wait", "--name=a"]] {
            let (status, _, stderr) = told(desk.job(arguments).env("NEXTAPI_API_KEY", key));
            assert_eq!(status, 5, "{stderr}");
            assert!(stderr.contains(why), "{stderr}");
            assert!(stderr.contains(&format!("  {}", id.trim_end())), "a candidate: {stderr}");
        }
        assert_eq!(desk.requests(), before + 2, "the list only");
    }
    assert_eq!(desk.jobs(), 1);
}
