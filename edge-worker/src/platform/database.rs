//! The object's own database. A statement is one call out of WASM: its values go along as one text, and
//! its rows come back as one, since each thing that crosses takes time.
//!
//! Values are divided by NUL: `n` is null, `i1` a whole number, `stext` a text, and anything else
//! something that the ledger never writes. Rows come as the number of their columns and then all their
//! values; no rows are the empty text. `Database` in `entry/ledger.js` is the other side.

use wasm_bindgen::prelude::*;

use super::steps::DIVIDER;
use crate::ledger::sql;
use crate::ledger::sql_store::{Columns, Database};
use crate::ledger::value::Value;

#[wasm_bindgen]
extern "C" {
    /// The database of a Durable Object.
    #[wasm_bindgen(js_name = Database)]
    pub type ObjectDatabase;

    #[wasm_bindgen(method, catch)]
    fn query(this: &ObjectDatabase, statements: &str, values: &str) -> Result<String, JsValue>;

    /// The same for one of [`sql::FREQUENT`], by its place there.
    #[wasm_bindgen(method, catch, js_name = queryFrequent)]
    fn query_frequent(this: &ObjectDatabase, place: usize, values: &str)
    -> Result<String, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn bytes(this: &ObjectDatabase) -> f64;
}

impl Database for &ObjectDatabase {
    fn query(&self, statements: &str, values: Vec<Value>) -> Result<Vec<Columns>, String> {
        let values = encode(values)?;
        let rows = match sql::FREQUENT.iter().position(|frequent| *frequent == statements) {
            Some(place) => self.query_frequent(place, &values),
            None => ObjectDatabase::query(self, statements, &values),
        };
        decode(&rows.map_err(|error| in_words(&error))?)
    }

    fn bytes(&self) -> u64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size is a whole number, and such casts saturate"
        )]
        let bytes = ObjectDatabase::bytes(self) as u64;
        bytes
    }
}

/// The values of an event's row need no more room, unless its ids are very long.
const TYPICAL_BYTES: usize = 256;

fn encode(values: Vec<Value>) -> Result<String, String> {
    let mut text = String::with_capacity(TYPICAL_BYTES);
    for value in values {
        if !text.is_empty() {
            text.push(DIVIDER);
        }
        match value {
            Value::Null | Value::Other => text.push('n'),
            Value::Integer(number) => {
                text.push('i');
                text.push_str(&number.to_string());
            }
            Value::Text(value) if value.contains(DIVIDER) => {
                return Err("a text with a NUL cannot be stored".to_owned());
            }
            Value::Text(value) => {
                text.push('s');
                text.push_str(&value);
            }
        }
    }
    Ok(text)
}

fn decode(rows: &str) -> Result<Vec<Columns>, String> {
    let Some((columns, values)) = rows.split_once(DIVIDER) else { return Ok(Vec::new()) };
    let columns: usize = columns.parse().map_err(|_| "the rows make no sense")?;
    let mut values = values.split(DIVIDER).map(value).peekable();
    let mut rows = Vec::new();
    while values.peek().is_some() {
        rows.push(values.by_ref().take(columns.max(1)).collect());
    }
    Ok(rows)
}

fn value(text: &str) -> Value {
    match text.split_at_checked(1) {
        Some(("n", "")) => Value::Null,
        Some(("i", number)) => number.parse().map_or(Value::Other, Value::Integer),
        Some(("s", text)) => Value::Text(text.to_owned()),
        _ => Value::Other,
    }
}

/// What an exception says.
fn in_words(error: &JsValue) -> String {
    let error = error.dyn_ref::<js_sys::Error>();
    error.map_or_else(|| "not an error".to_owned(), |error| error.message().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pinned() {
        let values = vec![Value::Null, Value::Integer(-5), "a".into(), "".into(), "i7".into()];
        assert_eq!(encode(values.clone()), Ok("n\0i-5\0sa\0s\0si7".to_owned()));
        assert_eq!(encode(Vec::new()), Ok(String::new()));
        assert_eq!(decode("5\0n\0i-5\0sa\0s\0si7"), Ok(vec![values]));
    }

    #[test]
    fn rows_are_divided_by_their_columns() {
        let row = |number| vec![Value::Integer(number), Value::Null];
        assert_eq!(decode("2\0i1\0n\0i2\0n"), Ok(vec![row(1), row(2)]));
        assert_eq!(decode(""), Ok(Vec::new()));
        assert!(decode("x\0n").is_err());
    }

    /// A row that cannot be read must never count as one that is not there.
    #[test]
    fn what_the_ledger_never_writes_is_something_else() {
        for text in ["", "x", "n1", "i", "i1.5", "i9223372036854775808", "ö"] {
            assert_eq!(value(text), Value::Other, "{text:?}");
        }
    }

    #[test]
    fn a_text_cannot_pass_for_two() {
        assert!(encode(vec!["a\0b".into()]).is_err());
    }
}
