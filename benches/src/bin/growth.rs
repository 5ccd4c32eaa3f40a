//! How the time grows: with the body, with the keys, with the signatures in the header, and that it does not
//! with the place of the first wrong byte. Draws charts and replaces the section `native-growth` of `benches/RESULTS.md`.

use core::fmt::Write as _;

use nextapi_webhook_benches::{
    CASES, Case, Chart, Failure, Limit, Line, Machine, Measured, Results, SIZES, Series, Subject,
    measure, size_name,
};

const ROUNDS: u32 = 400;
/// The longest bodies take as long as a whole stretch; they need fewer rounds.
const LARGE_ROUNDS: u32 = 150;
const LARGE: u32 = 64 * 1024;
/// Of the charts about keys and signatures.
const BODY: u32 = 4 * 1024;
const MOST: u32 = 8;
/// Of the comparison of wrong bytes: short, so that comparing is a larger part of it.
const SHORT: u32 = 64;
const PLACE_ROUNDS: u32 = 4_000;
const DIGITS: usize = 10;

fn main() -> Result<(), Failure> {
    let mut text = String::new();
    with_the_body(&mut text)?;
    with_the_keys(&mut text)?;
    with_the_signatures(&mut text)?;
    with_the_wrong_byte(&mut text)?;
    writeln!(text, "\n{}", Machine::here())?;
    println!("{text}");
    Ok(Results::of_checkout().replace("native-growth", &text)?)
}

/// Times of all cases by size, and how well a straight line fits them.
fn with_the_body(text: &mut String) -> Result<(), Failure> {
    let mut measured = Vec::new();
    for size in SIZES {
        eprintln!("growth: bodies of {}", size_name(size));
        let limit = Limit::new(DIGITS, size as usize);
        let mut subjects = vec![Subject::new("SHA-256 alone", move || limit.holds())];
        for (name, case) in CASES {
            subjects.push(case.subject(name, size)?);
        }
        let rounds = if size < LARGE { ROUNDS } else { LARGE_ROUNDS };
        measured.push((size, measure(&mut subjects, rounds)?));
    }

    writeln!(text, "Median nanoseconds for one delivery, by the size of its body:\n")?;
    let sizes: Vec<String> = SIZES.into_iter().map(size_name).collect();
    writeln!(text, "| | {} | fixed part | each byte | off a straight line |", sizes.join(" | "))?;
    writeln!(text, "| --- |{}", " ---: |".repeat(SIZES.len().saturating_add(3)))?;
    let names: Vec<String> = measured
        .first()
        .map(|(_, first)| first.names().map(str::to_owned).collect())
        .unwrap_or_default();
    for name in &names {
        let points = points(&measured, name);
        let line = Line::through(&points);
        write!(text, "| {name} |")?;
        for (_, time) in &points {
            write!(text, " {time:.0} |")?;
        }
        let deviation = 100.0 * line.deviation(&points);
        writeln!(text, " {:.0} | {:.3} | {deviation:.1} % |", line.base, line.slope)?;
    }
    writeln!(text, "\n![Time against the body](charts/body.svg)\n")?;

    let drawn = ["one call", "two keys", "hostile header", "SHA-256 alone"];
    let series = drawn.map(|name| Series {
        name: name.to_owned(),
        points: points(&measured, name).into_iter().map(|(x, y)| (x / 1024.0, y / 1e3)).collect(),
    });
    Chart {
        title: "Time against the size of the body".to_owned(),
        x: "body, KiB",
        y: "time, microseconds",
        series: series.into(),
    }
    .draw("body")
}

fn points(measured: &[(u32, Measured)], name: &str) -> Vec<(f64, f64)> {
    measured
        .iter()
        .map(|(size, measured)| (f64::from(*size), measured.nanoseconds(name).median))
        .collect()
}

/// One MAC for every key: a straight line.
fn with_the_keys(text: &mut String) -> Result<(), Failure> {
    let points = by_count("keys", Case::Keys)?;
    let line = Line::through(&points);
    writeln!(
        text,
        "Keys, 1 to {MOST}, {} of body: {:.0} ns and {:.0} ns for each key, at most {:.1} % off that \
         line.\n\n![Time against the number of keys](charts/keys.svg)\n",
        size_name(BODY),
        line.base,
        line.slope,
        100.0 * line.deviation(&points)
    )?;
    draw("keys", "Time against the number of keys", "keys of the verifier", points)
}

/// The body is hashed once however many signatures there are: nearly flat.
fn with_the_signatures(text: &mut String) -> Result<(), Failure> {
    let points = by_count("signatures", Case::Forged)?;
    let line = Line::through(&points);
    writeln!(
        text,
        "Signatures in the header, 1 to {MOST}, none of which holds, {} of body: {:.0} ns and {:.0} ns \
         for each, which is {:.1} % of what one takes.\n\n\
         ![Time against the number of signatures](charts/signatures.svg)",
        size_name(BODY),
        line.base,
        line.slope,
        100.0 * line.slope / line.at(1.0)
    )?;
    draw("signatures", "Time against the number of signatures", "signatures in the header", points)
}

/// A comparison that stops at the first wrong byte would take longer for the last one. Informative: that no
/// branch depends on a MAC is shown by `make no-secret-branch`, but not on the machine's own SHA-256.
fn with_the_wrong_byte(text: &mut String) -> Result<(), Failure> {
    const FIRST: &str = "first byte wrong";
    const LAST: &str = "last byte wrong";
    eprintln!("growth: the place of a wrong byte");
    let mut subjects =
        [Case::WrongByte(0).subject(FIRST, SHORT)?, Case::WrongByte(31).subject(LAST, SHORT)?];
    let measured = measure(&mut subjects, PLACE_ROUNDS)?;
    writeln!(
        text,
        "\nA MAC that is wrong in its last byte takes {} times as long to refuse as one that is wrong in its \
         first, {} of body.",
        measured.ratio(LAST, FIRST),
        size_name(SHORT)
    )?;
    Ok(())
}

fn by_count(what: &str, case: fn(usize) -> Case) -> Result<Vec<(f64, f64)>, Failure> {
    eprintln!("growth: 1 to {MOST} {what}");
    let mut subjects = Vec::new();
    for count in 1..=MOST {
        subjects.push(case(count as usize).subject(&count.to_string(), BODY)?);
    }
    let measured = measure(&mut subjects, ROUNDS)?;
    Ok((1..=MOST)
        .map(|count| (f64::from(count), measured.nanoseconds(&count.to_string()).median))
        .collect())
}

fn draw(
    file: &str,
    title: &str,
    x: &'static str,
    nanoseconds: Vec<(f64, f64)>,
) -> Result<(), Failure> {
    let points = nanoseconds.into_iter().map(|(x, y)| (x, y / 1e3)).collect();
    Chart {
        title: format!("{title}, {} of body", size_name(BODY)),
        x,
        y: "time, microseconds",
        series: vec![Series { name: "one call".to_owned(), points }],
    }
    .draw(file)
}
