//! Numbered records, and which of them have changed.

use std::collections::{BTreeSet, VecDeque};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row as it is kept: its number and its JSON.
pub(crate) type Row = (u64, Vec<u8>);

/// Records with numbers that count up, of which the oldest can be forgotten. It knows which of them
/// are to be written, so that a step writes what it has changed and nothing else.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    /// The number of the oldest one.
    first: u64,
    rows: VecDeque<T>,
    changed: BTreeSet<u64>,
}

/// A row that was changed, or forgotten: then there is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) table: &'static str,
    pub(crate) number: u64,
    pub(crate) row: Option<Vec<u8>>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { first: 0, rows: VecDeque::new(), changed: BTreeSet::new() }
    }
}

impl<T> Rows<T> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number that the next one will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.first.saturating_add(self.rows.len() as u64)
    }

    /// Adds a record, and gives its number.
    pub(crate) fn push(&mut self, row: T) -> u64 {
        let number = self.next_number();
        self.rows.push_back(row);
        self.changed.insert(number);
        number
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        self.rows.get(self.place(number)?)
    }

    /// A record to be changed: it will be written.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let place = self.place(number)?;
        let row = self.rows.get_mut(place)?;
        self.changed.insert(number);
        Some(row)
    }

    /// The oldest one.
    pub(crate) fn oldest(&self) -> Option<&T> {
        self.rows.front()
    }

    /// Forgets the oldest one, and gives it with its number.
    pub(crate) fn forget_oldest(&mut self) -> Option<(u64, T)> {
        let (number, row) = (self.first, self.rows.pop_front()?);
        self.changed.insert(number);
        self.first = self.first.saturating_add(1);
        Some((number, row))
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.iter()
    }

    /// All of them with their numbers, oldest first.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.first..).zip(&self.rows)
    }

    /// Says that every change has been written, or need not be.
    pub(crate) fn written(&mut self) {
        self.changed.clear();
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }
}

impl<T: Serialize> Rows<T> {
    /// What is to be written.
    pub(crate) fn changes(&self, table: &'static str) -> serde_json::Result<Vec<Change>> {
        let change = |number: &u64| {
            let row = self.get(*number).map(serde_json::to_vec).transpose()?;
            Ok(Change { table, number: *number, row })
        };
        self.changed.iter().map(change).collect()
    }
}

impl<T: DeserializeOwned> Rows<T> {
    /// The records of a table, as they were written.
    pub(crate) fn restore(table: &'static str, rows: Vec<Row>) -> anyhow::Result<Self> {
        let mut restored = Self::default();
        for (number, json) in rows {
            let row = serde_json::from_slice(&json);
            let row = row.with_context(|| format!("row {number} of {table} cannot be read"))?;
            if restored.rows.is_empty() {
                restored.first = number;
            }
            ensure!(
                number == restored.next_number(),
                "a row of {table} before {number} is missing"
            );
            restored.rows.push_back(row);
        }
        Ok(restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: u64, row: Option<&str>) -> Change {
        Change { table: "letters", number, row: row.map(|row| format!("{row:?}").into_bytes()) }
    }

    fn row(number: u64, json: &str) -> Row {
        (number, json.as_bytes().to_vec())
    }

    #[test]
    fn what_was_added_changed_or_forgotten_is_to_be_written_once() {
        let mut rows = Rows::default();
        assert_eq!(["a", "b", "c"].map(|letter| rows.push(letter.to_owned())), [0, 1, 2]);
        rows.written();
        assert_eq!(rows.changes("letters").unwrap(), []);

        assert_eq!(rows.forget_oldest(), Some((0, "a".to_owned())));
        "z".clone_into(rows.get_mut(2).unwrap());
        rows.push("d".to_owned());
        let expected = [change(0, None), change(2, Some("z")), change(3, Some("d"))];
        assert_eq!(rows.changes("letters").unwrap(), expected);
        assert_eq!(rows.changes("letters").unwrap(), expected, "until it was written");
        assert_eq!((rows.get(0), rows.get(4)), (None, None));
        assert_eq!(rows.get_mut(0), None);
    }

    #[test]
    fn numbers_go_on_where_they_ended() {
        let rows = vec![row(7, "\"a\""), row(8, "\"b\"")];
        let mut rows = Rows::<String>::restore("letters", rows).unwrap();
        assert_eq!(rows.changes("letters").unwrap(), []);
        assert_eq!(rows.get(7).map(String::as_str), Some("a"));
        assert_eq!(rows.push("c".to_owned()), 9);
    }

    #[test]
    fn what_is_damaged_is_named() {
        for (rows, named) in [
            (vec![row(7, "\"a\""), row(9, "\"b\"")], "a row of letters before 9 is missing"),
            (vec![row(7, "\"a")], "row 7 of letters"),
        ] {
            let error = Rows::<String>::restore("letters", rows).unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
