//! What is sent, how often, and in which order.

use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
use serde_json::{Value, json};

use super::world::{Received, URL, World, of};
use crate::counts::Counts;
use crate::outcome::OriginResult;
use crate::round_driver::NOW_MS;
use crate::watch::Findings;
use crate::watch::rule::MINUTE_MS;

#[test]
fn what_is_sent_is_pinned_and_signed() {
    let mut world = World::new("oldest_waiting > 30m");
    world.shard(1).oldest_waiting_ms = Some(NOW_MS - 31 * MINUTE_MS);
    world.pass(0);
    let [request] = world.received.as_slice() else { panic!("{:?}", world.received) };
    let expected = json!({
        "text": "edge.example: firing: oldest_waiting > 30m (now 1860 s), since 2023-11-14T22:13:20.000Z, \
                 https://edge.example/_edge/",
        "rule": "oldest_waiting > 30m",
        "state": "firing",
        "value": 1860,
        "since": "2023-11-14T22:13:20.000Z",
        "at": "2023-11-14T22:13:20.000Z",
        "deployment": "edge.example",
        "link": "https://edge.example/_edge/",
    });
    assert_eq!(request.json(), expected);
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["x-edge-attempt"], "1");
    let verifier = Verifier::<1>::new([Key::new(b"edge").unwrap()], Tolerance::DEFAULT).unwrap();
    let (signature, now) =
        (&request.headers["x-edge-signature"], UnixTime::from_secs(NOW_MS / 1_000));
    assert!(verifier.verify(signature, request.body.as_bytes(), now).is_ok());
    // What is told is on disk before, and the bytes with it.
    let on_disk: Value = serde_json::from_str(&world.on_disk[0]).unwrap();
    assert_eq!(on_disk["rules"][0]["is_firing"], true);
    assert_eq!(on_disk["notifications"][0]["body"], request.body);
    assert!(!world.memory.contains("url-canary") && !world.log.concat().contains("canary"));
}

#[test]
fn an_endpoint_that_fails_gets_it_later_and_once() {
    let mut world = World::new("dead > 0");
    world.answers = vec![
        (OriginResult::Status(503), None),
        (OriginResult::TimedOut, None),
        (OriginResult::Status(429), Some("120")),
    ];
    world.shard(0).events = "dead:1".into();
    world.pass(10);
    let keys: Vec<_> = world.received.iter().map(Received::key).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let attempts: Vec<_> = world.received.iter().map(|it| &it.headers["x-edge-attempt"]).collect();
    assert_eq!(attempts, ["1", "2", "3", "4"]);
    assert!(world.received.iter().all(|it| it.body == world.received[0].body));
    assert!(world.received[3].at_ms >= world.received[2].at_ms + 120_000);
    let sent = &world.alerts()["notifications"][0];
    assert_eq!((&sent["fate"], &sent["attempts"]), (&json!("sent"), &json!(4)));
    assert_eq!(sent["next_attempt"], Value::Null);
}

#[test]
fn an_answer_that_is_final_is_seen() {
    for status in [404, 302] {
        let mut world = World::new("dead > 0");
        world.answers = vec![(OriginResult::Status(status), None)];
        world.shard(0).events = "dead:1".into();
        world.pass(30);
        assert_eq!(world.received.len(), 1);
        let failed = &world.alerts()["notifications"][0];
        let expected = (&json!("failed"), &json!(status));
        assert_eq!((&failed["fate"], &failed["status"]), expected);
        let line: Value = serde_json::from_str(world.log.last().unwrap()).unwrap();
        assert_eq!(line["alert_not_sent"]["status"], status);
        let findings = Findings::read(&world.alerts().to_string(), world.now_ms).unwrap();
        assert_eq!(
            findings,
            Findings {
                rules: vec![("dead > 0".to_owned(), true)],
                failed: 1,
                checked_ms: Some(world.now_ms)
            }
        );
        let later = Findings::read(&world.alerts().to_string(), world.now_ms + 1_440 * MINUTE_MS);
        assert_eq!(later.unwrap().failed, 0);
    }
}

