//! `send`: what it makes of the answers.

use nextapi_hook::{LocalEdge, Origin, Reply, Scenario};

use crate::support::{SECRET, hook, outcome, reference_edge};

async fn send(arguments: &[&str]) -> (i32, String, String) {
    let mut command = hook();
    command.arg("send").args(arguments);
    // Not in this thread: it serves the origin meanwhile.
    outcome(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

#[tokio::test]
async fn an_edge_that_is_as_designed_gets_0_and_another_one_1() {
    for (fault, expected) in [("", 0), ("forgets", 1)] {
        let folder = reference_edge(fault);
        let origin = Origin::start().await.unwrap();
        let edge = LocalEdge::builder(folder.path())
            .setting("WEBHOOK_SECRETS", SECRET)
            .setting("EDGE_SIGNING_SECRET", "edge-secret")
            .setting("ORIGIN_URL", origin.url())
            .start()
            .await
            .unwrap();
        let url = format!("{}webhook", edge.url());
        let (status, stdout, stderr) = send(&["--url", &url]).await;
        assert_eq!(status, expected, "{stdout}{stderr}");
        assert_eq!(stdout.contains("NOT AS DESIGNED"), expected == 1, "{stdout}");
        for scenario in Scenario::all() {
            assert!(stdout.contains(&format!("{}: ", scenario.name())), "{stdout}");
        }
    }
}

#[tokio::test]
async fn one_scenario_can_be_told_alone() {
    let origin = Origin::start().await.unwrap();
    origin.reply_with(|_| Reply::default().with_body(r#"{"status":"forwarded"}"#));
    let (status, stdout, _) = send(&["--url", &origin.url(), "--scenario", "lifecycle"]).await;
    assert_eq!((status, origin.count()), (0, 3), "{stdout}");

    // An origin without an edge in front of it takes what is not signed.
    let (status, stdout, _) = send(&["--url", &origin.url(), "--scenario", "unsigned"]).await;
    assert_eq!(status, 1);
    assert!(stdout.contains("expected: 400 signature_missing"), "{stdout}");
}

#[tokio::test]
async fn the_list_explains_every_scenario_and_needs_nothing() {
    let (status, stdout, _) = send(&["--scenario", "list"]).await;
    assert_eq!(status, 0);
    for scenario in Scenario::all() {
        assert!(stdout.contains(scenario.name()) && stdout.contains(scenario.about()));
    }
}

#[tokio::test]
async fn what_cannot_be_done_ends_with_2_and_says_why() {
    let mut origin = Origin::start().await.unwrap();
    origin.refuse().await;
    let secretive = format!("{}?token=hidden", origin.url());
    for (arguments, told) in [
        (["--url", &secretive].as_slice(), "no answer from http://127.0.0.1"),
        (&["--scenario", "flat"], "--url"),
        (&["--url", "localhost:80"], "http://"),
        (&["--url", "http://127.0.0.1", "--scenario", "flatt"], "lifecycle"),
    ] {
        let (status, _, stderr) = send(arguments).await;
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
        assert!(!stderr.contains("hidden"), "{stderr}");
    }
}
