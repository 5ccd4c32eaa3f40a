//! `edge`: the worker as a command.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nextapi_testkit::{Deliverer, Delivery, EventBody, Origin, ReferenceEdge};
use nextapi_webhook::{Key, UnixTime};

use crate::support::{SECRET, hook, run};

/// `edge` as a process.
struct Serving {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    webhook: String,
}

impl Serving {
    fn start(edge: &ReferenceEdge, arguments: &[&str]) -> Self {
        let mut command = hook();
        command.args(["edge", "--port", "0", "--edge-dir"]).arg(edge.path()).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let webhook = first.strip_prefix("webhook  ").unwrap().to_owned();
        Self { child, lines, webhook }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    async fn send(&self, secret: &str) -> String {
        let key = Key::new(secret.as_bytes()).unwrap();
        let event = EventBody::new("job.queued", r#"{"id":"evt_1","type":"job.queued"}"#);
        let delivery = Delivery::signed(event, &key, UnixTime::now()).unwrap();
        let deliverer = Deliverer::new(&self.webhook).unwrap();
        deliverer.send(&delivery).await.unwrap().to_string()
    }

    fn stop(mut self) -> Option<i32> {
        terminate(&self.child);
        self.child.wait().unwrap().code()
    }
}

/// Not killed: it would leave its engine behind.
fn terminate(child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            terminate(&self.child);
            let _ = self.child.wait();
        }
    }
}

// The origin answers while the test reads the command's output.
#[tokio::test(flavor = "multi_thread")]
async fn it_forwards_and_goes_on_from_its_storage() {
    let edge = ReferenceEdge::new("").unwrap();
    let origin = Origin::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let storage = folder.path().join("ledger");
    let set = format!("ORIGIN_URL={}", origin.url());
    let arguments =
        ["--set", &set, "--set", "DELIVERY=through", "--storage", storage.to_str().unwrap()];
    for expected in ["200 forwarded", "200 duplicate"] {
        let mut serving = Serving::start(&edge, &arguments);
        assert!(serving.webhook.ends_with("/webhook"), "{}", serving.webhook);
        assert_eq!(serving.line(), format!("origin   {}", origin.url()));
        assert_eq!(serving.line(), format!("storage  {}", storage.display()));
        // With the secret of the environment.
        assert_eq!(serving.send(SECRET).await, expected);
        let logged = serving.line();
        assert!(logged.contains("\"claim\""), "{logged}");
        assert_eq!(serving.stop(), Some(0));
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_come_from_a_file_too_and_arguments_count() {
    let edge = ReferenceEdge::new("").unwrap();
    let origin = Origin::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let vars = folder.path().join("vars");
    fs::write(&vars, "WEBHOOK_SECRETS=\"whsec_of_the_file\"\nORIGIN_URL=\"http://a.test/\"\n")
        .unwrap();
    let set = format!("ORIGIN_URL={}", origin.url());
    let mut serving =
        Serving::start(&edge, &["--vars-file", vars.to_str().unwrap(), "--set", &set]);
    assert_eq!(serving.line(), format!("origin   {}", origin.url()));
    assert_eq!(serving.line(), "storage  until this ends");
    assert_eq!(serving.send("whsec_of_the_file").await, "200 accepted");
    assert_eq!(serving.send(SECRET).await, "401 signature_mismatch");
}

#[test]
fn an_engine_that_ends_is_an_error() {
    let edge = ReferenceEdge::new("").unwrap();
    let mut serving = Serving::start(&edge, &["--set", "ORIGIN_URL=http://a.test/"]);
    let children = format!("/proc/{0}/task/{0}/children", serving.child.id());
    // The engine may have been started by any thread.
    let engine = fs::read_dir(Path::new(&children).parent().unwrap().parent().unwrap())
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok())
        .collect::<String>();
    assert!(Command::new("kill").args(["-KILL", engine.trim()]).status().unwrap().success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(2));
}

#[test]
fn what_is_missing_is_named_and_secrets_are_no_arguments() {
    let edge = ReferenceEdge::new("").unwrap();
    let origin = ["--set", "ORIGIN_URL=http://a.test/"];
    for (arguments, told) in [
        (&[][..], "--set ORIGIN_URL=URL"),
        (&["--set", "WEBHOOK_SECRETS=canary"], "--vars-file"),
        (&["--set", "ORIGIN_URL"], "NAME=VALUE"),
        (&["--vars-file", "nowhere/vars"], "nowhere/vars"),
        (&[origin[0], origin[1], "--edge-dir", "nowhere"], "nowhere/wrangler.jsonc"),
    ] {
        let mut command = hook();
        command.args(["edge", "--port", "0"]);
        if !arguments.contains(&"--edge-dir") {
            command.arg("--edge-dir").arg(edge.path());
        }
        let (status, _, stderr) = run(command.args(arguments));
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    let mut command = hook();
    command.env_remove("NEXTAPI_WEBHOOK_SECRET").args(["edge", "--port", "0"]).args(origin);
    let (status, _, stderr) = run(&mut command);
    assert_eq!(status, 2);
    assert!(stderr.contains("NEXTAPI_WEBHOOK_SECRET"), "{stderr}");
}
