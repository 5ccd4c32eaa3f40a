//! The transcripts in the README: every command in them is run, and must print what stands there.

use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use nextapi_testkit::ReferenceEdge;

/// Stands in the README for any text of a line and, alone in a line, for any lines.
const ANYTHING: &str = "…";
/// The commands that serve in a terminal of their own, and the ports that the README gives them; the
/// test takes others, that are free.
const SERVERS: [(&str, &str); 3] = [
    ("nextapi-hook listen ", "9000"),
    ("nextapi-hook provider ", "8800"),
    ("nextapi-hook edge ", "8787"),
];
/// Long enough for a busy machine; what is waited for comes at once.
const SOON: Duration = Duration::from_secs(30);
/// The stand-in for curl, as a function of the shell.
const CURL: &str = "curl() { node \"$CURL\" \"$@\"; }";
/// Printed by the shell when a command has ended.
const ENDED: &str = "--- the command has ended ---";

/// The commands of one block, each with the lines that it prints.
type Block<'a> = Vec<(&'a str, Vec<&'a str>)>;

fn blocks(readme: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match (inside, line) {
            (false, "```console") => {
                inside = true;
                blocks.push(Vec::new());
            }
            (false, _) => {}
            (true, "```") => inside = false,
            (true, _) => {
                let block = blocks.last_mut().unwrap();
                match line.strip_prefix("$ ") {
                    Some(command) => block.push((command, Vec::new())),
                    None => block.last_mut().expect("a command comes first").1.push(line),
                }
            }
        }
    }
    blocks
}

/// Whether the lines are those, with [`ANYTHING`] in the expected ones.
fn matches(expected: &[&str], found: &[String]) -> bool {
    match expected {
        [] => found.is_empty(),
        [ANYTHING] => true,
        [ANYTHING, rest @ ..] => (0..=found.len()).any(|skip| matches(rest, &found[skip..])),
        [line, rest @ ..] => found
            .split_first()
            .is_some_and(|(first, others)| line_matches(line, first) && matches(rest, others)),
    }
}

fn line_matches(expected: &str, found: &str) -> bool {
    let Some((before, after)) = expected.split_once(ANYTHING) else { return expected == found };
    found.strip_prefix(before).is_some_and(|rest| {
        let places = rest.char_indices().map(|(place, _)| place).chain([rest.len()]);
        places.into_iter().any(|place| line_matches(after, &rest[place..]))
    })
}

#[track_caller]
fn compare(command: &str, expected: &[&str], found: &[String]) {
    assert!(
        matches(expected, found),
        "\n$ {command}\nexpected:\n{}\n\nfound:\n{}\n",
        expected.join("\n"),
        found.join("\n")
    );
}

fn path() -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_nextapi-hook")).parent().unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// One shell for the whole README, so that what is exported stays.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    fn start(folder: &Path, curl: &str) -> Self {
        let mut child = Command::new("sh")
            .current_dir(folder)
            .env("PATH", path())
            .env("CURL", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/curl.mjs"))
            .env_remove("NEXTAPI_WEBHOOK_SECRET")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "exec 2>&1\n{curl}").unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, input, output }
    }

    fn run(&mut self, command: &str) -> Vec<String> {
        // The exit status is kept, so that the README can show it.
        let then = format!("status=$?; echo; echo '{ENDED}'; (exit $status)");
        writeln!(self.input, "{command}\n{then}").unwrap();
        let lines = self.output.by_ref().map(Result::unwrap);
        let mut lines: Vec<_> = lines.take_while(|line| line != ENDED).collect();
        // The empty line is ours, unless the command left its last line without an end.
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server in another terminal, until the next one of its kind or the end.
struct Serving<'a> {
    child: Child,
    command: &'a str,
    expected: Vec<&'a str>,
    documented_port: &'a str,
    port: String,
    found: Vec<String>,
    lines: Receiver<String>,
}

