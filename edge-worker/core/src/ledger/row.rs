//! An entry as SQLite's values, and back.
//!
//! JavaScript has one type of number, so integers come back as floats where they are not exact, and
//! a row that was written by another version may hold anything. Whatever does not fit is an error:
//! a row that cannot be read must never count as one that is not there.

use super::value::Value;

use super::entry::{Entry, EventState};
use super::event_meta::EventMeta;
use super::expired::Expired;
use super::order::JobStage;
use super::owed::Owed;
use super::trail;

/// The key and the entry that a row's columns hold.
pub(crate) fn entry(columns: Vec<Value>) -> Result<(String, Entry), String> {
    let columns: [Value; 16] = columns.try_into().map_err(|_| "a row has not 16 columns")?;
    let [
        job_id,
        key,
        state,
        lease_end,
        attempts,
        first,
        last,
        last_outcome,
        event_id,
        event_type,
        due,
        owed_since,
        tries,
        seq,
        head,
        replay,
    ] = columns;
    let present = |value: &Value| integer(value)?.ok_or_else(|| "a row lacks a number".to_owned());
    let owed = match integer(&owed_since)? {
        None => None,
        Some(since_ms) => Some(Owed {
            since_ms,
            tries: present(&tries)?,
            seq: present(&seq)?,
            head: text(head)?.ok_or("an owed event has no headers")?,
            replay: text(replay)?,
        }),
    };
    let due_ms = integer(&due)?;
    let state = match (text(state)?.as_deref(), integer(&lease_end)?) {
        (Some("claimed"), Some(lease_end_ms)) => EventState::Claimed { lease_end_ms },
        (Some("waiting"), None) if owed.is_some() => EventState::Waiting { due_ms },
        (Some("dead"), None) if owed.is_some() => EventState::Dead,
        (Some("open"), None) => EventState::Open,
        (Some("done"), None) => EventState::Done,
        (Some("dropped"), None) => EventState::Dropped,
        (Some("reopened"), None) => EventState::Reopened,
        _ => return Err("a row has an unknown state".to_owned()),
    };
    let entry = Entry {
        state,
        attempts: present(&attempts)?,
        first_ms: present(&first)?,
        last_ms: present(&last)?,
        last_outcome: text(last_outcome)?,
        meta: EventMeta {
            event_id: text(event_id)?,
            event_type: text(event_type)?,
            job_id: text(job_id)?.filter(|job_id| !job_id.is_empty()),
            ..EventMeta::default()
        },
        owed,
        noted: Vec::new(),
    };
    Ok((text(key)?.ok_or("a row has no key")?, entry))
}

/// The job's id as it stands in a row: the empty text if there is none. No event has an empty one.
pub(crate) fn job(job_id: Option<&str>) -> Value {
    job_id.unwrap_or_default().into()
}

/// The event that a deleted row's columns tell of.
pub(crate) fn expired(columns: Vec<Value>) -> Result<Expired, String> {
    let columns: [Value; 6] = columns.try_into().map_err(|_| "a row has not 6 columns")?;
    let [last, key, state, event_type, job_id, last_outcome] = columns;
    Ok(Expired {
        last_ms: integer(&last)?.ok_or("a row lacks a number")?,
        key: text(key)?.ok_or("a row has no key")?,
        state: text(state)?.ok_or("a row has no state")?,
        event_type: text(event_type)?,
        job_id: text(job_id)?.filter(|job_id| !job_id.is_empty()),
        last_outcome: text(last_outcome)?,
    })
}

/// The values of an entry's row, apart from those of [`owed`].
pub(crate) fn values(key: &str, entry: &Entry) -> Result<Vec<Value>, String> {
    Ok(vec![
        job(entry.meta.job_id.as_deref()),
        key.into(),
        entry.state.name().into(),
        lease_end(entry.state)?,
        number(entry.attempts)?,
        number(entry.first_ms)?,
        number(entry.last_ms)?,
        entry.last_outcome.clone().into(),
        entry.meta.event_id.clone().into(),
        entry.meta.event_type.clone().into(),
        entry.meta.stage().map(JobStage::number).map_or(Ok(Value::Null), number)?,
        trail::lines(&entry.noted).into(),
    ])
}

