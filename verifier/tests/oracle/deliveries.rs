//! Deliveries of every kind that a receiver meets, and of some that only an attacker makes.

use nextapi_webhook::{Key, UnixTime};

use crate::draft::{Delivery, Draft, label, secret};
use crate::random::Random;

/// A kind of delivery: its name, how one is made, and at least how many in a hundred of them are
/// accepted, so that what makes them remains near the border between sound and unsound.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&Random) -> Delivery,
    pub(crate) accepted_percent: usize,
}

const fn kind(name: &'static str, make: fn(&Random) -> Delivery, accepted_percent: usize) -> Kind {
    Kind { name, make, accepted_percent }
}

pub(crate) const KINDS: [Kind; 12] = [
    kind("as documented", as_documented, 100),
    kind("at the bounds of freshness", at_the_bounds, 20),
    kind("at the limits of integers", at_the_limits, 10),
    // Some changes leave what they change as it was.
    kind("body changed", body_changed, 2),
    kind("signature changed", signature_changed, 2),
    kind("timestamp changed", timestamp_changed, 0),
    kind("timestamp written oddly", timestamp_written_oddly, 4),
    kind("labels", labels, 8),
    kind("several signatures", several_signatures, 40),
    kind("white space", white_space, 5),
    kind("hostile", hostile, 20),
    kind("mutated", mutated, 0),
];

/// Signed by the crate itself, fresh.
fn as_documented(random: &Random) -> Delivery {
    let draft = Draft::new(random);
    let signed_at = UnixTime::from_secs(draft.timestamp.parse().unwrap());
    let signature = Key::new(&draft.signer).unwrap().sign(signed_at, &draft.body);
    draft.deliver(signature.with_label(label(random)).to_string())
}

fn at_the_bounds(random: &Random) -> Delivery {
    let mut draft = Draft::new(random);
    (draft.past, draft.future) =
        random.pick(&[(300, 300), (300, 300), (300, 300), (3_600, 60), (2, 1), (0, 300), (0, 0)]);
    let past = (draft.past + 1).saturating_sub(random.next() % 4);
    let future = (draft.future + 1).saturating_sub(random.next() % 4);
    let signed_at = if random.one_in(2) { draft.now - past } else { draft.now + future };
    draft.timestamp = signed_at.to_string();
    let header = draft.header(random);
    draft.deliver(header)
}

/// Clocks, timestamps and tolerances where a difference that is taken carelessly overflows.
fn at_the_limits(random: &Random) -> Delivery {
    let limits = [
        0,
        u64::from(u32::MAX),
        i64::MIN.unsigned_abs(),
        u64::MAX / 1_000,
        u64::MAX - 310,
        u64::MAX,
    ];
    let near = |random: &Random| {
        let limit = random.pick(&limits);
        if random.one_in(2) {
            limit.saturating_add(random.next() % 310)
        } else {
            limit.saturating_sub(random.next() % 310)
        }
    };
    let mut draft = Draft::new(random);
    if random.one_in(2) {
        draft.now = near(random);
    }
    draft.timestamp = near(random).to_string();
    // Above i64::MAX an age would not fit the number that it is reported in.
    let tolerance = random.pick(&[300, 300, 1 << 40, i64::MAX.unsigned_abs()]);
    (draft.past, draft.future) = (tolerance, tolerance);
    let header = draft.header(random);
    draft.deliver(header)
}

fn body_changed(random: &Random) -> Delivery {
    let mut draft = Draft::new(random);
    let header = draft.header(random);
    let signed = draft.body.clone();
    match random.below(5) {
        0 => draft.body.push(b'\n'),
        1 => draft.body.clear(),
        2 => draft.body = String::from_utf8_lossy(&signed).into_owned().into_bytes(),
        _ => random.mutate(&mut draft.body, &[]),
    }
    draft.deliver(header)
}

fn signature_changed(random: &Random) -> Delivery {
    let mut draft = Draft::new(random);
    // Now and then stale as well: a forger must not be told so.
    if random.one_in(3) {
        draft.timestamp = (draft.now - 299 - random.next() % 5).to_string();
    }
    let good = draft.signature();
    let mut digits = good.clone().into_bytes();
    let at = random.below(64);
    match random.below(9) {
        0..=2 => digits[at] = random.pick(b"0123456789abcdef"),
        3 => digits.make_ascii_uppercase(),
        4 => digits[at].make_ascii_uppercase(),
        5 => digits.truncate(at),
        6 => digits.push(b'0'),
        7 => digits[at] = random.pick(b"gG ./:@`-\xc3"),
        _ => {
            digits = draft.signature_by(&secret(random)).into_bytes();
        }
    }
    let mut header = format!("t={},{}=", draft.timestamp, label(random)).into_bytes();
    header.extend(digits);
    draft.deliver(header)
}

