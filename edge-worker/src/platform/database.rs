//! The object's own database.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::ledger::sql_store::{Columns, Database};
use crate::ledger::value::Value;

#[wasm_bindgen]
extern "C" {
    /// The SQL storage of a Durable Object.
    pub type SqlStorage;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &SqlStorage, query: &str, values: &[JsValue]) -> Result<Cursor, JsValue>;

    #[wasm_bindgen(method, getter, js_name = databaseSize)]
    fn database_size(this: &SqlStorage) -> f64;

    /// The rows of a result, not read yet.
    type Cursor;

    #[wasm_bindgen(method)]
    fn raw(this: &Cursor) -> RawRows;

    /// The same, each row a list of values.
    type RawRows;

    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &RawRows) -> Result<Array, JsValue>;
}

impl Database for &SqlStorage {
    fn query(&self, query: &str, values: Vec<Value>) -> Result<Vec<Columns>, String> {
        let values: Vec<_> = values.into_iter().map(into_js).collect();
        let rows = self.exec(query, &values).and_then(|cursor| cursor.raw().to_array());
        let rows = rows.map_err(|error| in_words(&error))?;
        Ok(rows
            .iter()
            .map(|row| Array::from(&row).iter().map(|value| from_js(&value)).collect())
            .collect())
    }

    fn bytes(&self) -> u64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size is a whole number, and such casts saturate"
        )]
        let bytes = self.database_size() as u64;
        bytes
    }
}

fn into_js(value: Value) -> JsValue {
    match value {
        Value::Null | Value::Other => JsValue::NULL,
        #[allow(clippy::cast_precision_loss, reason = "the ledger writes exact numbers only")]
        Value::Integer(number) => JsValue::from_f64(number as f64),
        Value::Text(text) => JsValue::from_str(&text),
    }
}

fn from_js(value: &JsValue) -> Value {
    /// The largest number up to which JavaScript has all whole ones.
    const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;
    if value.is_null() {
        return Value::Null;
    }
    if let Some(number) = value.as_f64() {
        let is_exact =
            number.abs() <= LARGEST_EXACT && number.trunc().to_bits() == number.to_bits();
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        return if is_exact { Value::Integer(number as i64) } else { Value::Other };
    }
    value.as_string().map_or(Value::Other, Value::Text)
}

/// What an exception says.
fn in_words(error: &JsValue) -> String {
    let error = error.dyn_ref::<js_sys::Error>();
    error.map_or_else(|| "not an error".to_owned(), |error| error.message().into())
}
