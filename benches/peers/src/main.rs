//! Ours beside its peers and the limit, in one run, interleaved. Prints the ratios and replaces the
//! section `native-ratios` of `benches/RESULTS.md`. `--test` only checks every answer.

mod by_hand;
mod libraries;
mod peer;
mod signed;
mod target;

use std::fmt::Write as _;

use nextapi_webhook_benches::{
    Case, Failure, Limit, Machine, Measured, Results, Subject, measure, size_name,
};

use crate::libraries::{OURS, STANDARD_WEBHOOKS};
use crate::peer::Peer;
use crate::signed::Signed;
use crate::target::{Bound, Target};

const SIZES: [u32; 4] = [64, 512, 4 * 1024, 64 * 1024];
const ROUNDS: u32 = 1_000;
/// The slow ones fill a stretch with one call, and take longer than it.
const LARGE_ROUNDS: u32 = 200;
const LARGE: u32 = 64 * 1024;

const LIMIT: &str = "SHA-256 alone (the limit)";
const ONE_FORGED: &str = "ours, one forged signature";
const FORGED: &str = "ours, eight forged signatures";
const LONGEST: &str = "ours, the longest header";

const TARGETS: [Target; 6] = [
    Target {
        claim: "ours / SHA-256 alone",
        subject: OURS,
        reference: LIMIT,
        bound: Bound::AtMost(1.15),
        sizes: &[512, 4 * 1024],
    },
    Target {
        claim: "ring by hand / ours",
        subject: "ring, by hand",
        reference: OURS,
        bound: Bound::AtLeast(1.1),
        sizes: &[64, 512],
    },
    Target {
        claim: "aws-lc-rs by hand / ours",
        subject: "aws-lc-rs, by hand",
        reference: OURS,
        bound: Bound::AtLeast(1.1),
        sizes: &[64, 512],
    },
    Target {
        claim: "standardwebhooks / ours",
        subject: STANDARD_WEBHOOKS,
        reference: OURS,
        bound: Bound::AtLeast(4.0),
        sizes: &SIZES,
    },
    Target {
        claim: "ours, eight forged signatures / one that holds",
        subject: FORGED,
        reference: OURS,
        bound: Bound::AtMost(1.2),
        sizes: &[512, 4 * 1024],
    },
    Target {
        claim: "ours, the longest header / an ordinary one",
        subject: LONGEST,
        reference: OURS,
        bound: Bound::AtMost(1.2),
        sizes: &[512, 4 * 1024],
    },
];

fn main() -> Result<(), Failure> {
    let mut peers = vec![libraries::ours()?];
    peers.extend(by_hand::peers());
    peers.extend(libraries::peers()?);

    if std::env::args().any(|argument| argument == "--test") {
        for size in SIZES {
            run(&peers, size, 1)?;
        }
        println!("{} verifiers accept what is in order and refuse what was changed", peers.len());
        return Ok(());
    }

    let mut measured = Vec::new();
    for size in SIZES {
        eprintln!("ratios: bodies of {}", size_name(size));
        let rounds = if size < LARGE { ROUNDS } else { LARGE_ROUNDS };
        measured.push((size, run(&peers, size, rounds)?));
    }
    let text = report(&peers, &measured)?;
    println!("{text}");
    Ok(Results::of_checkout().replace("native-ratios", &text)?)
}

/// Checks every peer's answers, then measures all of them together.
fn run(peers: &[Peer], size: u32, rounds: u32) -> Result<Measured, Failure> {
    let signed = Signed::new(size)?;
    let limit = Limit::new(signed.digits().len(), signed.body().len());
    let mut subjects = vec![Subject::new(LIMIT, || limit.holds())];
    for peer in peers.iter().filter(|peer| peer.least_body <= size) {
        peer.check(&signed)?;
        subjects.push(peer.subject(&signed));
    }
    subjects.push(Case::Forged(1).subject(ONE_FORGED, size)?);
    subjects.push(Case::Forged(8).subject(FORGED, size)?);
    subjects.push(Case::HostileHeader.subject(LONGEST, size)?);
    Ok(measure(&mut subjects, rounds)?)
}

fn report(peers: &[Peer], measured: &[(u32, Measured)]) -> Result<String, Failure> {
    let mut text = String::new();
    let sizes: Vec<String> = SIZES.into_iter().map(size_name).collect();
    let head = |text: &mut String, title: &str| {
        let rule = " --- |".repeat(SIZES.len());
        writeln!(text, "{title}\n\n| | {} |\n| --- |{rule}", sizes.join(" | "))
    };
    let mut names: Vec<&str> = vec![LIMIT];
    names.extend(peers.iter().map(|peer| peer.name));
    names.extend([ONE_FORGED, FORGED, LONGEST]);

    let row = |text: &mut String, name: &str, value: &dyn Fn(&Measured) -> String| {
        write!(text, "| {name} |")?;
        for (_, measured) in measured {
            let there = measured.names().any(|other| other == name);
            write!(text, " {} |", if there { value(measured) } else { "–".to_owned() })?;
        }
        writeln!(text)
    };
    head(&mut text, "Times as long as ours, median of the rounds (quartiles):")?;
    for name in &names {
        row(&mut text, name, &|measured| measured.ratio(name, OURS).to_string())?;
    }
    head(&mut text, "\nTimes as long as the limit:")?;
    for name in &names {
        row(&mut text, name, &|measured| format!("{:.2}", measured.ratio(name, LIMIT).median))?;
    }
    head(&mut text, "\nMedian nanoseconds:")?;
    for name in &names {
        row(&mut text, name, &|measured| format!("{:.0}", measured.nanoseconds(name).median))?;
    }

    writeln!(text, "\nWhat each does, read in its source:\n\n| | |\n| --- | --- |")?;
    for peer in peers {
        writeln!(text, "| {} | {} |", peer.name, peer.differs)?;
    }

    writeln!(text, "\nTargets, as ratios of times:\n")?;
    writeln!(text, "| ratio | body | target | measured | met |\n| --- | ---: | --- | --- | --- |")?;
    for row in TARGETS.iter().flat_map(|target| target.rows(measured)) {
        writeln!(text, "{row}")?;
    }
    writeln!(text, "\n{}", Machine::here())?;
    Ok(text)
}
