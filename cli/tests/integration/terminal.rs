//! How the command behaves as one of many: help, completions, colours and pipes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::{SECRET, hook, outcome, run};

const COMMANDS: [&str; 9] =
    ["sign", "verify", "listen", "send", "provider", "edge", "demo", "job", "completions"];
/// Those of `job`.
const JOB_COMMANDS: [&str; 4] = ["job submit", "job get", "job list", "job wait"];

#[test]
fn the_help_has_examples_and_exit_codes() {
    let (status, stdout, _) = run(hook().arg("--help"));
    assert_eq!(status, 0);
    for told in COMMANDS.into_iter().chain(["Exit status: 0", "NEXTAPI_WEBHOOK_SECRET"]) {
        assert!(stdout.contains(told), "{told}: {stdout}");
    }
    for command in COMMANDS.into_iter().chain(JOB_COMMANDS) {
        let (status, long, _) = run(hook().args(command.split(' ')).arg("--help"));
        assert_eq!(status, 0);
        for told in ["Examples:\n  ", "nextapi-hook ", "Exit status:\n  0  "] {
            assert!(long.contains(told), "{command}: {told}: {long}");
        }
        let reads_a_secret = long.contains("--secret-file");
        assert_eq!(reads_a_secret, long.contains("  NEXTAPI_WEBHOOK_SECRET  "), "{command}");
        let reads_a_key = long.contains("--api-key-file");
        assert_eq!(reads_a_key, long.contains("  NEXTAPI_API_KEY  "), "{command}");
        let (_, short, _) = run(hook().args(command.split(' ')).arg("-h"));
        assert!(!short.contains("Examples:") && short.len() < long.len(), "{short}");
    }
}

/// Every example that the help shows is one that the command understands.
#[test]
fn the_examples_of_the_help_are_understood() {
    for command in COMMANDS.into_iter().chain(JOB_COMMANDS) {
        let (_, help, _) = run(hook().args(command.split(' ')).arg("--help"));
        let mine = format!("  nextapi-hook {command} ");
        let examples: Vec<_> = help.lines().filter_map(|line| line.strip_prefix(&mine)).collect();
        assert!(!examples.is_empty(), "{command}: {help}");
        for example in examples {
            let words = example.split(['|', '>']).next().unwrap();
            let words = words.replace("\"$(nextapi-hook sign body.json)\"", "t=1,v=1");
            let words = words.replace(" < order.json", "");
            // Everything before the unknown option is understood, and nothing is done.
            let mut parse = hook();
            parse.args(command.split(' ')).args(words.split_whitespace()).arg("--no-such-option");
            let (status, _, stderr) = run(&mut parse);
            assert_eq!(status, 2);
            assert!(stderr.contains("'--no-such-option' found"), "{example}: {stderr}");
        }
    }
}

#[test]
fn completions_are_there_for_every_shell_and_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (status, stdout, stderr) = run(hook().args(["completions", shell]));
        assert_eq!((status, stderr.as_str()), (0, ""));
        for command in COMMANDS {
            assert!(stdout.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(run(hook().args(["completions", "dos"])).0, 2);
}

#[test]
fn bash_completes_with_the_script() {
    let (_, script, _) = run(hook().args(["completions", "bash"]));
    for (line, expected) in
        [("ver", "verify"), ("job su", "submit"), ("job wait --ti", "--timeout")]
    {
        let (count, last) = (line.split(' ').count(), line.split(' ').next_back().unwrap());
        let ask = format!(
            "COMP_WORDS=(nextapi-hook {line}); COMP_CWORD={count}; \
             function=$(complete -p nextapi-hook | grep -o -- '-F [^ ]*'); \
             ${{function#-F }} nextapi-hook {last}; echo \"${{COMPREPLY[@]}}\""
        );
        let script = format!("{script}\n{ask}");
        let (status, stdout, stderr) = run(Command::new("bash").args(["--norc", "-c", &script]));
        assert_eq!((status, stdout.trim()), (0, expected), "{stderr}");
    }
}

#[test]
fn colours_are_for_terminals_and_never_with_no_color() {
    let coloured = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = hook();
        command.env_remove("NO_COLOR").envs(variables.iter().copied()).args(arguments);
        let (_, stdout, stderr) = run(&mut command);
        stdout.contains('\x1b') || stderr.contains('\x1b')
    };
    for arguments in [
        ["send", "--scenario", "list"].as_slice(),
        &["verify", "--text", "--header", "t=1", "/dev/null"],
        &["verify", "--help"],
        &["sign"],
    ] {
        assert!(!coloured(&[], arguments), "in a pipe: {arguments:?}");
        let forced = ("CLICOLOR_FORCE", "1");
        assert!(!coloured(&[forced, ("NO_COLOR", "1")], arguments), "NO_COLOR: {arguments:?}");
    }
    let forced = [("CLICOLOR_FORCE", "1")];
    assert!(coloured(&forced, &["send", "--scenario", "list"]));
    assert!(coloured(&forced, &["verify", "--text", "--header", "t=1", "/dev/null"]));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [["completions", "bash"].as_slice(), &["send", "--scenario", "list"]] {
        // The reader is gone before the writer begins.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = hook();
        let command = command.args(arguments).stdout(writer).stderr(Stdio::piped());
        let (status, _, stderr) = outcome(command.spawn().unwrap().wait_with_output().unwrap());
        assert_eq!((status, stderr.as_str()), (141, ""), "{arguments:?}");
    }
}

#[test]
fn in_a_pipe_there_is_no_progress_bar() {
    let mut listening = hook();
    listening.args(["listen", "--port", "0"]).stdout(Stdio::piped());
    let mut listening = listening.spawn().unwrap();
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let url = first.strip_prefix("listening on ").unwrap();
    let (status, stdout, stderr) = run(hook().args(["send", "--url", url, "--count", "20"]));
    listening.kill().unwrap();
    listening.wait().unwrap();
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    assert!(!stdout.contains(['\r', '\x1b']), "{stdout}");
}

#[test]
fn a_curl_command_line_is_printed_for_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("it's a body");
    fs::write(&file, "{}").unwrap();
    let url = "http://127.0.0.1:1/a?b=c&d='e'";
    let (status, line, _) =
        run(hook().args(["sign", "--timestamp", "5", "--curl", url]).arg(&file));
    assert_eq!(status, 0);
    // A shell takes it apart; what it would give to curl is printed instead.
    let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{line}");
    let (_, words, _) = outcome(Command::new("sh").args(["-c", &script]).output().unwrap());
    let (_, signature, _) = run(hook().args(["sign", "--timestamp", "5"]).arg(&file));
    let expected = format!(
        "--data-binary\n@{}\n-H\nContent-Type: application/json\n-H\nx-nextapi-signature: \
         {signature}{url}\n",
        file.display()
    );
    assert_eq!(words, expected);
    assert!(!line.contains(SECRET));

    let (status, _, stderr) = run(hook().args(["sign", "--curl", url, "-"]).stdin(Stdio::null()));
    assert_eq!(status, 2);
    assert!(stderr.contains("--curl needs the body in a file"), "{stderr}");
}
