//! Any bytes as a signature header: accepted, or refused with the same error, by the verifier and
//! by the grammar read aloud.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{Key, Pending, Tolerance, Verifier};
use nextapi_webhook_fuzz::PLANTED_FAULT;
use nextapi_webhook_fuzz::header::Header;
use nextapi_webhook_fuzz::refusal::Refusal;

/// Neither key nor clock has a say in what a header is.
static VERIFIER: LazyLock<Verifier<1>> = LazyLock::new(|| {
    let key = Key::new(b"secret").expect("it is not empty");
    Verifier::new([key], Tolerance::DEFAULT).expect("there is room")
});

fuzz_target!(|header: &[u8]| {
    let expected = Header::read(header);
    let begun = if PLANTED_FAULT {
        // Accepts upper case.
        VERIFIER.begin(header.to_ascii_lowercase())
    } else {
        VERIFIER.begin(header)
    };
    assert_eq!(begun.map(|_| ()).map_err(Refusal::from), expected.map(|_| ()));

    match (Pending::parse(header), expected) {
        (Ok(pending), Ok(expected)) => {
            assert_eq!(pending.message(b"body"), [expected.digits.as_bytes(), b".", b"body"]);
        }
        (parsed, expected) => {
            assert_eq!(parsed.map(|_| ()).map_err(Refusal::from), expected.map(|_| ()));
        }
    }
});