/// Another one than was signed.
fn timestamp_changed(random: &Random) -> Delivery {
    let mut draft = Draft::new(random);
    let signature = draft.signature();
    draft.timestamp = match random.below(4) {
        0 => format!("{}0", draft.timestamp),
        1 => draft.timestamp[1..].to_owned(),
        _ => (draft.now - 299 + random.next() % 599).to_string(),
    };
    let header = format!("t={},{}={signature}", draft.timestamp, label(random));
    draft.deliver(header)
}

/// And signed as it is written.
fn timestamp_written_oddly(random: &Random) -> Delivery {
    let mut draft = Draft::new(random);
    let plain = draft.timestamp.clone();
    draft.timestamp = match random.below(14) {
        0 => format!("+{plain}"),
        1 => format!("-{plain}"),
        2 => format!("0{plain}"),
        3 => format!("{plain}.0"),
        4 => format!("{plain}e0"),
        5 => format!(" {plain}"),
        6 => format!("{plain} "),
        7 => format!("0x{:x}", draft.now),
        8 => String::new(),
        9 => format!("{plain}\u{660}"), // a digit, but not one of ASCII's
        10 => (u128::from(u64::MAX) + 1 + u128::from(random.next() % 3)).to_string(),
        11 => (u128::from(draft.now) + (1 << 64)).to_string(), // now, if it wraps around
        12 => "9".repeat(random.below(1_000)),
        _ => plain,
    };
    let header = draft.header(random);
    draft.deliver(header)
}

fn labels(random: &Random) -> Delivery {
    let draft = Draft::new(random);
    let label = random.pick(&[
        "v",
        "v1",
        "sha256",
        "v ",
        " v1",
        "\tsha256",
        "V",
        "V1",
        "SHA256",
        "v0",
        "v2",
        "v11",
        "sha",
        "sha512",
        "",
        "t",
        "signature",
        "=v",
    ]);
    let timestamp = random.pick(&["t", "t", "t", " t", "t ", "T", "ts"]);
    let header = format!("{timestamp}={},{label}={}", draft.timestamp, draft.signature());
    draft.deliver(header)
}

fn several_signatures(random: &Random) -> Delivery {
    let draft = Draft::new(random);
    let mut elements = vec![format!("t={}", draft.timestamp)];
    for _ in 0..random.below(10) {
        let value = match random.below(8) {
            0 => draft.signature_by(&random.pick(&draft.secrets)),
            1 => random.text("0123456789abcdefABCDEFxyz ", 62 + random.below(4)),
            2 => String::new(),
            _ => random.text("0123456789abcdef", 64),
        };
        elements.push(format!("{}={value}", label(random)));
    }
    if !random.one_in(4) {
        elements.push(format!("{}={}", label(random), draft.signature()));
    }
    shuffle(random, &mut elements);
    draft.deliver(elements.join(","))
}

/// Some that counts as such, and some that does not.
fn white_space(random: &Random) -> Delivery {
    let draft = Draft::new(random);
    let header = draft.header(random);
    let space =
        || random.pick(&["", "", "", " ", "\t", " \t ", "\n", "\r", "\u{b}", "\u{a0}", "\0"]);
    let elements: Vec<String> =
        header.split(',').map(|element| format!("{}{element}{}", space(), space())).collect();
    draft.deliver(elements.join(","))
}

/// Too many elements, too long, repeated, not text.
fn hostile(random: &Random) -> Delivery {
    let draft = Draft::new(random);
    let good = draft.header(random);
    let header = match random.below(9) {
        0 => vec![b','; random.below(1_100)],
        1 => random.bytes(random.pick(&[0, 1, 10, 200, 1_024, 1_025])),
        // Around the limit of 1,024 bytes.
        2 => [
            good.as_bytes(),
            b",",
            &vec![b'x'; 1_020_usize.saturating_sub(good.len()) + random.below(8)],
        ]
        .concat(),
        3 => format!("{good},{}", "v=,".repeat(random.below(12))).into_bytes(),
        4 => format!("{good},{}", "a=b,".repeat(random.below(200))).into_bytes(),
        5 => format!("{good}, {good}").into_bytes(),
        6 => format!("{good},t={}", random.pick(&["", "0", "x", "5 "])).into_bytes(),
        7 => [&random.bytes(random.pick(&[1, 9, 90])), b",".as_slice(), good.as_bytes()].concat(),
        _ => good
            .replace(',', random.pick(&[",,", ";", ", ", " ,", ",=,", ",==,", ",v,"]))
            .into_bytes(),
    };
    draft.deliver(header)
}

/// A sound header with a few bytes changed.
fn mutated(random: &Random) -> Delivery {
    let draft = Draft::new(random);
    let mut header = draft.header(random).into_bytes();
    for _ in 0..=random.below(3) {
        random.mutate(&mut header, b"t=v1sha256,,,== \t0123456789abcdefAF+-.\xff");
    }
    draft.deliver(header)
}

pub(crate) fn shuffle<T>(random: &Random, items: &mut [T]) {
    for end in (1..items.len()).rev() {
        items.swap(end, random.below(end + 1));
    }
}
