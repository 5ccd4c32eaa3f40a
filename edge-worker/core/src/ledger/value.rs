//! A value as SQLite gives and takes it, by way of JavaScript.

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number that JavaScript has exactly.
    Integer(i64),
    /// A text.
    Text(String),
    /// The bytes that came with the call. They stay outside of the code that decides.
    Body,
    /// Something else, which the ledger never writes.
    Other,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}
