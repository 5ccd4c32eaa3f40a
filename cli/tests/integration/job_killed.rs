//! `job submit` and `wait`: killed, interrupted, two at once, without a disk; and what nobody may read.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use nextapi_simulator::Behaviour;
use nextapi_testkit::{Gate, Origin, Received, Reply};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::job_support::{Desk, KEY, job_at, quick, told};
use crate::support::{SOON, hook, outcome};

const JOB: &str = r#"{"id":"job_1","status":"queued","estimated_credits":1.05}"#;
const ORDER: &str = r#"{"prompt":"a canary","image":"https://cdn.example.com/?sig=canary"}"#;

/// A provider that holds back every answer until the gate is open.
async fn held() -> (Origin, Gate) {
    let (origin, gate) = (Origin::start().await.unwrap(), Gate::default());
    let key = gate.clone();
    origin.reply_with(move |_| Reply::default().with_body(JOB).when(&key));
    (origin, gate)
}

fn submit(url: &str, state: &TempDir) -> Command {
    fs::write(state.path().join("order.json"), ORDER).unwrap();
    fs::write(state.path().join("key.txt"), format!("{KEY}\n")).unwrap();
    let file = state.path().join("order.json").display().to_string();
    let mut command = job_at(url, state, &["submit", "--name=order-7", "--file", &file]);
    command.env_remove("NEXTAPI_API_KEY").arg("--api-key-file").arg(state.path().join("key.txt"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn kill(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

fn sent(received: &[Received]) -> Vec<(Option<&str>, &[u8])> {
    received.iter().map(|it| (it.idempotency_key(), it.body().as_ref())).collect()
}

// The origin answers while the test waits for the command.
#[tokio::test(flavor = "multi_thread")]
async fn after_sigkill_the_same_bytes_go_out_under_the_same_key() {
    let (origin, gate) = held().await;
    let state = tempfile::tempdir().unwrap();
    let mut first = submit(&origin.url(), &state).spawn().unwrap();
    origin.wait_for(1, SOON).await.unwrap();

    // Another process keeps its hands off it, and `ps` shows nothing.
    let (status, stdout, stderr) = told(&mut submit(&origin.url(), &state));
    assert_eq!((status, stdout.as_str()), (3, ""));
    assert!(stderr.contains("another process is submitting the job of this name"), "{stderr}");
    let mut waiting = job_at(&origin.url(), &state, &["wait", "--name=order-7"]);
    assert_eq!(told(&mut waiting).0, 3);
    let arguments = fs::read_to_string(format!("/proc/{}/cmdline", first.id())).unwrap();
    assert!(arguments.contains("order-7") && !arguments.contains("canary"), "{arguments}");

    kill(&first, "-KILL");
    first.wait().unwrap();
    gate.open();
    let (status, stdout, stderr) = told(&mut submit(&origin.url(), &state));
    assert_eq!((status, stdout.as_str(), stderr.as_str()), (0, "job_1\n", ""));
    let received = origin.received();
    let sent = sent(&received);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    assert!(sent[0].0.unwrap().starts_with("nxk1_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_submission_says_how_to_go_on() {
    let (origin, gate) = held().await;
    let state = tempfile::tempdir().unwrap();
    let child = submit(&origin.url(), &state).spawn().unwrap();
    origin.wait_for(1, SOON).await.unwrap();
    kill(&child, "-INT");
    let (status, _, stderr) = outcome(child.wait_with_output().unwrap());
    assert_eq!(status, 5, "{stderr}");
    let resume = stderr.lines().last().unwrap().trim();
    assert!(resume.starts_with("nextapi-hook job wait --name order-7 --api-url "), "{stderr}");
    // What was printed works as it stands; the job is at its end by now.
    gate.open();
    origin.reply_with(|request| {
        let end = r#"{"id":"job_1","status":"succeeded","video_url":"https://cdn.example.com/"}"#;
        let body = if request.body().is_empty() { end } else { JOB };
        Reply::default().with_body(body)
    });
    let mut again = hook();
    again.args(resume.split(' ').skip(1)).env("NEXTAPI_API_KEY", KEY);
    let (status, stdout, stderr) = told(again.env("XDG_STATE_HOME", state.path()));
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.starts_with("job_1\n"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_waiting_and_not_the_job() {
    let job_duration = core::time::Duration::from_hours(1);
    let desk = Desk::with(Behaviour { job_duration, ..quick() }).await;
    let (_, stdout, _) = told(&mut desk.job(&["submit", "--prompt=a"]));
    let id = stdout.trim_end();
    for signal in ["-INT", "-TERM"] {
        let mut command = desk.job(&["wait", id]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), id, "before it waits");
        kill(&child, signal);
        let (status, _, stderr) = outcome(child.wait_with_output().unwrap());
        assert_eq!(status, 3);
        let resume = format!("  nextapi-hook job wait {id} --api-url {}", desk.api_url());
        assert_eq!(stderr.lines().last(), Some(resume.as_str()));
    }
}

/// Python has a terminal for it.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_there_is_a_progress_bar() {
    let desk = Desk::with(quick()).await;
    let command = desk.job(&["submit", "--prompt=a", "--wait", "--interval=100ms"]);
    let on_a_terminal = "import os, pty, sys\n\
                         sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut terminal = wrapped("python3", &["-c", on_a_terminal], &command);
    let (status, stdout, stderr) = told(terminal.env("TERM", "xterm").stdin(Stdio::null()));
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains(" % ") && stdout.contains('\r'), "{stdout:?}");
    assert!(stdout.contains("status    succeeded"), "{stdout:?}");
}

/// The same command as arguments of another program.
fn wrapped(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut wrapped = Command::new(program);
    wrapped.args(arguments).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}

/// A file may have no byte, as on a disk that is full.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_journal_nothing_is_sent() {
    let desk = Desk::with(quick()).await;
    let command = desk.job(&["submit", "--prompt=a canary"]);
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let mut full = wrapped("sh", &["-c", script, "sh"], &command);
    let (status, stdout, stderr) = told(&mut full);
    assert_eq!((status, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.contains("cannot write the journal in "), "{stderr}");
    assert_eq!((desk.requests(), desk.jobs()), (0, 0));
    // With room again, the same command goes on.
    assert_eq!(told(&mut desk.job(&["submit", "--prompt=a canary"])).0, 0);
    assert_eq!(desk.jobs(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_job_is_told_to_the_edge_until_it_is_taken() {
    let desk = Desk::with(quick()).await;
    let edge = Origin::start().await.unwrap();
    let url = edge.url();
    let register = [
        &["submit", "--prompt=a canary", "--tenant=acme", "--deadline=2h"][..],
        &["--register", &url],
    ]
    .concat();
    let mut command = desk.job(&register);
    command.env("SUBMIT_TOKEN", "token-canary");
    edge.reply_next(Reply::status(http::StatusCode::SERVICE_UNAVAILABLE));
    let (status, stdout, stderr) = told(&mut command);
    assert_eq!(status, 3, "{stderr}");
    assert!(stderr.contains("not registered: the edge answers HTTP 503"), "{stderr}");
    let (status, again, _) = told(&mut command);
    assert_eq!((status, &again, desk.jobs()), (0, &stdout, 1));
    for request in edge.received() {
        assert_eq!(request.path(), "/_edge/jobs");
        assert_eq!(request.header("authorization"), Some("Bearer token-canary"));
        let mut body: Value = serde_json::from_slice(request.body()).unwrap();
        let deadline = body["deadline"].take();
        assert!(humantime_is_close(deadline.as_str().unwrap()), "{deadline}");
        let id = stdout.trim_end();
        assert_eq!(
            body,
            json!({"id": id, "tenant": "acme", "deadline": null, "estimated_credits": 1.05})
        );
    }
    assert_eq!(edge.count(), 2);
}

/// Whether a date is between one and three hours ahead.
fn humantime_is_close(date: &str) -> bool {
    let date = humantime::parse_rfc3339(date).unwrap();
    let ahead = date.duration_since(std::time::SystemTime::now()).unwrap();
    (1..3).contains(&(ahead.as_secs() / 3600))
}

/// What a provider writes cannot take a terminal over, nor repeat the prompt.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_writes_is_shown_without_control_characters() {
    let origin = Origin::start().await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let body = r#"{"id":"job_1","video_id":"vid_1","status":"failed",
        "error":{"code":"c\u001b[2J\u0007","message":"canary"}}"#;
    origin.reply_with(move |_| Reply::default().with_body(body));
    for arguments in [&["get", "job_1"][..], &["submit", "--prompt=a", "--wait"]] {
        let (status, stdout, stderr) = told(&mut job_at(&origin.url(), &state, arguments));
        assert_eq!(status, 1, "{stderr}");
        assert!(!stdout.contains(['\x1b', '\x07']) && stdout.contains("error     c\u{fffd}"));
    }
    let refusal = r#"{"error":{"code":"invalid_request","message":"bad prompt: a canary"}}"#;
    origin.reply_with(move |_| Reply::status(http::StatusCode::BAD_REQUEST).with_body(refusal));
    let refused = ["submit", "--prompt=a canary", "--name=b", "--json"];
    assert_eq!(told(&mut job_at(&origin.url(), &state, &refused)).0, 1);
}
