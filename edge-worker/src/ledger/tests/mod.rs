//! The ledger without the platform: every transition, random histories, the store in memory and on
//! a real SQLite, and the model checker.

mod histories;
mod transitions;
