//! An object's storage. A statement is one call out of WASM: its values go along as one text, and its rows
//! come back as one, since each thing that crosses takes time.
//!
//! Values are divided by NUL: `n` is null, `i1` a whole number, `stext` a text, `b` the body that came with
//! the call, which is only written, and anything else something that the ledger never writes. Rows come as the number of their columns and then all their
//! values; no rows are the empty text. `entry/storage.ts` is the other side.

use nextapi_edge_core::ledger::{Columns, FREQUENT, Storage, Value};
use wasm_bindgen::prelude::*;

use crate::time;

/// What stands between values that are handed over as one text.
const DIVIDER: char = '\0';

#[wasm_bindgen(typescript_custom_section)]
const DECLARATION: &str = r"
/** The storage of a Durable Object. */
export interface ObjectStorage {
    query(statements: string, values: string): string;
    queryFrequent(index: number, values: string): string;
    readonly bytes: number;
    readonly alarm: number | undefined;
    setAlarm(alarm: number | undefined): void;
    memory: string;
    transaction(work: () => boolean): string | undefined;
}
";

#[wasm_bindgen]
extern "C" {
    /// The storage of a Durable Object.
    #[wasm_bindgen(typescript_type = "ObjectStorage")]
    pub type ObjectStorage;

    #[wasm_bindgen(method, structural, catch)]
    fn query(this: &ObjectStorage, statements: &str, values: &str) -> Result<String, JsValue>;

    /// The same for one of the frequent statements, by its index.
    #[wasm_bindgen(method, structural, catch, js_name = queryFrequent)]
    fn query_frequent(this: &ObjectStorage, index: usize, values: &str) -> Result<String, JsValue>;

    #[wasm_bindgen(method, structural, getter, catch)]
    fn bytes(this: &ObjectStorage) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, structural, getter)]
    fn alarm(this: &ObjectStorage) -> Option<f64>;

    #[wasm_bindgen(method, structural, js_name = setAlarm)]
    fn set_alarm(this: &ObjectStorage, alarm: Option<f64>);

    #[wasm_bindgen(method, structural, getter)]
    fn memory(this: &ObjectStorage) -> String;

    #[wasm_bindgen(method, structural, setter, js_name = memory)]
    fn set_memory(this: &ObjectStorage, memory: &str);

    /// If the work gives `false` or panics, nothing that it has written has happened. Gives the platform's error.
    /// It does not `catch`: what is thrown is a panic of the work, after which nothing here may go on.
    #[wasm_bindgen(method, structural)]
    fn transaction(this: &ObjectStorage, work: &mut dyn FnMut() -> bool) -> Option<String>;
}

impl Storage for &ObjectStorage {
    fn query(&self, statements: &str, values: Vec<Value>) -> Result<Vec<Columns>, String> {
        let values = encode(values)?;
        let rows = match FREQUENT.iter().position(|frequent| *frequent == statements) {
            Some(index) => self.query_frequent(index, &values),
            None => ObjectStorage::query(self, statements, &values),
        };
        decode(&rows.map_err(|error| in_words(&error))?)
    }

    fn bytes(&self) -> Result<u64, String> {
        let bytes = ObjectStorage::bytes(self).map_err(|error| in_words(&error))?;
        Ok(time::from_js(bytes))
    }

    fn alarm_ms(&self) -> Option<u64> {
        self.alarm().map(time::from_js)
    }

    fn set_alarm(&self, alarm_ms: Option<u64>) {
        ObjectStorage::set_alarm(self, alarm_ms.map(time::to_js));
    }

    fn memory(&self) -> String {
        ObjectStorage::memory(self)
    }

    fn set_memory(&self, memory: &str) {
        ObjectStorage::set_memory(self, memory);
    }

    fn transaction(&self, work: &mut dyn FnMut() -> bool) -> Result<(), String> {
        // wasm-bindgen takes closures of a known size only.
        ObjectStorage::transaction(self, &mut || work()).map_or(Ok(()), Err)
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
            Value::Body => text.push('b'),
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
    let columns: usize = columns.parse().map_err(|_| "malformed rows")?;
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
        assert_eq!(encode(vec![Value::Body, "b".into()]), Ok("b\0sb".to_owned()));
        assert_eq!(decode("1\0b"), Ok(vec![vec![Value::Other]]), "no body comes back");
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
