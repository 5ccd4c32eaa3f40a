//! What is deleted undelivered is told of and counted, with a clock that the test moves.

use serde_json::Value;

use super::sqlite::Sqlite;
use crate::counts::Counts;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::object;
use crate::ledger::sqlite_store::Storage as _;
use crate::settings::Settings;
use crate::settings::tests::settings_with;

const NOW_MS: u64 = 1_700_000_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn ask(database: &Sqlite, settings: &Settings, call: &Call) -> Reply {
    let reply = object::call(database, settings, &call.encode(), NOW_MS).unwrap();
    Reply::decode_all(&reply, 1).remove(0).unwrap()
}

/// An event that the origin refuses; without `DELIVERY=durable` it is the provider's to repeat.
fn refused(database: &Sqlite, settings: &Settings, key: &str, is_owed: bool) {
    let job_id = Some(format!("job of {key}"));
    let meta = EventMeta { job_id: job_id.clone(), ..EventMeta::default() };
    let key = key.to_owned();
    let call = if is_owed {
        Call::Accept {
            key: key.clone(),
            meta,
            head: "{}".to_owned(),
            body_bytes: 1,
            correlation_id: None,
        }
    } else {
        Call::Claim { key: key.clone(), meta, correlation_id: None }
    };
    ask(database, settings, &call);
    let release = Call::Release {
        job_id,
        key,
        token: 1,
        outcome: "origin_rejected".to_owned(),
        status: Some(400),
        retry_after_ms: None,
        jitter: 0,
        counts: Counts::new(),
        correlation_id: None,
    };
    assert_eq!(ask(database, settings, &release), Reply::Ok);
}

/// Rings every alarm up to a time; the lines that it gives, each with when.
fn lines(database: &Sqlite, settings: &Settings, until_ms: u64) -> Vec<(u64, Value)> {
    let mut lines = Vec::new();
    while let Some(now_ms) = database.alarm_ms().filter(|ms| *ms <= until_ms) {
        database.set_alarm(None);
        for line in object::ring(database, Some(settings), true, now_ms).unwrap() {
            lines.push((now_ms, serde_json::from_str(&line).unwrap()));
        }
    }
    lines
}

#[test]
fn whatever_expires_undelivered_is_logged_and_counted() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[]));
    object::start(&database, &settings, NOW_MS).unwrap();
    refused(&database, &settings, "event-dead", true);
    refused(&database, &settings, "event-open", false);
    // One that the origin has is forgotten without a word.
    let claim = Call::Claim {
        key: "event-done".to_owned(),
        meta: EventMeta::default(),
        correlation_id: None,
    };
    ask(&database, &settings, &claim);
    let key = "event-done".to_owned();
    ask(
        &database,
        &settings,
        &Call::Commit {
            job_id: None,
            key,
            token: 1,
            counts: Counts::new(),
            status: None,
            correlation_id: None,
        },
    );

    assert_eq!(lines(&database, &settings, NOW_MS + 3 * DAY_MS - 1), []);
    let found = lines(&database, &settings, NOW_MS + 40 * DAY_MS);
    let said: Vec<_> =
        found.iter().map(|(_, line)| (&line["event_key"], &line["expired"])).collect();
    assert_eq!(
        said,
        [(&"event-open".into(), &"open".into()), (&"event-dead".into(), &"dead".into())]
    );
    let (now_ms, dead) = &found[1];
    assert!((NOW_MS + 30 * DAY_MS..=NOW_MS + 30 * DAY_MS + 600_000).contains(now_ms));
    assert_eq!(dead["job_id"], "job of event-dead");
    assert_eq!(dead["last_outcome"], "origin_rejected");
    let Reply::Figures(figures) =
        ask(&database, &settings, &Call::Figures { counts: Counts::new() })
    else {
        panic!("no figures")
    };
    assert_eq!(figures.outcomes, "expired_dead:1,expired_open:1".into());
    assert_eq!(figures.events, Counts::new());
}

/// What the edge owes stays, however long it waits.
#[test]
fn what_is_owed_never_expires() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[]));
    object::start(&database, &settings, NOW_MS).unwrap();
    ask(&database, &settings, &Call::Pause { is_paused: true });
    let meta = EventMeta::default;
    let key = "event-00".to_owned();
    let accept = Call::Accept {
        key,
        meta: meta(),
        head: "{}".to_owned(),
        body_bytes: 1,
        correlation_id: None,
    };
    assert_eq!(ask(&database, &settings, &accept), Reply::Stored);
    for day in 0..800 {
        let now_ms = NOW_MS + day * DAY_MS;
        assert_eq!(object::ring(&database, Some(&settings), true, now_ms), Ok(Vec::new()));
    }
    assert_eq!(database.shown("SELECT 1 FROM event WHERE state = 'waiting'").len(), 1);
}
