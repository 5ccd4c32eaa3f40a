//! Any bytes as a signature header: accepted, or refused with the same error, by the verifier and
//! by the grammar read aloud.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
use nextapi_webhook_fuzz::PLANTED_FAULT;
use nextapi_webhook_fuzz::header::Header;

/// Neither key nor clock has a say in what a header is.
static VERIFIER: LazyLock<Verifier<1>> = LazyLock::new(|| {
    let key = Key::new(b"secret").expect("it is not empty");
    Verifier::new([key], Tolerance::DEFAULT).expect("there is room")
});

fuzz_target!(|header: &[u8]| {
    let expected = Header::read(header).map(|_| ());
    let begun = if PLANTED_FAULT {
        // Accepts upper case.
        VERIFIER.begin(header.to_ascii_lowercase(), UnixTime::from_secs(0))
    } else {
        VERIFIER.begin(header, UnixTime::from_secs(0))
    };
    assert_eq!(begun.map(|_| ()), expected);
});
