//! What the optional features add.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[cfg(feature = "serde")]
#[test]
fn serde_writes_events_as_objects_and_keys_as_text() {
    use nextapi_webhook::{Event, EventKey};

    let body = br#"{"id":"evt_1","type":"job.succeeded","data":{"job_id":"job_7","credits":1.50}}"#;
    let written = serde_json::to_value(Event::read_unverified(body).unwrap()).unwrap();
    let expected = serde_json::json!({
        "id": "evt_1", "type": "job.succeeded", "status": null, "job_id": "job_7", "credits": "1.50",
    });
    assert_eq!(written, expected);
    let key = EventKey::of_unverified(body);
    assert_eq!(serde_json::to_value(key).unwrap(), key.to_string());
}

#[cfg(feature = "std")]
#[test]
fn std_reads_the_system_clock() {
    use std::time::SystemTime;

    let secs = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let before = secs();
    let now = nextapi_webhook::UnixTime::now().as_secs();
    assert!((before..=secs()).contains(&now));
}

#[cfg(feature = "zeroize")]
#[test]
fn zeroize_marks_what_is_wiped_on_drop() {
    fn is_wiped<T: zeroize::ZeroizeOnDrop>() {}
    is_wiped::<nextapi_webhook::Key>();
    is_wiped::<nextapi_webhook::Verifier<2>>();
}
