//! Any bytes as a body: the same facts, or the same error, as with `serde_json`, and the key by
//! hand.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{Event, EventKey};
use nextapi_webhook_fuzz::PLANTED_FAULT;
use nextapi_webhook_fuzz::event::{Facts, digest};
use nextapi_webhook_fuzz::json;
use nextapi_webhook_fuzz::mac::sha256;
use nextapi_webhook_fuzz::refusal::Unreadable;

fuzz_target!(|body: &[u8]| {
    let expected = Facts::read(body);
    // The planted fault takes a form feed for white space.
    let event = Event::read_unverified(if PLANTED_FAULT { body.trim_ascii() } else { body });
    let facts = event.as_ref().map(Facts::from).map_err(|&error| Unreadable::from(error));
    if (&facts, &expected) == (&Err(Unreadable::TooDeep), &Err(Unreadable::NotAnEvent)) {
        // Too deep comes before the other fault.
        assert!(json::depth(body) > 32);
    } else {
        assert_eq!(facts, expected);
    }

    let key = EventKey::of_unverified(body);
    match expected.ok().and_then(|facts| facts.key) {
        Some(event_hash) => assert_eq!(digest(&key, "event-"), event_hash),
        None => assert_eq!(digest(&key, "body-"), sha256(&[body])),
    }
});
