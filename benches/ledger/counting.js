// The deployed worker, with a ledger that counts the rows which SQLite has read and written, and the alarms that
// are set: what Cloudflare bills. Only for `make bench-ledger`.

import worker, { Ledger as Deployed } from "./worker.js";

// The clock stands still until it is told to go on, so that nothing depends on how quick the machine is.
let now = Date.now();
Date.now = () => now;

export class Ledger extends Deployed {
  #operations = [];
  #operation;
  #alarm;
  #counted = () => {};

  constructor(context, env) {
    super(context, env);
    this.ctx = { storage: this.#counting(context.storage) };
  }

  call(message, body) {
    const [name] = Object.keys(JSON.parse(message).call);
    return this.#count(name, () => super.call(message, body));
  }

  /** What the alarm does, now. */
  ring() {
    return this.#count("ring", () => super.alarm());
  }

  /** What was counted since the last time, by operation, once there are so many. */
  async take(count) {
    while (this.#operations.length < count) {
      await new Promise((resolve) => {
        this.#counted = resolve;
      });
    }
    return this.#operations.splice(0);
  }

  async #count(name, work) {
    const operation = { name, read: 0, written: 0, alarms: 0 };
    this.#operation = operation;
    const result = await work();
    this.#operations.push(operation);
    this.#counted();
    return result;
  }

  #counting(storage) {
    const exec = (query, ...values) => {
      const operation = this.#operation;
      const cursor = storage.sql.exec(query, ...values);
      const raw = () => {
        const rows = [...cursor.raw()];
        // Complete only once the result was read.
        operation.read += cursor.rowsRead;
        operation.written += cursor.rowsWritten;
        return rows;
      };
      return { raw, one: () => cursor.one() };
    };
    // The platform is told of none: an alarm rings when it is asked to.
    const setAlarm = async (time) => {
      this.#operation.alarms += 1;
      this.#alarm = time;
    };
    const deleteAlarm = async () => {
      this.#alarm = undefined;
    };
    return {
      sql: { exec, get databaseSize() { return storage.sql.databaseSize; } },
      setAlarm,
      deleteAlarm,
      getAlarm: async () => this.#alarm ?? null,
      transactionSync: (work) => storage.transactionSync(work),
      sync: () => storage.sync(),
    };
  }
}

export default {
  async fetch(request, env, context) {
    const ledger = () => env.LEDGER.get(env.LEDGER.idFromName("shard-0"));
    const { pathname, searchParams } = new URL(request.url);
    const number = Number(searchParams.get("number"));
    switch (pathname) {
      case "/bench/rows":
        return Response.json(await ledger().take(number));
      case "/bench/ring":
        await ledger().ring();
        return Response.json(null);
      case "/bench/wait":
        now += number;
        return Response.json(null);
      default:
        return worker.fetch(request, env, context);
    }
  },
};
