//! The transcripts in the README: every command in them is run, and must print what stands there.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::reference_edge;

/// Stands in the README for any text of a line and, alone in a line, for any lines.
const ANYTHING: &str = "…";
/// The port that the README names; the test takes one that is free.
const PORT: &str = "9000";
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

/// A `listen` in another terminal, until the next one or the end.
struct Listening<'a> {
    child: Child,
    command: &'a str,
    expected: Vec<&'a str>,
    port: String,
    first: String,
    lines: Lines<BufReader<ChildStdout>>,
}

impl<'a> Listening<'a> {
    fn start(folder: &Path, command: &'a str, expected: Vec<&'a str>) -> Self {
        let any_port = format!("exec {}", command.replace(PORT, "0"));
        let mut child = Command::new("sh")
            .args(["-c", &any_port])
            .current_dir(folder)
            .env("PATH", path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let (_, port) = first.split_once("127.0.0.1:").unwrap();
        let port = port.split('/').next().unwrap().to_owned();
        Self { child, command, expected, port, first, lines }
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let rest = self.lines.by_ref().map(Result::unwrap);
        let found: Vec<_> = core::iter::once(self.first.clone()).chain(rest).collect();
        let found: Vec<_> = found.iter().map(|line| line.replace(&self.port, PORT)).collect();
        assert!(self.child.wait().unwrap().success());
        let expected: Vec<_> = self.expected.iter().copied().filter(|line| *line != "^C").collect();
        compare(self.command, &expected, &found);
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    let edge = reference_edge("");
    symlink(edge.path(), folder.path().join("edge-worker")).unwrap();

    let mut shell = Shell::start(folder.path(), curl);
    let mut listening: Option<Listening<'_>> = None;
    let mut commands = String::new();
    for block in blocks(&readme) {
        for (command, expected) in block {
            commands.push_str(command);
            if command.starts_with("nextapi-hook listen") {
                if let Some(listening) = listening.take() {
                    listening.stop();
                }
                listening = Some(Listening::start(folder.path(), command, expected));
                continue;
            }
            let port = listening.as_ref().map_or(PORT, |listening| &listening.port);
            let found = shell.run(&command.replace(PORT, port));
            let found: Vec<_> = found.iter().map(|line| line.replace(port, PORT)).collect();
            compare(command, &expected, &found);
        }
    }
    if let Some(listening) = listening.take() {
        listening.stop();
    }
    for command in ["sign", "verify", "listen", "send", "demo", "completions"] {
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
