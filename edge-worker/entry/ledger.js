// The ledger's Durable Object: the platform's half of src/ledger.

import { DurableObject } from "cloudflare:workers";
import { edge, restart } from "./edge.js";

/** Divides values that are handed over as one text: src/platform/database.rs says how. */
const DIVIDER = "\0";

/** The database, as the Rust code sees it. */
class Database {
  #sql;
  #frequent;

  constructor(sql, frequent) {
    this.#sql = sql;
    this.#frequent = frequent;
  }

  get bytes() {
    return this.#sql.databaseSize;
  }

  query(statements, values) {
    const bound = values === "" ? [] : values.split(DIVIDER).map(fromText);
    const rows = this.#sql.exec(statements, ...bound).toArray().map(Object.values);
    if (rows.length === 0) return "";
    let texts = `${rows[0].length}`;
    for (const row of rows) for (const value of row) texts += DIVIDER + toText(value);
    return texts;
  }

  queryFrequent(place, values) {
    return this.query(this.#frequent[place], values);
  }
}

function fromText(text) {
  if (text.startsWith("s")) return text.slice(1);
  return text.startsWith("i") ? Number(text.slice(1)) : null;
}

function toText(value) {
  if (value === null) return "n";
  if (typeof value === "string" && !value.includes(DIVIDER)) return `s${value}`;
  return Number.isSafeInteger(value) ? `i${value}` : "?";
}

export class Ledger extends DurableObject {
  #database;
  #hasAlarm = false;

  /** Does what a call asks for, and gives the answer; both are texts (src/ledger/message.rs). */
  async call(text) {
    // Before the row, so that there is no row without an alarm that will delete it. The storage is
    // asked once in an object's life; after that its memory knows.
    if (!this.#hasAlarm && this.#guarded((edge) => edge.needsAlarm(text))) {
      if ((await this.ctx.storage.getAlarm()) === null) {
        await this.ctx.storage.setAlarm(this.#guarded((edge) => edge.firstAlarm(Date.now())));
      }
      this.#hasAlarm = true;
    }
    // From here on nothing waits, and that is the point: src/ledger/mod.rs says why.
    return this.#withTables((edge, database) => edge.answerCall(database, text, Date.now()));
  }

  async alarm() {
    // An alarm that rings is no longer pending; if this fails, the platform rings again.
    this.#hasAlarm = false;
    const next = this.#withTables((edge, database) => edge.sweep(database, Date.now()));
    if (next !== undefined) {
      await this.ctx.storage.setAlarm(next);
      this.#hasAlarm = true;
    }
  }

  /** Makes sure of the tables first, once in an object's life. */
  #withTables(work) {
    return this.#guarded((edge) => {
      if (this.#database === undefined) {
        const frequent = edge.frequentStatements.split(DIVIDER);
        const database = new Database(this.ctx.storage.sql, frequent);
        edge.prepareLedger(database, Date.now());
        this.#database = database;
      }
      return work(edge, this.#database);
    });
  }

  #guarded(work) {
    try {
      return work(edge(this.env));
    } catch (error) {
      restart(error);
      throw error;
    }
  }
}
