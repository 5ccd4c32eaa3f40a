// The deployed worker, with a ledger that counts the rows which SQLite has read and written: what
// Cloudflare bills. Only for `make bench-ledger`.

import worker, { Ledger as Deployed } from "./worker.js";

// What was counted goes along at most once a second. Here a second passes before every delivery, so it
// goes along with each: the most that is written, as it is without load.
const now = Date.now;
let ahead = 0;
Date.now = () => now() + ahead;

export class Ledger extends Deployed {
  #operations = [];
  #operation;

  constructor(context, env) {
    super(context, env);
    this.ctx = { storage: this.#counting(context.storage) };
  }

  call(message) {
    const [name] = Object.keys(JSON.parse(message).call);
    return this.#counted(name, () => super.call(message));
  }

  /** What the alarm does, now. */
  sweep() {
    return this.#counted("sweep", () => super.alarm());
  }

  /** What was counted since the last time, by operation. */
  take() {
    return this.#operations.splice(0);
  }

  async #counted(name, work) {
    this.#operation = { name, read: 0, written: 0, alarms: 0 };
    this.#operations.push(this.#operation);
    return await work();
  }

  #counting(storage) {
    const exec = (query, ...values) => {
      const cursor = storage.sql.exec(query, ...values);
      const toArray = () => {
        const rows = cursor.toArray();
        // Complete only once the result was read.
        this.#operation.read += cursor.rowsRead;
        this.#operation.written += cursor.rowsWritten;
        return rows;
      };
      return { toArray };
    };
    const setAlarm = (time) => {
      this.#operation.alarms += 1;
      return storage.setAlarm(time);
    };
    const sql = { exec, get databaseSize() { return storage.sql.databaseSize; } };
    const deleteAlarm = () => storage.deleteAlarm();
    return { sql, setAlarm, deleteAlarm, getAlarm: () => storage.getAlarm() };
  }
}

export default {
  async fetch(request, env, context) {
    const ledger = () => env.LEDGER.get(env.LEDGER.idFromName("shard-0"));
    switch (new URL(request.url).pathname) {
      case "/bench/rows":
        return Response.json(await ledger().take());
      case "/bench/sweep":
        await ledger().sweep();
        return Response.json(null);
      default:
        ahead += 1_000;
        return worker.fetch(request, env, context);
    }
  },
};
