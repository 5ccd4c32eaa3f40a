//! What a watch does, case by case.

use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
use serde_json::{Value, json};

use super::world::{NOW_MS, Received, URL, World};
use crate::counts::Counts;
use crate::isolate::{Bindings, Isolate};
use crate::ledger::credits::Credits;
use crate::ledger::figures::Figures;
use crate::outcome::OriginResult;
use crate::settings::tests::read;
use crate::trace::Random;
use crate::watch::rule::MINUTE_MS;
use crate::watch::{Findings, WatchInput, WatchOutput, WatchPage, WatchRound};

fn told(world: &World) -> Vec<(String, u64)> {
    world.told().into_iter().map(|(_, state, minute)| (state, minute)).collect()
}

fn of(entries: &[(&str, u64)]) -> Vec<(String, u64)> {
    entries.iter().map(|(state, minute)| ((*state).to_owned(), *minute)).collect()
}

#[test]
fn an_alert_is_sent_once_and_an_all_clear_once() {
    let mut world = World::new("origin_failed > 10 for 10m");
    world.pass(3);
    world.count(0, "origin_failed", 4);
    world.count(1, "attempt_origin_failed", 6);
    world.pass(1);
    assert_eq!(world.told(), [], "ten are not more than ten");
    world.count(1, "attempt_origin_failed", 1);
    world.pass(30);
    assert_eq!(told(&world), of(&[("firing", 5), ("resolved", 14)]));
}

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
fn a_level_has_to_be_above_its_limit_on_end() {
    let mut world = World::new("waiting > 5 for 10m");
    world.shard(0).events = "waiting:6".into();
    world.pass(8);
    assert_eq!(world.alerts()["rules"][0]["state"], "pending");
    world.shard(0).events = "waiting:5".into();
    world.pass(1);
    assert_eq!(world.alerts()["rules"][0]["state"], "quiet");
    world.shard(0).events = "waiting:3".into();
    world.shard(1).events = "waiting:3".into();
    world.pass(9);
    assert_eq!(told(&world), []);
    world.pass(4);
    let rule = &world.alerts()["rules"][0];
    assert_eq!((&rule["state"], &rule["value"]), (&json!("firing"), &json!(6)));
    assert_eq!(told(&world), of(&[("firing", 20)]));
}

/// Nobody knows what was while the watch itself stood still.
#[test]
fn a_time_without_figures_does_not_count() {
    let mut world = World::new("waiting > 5 for 10m");
    world.shard(0).events = "waiting:6".into();
    world.pass(2);
    world.now_ms += 60 * MINUTE_MS;
    world.pass(1);
    assert_eq!(world.alerts()["rules"][0]["state"], "pending");
    world.pass(6);
    assert_eq!(world.alerts()["rules"][0]["state"], "firing");
}

#[test]
fn a_shard_that_does_not_answer_begins_and_ends_nothing() {
    let mut world = World::new("dead > 0; waiting > 5 for 5m; paused > 3 for 3m");
    world.shard(1).events = "dead:1,waiting:9".into();
    world.pass(3);
    assert_eq!(world.told(), [("dead > 0".to_owned(), "firing".to_owned(), 0)]);
    world.count(1, "paused", 9);
    world.silent.insert("shard-1".to_owned());
    world.pass(60);
    assert_eq!(world.told().len(), 1, "{:?}", world.told());
    assert_eq!(world.alerts()["rules"][1]["state"], "pending", "neither above nor not");
    assert_eq!(world.page(WatchPage::History)["samples"][30]["is_complete"], false);
    // It was above for three minutes, and the hour in between does not count.
    world.silent.clear();
    world.pass(1);
    assert_eq!(world.told().len(), 2, "{:?}", world.told());
    assert_eq!(world.told()[1].0, "paused > 3 for 3m", "what it has counted comes now");
    world.pass(2);
    assert_eq!(world.told()[2].0, "waiting > 5 for 5m");
    world.silent.insert("shard-0".to_owned());
    world.shard(1).events = "".into();
    world.pass(60);
    assert_eq!(world.told().len(), 3, "shard-0 may have dead letters");
    world.silent.clear();
    world.pass(1);
    assert_eq!(world.told().len(), 6);
}

