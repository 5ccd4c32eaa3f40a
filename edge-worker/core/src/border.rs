//! The TypeScript declarations of what crosses the border to the platform's half, generated from the
//! types here. `tsc` holds the entry modules against them.

use std::path::Path;
use std::{env, fs};

use ts_rs::{Config, TS};

use crate::ledger::Attempt;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::order::Order;
use crate::machine::{LedgerCall, Output};
use crate::reconciler::{RoundCall, RoundOutput};
use crate::record::DataPoint;
use crate::request::Request;
use crate::response::Response;
use crate::watch::{WatchOutput, WatchPage};

/// Where the declarations stand.
const FILE: &str = "../entry/border.ts";

const HEAD: &str = "// What crosses the border between Rust and TypeScript, as JSON. Generated from core/src by\n\
    // `make border`; a test holds it against the Rust types.\n";

fn declarations() -> String {
    let config = Config::new().with_large_int("number");
    let types = [
        Request::decl(&config),
        Output::decl(&config),
        LedgerCall::decl(&config),
        Response::decl(&config),
        DataPoint::decl(&config),
        Attempt::decl(&config),
        EventMeta::decl(&config),
        Order::decl(&config),
        RoundOutput::decl(&config),
        RoundCall::decl(&config),
        WatchOutput::decl(&config),
        WatchPage::decl(&config),
    ];
    let mut text = HEAD.to_owned();
    for declaration in types {
        text.push_str("\nexport ");
        text.push_str(&declaration);
        text.push('\n');
    }
    text
}

/// With `UPDATE_BORDER` in the environment, writes the file instead.
#[test]
fn the_declarations_are_those_of_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if env::var_os("UPDATE_BORDER").is_some() {
        fs::write(&file, declarations()).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap();
    assert_eq!(found, declarations(), "out of date: run `make border`");
}