impl<'a> Serving<'a> {
    /// Starts `command`; `real` is the same with the true ports of other servers.
    fn start(
        folder: &Path,
        command: &'a str,
        real: &str,
        expected: Vec<&'a str>,
        documented_port: &'a str,
    ) -> Self {
        let any_port = format!("exec {}", real.replace(documented_port, "0"));
        let mut child = Command::new("sh")
            .args(["-c", &any_port])
            .current_dir(folder)
            .env("PATH", path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || lines.map(Result::unwrap).try_for_each(|line| sender.send(line)));
        let first: String = receiver.recv_timeout(SOON).unwrap();
        let (_, port) = first.split_once("127.0.0.1:").unwrap();
        let port = port.split('/').next().unwrap().to_owned();
        let mut serving = Self {
            child,
            command,
            expected,
            documented_port,
            port,
            found: vec![],
            lines: receiver,
        };
        serving.note(&first);
        serving
    }

    fn note(&mut self, line: &str) {
        self.found.push(line.replace(&self.port, self.documented_port));
    }

    /// Presses Ctrl-C when it has printed what it should before.
    fn stop(mut self) {
        let mut parts = self.expected.split(|line| *line == "^C");
        let (before, after) = (parts.next().unwrap().to_vec(), parts.next().unwrap().to_vec());
        while !matches(&before, &self.found) {
            let Ok(line) = self.lines.recv_timeout(SOON) else { break };
            self.note(&line);
        }
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        while let Ok(line) = self.lines.recv_timeout(SOON) {
            self.note(&line);
        }
        assert!(self.child.wait().unwrap().success());
        compare(self.command, &[before, after].concat(), &self.found);
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Building it in release would take minutes; this much keeps the line true.
#[test]
fn the_readme_says_how_to_install_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(here.join("README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.trim().strip_prefix("cargo install ")).unwrap();
    let path = line.strip_prefix("--locked --path ").unwrap();
    assert_eq!(here.parent().unwrap().join(path).canonicalize().unwrap(), here);
    assert!(readme.contains("cargo run --bin nextapi-hook -- "));
}

#[test]
fn every_transcript_of_the_readme_is_true() {
    // Where there is no curl, the stand-in takes its place.
    run_all(&format!("command -v curl > /dev/null || {CURL}"));
}

#[test]
fn the_transcripts_need_no_curl() {
    run_all(CURL);
}

fn run_all(curl: &str) {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let edge = ReferenceEdge::new("").unwrap();
    symlink(edge.path(), folder.path().join("edge-worker")).unwrap();

    let mut shell = Shell::start(folder.path(), curl);
    let mut serving: [Option<Serving<'_>>; 3] = [None, None, None];
    let mut commands = String::new();
    for block in blocks(&readme) {
        for (command, expected) in block {
            commands.push_str(command);
            let server = SERVERS.iter().position(|(server, _)| command.starts_with(server));
            if let Some(before) = server.and_then(|server| serving[server].take()) {
                before.stop();
            }
            let real = serving.iter().flatten().fold(command.to_owned(), |command, serving| {
                command.replace(serving.documented_port, &serving.port)
            });
            if let Some(server) = server {
                let port = SERVERS[server].1;
                let started = Serving::start(folder.path(), command, &real, expected, port);
                serving[server] = Some(started);
                continue;
            }
            let found = shell.run(&real).into_iter().map(|line| {
                serving.iter().flatten().fold(line, |line, serving| {
                    line.replace(&serving.port, serving.documented_port)
                })
            });
            compare(command, &expected, &found.collect::<Vec<_>>());
        }
    }
    // The edge and the provider first, whose deliveries the origin is to get.
    for serving in serving.into_iter().rev().flatten() {
        serving.stop();
    }
    let plain = ["sign", "verify", "listen", "send", "demo", "completions", "provider", "edge"];
    for command in plain.into_iter().chain(["job submit", "job list", "job wait"]) {
        assert!(commands.contains(&format!("nextapi-hook {command} ")), "no `{command}`");
    }
}

#[test]
fn anything_stands_for_anything_and_nothing_else_does() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (expected, found, is_match) in [
        ("a\nb", "a\nb", true),
        ("a", "a\nb", false),
        ("a\nb", "a", false),
        ("a…c", "abbc", true),
        ("a…c", "ac", true),
        ("a…c", "acb", false),
        ("…b…b", "abab", true),
        ("a\n…\nd", "a\nb\nc\nd", true),
        ("a\n…", "a", true),
        ("…\nd", "a\nb", false),
    ] {
        let expected: Vec<_> = expected.lines().collect();
        assert_eq!(matches(&expected, &lines(found)), is_match, "{expected:?} {found:?}");
    }
}
