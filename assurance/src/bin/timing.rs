//! How long verifying takes, by what was wrong with a delivery: Welch's t-test on two classes of
//! deliveries in random order, as in dudect (Reparaz, Balasch and Verbauwhede, 2017).
//!
//! Informative: other work on the machine moves the numbers, and no measurement shows that there is
//! nothing to see. That is shown by `nextapi-assurance secrets`. But other than memcheck, this runs
//! on the SHA-256 instructions of the machine itself.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

use nextapi_webhook::{Key, KeyError, Signature, Tolerance, UnixTime, Verifier};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded"}"#;
/// Deliveries in one comparison. The three comparisons take a few seconds together.
const DELIVERIES: usize = 1_000_000;
/// Slower ones than this share of the deliveries were interrupted, and are left out.
const KEPT_PERCENT: usize = 95;
/// From here on dudect takes the classes for different.
const DIFFERENT: f64 = 4.5;

fn main() -> Result<(), KeyError> {
    println!("Timing, informative: |t| below {DIFFERENT} means that no difference was found.");
    let keys = || ["newest", "newer", "older", "oldest"].map(|name| Key::new(name.as_bytes()));
    let [newest, .., oldest] = keys();
    let (newest, oldest) = (newest?.sign(NOW, BODY), oldest?.sign(NOW, BODY));
    let verifier = Verifier::<4>::new(keys().into_iter().flatten(), Tolerance::DEFAULT)?;

    let verify = |header: &[u8]| {
        let start = Instant::now();
        let verdict = verifier.verify(black_box(header), black_box(BODY), NOW);
        let time = start.elapsed();
        let _ = black_box(verdict);
        time
    };
    let wrong = [0, 31].map(|at| altered(newest.mac(), at));
    let headers = wrong.map(|mac| header(&newest, &mac));
    compare("wrong in the first or in the last byte", &headers, verify);
    let headers = [&newest, &oldest].map(ToString::to_string);
    compare("matching the first or the last key", &headers, verify);

    // What a leak looks like here: the same two classes, compared byte by byte until one differs.
    let naive = |mac: &[u8]| {
        let start = Instant::now();
        let equal = equal_with_early_exit(newest.mac(), black_box(mac));
        let time = start.elapsed();
        black_box(equal);
        time
    };
    compare("planted: a comparison with an early exit", &wrong, naive);
    Ok(())
}

fn altered(mac: &[u8; 32], at: usize) -> [u8; 32] {
    let mut mac = *mac;
    if let Some(byte) = mac.get_mut(at) {
        *byte ^= 1;
    }
    mac
}

/// A header like the signature's, but with another MAC.
fn header(signature: &Signature, mac: &[u8; 32]) -> String {
    let digits: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let header = signature.to_string();
    header.split_once("v=").map_or_else(String::new, |(front, _)| format!("{front}v={digits}"))
}

fn equal_with_early_exit(ours: &[u8], theirs: &[u8]) -> bool {
    ours.iter().zip(theirs).all(|(ours, theirs)| black_box(ours) == black_box(theirs))
}

/// Measures the two classes in random order, from one place in memory, and prints what differs.
fn compare(name: &str, classes: &[impl AsRef<[u8]>; 2], call: impl Fn(&[u8]) -> Duration) {
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let [first, second] = classes.each_ref().map(AsRef::as_ref);
    let mut input = first.to_vec();
    let mut times = Vec::with_capacity(DELIVERIES);
    for _ in 0..DELIVERIES {
        // Xorshift (Marsaglia, 2003) is random enough to be unrelated to what the machine does.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let is_second = random & 1 == 1;
        input.copy_from_slice(if is_second { second } else { first });
        let nanoseconds = u32::try_from(call(&input).as_nanos()).unwrap_or(u32::MAX);
        times.push((nanoseconds, is_second));
    }

    times.sort_unstable();
    let (mut first, mut second) = (Sample::default(), Sample::default());
    for &(time, is_second) in times.iter().take(DELIVERIES / 100 * KEPT_PERCENT) {
        if is_second { &mut second } else { &mut first }.add(f64::from(time));
    }
    let t = first.welch_t(&second);
    let found = if t.abs() < DIFFERENT { "no difference found" } else { "different" };
    println!("  {name}: {:.1} and {:.1} ns, t = {t:.1}: {found}", first.mean, second.mean);
}

/// Count, mean and sum of squared distances from it, updated as times come in (Welford, 1962).
#[derive(Default)]
struct Sample {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Sample {
    fn add(&mut self, time: f64) {
        self.count += 1.0;
        let before = time - self.mean;
        self.mean += before / self.count;
        self.squares += before * (time - self.mean);
    }

    fn welch_t(&self, other: &Self) -> f64 {
        let error = |sample: &Self| sample.squares / (sample.count - 1.0) / sample.count;
        (self.mean - other.mean) / (error(self) + error(other)).sqrt()
    }
}