#[test]
fn silence_has_a_rule_of_its_own() {
    let mut world = World::new("shards_unreachable > 0 for 2m");
    world.silent.insert("shard-0".to_owned());
    world.pass(4);
    world.silent.clear();
    world.pass(4);
    assert_eq!(told(&world), of(&[("firing", 2), ("resolved", 5)]));
}

#[test]
fn former_shards_are_asked_as_well() {
    let mut world = World::new("dead > 0");
    world.shard(0).shard_counts = vec![(1, 4), (2, 2), (3, 9_999)];
    world
        .shards
        .insert("shard-3".to_owned(), Figures { events: "dead:1".into(), ..Figures::default() });
    world.pass(1);
    assert_eq!(world.asked, ["shard-0", "shard-1", "shard-2", "shard-3"]);
    assert_eq!(told(&world), of(&[("firing", 0)]));
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
        assert_eq!(findings, Findings { rules: vec![("dead > 0".to_owned(), true)], failed: 1 });
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
    assert_eq!(told(&world), of(&[("firing", 4)]));

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

/// A deploy may end an engine at any moment, and each does so in the middle of something.
#[test]
fn an_alert_is_in_the_log_before_it_is_sent() {
    let mut world = World::new("dead > 0");
    world.shard(0).events = "dead:1".into();
    // The ledger is called and the memory kept; then the engine dies.
    assert!(!world.round_up_to(2));
    assert!(world.log[0].contains(r#""alert":{"rule":"dead > 0","state":"firing"}"#));
}

#[test]
fn what_was_counted_while_the_watch_was_off_is_no_news() {
    let mut world = World::new("origin_failed > 10");
    world.pass(1);
    world.now_ms += 7 * 24 * 60 * MINUTE_MS;
    world.count(0, "origin_failed", 11);
    world.pass(2);
    assert_eq!(world.received, []);
    world.count(0, "origin_failed", 11);
    world.pass(2);
    assert_eq!(world.told().len(), 2);
}

#[test]
fn a_price_that_nobody_knows_any_more_fires_nothing() {
    let jobs = ("SUBMIT_TOKEN", "0123456789abcdef0123456789abcdef");
    let alerts = [("ALERTS", "cost_p95 > 1 for 1h"), ("ALERT_URL", URL)];
    let mut world = World::with(&[alerts[0], alerts[1], jobs]);
    world.prices = vec![(Credits::parse("2").unwrap(), 5)];
    world.pass(16);
    world.deploy(&alerts);
    world.pass(120);
    assert_eq!(world.received, []);
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
    let states: Vec<_> = told(&world).into_iter().map(|(state, _)| state).collect();
    assert!(states.len() > 90, "{states:?}");
    for (index, state) in states.iter().enumerate() {
        assert_eq!(state, if index % 2 == 0 { "firing" } else { "resolved" }, "{index}");
    }
}

#[test]
fn without_a_url_alerts_are_only_shown() {
    let mut world = World::with(&[("ALERTS", "dead > 0")]);
    world.shard(0).events = "dead:1".into();
    world.pass(3);
    assert_eq!(world.received, []);
    let alerts = world.alerts();
    assert_eq!(
        (&alerts["is_sent"], &alerts["rules"][0]["state"]),
        (&json!(false), &json!("firing"))
    );
    assert_eq!(alerts["notifications"][0]["fate"], "unsent");
    assert!(
        world.log[0].contains(r#""alert":{"rule":"dead > 0","state":"firing"}"#),
        "{:?}",
        world.log
    );
}

/// Nobody waits for an all-clear for ever.
#[test]
fn a_rule_that_is_taken_out_while_it_fires_is_cleared() {
    let mut world = World::new("dead > 0");
    world.shard(0).events = "dead:1".into();
    world.pass(3);
    world.deploy(&[("ALERT_URL", URL)]);
    world.pass(3);
    assert_eq!(told(&world), of(&[("firing", 0), ("resolved", 4)]));
    assert!(world.received[1].body.contains("not watched any more"), "{}", world.received[1].body);
    assert_eq!(world.alarm_ms, None, "there is nothing left to do");
}

#[test]
fn what_is_usual_decides_about_prices() {
    let mut world = World::with(&[
        ("ALERTS", "cost_p95 > 1.5x week; cost_p95 > 2.9"),
        ("ALERT_URL", URL),
        ("SUBMIT_TOKEN", "0123456789abcdef"),
    ]);
    let price = |text: &str| vec![(Credits::parse(text).unwrap(), 100)];
    world.prices = price("2");
    for _ in 0..4 {
        world.pass(1);
        world.now_ms += 6 * 60 * MINUTE_MS;
    }
    assert_eq!(world.told(), []);
    world.prices = price("3.000001");
    world.pass(16);
    let rules: Vec<_> = world.told().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(rules, ["cost_p95 > 1.5x week", "cost_p95 > 2.9"]);
    assert_eq!(world.received[0].json()["value"], "3.000001");
    world.prices = Vec::new();
    world.pass(16);
    assert_eq!(world.told().len(), 4);
    assert_eq!(world.alerts()["rules"][0]["value"], Value::Null);
}

#[test]
fn the_history_is_pinned() {
    let mut world = World::with(&[("ADMIN_TOKEN", "0123456789abcdef")]);
    world.pass(0);
    world.count(0, "accepted", 12);
    world.shard(0).events = "dead:2,waiting:3".into();
    world.shard(1).oldest_waiting_ms = Some(NOW_MS);
    world.pass(16);
    let page = world.page(WatchPage::History);
    assert_eq!((&page["step_seconds"], &page["long_step_seconds"]), (&json!(60), &json!(900)));
    let expected = json!({
        "at": "2023-11-14T22:14:20.000Z",
        "outcomes": { "accepted": 12 },
        "waiting": 3,
        "oldest_waiting_seconds": 60,
        "dead": 2,
        "jobs_open": 0,
        "jobs_overdue": 0,
        "is_complete": true,
    });
    assert_eq!(page["samples"][1], expected);
    assert_eq!(page["samples"].as_array().unwrap().len(), 17);
    assert_eq!(page["long_samples"].as_array().unwrap().len(), 1);
    assert_eq!(page["long_samples"][0]["outcomes"]["accepted"], 12);
    let checked = json!("2023-11-14T22:29:20.000Z");
    assert_eq!(
        world.alerts(),
        json!({ "checked_at": checked, "is_sent": false, "rules": [], "notifications": [] })
    );
}

#[test]
fn nobody_who_looks_and_no_rules_is_nothing_to_do() {
    let mut world = World::with(&[]);
    world.pass(0);
    assert_eq!((world.alarm_ms, world.asked.len()), (None, 0));
}

#[test]
fn refused_settings_forget_nothing_and_are_looked_at_again() {
    let isolate = Isolate::new(read(&[("ORIGIN_URL", None)]), Bindings::default());
    let random = Random::from_bytes(&[7; 40]);
    let (round, output) = WatchRound::begin(&isolate, "what was", None, &random, NOW_MS);
    assert!(round.is_none());
    let alarm_ms = Some(NOW_MS + MINUTE_MS);
    assert_eq!(
        output,
        WatchOutput::End { memory: "what was".to_owned(), alarm_ms, log: Vec::new() }
    );
}

/// A driver that could not keep the memory must not send what it would not know of.
#[test]
fn what_is_not_on_disk_is_not_sent() {
    let mut world = World::new("dead > 0");
    world.shard(0).events = "dead:1".into();
    assert!(!world.round_up_to(1), "the figures are there");
    let random = Random::from_bytes(&[7; 40]);
    let begin =
        |world: &World| WatchRound::begin(&world.isolate, &world.memory, None, &random, NOW_MS);
    let (round, _) = begin(&world);
    let replies = [Figures { events: "dead:1".into(), ..Figures::default() }, Figures::default()]
        .map(|figures| crate::ledger::message::Reply::Figures(figures).encode());
    let input = WatchInput::LedgerReplies(replies.join("\n"));
    let (round, output) = round.unwrap().handle(input, NOW_MS);
    assert!(matches!(output, WatchOutput::Keep { .. }), "{output:?}");
    let (_, output) = round.unwrap().handle(WatchInput::LedgerReplies(String::new()), NOW_MS);
    assert!(matches!(output, WatchOutput::End { .. }), "{output:?}");
}

/// An endpoint that hangs takes ten seconds of each round; the figures are taken all the same.
#[test]
fn samples_are_taken_while_an_endpoint_is_slow() {
    let mut world = World::new("dead > 0");
    world.answers = vec![(OriginResult::TimedOut, None); 1_000];
    world.shard(0).events = "dead:1".into();
    world.pass(60);
    let samples = world.page(WatchPage::History)["samples"].as_array().unwrap().len();
    assert!(samples >= 50, "{samples}");
}