/// The values that may change after a row was inserted, apart from those of [`owed`].
pub(crate) fn changes(entry: &Entry) -> Result<Vec<Value>, String> {
    Ok(vec![
        entry.state.name().into(),
        lease_end(entry.state)?,
        number(entry.attempts)?,
        number(entry.last_ms)?,
        entry.last_outcome.clone().into(),
        trail::lines(&entry.noted).into(),
    ])
}

/// What a row has of an owed event and may change, apart from its headers and its body.
pub(crate) fn owed(entry: &Entry, owed: &Owed) -> Result<Vec<Value>, String> {
    Ok(vec![
        entry.due_ms().map_or(Ok(Value::Null), number)?,
        number(owed.since_ms)?,
        number(owed.tries)?,
        number(owed.seq)?,
        owed.replay.clone().into(),
    ])
}

fn lease_end(state: EventState) -> Result<Value, String> {
    match state {
        EventState::Claimed { lease_end_ms } => number(lease_end_ms),
        _ => Ok(Value::Null),
    }
}

/// The largest whole number up to which JavaScript has each exactly.
pub(crate) const LARGEST_EXACT: u64 = (1 << 53) - 1;

/// A number as a value, if JavaScript can hold it exactly.
pub(crate) fn number(number: u64) -> Result<Value, String> {
    match i64::try_from(number.min(LARGEST_EXACT)) {
        Ok(stored) if number <= LARGEST_EXACT => Ok(Value::Integer(stored)),
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

/// A value as a text, or `None` if it is null.
pub(crate) fn text(value: Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        _ => Err("a value is not a text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sql;
    use super::super::trail::{Act, MOST_BYTES, TrailEntry};
    use super::*;

    const STATES: [EventState; 5] = [
        EventState::Claimed { lease_end_ms: 1_700_000_030_000 },
        EventState::Open,
        EventState::Done,
        EventState::Dropped,
        EventState::Reopened,
    ];

    fn sample(state: EventState) -> Entry {
        Entry {
            state,
            attempts: 3,
            first_ms: 1_700_000_000_000,
            last_ms: 1_700_000_000_123,
            last_outcome: Some("origin_failed".to_owned()),
            meta: EventMeta {
                event_id: Some("evt_1".to_owned()),
                event_type: Some("job.running".to_owned()),
                job_id: None,
                ..EventMeta::default()
            },
            owed: None,
            noted: vec![TrailEntry::new(5, Act::Dead, "dead")],
        }
    }

    fn sample_owed(state: EventState) -> Entry {
        let owed = Owed {
            since_ms: 5,
            tries: 2,
            seq: 3,
            head: "{}".to_owned(),
            replay: Some("r-1".to_owned()),
        };
        Entry { owed: Some(owed), ..sample(state) }
    }

    /// The columns that are read: all that are written but the stage and the trail, which stand last, and the body;
    /// the replay stands behind the headers.
    fn columns_of(entry: &Entry) -> Vec<Value> {
        let mut columns = values("event-00", entry).unwrap();
        assert_eq!(columns.pop(), Some("5 dead - dead - -\n".into()));
        assert_eq!(columns.pop(), Some(Value::Integer(2)));
        match &entry.owed {
            None => columns.extend([const { Value::Null }; 6]),
            Some(it) => {
                let mut values = owed(entry, it).unwrap();
                let replay = values.pop().unwrap();
                columns.extend(values);
                columns.extend([it.head.clone().into(), replay]);
            }
        }
        columns
    }

    fn columns(state: EventState) -> Vec<Value> {
        columns_of(&sample(state))
    }

    #[test]
    fn what_is_written_is_read_again() {
        for state in STATES {
            let expected = Entry { noted: Vec::new(), ..sample(state) };
            assert_eq!(entry(columns(state)), Ok(("event-00".to_owned(), expected)));
        }
        for state in [
            EventState::Claimed { lease_end_ms: 9 },
            EventState::Waiting { due_ms: Some(7) },
            EventState::Waiting { due_ms: None },
            EventState::Dead,
        ] {
            let written = sample_owed(state);
            let expected = Entry { noted: Vec::new(), ..written.clone() };
            assert_eq!(entry(columns_of(&written)), Ok(("event-00".to_owned(), expected)));
        }
    }

    #[test]
    fn the_statements_name_the_columns_in_the_same_order() {
        let trail = format!("trail = substr(coalesce(trail, '') || ?, -{MOST_BYTES})");
        let between = |text: &str, from: &str, to: &str| {
            let text = text.replace(&trail, "trail = ?");
            let start = text.find(from).unwrap() + from.len();
            let end = text[start..].find(to).unwrap() + start;
            text[start..end].split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        };
        let written = between(sql::INSERT, "(", ")");
        assert_eq!(sql::INSERT.matches('?').count(), written.len());
        assert_eq!(written.last().map(String::as_str), Some("trail"));
        let owed = ["due_ms", "owed_ms", "tries", "seq", "replay"];
        let all = between(sql::INSERT_OWED, "(", ")");
        assert_eq!(sql::INSERT_OWED.matches('?').count(), all.len());
        assert_eq!(all[..12], written);
        assert_eq!(all[12..], [&owed[..], &["head", "body"]].concat());
        // They all read the same columns.
        let read = between(sql::SELECT, "SELECT ", " FROM");
        assert_eq!(read[..10], written[..10]);
        assert_eq!(read[10..], [&owed[..4], &["head", "replay"]].concat());
        let set = ["state", "lease_end_ms", "attempts", "last_ms", "last_outcome", "trail"];
        let updated = |statement| between(statement, "SET ", " WHERE");
        let with_values =
            |names: &[&str]| names.iter().map(|name| format!("{name} = ?")).collect::<Vec<_>>();
        assert_eq!(updated(sql::UPDATE)[..6], with_values(&set));
        let set = [&set[..], &owed].concat();
        assert_eq!(updated(sql::UPDATE_OWED), with_values(&set));
        let set = [&set[..], &["head", "body"]].concat();
        assert_eq!(updated(sql::UPDATE_ACCEPTED), with_values(&set));
        // By their places among all values.
        let entry = sample(EventState::Done);
        let all = values("event-00", &entry).unwrap();
        let expected = [2, 3, 4, 6, 7, 11].map(|place| all[place].clone()).to_vec();
        assert_eq!(changes(&entry), Ok(expected));
    }

    #[test]
    fn the_values_of_a_row_are_pinned() {
        let expected = vec![
            Value::Text(String::new()),
            Value::Text("event-00".to_owned()),
            Value::Text("claimed".to_owned()),
            Value::Integer(9),
            Value::Integer(3),
            Value::Integer(1_700_000_000_000),
            Value::Integer(1_700_000_000_123),
            Value::Text("origin_failed".to_owned()),
            Value::Text("evt_1".to_owned()),
            Value::Text("job.running".to_owned()),
            Value::Integer(2),
            Value::Text("5 dead - dead - -\n".to_owned()),
        ];
        let claimed = sample(EventState::Claimed { lease_end_ms: 9 });
        assert_eq!(values("event-00", &claimed), Ok(expected));
    }

    #[test]
    fn a_row_that_does_not_fit_is_an_error() {
        let with = |index: usize, value: Value| {
            let mut columns = columns(EventState::Done);
            columns[index] = value;
            entry(columns)
        };
        assert!(with(0, Value::Integer(1)).is_err());
        assert!(with(1, Value::Null).is_err(), "without a key");
        assert!(with(2, Value::Text("other".to_owned())).is_err());
        assert!(with(2, Value::Null).is_err());
        assert!(with(2, Value::Text("claimed".to_owned())).is_err(), "without a lease");
        assert!(with(3, Value::Integer(5)).is_err(), "done, with a lease");
        assert!(with(2, Value::Text("waiting".to_owned())).is_err(), "waiting, and not owed");
        assert!(with(11, Value::Integer(5)).is_err(), "owed, and no attempts");
        assert!(with(4, Value::Null).is_err());
        assert!(with(4, Value::Other).is_err());
        assert!(with(5, Value::Integer(-1)).is_err());
        assert!(with(7, Value::Integer(1)).is_err());
        assert!(entry(Vec::new()).is_err());
    }

    #[test]
    fn numbers_beyond_the_exact_range_are_not_stored() {
        assert_eq!(number((1 << 53) - 1), Ok(Value::Integer((1 << 53) - 1)));
        assert!(number(1 << 53).is_err());
        assert!(number(u64::MAX).is_err());
    }
}