#[test]
fn it_is_given_up_after_a_day() {
    let mut world = World::new("dead > 0");
    world.answers = vec![(OriginResult::Unreachable, None); 10_000];
    world.shard(0).events = "dead:1".into();
    world.pass(10);
    let longest = world.received.windows(2).map(|it| it[1].at_ms - it[0].at_ms).max().unwrap();
    assert!(longest <= 6 * MINUTE_MS, "{longest} ms");
    world.now_ms = NOW_MS + 1_439 * MINUTE_MS;
    world.pass(0);
    assert_eq!(world.alerts()["notifications"][0]["fate"], "pending");
    world.pass(6);
    let notifications = &world.alerts()["notifications"];
    assert_eq!(notifications[1]["fate"], "failed");
    assert_eq!(notifications[0]["fate"], "pending", "the rule still holds, so it is told anew");
}

/// An address that is put right, or set at all, while a rule holds.
#[test]
fn what_nobody_was_told_is_told_anew_while_it_holds() {
    let mut world = World::with(&[("ALERTS", "dead > 0")]);
    world.shard(0).events = "dead:1".into();
    world.pass(3);
    world.deploy(&[("ALERTS", "dead > 0"), ("ALERT_URL", URL)]);
    world.pass(3);
    assert_eq!(world.states(), of(&[("firing", 4)]));

    let mut world = World::new("dead > 0");
    world.answers = vec![(OriginResult::Status(404), None)];
    world.shard(0).events = "dead:1".into();
    world.pass(59);
    assert_eq!(world.received.len(), 1);
    world.pass(120);
    assert_eq!(world.received.len(), 2, "once, when an hour has passed");
    world.shard(0).events = Counts::new();
    world.pass(3);
    assert_eq!(world.received.len(), 3);
    assert_eq!(world.received[2].json()["state"], "resolved");
}

#[test]
fn an_all_clear_never_comes_before_its_alert() {
    let mut world = World::new("dead > 0; waiting > 0");
    world.answers = vec![(OriginResult::Status(503), Some("600"))];
    world.shard(0).events = "dead:1".into();
    world.pass(1);
    world.shard(0).events = "waiting:1".into();
    world.pass(3);
    let states = |world: &World| -> Vec<_> {
        world.received.iter().map(|it| it.json()["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&world), ["dead > 0", "waiting > 0"], "another rule's does not wait");
    world.pass(10);
    let told: Vec<_> = world.told().into_iter().map(|(rule, state, _)| (rule, state)).collect();
    let expect = |rule: &str, state: &str| (rule.to_owned(), state.to_owned());
    assert_eq!(
        told,
        [
            expect("dead > 0", "firing"),
            expect("waiting > 0", "firing"),
            expect("dead > 0", "resolved")
        ]
    );
}

#[test]
fn no_endpoint_makes_the_queue_grow_without_bound() {
    let mut world = World::new("dead > 0");
    world.answers = vec![(OriginResult::Unreachable, None); 100_000];
    for minute in 0..160 {
        world.shard(0).events = if minute % 2 == 0 { "dead:1".into() } else { "".into() };
        world.pass(1);
    }
    let alerts = world.alerts();
    let fates = |fate: &str| {
        let all = alerts["notifications"].as_array().unwrap();
        all.iter().filter(|it| it["fate"] == fate).count()
    };
    assert_eq!((fates("pending"), fates("failed")), (100, 50));
    let given_up = world.log.iter().filter(|line| line.contains("alert_not_sent")).count();
    assert_eq!(given_up, 60);
}

/// What is given up goes in pairs, so that nobody is told first that something has ended.
#[test]
fn after_too_many_that_wait_an_alert_comes_first() {
    let mut world = World::new("dead > 0");
    world.answers = vec![(OriginResult::Unreachable, None); 10_000];
    for minute in 0..161 {
        world.shard(0).events = if minute % 2 == 0 { "dead:1".into() } else { Counts::new() };
        world.pass(1);
    }
    world.answers.clear();
    world.received.clear();
    world.pass(60);
    let states: Vec<_> = world.states().into_iter().map(|(state, _)| state).collect();
    assert!(states.len() > 90, "{states:?}");
    for (index, state) in states.iter().enumerate() {
        assert_eq!(state, if index % 2 == 0 { "firing" } else { "resolved" }, "{index}");
    }
}
