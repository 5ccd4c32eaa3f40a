// The ledger's Durable Object: the platform's half of src/ledger.

import { DurableObject } from "cloudflare:workers";
import { edge, restart } from "./edge.js";

export class Ledger extends DurableObject {
  #isPrepared = false;
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
    return this.#withTables((edge, sql) => edge.answerCall(sql, text, Date.now()));
  }

  async alarm() {
    // An alarm that rings is no longer pending; if this fails, the platform rings again.
    this.#hasAlarm = false;
    const next = this.#withTables((edge, sql) => edge.sweep(sql, Date.now()));
    if (next !== undefined) {
      await this.ctx.storage.setAlarm(next);
      this.#hasAlarm = true;
    }
  }

  /** Makes sure of the tables first, once in an object's life. */
  #withTables(work) {
    return this.#guarded((edge) => {
      const { sql } = this.ctx.storage;
      if (!this.#isPrepared) {
        edge.prepareLedger(sql);
        this.#isPrepared = true;
      }
      return work(edge, sql);
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
