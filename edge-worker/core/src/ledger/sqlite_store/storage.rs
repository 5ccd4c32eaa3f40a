//! What an object's storage does for the ledger.

use crate::ledger::value::Value;

/// The columns of one row of a statement's result.
pub type Columns = Vec<Value>;

/// An object's storage: its SQLite database and its alarm. In tests, a database of the machine's.
pub trait Storage {
    /// Runs statements to their end; the values are those of the last one. The rows are its result.
    ///
    /// # Errors
    /// SQLite's message.
    fn query(&self, statements: &str, values: Vec<Value>) -> Result<Vec<Columns>, String>;

    /// The size of the database, in bytes.
    ///
    /// # Errors
    /// SQLite's message.
    fn bytes(&self) -> Result<u64, String>;

    /// When the pending alarm rings, in milliseconds since 1970; none if none is pending.
    fn alarm_ms(&self) -> Option<u64>;

    /// Sets the alarm, in place of the one that is pending, or takes it away.
    fn set_alarm(&self, alarm_ms: Option<u64>);

    /// What was remembered since the object started; the empty text if nothing was.
    fn memory(&self) -> String;

    /// Remembers a text until the object ends. It is in memory alone, and no transaction undoes it.
    fn set_memory(&self, memory: &str);

    /// Runs a piece of work, once and at once. If it gives `false` or does not return, nothing that it
    /// has written has happened, and the alarm is the one that was pending before.
    ///
    /// # Errors
    /// SQLite's message. The work may then not have been run.
    fn transaction(&self, work: &mut dyn FnMut() -> bool) -> Result<(), String>;
}

impl<D: Storage> Storage for &D {
    fn query(&self, statements: &str, values: Vec<Value>) -> Result<Vec<Columns>, String> {
        (*self).query(statements, values)
    }

    fn bytes(&self) -> Result<u64, String> {
        (*self).bytes()
    }

    fn alarm_ms(&self) -> Option<u64> {
        (*self).alarm_ms()
    }

    fn set_alarm(&self, alarm_ms: Option<u64>) {
        (*self).set_alarm(alarm_ms);
    }

    fn memory(&self) -> String {
        (*self).memory()
    }

    fn set_memory(&self, memory: &str) {
        (*self).set_memory(memory);
    }

    fn transaction(&self, work: &mut dyn FnMut() -> bool) -> Result<(), String> {
        (*self).transaction(work)
    }
}
