//! The deliveries that every build of the verifier is held to: this crate, the C library on the host
//! and the firmware. `vectors/README.md` says what they are; their MACs were made by another
//! implementation, Python's `hmac`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use core::fmt::Write as _;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nextapi_webhook::{Error, Key, Mac, Pending, Tolerance, UnixTime, Verified, Verifier};
use serde_json::Value;
use sha2::Sha256;

/// A delivery, who receives it, and what is to be said of it.
struct Vector {
    name: String,
    secrets: Vec<Vec<u8>>,
    tolerance: Tolerance,
    now: UnixTime,
    header: Vec<u8>,
    body: Vec<u8>,
    expected: Value,
}

impl Vector {
    fn all() -> Vec<Self> {
        let document: Value =
            serde_json::from_str(include_str!("vectors/deliveries.json")).unwrap();
        assert_eq!(document["version"], 1);
        let vectors: Vec<Self> =
            document["vectors"].as_array().unwrap().iter().map(Self::read).collect();
        assert!(vectors.len() > 100);
        vectors
    }

    fn read(vector: &Value) -> Self {
        let tolerance = |direction| vector["tolerance"][direction].as_u64().unwrap();
        Self {
            name: vector["name"].as_str().unwrap().to_owned(),
            secrets: vector["secrets"].as_array().unwrap().iter().map(bytes).collect(),
            tolerance: Tolerance::new(tolerance("past"), tolerance("future")),
            now: UnixTime::from_secs(vector["now"].as_str().unwrap().parse().unwrap()),
            header: bytes(&vector["header"]),
            body: bytes(&vector["body"]),
            expected: vector["expected"].clone(),
        }
    }

    fn verifier(&self) -> Verifier<4> {
        let keys = self.secrets.iter().map(|secret| Key::new(secret).unwrap());
        Verifier::new(keys, self.tolerance).unwrap()
    }

    fn check(&self, way: &str, verdict: Result<Verified<&[u8]>, Error>) {
        let said = match verdict {
            Ok(verified) => serde_json::json!({
                "code": "ok",
                "key_index": verified.key_index(),
                "age": verified.age_secs(),
                "event_key": verified.event_key().to_string(),
            }),
            Err(error) => serde_json::json!({ "code": code(error) }),
        };
        assert_eq!(said, self.expected, "{}, {way}", self.name);
    }

    /// The delivery as a line of the table for C.
    fn line(&self) -> String {
        let said = |name: &str| match &self.expected[name] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            number => number.to_string(),
        };
        [
            self.name.clone(),
            self.secrets.iter().map(|secret| hex(secret)).collect::<Vec<_>>().join(","),
            self.tolerance.past_secs().to_string(),
            self.tolerance.future_secs().to_string(),
            self.now.as_secs().to_string(),
            hex(&self.header),
            hex(&self.body),
            said("code"),
            said("key_index"),
            said("age"),
        ]
        .join("\t")
    }
}

/// A text in UTF-8, or anything in base64.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => {
            base64::prelude::BASE64_STANDARD.decode(other["base64"].as_str().unwrap()).unwrap()
        }
    }
}

/// Hexadecimal digits, or a dash for none.
fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".to_owned();
    }
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

fn code(error: Error) -> &'static str {
    match error {
        Error::HeaderTooLong { .. } => "header_too_long",
        Error::TimestampMissing => "timestamp_missing",
        Error::TimestampRepeated => "timestamp_repeated",
        Error::TimestampInvalid => "timestamp_invalid",
        Error::SignatureMissing => "signature_missing",
        Error::TooManySignatures => "too_many_signatures",
        Error::SignatureMismatch => "signature_mismatch",
        Error::TimestampExpired { .. } => "timestamp_expired",
        Error::TimestampAhead { .. } => "timestamp_ahead",
        _ => "an error without a code here",
    }
}

#[test]
fn deliveries() {
    for vector in Vector::all() {
        let verifier = vector.verifier();
        vector.check("as a whole", verifier.verify(&vector.header, &vector.body, vector.now));

        let in_pieces = verifier.begin(&vector.header).and_then(|mut stream| {
            vector.body.chunks(7).for_each(|piece| stream.update(piece));
            Ok(stream.finish(vector.now)?.with_body(&vector.body))
        });
        vector.check("in pieces", in_pieces);
    }
}

#[test]
fn deliveries_with_macs_from_elsewhere() {
    for vector in Vector::all() {
        let verdict = Pending::parse(&vector.header).and_then(|mut pending| {
            for (index, secret) in (0..).zip(&vector.secrets) {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
                pending.message(&vector.body).iter().for_each(|part| mac.update(part));
                pending.offer(index, &Mac::new(&mac.finalize().into_bytes().into()));
            }
            Ok(pending.finish(vector.now, vector.tolerance)?.with_body(&vector.body))
        });
        vector.check("with MACs from elsewhere", verdict);
    }
}

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/deliveries.tsv");

/// The same deliveries for tests in C, and on the host of the firmware, which have no JSON reader.
/// `UPDATE_VECTORS=1` writes the table anew.
#[test]
#[cfg_attr(miri, ignore = "files stay where they are")]
fn the_table_is_made_of_the_vectors() {
    let head = "\
# Made of deliveries.json by UPDATE_VECTORS=1 cargo test --package nextapi-webhook --test vectors
# One delivery a line, the fields divided by tabs:
#   name, secrets in hexadecimal divided by commas, past and future tolerance, the receiver's clock,
#   header in hexadecimal, body in hexadecimal, result, index of the key, age in seconds.
# What has no bytes is a dash, and so are index and age of what is refused.
";
    let lines = Vector::all().iter().map(|vector| vector.line() + "\n").collect::<String>();
    let table = format!("{head}{lines}");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(TABLE, &table).unwrap();
    }
    let is_current = std::fs::read_to_string(TABLE).unwrap() == table;
    assert!(is_current, "deliveries.tsv is not made of deliveries.json: set UPDATE_VECTORS=1");
}
