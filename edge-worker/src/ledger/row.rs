//! An entry as SQLite's values, and back.
//!
//! JavaScript has one type of number, so integers come back as floats where they are not exact, and
//! a row that was written by another version may hold anything. Whatever does not fit is an error:
//! a row that cannot be read must never count as one that is not there.

use worker::SqlStorageValue as Value;

use super::entry::{Entry, Facts, State};

/// Reads the columns of an event's row, in the order in which [`columns`] reads them.
pub(crate) const SELECT: &str = "SELECT state, lease_end_ms, attempts, first_ms, last_ms, \
     last_outcome, event_id, event_type, job_id FROM event WHERE key = ?";

/// Writes a whole row; the values are those of [`values`].
pub(crate) const REPLACE: &str = "INSERT OR REPLACE INTO event (key, state, lease_end_ms, \
     attempts, first_ms, last_ms, last_outcome, event_id, event_type, job_id) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Deletes rows that are due, the oldest first, and no more than a batch of them.
pub(crate) const DELETE_DUE: &str = "DELETE FROM event WHERE key IN \
     (SELECT key FROM event WHERE last_ms <= ? ORDER BY last_ms LIMIT ?) RETURNING 1";

/// Reads the time of the oldest row's last transition.
pub(crate) const SELECT_OLDEST: &str = "SELECT min(last_ms) FROM event";

/// Reads the version of the tables.
pub(crate) const SELECT_VERSION: &str = "SELECT max(version) FROM schema_version";

/// The entry that a row's columns hold.
pub(crate) fn entry(columns: Vec<Value>) -> Result<Entry, String> {
    let columns: [Value; 9] = columns.try_into().map_err(|_| "a row has not 9 columns")?;
    let [state, lease_end, attempts, first, last, last_outcome, event_id, event_type, job_id] =
        columns;
    let state = match (text(state)?.as_deref(), integer(&lease_end)?) {
        (Some("claimed"), Some(lease_end_ms)) => State::Claimed { lease_end_ms },
        (Some("open"), None) => State::Open,
        (Some("done"), None) => State::Done,
        _ => return Err("a row has an unknown state".to_owned()),
    };
    let present = |value: &Value| integer(value)?.ok_or_else(|| "a row lacks a number".to_owned());
    Ok(Entry {
        state,
        attempts: present(&attempts)?,
        first_ms: present(&first)?,
        last_ms: present(&last)?,
        last_outcome: text(last_outcome)?,
        facts: Facts {
            event_id: text(event_id)?,
            event_type: text(event_type)?,
            job_id: text(job_id)?,
        },
    })
}

/// The values of an entry's row, for [`REPLACE`].
pub(crate) fn values(key: &str, entry: Entry) -> Result<Vec<Value>, String> {
    let (state, lease_end) = match entry.state {
        State::Claimed { lease_end_ms } => ("claimed", number(lease_end_ms)?),
        State::Open => ("open", Value::Null),
        State::Done => ("done", Value::Null),
    };
    Ok(vec![
        key.into(),
        state.into(),
        lease_end,
        number(entry.attempts)?,
        number(entry.first_ms)?,
        number(entry.last_ms)?,
        entry.last_outcome.into(),
        entry.facts.event_id.into(),
        entry.facts.event_type.into(),
        entry.facts.job_id.into(),
    ])
}

/// A number as a value, if JavaScript can hold it exactly.
pub(crate) fn number(number: u64) -> Result<Value, String> {
    const LARGEST_EXACT: i64 = (1 << 53) - 1;
    match i64::try_from(number) {
        Ok(number) if number <= LARGEST_EXACT => Ok(Value::Integer(number)),
        _ => Err("a number is too large to be stored".to_owned()),
    }
}

/// A value as a number, or `None` if it is null.
pub(crate) fn integer(value: &Value) -> Result<Option<u64>, String> {
    match *value {
        Value::Null => Ok(None),
        Value::Integer(number) => {
            u64::try_from(number).map(Some).map_err(|_| "a number is negative".to_owned())
        }
        _ => Err("a value is not a whole number".to_owned()),
    }
}

fn text(value: Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err("a value is not a text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(state: State) -> Entry {
        Entry {
            state,
            attempts: 3,
            first_ms: 1_700_000_000_000,
            last_ms: 1_700_000_000_123,
            last_outcome: Some("origin_failed".to_owned()),
            facts: Facts { event_id: Some("evt_1".to_owned()), event_type: None, job_id: None },
        }
    }

    fn columns(state: State) -> Vec<Value> {
        // `SELECT` has all columns of `REPLACE` but the key, in the same order.
        values("event-00", sample(state)).unwrap().into_iter().skip(1).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for state in [State::Claimed { lease_end_ms: 1_700_000_030_000 }, State::Open, State::Done]
        {
            assert_eq!(entry(columns(state)), Ok(sample(state)));
        }
    }

    #[test]
    fn the_statements_name_the_columns_in_the_same_order() {
        let between = |text: &str, from: &str, to: &str| {
            let start = text.find(from).unwrap() + from.len();
            let end = text[start..].find(to).unwrap() + start;
            text[start..end].split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        };
        let read = between(SELECT, "SELECT ", " FROM");
        let written = between(REPLACE, "(", ")");
        assert_eq!(written[0], "key");
        assert_eq!(written[1..], read);
        assert_eq!(REPLACE.matches('?').count(), written.len());
        let schema = include_str!("schema.sql");
        assert!(written.iter().all(|name| schema.contains(&format!("\n    {name} "))));
    }

    #[test]
    fn the_values_of_a_row_are_pinned() {
        let expected = vec![
            Value::String("event-00".to_owned()),
            Value::String("claimed".to_owned()),
            Value::Integer(9),
            Value::Integer(3),
            Value::Integer(1_700_000_000_000),
            Value::Integer(1_700_000_000_123),
            Value::String("origin_failed".to_owned()),
            Value::String("evt_1".to_owned()),
            Value::Null,
            Value::Null,
        ];
        let claimed = sample(State::Claimed { lease_end_ms: 9 });
        assert_eq!(values("event-00", claimed), Ok(expected));
    }

    #[test]
    fn a_row_that_does_not_fit_is_an_error() {
        let with = |index: usize, value: Value| {
            let mut columns = columns(State::Done);
            columns[index] = value;
            entry(columns)
        };
        assert!(with(0, Value::String("other".to_owned())).is_err());
        assert!(with(0, Value::Null).is_err());
        assert!(with(0, Value::String("claimed".to_owned())).is_err(), "without a lease");
        assert!(with(1, Value::Integer(5)).is_err(), "done, with a lease");
        assert!(with(2, Value::Null).is_err());
        assert!(with(2, Value::Float(1.5)).is_err());
        assert!(with(3, Value::Integer(-1)).is_err());
        assert!(with(5, Value::Integer(1)).is_err());
        assert!(entry(Vec::new()).is_err());
    }

    #[test]
    fn numbers_beyond_the_exact_range_are_not_stored() {
        assert_eq!(number((1 << 53) - 1), Ok(Value::Integer((1 << 53) - 1)));
        assert!(number(1 << 53).is_err());
        assert!(number(u64::MAX).is_err());
    }
}
