//! The deliveries of the host's tests.

use std::path::Path;

use crate::Failure;
use crate::delivery::Delivery;

const FILE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../verifier/tests/vectors/deliveries.tsv");

/// A delivery, who receives it, and what is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) secrets: Vec<Vec<u8>>,
    pub(crate) past: u64,
    pub(crate) future: u64,
    pub(crate) delivery: Delivery,
    /// The firmware's answer to the first delivery of it.
    pub(crate) answer: String,
}

/// Reads them all.
pub(crate) fn read() -> Result<Vec<Vector>, Failure> {
    let text = std::fs::read_to_string(Path::new(FILE))?;
    text.lines().filter(|line| !line.starts_with('#')).map(parse).collect()
}

fn parse(line: &str) -> Result<Vector, Failure> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, secrets, past, future, now, header, body, result, key_index, _age] = fields[..]
    else {
        return Err(format!("a vector has {} fields instead of ten: {line}", fields.len()).into());
    };
    let answer = match result {
        "ok" => format!("accept {key_index}"),
        "signature_mismatch" | "timestamp_expired" | "timestamp_ahead" => {
            format!("reject {result}")
        }
        // Six reasons that share one code.
        "header_too_long"
        | "timestamp_missing"
        | "timestamp_repeated"
        | "timestamp_invalid"
        | "signature_missing"
        | "too_many_signatures" => "reject signature_malformed".to_owned(),
        other => return Err(format!("the vector `{name}` has an unknown result `{other}`").into()),
    };
    Ok(Vector {
        name: name.to_owned(),
        secrets: secrets.split(',').map(bytes).collect::<Result<_, _>>()?,
        past: past.parse()?,
        future: future.parse()?,
        delivery: Delivery { now: now.parse()?, header: bytes(header)?, body: bytes(body)? },
        answer,
    })
}

/// Hexadecimal digits, or a dash for none.
fn bytes(text: &str) -> Result<Vec<u8>, Failure> {
    let digits = if text == "-" { "" } else { text };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("an odd number of hexadecimal digits: {text}").into());
    }
    pairs.iter().map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_agrees_with_every_vector() {
        let vectors = read().unwrap();
        assert!(vectors.len() > 60, "{}", vectors.len());
        for vector in vectors {
            assert_eq!(vector.delivery.judged(&vector), vector.answer, "{}", vector.name);
        }
    }

    #[test]
    fn what_is_no_vector_is_refused() {
        for line in [
            "",
            "short\t00",
            "odd\t0\t1\t1\t1\t00\t00\tok\t0\t0",
            "unknown\t00\t1\t1\t1\t00\t00\tfine\t0\t0",
            "no number\t00\tx\t1\t1\t00\t00\tok\t0\t0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
