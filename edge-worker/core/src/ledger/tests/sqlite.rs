//! A real SQLite, used as the platform's is.

use core::cell::{Cell, RefCell};

use crate::ledger::value::Value;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{Batch, Connection, Statement};

use crate::ledger::sql;
use crate::ledger::sqlite_store::{self, Columns, SqliteStore, Storage};

/// A database that can be told to break off.
pub(crate) struct Sqlite {
    connection: Connection,
    /// How many statements it will still run; without a number, all.
    statements_left: Cell<Option<usize>>,
    /// The length of all bodies.
    body_bytes: Cell<usize>,
    alarm_ms: Cell<Option<u64>>,
    memory: RefCell<String>,
    /// How often all bodies were added up.
    sums: Cell<usize>,
}

impl Sqlite {
    /// An empty database in memory.
    pub(crate) fn in_memory() -> Self {
        Self::on(Connection::open_in_memory().unwrap())
    }

    /// A database in a file.
    pub(crate) fn on(connection: Connection) -> Self {
        Self {
            connection,
            statements_left: Cell::new(None),
            body_bytes: Cell::new(1),
            alarm_ms: Cell::new(None),
            memory: RefCell::default(),
            sums: Cell::new(0),
        }
    }

    /// From now on bodies have this length.
    pub(crate) fn set_body_bytes(&self, bytes: usize) {
        self.body_bytes.set(bytes);
    }

    /// How often all bodies were added up.
    pub(crate) fn sums(&self) -> usize {
        self.sums.get()
    }

    /// Runs `statements` more and breaks off at the next one.
    pub(crate) fn break_off_after(&self, statements: usize) {
        self.statements_left.set(Some(statements));
    }

    /// Runs all statements again.
    pub(crate) fn go_on(&self) {
        self.statements_left.set(None);
    }

    /// Runs statements that have no result.
    pub(crate) fn run(&self, statements: &str) {
        self.connection.execute_batch(statements).unwrap();
    }

    /// All of a statement's result, as text that can be compared.
    pub(crate) fn shown(&self, statement: &str) -> Vec<String> {
        let rows = self.query(statement, Vec::new()).unwrap();
        rows.iter().map(|columns| format!("{columns:?}")).collect()
    }

    fn count_statement(&self) -> Result<(), String> {
        match self.statements_left.get() {
            Some(0) => return Err("broken off".to_owned()),
            Some(left) => self.statements_left.set(Some(left - 1)),
            None => {}
        }
        Ok(())
    }

    fn run_one(
        &self,
        statement: &mut Statement<'_>,
        values: Vec<Value>,
    ) -> rusqlite::Result<Vec<Columns>> {
        let columns = statement.column_count();
        let values = values.into_iter().map(|value| self.stored(value));
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut result = Vec::new();
        while let Some(row) = rows.next()? {
            result.push(
                (0..columns)
                    .map(|index| row.get_ref(index).map(value))
                    .collect::<Result<_, _>>()?,
            );
        }
        Ok(result)
    }

    #[allow(clippy::cast_precision_loss, reason = "the ledger's numbers are those of JavaScript")]
    fn stored(&self, value: Value) -> Stored {
        match value {
            Value::Null => Stored::Null,
            // JavaScript has no other numbers: in SQL, a quotient of two of them is not rounded.
            Value::Integer(number) => Stored::Real(number as f64),
            Value::Text(text) => Stored::Text(text),
            Value::Body => Stored::Blob(vec![0xff; self.body_bytes.get()]),
            Value::Other => unreachable!("the ledger never writes anything else"),
        }
    }
}

/// A store on an empty database, with its tables.
pub(crate) fn fresh_store() -> SqliteStore<Sqlite> {
    let database = Sqlite::in_memory();
    sqlite_store::prepare(&database, sql::STEPS).unwrap();
    SqliteStore(database)
}

impl Storage for Sqlite {
    fn query(&self, statements: &str, values: Vec<Value>) -> Result<Vec<Columns>, String> {
        let in_words = |error: rusqlite::Error| error.to_string();
        self.sums.set(self.sums.get() + usize::from(statements == sql::SUM_BODIES));
        let mut values = Some(values).filter(|values| !values.is_empty());
        // Most texts are one statement, and are run again and again.
        if let Some(values) = values.take_if(|_| !statements.contains(';')) {
            self.count_statement()?;
            let mut statement = self.connection.prepare_cached(statements).map_err(in_words)?;
            return self.run_one(&mut statement, values).map_err(in_words);
        }
        let mut batch = Batch::new(&self.connection, statements);
        let mut rows = Vec::new();
        while let Some(mut statement) = batch.next().map_err(in_words)? {
            self.count_statement()?;
            let takes_values = statement.parameter_count() > 0;
            let values = values.take_if(|_| takes_values).unwrap_or_default();
            rows = self.run_one(&mut statement, values).map_err(in_words)?;
        }
        if values.is_some() { Err("no statement takes the values".to_owned()) } else { Ok(rows) }
    }

    /// As the platform says it: pages, whether they hold something or not.
    fn bytes(&self) -> Result<u64, String> {
        self.count_statement()?;
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get(0));
        let [pages, page_size]: [u32; 2] =
            ["page_count", "page_size"].map(|it| pragma(it).unwrap());
        Ok(u64::from(pages) * u64::from(page_size))
    }

    fn alarm_ms(&self) -> Option<u64> {
        self.alarm_ms.get()
    }

    fn set_alarm(&self, alarm_ms: Option<u64>) {
        self.alarm_ms.set(alarm_ms);
    }

    fn memory(&self) -> String {
        self.memory.borrow().clone()
    }

    fn set_memory(&self, memory: &str) {
        memory.clone_into(&mut self.memory.borrow_mut());
    }

    /// Like `transactionSync`, a savepoint.
    fn transaction(&self, work: &mut dyn FnMut() -> bool) -> Result<(), String> {
        let alarm_ms = self.alarm_ms.get();
        self.run("SAVEPOINT step");
        if !work() {
            self.alarm_ms.set(alarm_ms);
            self.run("ROLLBACK TO step");
        }
        self.run("RELEASE step");
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the ledger's numbers are those of JavaScript")]
fn value(stored: ValueRef<'_>) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
        // JavaScript does not tell it from a whole number.
        ValueRef::Real(number) if number.fract() == 0.0 => Value::Integer(number as i64),
        ValueRef::Real(_) | ValueRef::Blob(_) => Value::Other,
    }
}
