//! The commands of the README, in the order in which they stand, as they stand: but for the ports, which are
//! free ones here.

use core::net::Ipv4Addr;
use std::env;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Serving, as_typed, block, checkout, project};

/// The folder of `nextapi-hook`, which is built where this test is.
fn programs() -> PathBuf {
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
    assert!(folder.join("nextapi-hook").is_file(), "run `make hook` first");
    folder
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// The checkout in which the commands of the README are typed, and the ports that they get.
struct Terminals {
    checkout: TempDir,
    edge: u16,
    origin: u16,
    provider: u16,
}

impl Terminals {
    /// A shell that runs these blocks of the README.
    fn shell(&self, blocks: &[&str]) -> Command {
        let script: String = blocks
            .iter()
            .map(|name| block("README.md", &format!("<!-- run: {name} -->")))
            .collect();
        // By way of variables: one port may have another one's digits in it.
        let script = script
            .replace("make dev", "make dev PORT=$EDGE_PORT ORIGIN=http://127.0.0.1:$ORIGIN_PORT/")
            .replace("8787", "$EDGE_PORT")
            .replace("9000", "$ORIGIN_PORT")
            .replace("8800", "$PROVIDER_PORT");
        let mut shell = Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.checkout.path())
            .env("PATH", format!("{}:{}", programs().display(), env::var("PATH").unwrap()))
            .env("EDGE_PORT", self.edge.to_string())
            .env("ORIGIN_PORT", self.origin.to_string())
            .env("PROVIDER_PORT", self.provider.to_string())
            .env("no_proxy", "127.0.0.1");
        as_typed(&mut shell);
        shell
    }

    /// Runs the blocks to their end, and gives what they print.
    #[track_caller]
    fn run(&self, blocks: &[&str]) -> String {
        let output = self.shell(blocks).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{blocks:?}: {}\n{stdout}\n{stderr}", output.status);
        stdout
    }
}

#[test]
fn its_commands_work_in_the_order_in_which_they_stand() {
    let terminals = Terminals {
        checkout: checkout(),
        edge: free_port(),
        origin: free_port(),
        provider: free_port(),
    };

    let edge = Serving::start(&mut terminals.shell(&["edge"]), "Ready on");
    for promised in [
        format!("webhook  http://127.0.0.1:{}/webhook", terminals.edge),
        format!("origin   http://127.0.0.1:{}/", terminals.origin),
        "secret   WEBHOOK_SECRETS in edge-worker/.dev.vars".to_owned(),
        "Restart after a change".to_owned(),
    ] {
        assert!(edge.printed().contains(&promised), "{promised}: {}", edge.printed());
    }
    let mut origin = Serving::start(&mut terminals.shell(&["origin"]), "listening on");

    // One terminal: what is exported stays.
    let printed = terminals.run(&["deliveries", "signature"]);
    assert!(printed.contains("200 accepted") && !printed.contains("NOT AS DESIGNED"), "{printed}");
    let signed = "{\"status\":\"accepted\"}accepted: the signature holds\n";
    assert!(printed.ends_with(signed), "{printed}");
    origin.wait_for("id=evt_example");

    let mut provider = terminals.shell(&["deliveries", "provider"]);
    drop(Serving::start(&mut provider, "listening on http://127.0.0.1:"));
}

#[test]
fn what_it_installs_is_there() {
    let installed = block("README.md", "Install the command:\n");
    assert_eq!(installed, "cargo install --path cli\n");
    let main = project().join("cli/src/bin/nextapi-hook/main.rs");
    assert!(main.is_file(), "{}", main.display());
}
