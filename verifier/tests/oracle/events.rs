//! Bodies of events in every shape, written in every way that JSON allows, and in some that it does
//! not.

use crate::deliveries::shuffle;
use crate::random::Random;

/// Text that identifiers are made of here: plain, with escapes of every kind, of one to four bytes.
const CHARACTERS: &str = "abcdefgh_-.0123456789\"\\/é€\u{2028}😀𝄞";

pub(crate) fn body(random: &Random) -> Vec<u8> {
    let mut members = match random.below(8) {
        0..=2 => envelope(random),
        3..=5 => flat(random),
        6 => vec![member(random, "type", "\"batch.completed\""), member(random, "n", "12")],
        _ => identity_of_odd_kinds(random),
    };
    for _ in 0..random.below(4) {
        members.push(member(random, &text(random, 6), &value(random, 0)));
    }
    shuffle(random, &mut members);
    let body = format!("{{{}}}", members.join(","));
    let mut body = match random.below(30) {
        0 => nested(random, &body),
        1 => format!("{body}{}", random.pick(&[" ", "\n", "x", "{}", ",", "\0"])),
        2 => format!("{}{body}", random.pick(&[" ", "\u{feff}", "x", "[", ","])),
        _ => body,
    }
    .into_bytes();
    if random.one_in(6) {
        random.mutate(&mut body, b"{}[]:,\"\\ \t\n\x00\x1f\x7f\xff0123456789-+.eEunltrfas");
    }
    body
}

fn envelope(random: &Random) -> Vec<String> {
    let mut job = vec![
        string_member(random, "id", 20),
        member(random, "status", "\"succeeded\""),
        string_member(random, "prompt", 40),
    ];
    shuffle(random, &mut job);
    let mut data = vec![member(random, "job", &format!("{{{}}}", job.join(",")))];
    if random.one_in(3) {
        data = vec![string_member(random, "job_id", 20), string_member(random, "video_id", 20)];
    }
    let mut members = vec![
        identifier(random, "id", 128),
        member(random, "data", &format!("{{{}}}", data.join(","))),
    ];
    if !random.one_in(5) {
        members.push(identifier(random, "type", 64));
    }
    if random.one_in(4) {
        members.push(identifier(random, "status", 32));
    }
    members
}

fn flat(random: &Random) -> Vec<String> {
    let mut members = vec![
        identifier(random, "id", 128),
        string_member(random, "job_id", 20),
        identifier(random, "status", 32),
        string_member(random, "video_url", 60),
        member(random, "cost_credits", "1.05"),
    ];
    if random.one_in(4) {
        members.push(identifier(random, "type", 64));
    }
    members
}

/// Names that identify an event, before values that do not; one of them twice now and then.
fn identity_of_odd_kinds(random: &Random) -> Vec<String> {
    let mut members = vec![identifier(random, "id", 128), identifier(random, "type", 64)];
    let name = random.pick(&["id", "type", "status"]);
    let odd =
        random.pick(&["null", "17", "true", "[\"a\"]", "{\"id\":\"a\"}", "\"a\"", "\"\\ud800\""]);
    if random.one_in(3) {
        members.push(member(random, name, odd));
    } else {
        members[0] = member(random, name, odd);
    }
    members
}

fn string_member(random: &Random, name: &str, length: usize) -> String {
    let text = text(random, random.below(length));
    member(random, name, &string(random, &text))
}

/// A member that identifies, mostly of an ordinary length, now and then one around its limit or with
/// a control character.
fn identifier(random: &Random, name: &str, limit: usize) -> String {
    let mut text = text(random, random.below(24));
    match random.below(25) {
        0 => {
            text.truncate(0);
            while text.len() < limit - 2 {
                text.push(random.pick(&['a', 'a', 'a', 'é', '€']));
            }
            text.push_str(&random.text("xyz", random.below(6)));
        }
        1 => text.push(random.pick(&[
            '\n', '\r', '\t', '\u{8}', '\u{c}', '\0', '\u{1f}', '\u{7f}', '\u{85}', '\u{9f}',
        ])),
        _ => {}
    }
    member(random, name, &string(random, &text))
}

fn text(random: &Random, length: usize) -> String {
    if random.one_in(3) {
        random.text(CHARACTERS, length)
    } else {
        random.text("abcdef_0123456789", length)
    }
}

/// A name, a colon and a value that is written already, with white space between them.
fn member(random: &Random, name: &str, value: &str) -> String {
    let space = || random.pick(&["", "", "", " ", "\t", "\r\n"]);
    format!("{}{}{}:{}{value}{}", space(), string(random, name), space(), space(), space())
}

/// A JSON string, whose characters are escaped where they have to be and now and then elsewhere.
fn string(random: &Random, text: &str) -> String {
    let escapes = random.pick(&[1_000, 1_000, 4, 1]);
    let mut written = String::from("\"");
    for character in text.chars() {
        let must = character < ' ' || character == '"' || character == '\\';
        if !must && !random.one_in(escapes) {
            written.push(character);
            continue;
        }
        let short = match character {
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '"' => "\\\"",
            '\\' => "\\\\",
            '/' => "\\/",
            _ => "",
        };
        if !short.is_empty() && random.one_in(2) {
            written.push_str(short);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let digits =
                if random.one_in(2) { format!("{unit:04x}") } else { format!("{unit:04X}") };
            written.push_str("\\u");
            written.push_str(&digits);
        }
    }
    written + "\""
}

fn value(random: &Random, depth: usize) -> String {
    match random.below(if depth < 4 { 8 } else { 6 }) {
        0 => random.pick(&["true", "false", "null"]).to_owned(),
        1 | 2 => {
            // The last ones are no numbers in JSON.
            let numbers =
                ["0", "-0", "17", "-1.5", "1e9", "2E-3", "1e400", "0.10", "01", ".5", "1."];
            random.pick(&numbers[..if random.one_in(8) { 11 } else { 8 }]).to_owned()
        }
        3..=5 => string(random, &text(random, random.below(20))),
        6 => {
            let values: Vec<String> =
                (0..random.below(3)).map(|_| value(random, depth + 1)).collect();
            format!("[{}]", values.join(", "))
        }
        _ => {
            // `id` and `type` further inside are none of the event's.
            let names = ["id", "type", "status", "x"];
            let members: Vec<String> = (0..random.below(3))
                .map(|at| member(random, names[at], &value(random, depth + 1)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// A body with a member that nests about as deeply as is read, or much more so.
fn nested(random: &Random, body: &str) -> String {
    let levels = random.pick(&[28, 29, 30, 31, 32, 33, 200]);
    let deep = if random.one_in(2) {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    } else {
        format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
    };
    format!("{{\"deep\":{deep},{}", &body[1..])
}
