//! Checks a delivery that was captured: was it authentic, and if it was refused, why?
//!
//! ```text
//! WEBHOOK_SECRETS=whsec_… cargo run -p nextapi-webhook --example offline_check -- 't=1700000000,v=…' 1700000010 body.json
//! ```
//!
//! The arguments are the value of the signature header, the time of arrival in seconds since 1970, and
//! the file with the body, byte for byte as it arrived. `WEBHOOK_SECRETS` holds one or more secrets,
//! white space between them: an argument would be seen by every user of the machine. Exit status: 0 if
//! the delivery is accepted, 1 if it is refused, 2 if it could not be checked.

use core::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use nextapi_webhook::{Key, Tolerance, UnixTime, Verified, Verifier};

fn main() -> ExitCode {
    match check() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("not checked: {error}");
            ExitCode::from(2)
        }
    }
}

fn check() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [header, arrived, file] = arguments.as_slice() else {
        return Err("usage: offline_check <header value> <unix seconds> <body file>".into());
    };
    let arrived = arrived.parse().map_err(|_| "the time is not a number of seconds")?;
    let body = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let secrets = env::var("WEBHOOK_SECRETS").map_err(|_| "WEBHOOK_SECRETS is not set")?;
    let keys: Vec<Key> = secrets
        .split_whitespace()
        .map(|secret| Key::new(secret.as_bytes()))
        .collect::<Result<_, _>>()?;
    let verifier = Verifier::<8>::new(keys, Tolerance::DEFAULT)?;
    let now = UnixTime::from_secs(arrived);

    match verifier.verify(header, &body, now) {
        Ok(accepted) => {
            println!(
                "accepted: signed with secret {} of WEBHOOK_SECRETS, {} s before it arrived",
                accepted.key_index().saturating_add(1),
                accepted.age_secs()
            );
            describe(&accepted);
            Ok(true)
        }
        Err(error) => {
            println!("refused: {}: {error}", error.code());
            // The commonest accident of a capture: an editor ends every file with a line feed.
            if body
                .strip_suffix(b"\n")
                .is_some_and(|body| verifier.verify(header, body, now).is_ok())
            {
                println!("hint: without the line feed at the end of {file} it would be accepted");
            }
            Ok(false)
        }
    }
}

/// What the body says is printed with `{:?}`, so that nothing in it can move the cursor or colour the
/// screen.
fn describe(accepted: &Verified<&[u8]>) {
    match accepted.event() {
        Ok(event) => println!(
            "event: id {:?}, type {:?}, status {:?}, job {:?}",
            event.id(),
            event.event_type(),
            event.status(),
            event.job_id()
        ),
        // As authentic as before: a receiver deals with it, and knows it again by its bytes.
        Err(error) => println!("event: none: {error}"),
    }
    println!("key: {}", accepted.event_key());
}
