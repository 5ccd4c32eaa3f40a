//! Numbers: each within its range, and those that go together.

use super::*;

#[test]
fn numbers_must_be_whole_and_within_their_range() {
    for (setting, least, most) in [
        ("MAX_BODY_BYTES", 1, 4_194_304),
        ("ORIGIN_TIMEOUT_MS", 1, 9_000),
        ("LEDGER_SHARDS", 1, 256),
        ("RETENTION_HOURS", 36, 8_760),
    ] {
        for sound in [least, most] {
            // What is stored has a lower limit for bodies, which has a test of its own.
            let settings = [("DELIVERY", Some("through")), (setting, Some(&sound.to_string()))];
            assert!(read(&settings).is_ok(), "{setting} {sound}");
        }
        let beyond = (most + 1).to_string();
        let others =
            ["0", &beyond, "-1", "+5", "1.5", "1e3", "0x10", "5 s", "99999999999999999999"];
        assert_refused(setting, &others, &format!("from {least} to {most}"));
    }
    for setting in ["TOLERANCE_PAST_SECONDS", "TOLERANCE_FUTURE_SECONDS"] {
        for value in ["0", "300s", "999999999"] {
            problem_with(setting, value);
        }
    }
    problem_with("LEASE_SECONDS", "601");
}

#[test]
fn an_event_must_be_remembered_for_as_long_as_its_signature_is_accepted() {
    let with = |past, future, hours| {
        [
            ("TOLERANCE_PAST_SECONDS", Some(past)),
            ("TOLERANCE_FUTURE_SECONDS", Some(future)),
            ("RETENTION_HOURS", Some(hours)),
        ]
    };
    assert!(read(&with("129300", "300", "36")).is_ok());
    let text = problem("RETENTION_HOURS", &with("129301", "300", "36"));
    assert!(text.contains("replayed"), "{text}");
    problem("RETENTION_HOURS", &with("300", "129301", "36"));
}

#[test]
fn a_lease_must_outlast_the_origins_deadline() {
    let with =
        |timeout, lease| [("ORIGIN_TIMEOUT_MS", Some(timeout)), ("LEASE_SECONDS", Some(lease))];
    assert!(read(&with("7000", "12")).is_ok());
    assert!(problem("LEASE_SECONDS", &with("7000", "11")).contains("at least 12"));
    assert!(problem("LEASE_SECONDS", &with("7001", "12")).contains("at least 13"));
}
