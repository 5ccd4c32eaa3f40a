//! A step on an object's storage happens as a whole or not at all.
//!
//! What is written without a pause is on disk together or not at all *if the machine crashes*. That does not
//! cover an error between two statements: without a transaction the first one would stay, with nothing to
//! undo it until the object is started anew, and not even then. So each step is a transaction of its own,
//! which an error, an exception or a panic undoes at once.

use super::sqlite_store::Storage;

/// Runs a step. If it fails, nothing that it wrote has happened, its alarm included.
///
/// # Errors
/// The step's own error, or the storage's.
pub(crate) fn transaction<T>(
    storage: &impl Storage,
    step: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    let mut step = Some(step);
    let mut result = Err("the storage did not run the step".to_owned());
    storage.transaction(&mut || {
        if let Some(step) = step.take() {
            result = step();
        }
        result.is_ok()
    })?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::sqlite::Sqlite;

    fn table() -> Sqlite {
        let database = Sqlite::in_memory();
        database.run("CREATE TABLE t (a INTEGER)");
        database
    }

    fn insert(database: &Sqlite, number: u32) -> Result<(), String> {
        database.query(&format!("INSERT INTO t VALUES ({number})"), Vec::new()).map(drop)
    }

    #[test]
    fn a_step_that_succeeds_is_kept() {
        let database = table();
        let step = || insert(&database, 1).map(|()| database.set_alarm(Some(5)));
        assert_eq!(transaction(&database, step), Ok(()));
        assert_eq!(database.shown("SELECT a FROM t").len(), 1);
        assert_eq!(database.alarm_ms(), Some(5));
    }

    #[test]
    fn a_step_that_fails_has_not_happened() {
        let database = table();
        database.set_alarm(Some(3));
        let step = || {
            insert(&database, 1)?;
            database.set_alarm(Some(5));
            insert(&database, 2)?;
            Err::<(), _>("broken".to_owned())
        };
        assert_eq!(transaction(&database, step), Err("broken".to_owned()));
        assert_eq!(database.shown("SELECT a FROM t").len(), 0);
        assert_eq!(database.alarm_ms(), Some(3));
        // The next one is not part of it.
        assert_eq!(transaction(&database, || insert(&database, 3)), Ok(()));
        assert_eq!(database.shown("SELECT a FROM t").len(), 1);
    }
}
