//! What `job` says when something is in the way: what is certain, what is not, and what to do.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use crate::job_support::{KEY, job_at, told};

const SUBMIT: [&str; 4] = ["submit", "--prompt", "a canary", "--name=order-7"];

/// A provider, or an edge, that answers each request as it is told, and keeps what came.
struct Played {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Played {
    /// `answer` gives status and body by the number of the request and its text; without one the connection is closed.
    fn new(answer: impl Fn(usize, &str) -> Option<(u16, String)> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        // It ends with the test's process.
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let request = read(&mut stream);
                let answer = answer(number, &request);
                kept.lock().unwrap().push(request);
                if let Some((status, body)) = answer {
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
                }
            }
        });
        Self { url, requests }
    }

    fn job(&self, state: &TempDir, arguments: &[&str]) -> Command {
        job_at(&format!("{}/v1", self.url), state, arguments)
    }

    fn posts(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| request.starts_with("POST")).cloned().collect()
    }
}

fn read(stream: &mut TcpStream) -> String {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return String::from_utf8(bytes).unwrap();
            }
        }
        match stream.read(&mut piece).unwrap() {
            0 => panic!("a request that is cut"),
            read => bytes.extend_from_slice(piece.get(..read).unwrap()),
        }
    }
}

fn journal(state: &Path) -> std::path::PathBuf {
    state.join("nextapi-hook/jobs")
}

/// As when the disk is full after the first request.
#[test]
fn a_journal_that_fails_after_a_request_leaves_the_outcome_unknown() {
    let state = tempfile::tempdir().unwrap();
    let folder = journal(state.path());
    let provider = Played::new(move |_, request| {
        if request.starts_with("POST") {
            fs::remove_dir_all(&folder).unwrap();
            return None;
        }
        Some((404, String::new()))
    });
    let (status, stdout, stderr) = told(&mut provider.job(&state, &SUBMIT));
    assert_eq!((status, stdout.as_str()), (5, ""), "{stderr}");
    assert!(stderr.contains("cannot write the journal"), "{stderr}");
    assert!(stderr.contains("There may be a job."), "{stderr}");
    assert_eq!(provider.posts().len(), 1);
}

/// What the provider has said counts, whether or not it can be noted.
#[test]
fn a_refusal_that_cannot_be_noted_is_told() {
    let state = tempfile::tempdir().unwrap();
    let folder = journal(state.path());
    let provider = Played::new(move |_, _| {
        fs::remove_dir_all(&folder).unwrap();
        Some((422, r#"{"error":{"code":"invalid_request","message":"canary"}}"#.to_owned()))
    });
    let (status, _, stderr) = told(&mut provider.job(&state, &SUBMIT));
    assert_eq!(status, 1, "{stderr}");
    assert!(stderr.contains("HTTP 422") && stderr.contains("the journal"), "{stderr}");
}

/// Its idempotency key is derived from the job, so whoever uses it submits the same job.
#[test]
fn a_job_that_another_journal_submits_is_not_called_refused() {
    let state = tempfile::tempdir().unwrap();
    let provider = Played::new(|number, _| {
        Some(match number {
            0 => (409, r#"{"error":{"code":"invalid_request","message":"canary"}}"#.to_owned()),
            _ => (200, r#"{"id":"job_1","status":"queued"}"#.to_owned()),
        })
    });
    let (status, _, stderr) = told(&mut provider.job(&state, &SUBMIT));
    assert_eq!(status, 3, "{stderr}");
    assert!(!stderr.contains("Nothing was done") && !stderr.contains("Correct"), "{stderr}");
    assert!(stderr.contains("nextapi-hook job wait --name order-7"), "{stderr}");
    // Another request under this name would be a second job.
    let other = ["submit", "--prompt", "another canary", "--name=order-7"];
    assert_eq!(told(&mut provider.job(&state, &other)).0, 2);
    let (status, stdout, stderr) = told(&mut provider.job(&state, &SUBMIT));
    assert_eq!((status, stdout.trim_end()), (0, "job_1"), "{stderr}");
    let posts = provider.posts();
    let key = |post: &str| {
        post.lines().find(|line| line.starts_with("idempotency-key")).unwrap().to_owned()
    };
    assert_eq!((posts.len(), key(&posts[0])), (2, key(&posts[1])));
}

#[test]
fn a_provider_that_is_away_is_not_called_a_job_that_is_not_over() {
    let state = tempfile::tempdir().unwrap();
    let mut wait = job_at("http://127.0.0.1:9/v1", &state, &["wait", "job_1", "--timeout=300ms"]);
    let (status, _, stderr) = told(wait.env("NEXTAPI_API_KEY", KEY));
    assert_eq!(status, 3, "{stderr}");
    assert!(stderr.contains("no connection to the provider could be made"), "{stderr}");
    assert!(!stderr.contains("not over"), "{stderr}");
}

#[test]
fn an_edge_that_refuses_a_registration_is_quoted_with_what_to_do() {
    for (answer, told_why) in [
        ((401, ""), "the token for --register"),
        ((404, ""), "--register URL"),
        ((503, ""), "HTTP 503"),
        (
            (400, r#"{"error":{"code":"request_invalid","message":"`tenant` is\u001b empty"}}"#),
            "`tenant` is\u{fffd} empty",
        ),
    ] {
        let state = tempfile::tempdir().unwrap();
        let provider =
            Played::new(|_, _| Some((200, r#"{"id":"job_1","status":"queued"}"#.to_owned())));
        let edge = Played::new(move |_, _| Some((answer.0, answer.1.to_owned())));
        let register = [&SUBMIT[..], &["--register", &edge.url]].concat();
        let mut submit = provider.job(&state, &register);
        let (status, stdout, stderr) = told(submit.env("SUBMIT_TOKEN", "canary-token"));
        assert_eq!((status, stdout.trim_end()), (3, "job_1"), "{stderr}");
        assert!(stderr.contains(told_why), "{stderr}");
        assert!(stderr.contains("submits nothing"), "{stderr}");
        assert_eq!((provider.posts().len(), edge.posts().len()), (1, 1));
    }
}
