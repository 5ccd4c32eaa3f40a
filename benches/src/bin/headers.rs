//! What the longest header costs beside an ordinary one, and where the time goes. Replaces the section
//! `native-headers` of `benches/RESULTS.md`.

use core::fmt::Write as _;
use core::hint::black_box;

use nextapi_webhook::{MAX_HEADER_BYTES, MAX_SIGNATURES, Pending, UnixTime};
use nextapi_webhook_benches::{
    Case, Delivery, Failure, Machine, Measured, Results, Signing, Subject, measure, size_name,
};

const SIGNED_AT: UnixTime = UnixTime::from_secs(1_700_000_000);
const BODIES: [u32; 2] = [512, 4 * 1024];
const ROUNDS: u32 = 2_000;
/// Of the bodies of 512 bytes.
const TARGET: f64 = 1.2;

const ORDINARY: &str = "ordinary";
const SIGNATURES: &str = "as many signatures";
const LONGEST: &str = "longest";

fn main() -> Result<(), Failure> {
    let mut text = String::new();
    let mut bodies = Vec::new();
    for size in BODIES {
        eprintln!("headers: bodies of {}", size_name(size));
        bodies.push((size, measure(&mut verifying(size)?, ROUNDS)?));
    }
    eprintln!("headers: reading alone");
    let reading = measure(&mut reading()?, ROUNDS)?;

    writeln!(
        text,
        "Median nanoseconds for one delivery, by its header: one signature; {MAX_SIGNATURES} that do not hold; \
         these and then commas, up to {MAX_HEADER_BYTES} bytes. In brackets, how many times as long as with the \
         ordinary one, median of the rounds (quartiles):\n"
    )?;
    let names: Vec<String> = bodies.iter().map(|(size, _)| size_name(*size)).collect();
    writeln!(text, "| header | bytes | {} | reading it alone |", names.join(" | "))?;
    writeln!(text, "| --- | ---: |{} ---: |", " ---: |".repeat(bodies.len()))?;
    for (name, signing) in headers() {
        let length = Delivery::new(BODIES[0], SIGNED_AT, signing)?.header.len();
        write!(text, "| {name} | {length} |")?;
        for (_, measured) in &bodies {
            write!(text, " {} |", cell(measured, name))?;
        }
        writeln!(text, " {} |", cell(&reading, name))?;
    }
    for (size, measured) in &bodies {
        let ratio = measured.ratio(LONGEST, ORDINARY).median;
        let target = if *size == BODIES[0] {
            let verdict = if ratio <= TARGET { "met" } else { "missed" };
            format!("; the target, at most {TARGET}, is {verdict}")
        } else {
            String::new()
        };
        let more = |measured: &Measured| {
            measured.nanoseconds(LONGEST).median - measured.nanoseconds(ORDINARY).median
        };
        writeln!(
            text,
            "\n{}: {ratio:.2} times as long{target}. Of the {:.0} ns more, reading the header takes {:.0}.",
            size_name(*size),
            more(measured),
            more(&reading)
        )?;
    }
    writeln!(text, "\n{}", Machine::here())?;
    println!("{text}");
    Ok(Results::of_checkout().replace("native-headers", &text)?)
}

fn headers() -> [(&'static str, Signing); 3] {
    [
        (ORDINARY, Signing::Ordinary),
        (SIGNATURES, Signing::Forged(MAX_SIGNATURES)),
        (LONGEST, Signing::Hostile),
    ]
}

fn verifying(size: u32) -> Result<[Subject<'static>; 3], Failure> {
    Ok([
        Case::OneCall.subject(ORDINARY, size)?,
        Case::Forged(MAX_SIGNATURES).subject(SIGNATURES, size)?,
        Case::HostileHeader.subject(LONGEST, size)?,
    ])
}

/// The header is taken apart, and no MAC is computed or compared.
fn reading() -> Result<Vec<Subject<'static>>, Failure> {
    let mut subjects = Vec::new();
    for (name, signing) in headers() {
        let header = Delivery::new(BODIES[0], SIGNED_AT, signing)?.header;
        subjects.push(Subject::new(name, move || {
            Pending::parse(black_box(&header))
                .is_ok_and(|pending| black_box(&pending).message(&[])[0] == b"1700000000")
        }));
    }
    Ok(subjects)
}

fn cell(measured: &Measured, name: &str) -> String {
    let time = measured.nanoseconds(name).median;
    if name == ORDINARY {
        format!("{time:.0}")
    } else {
        format!("{time:.0} ({})", measured.ratio(name, ORDINARY))
    }
}
