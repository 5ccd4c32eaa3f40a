// The storage of an object, as the Rust code sees it: src/storage.rs.

import type { ObjectStorage } from "rust/nextapi_edge.js";

/** Divides values that are handed over as one text. */
const DIVIDER = "\0";

/** Undoes a transaction. */
const UNDO = Symbol("undo");

export class Storage implements ObjectStorage {
  /** What the Rust code remembers as long as the object lives. No transaction undoes it. */
  memory = "";
  /** Writes of the alarm that were not waited for yet. */
  #pending: Promise<void> | undefined;
  /** Whether the alarm is another one than the platform was told of. */
  #isAlarmChanged = false;
  /** The body that came with the present call. It never enters the Rust code of an object. */
  #body: Uint8Array | undefined;

  constructor(
    private readonly storage: DurableObjectStorage,
    private readonly frequent: string[],
    private pendingAlarm: number | undefined,
  ) {}

  get bytes(): number {
    return this.storage.sql.databaseSize;
  }

  get alarm(): number | undefined {
    return this.pendingAlarm;
  }

  /**
   * Runs work as a whole or not at all, the alarm included. Gives the platform's error, if there was one, but
   * throws a panic: the Rust code that has called is gone with it, and must not be returned to.
   */
  transaction(work: () => boolean): string | undefined {
    const before = this.pendingAlarm;
    const wasChanged = this.#isAlarmChanged;
    try {
      this.storage.transactionSync(() => {
        if (!work()) throw UNDO;
      });
    } catch (error) {
      this.pendingAlarm = before;
      this.#isAlarmChanged = wasChanged;
      if (error instanceof WebAssembly.RuntimeError) throw error;
      return error === UNDO ? undefined : message(error);
    }
    return undefined;
  }

  /** The platform learns of it by `writeAlarm`. */
  setAlarm(alarm: number | undefined): void {
    this.#isAlarmChanged ||= alarm !== this.pendingAlarm;
    this.pendingAlarm = alarm;
  }

  /**
   * Has the platform set the alarm as it is now, if that is another one. Called at the end of each step, before
   * anything is awaited, so it is on disk together with what the step has written. Each time is billed as a row
   * written; and were it set within a transaction, the platform's memory of it might not be undone with the rest.
   */
  writeAlarm(): void {
    if (!this.#isAlarmChanged) return;
    this.#isAlarmChanged = false;
    this.#pending = this.#writeAlarm(this.pendingAlarm);
    // Whoever waits for it learns of an error.
    this.#pending.catch(() => {});
  }

  /** Rejects, but does not throw: a step that has ended well is no failure. */
  async #writeAlarm(alarm: number | undefined): Promise<void> {
    await (alarm === undefined ? this.storage.deleteAlarm() : this.storage.setAlarm(alarm));
  }

  /** An alarm that rings is no longer pending. */
  alarmRings(): void {
    this.pendingAlarm = undefined;
  }

  /** Waits until the alarm is set. After an error nobody knows which alarm is pending. */
  async settled(): Promise<void> {
    this.writeAlarm();
    const pending = this.#pending;
    try {
      await pending;
    } catch (error) {
      // Another request may have set another one since.
      if (this.#pending === pending) this.pendingAlarm = undefined;
      throw error;
    }
  }

  /** Does work for a call that this body came with. */
  withBody<T>(body: Uint8Array | undefined, work: () => T): T {
    this.#body = body;
    try {
      return work();
    } finally {
      this.#body = undefined;
    }
  }

  /** The body that is stored of an event, given its job (the empty text if it has none) and its key. */
  body(statement: string, job: string, key: string): Uint8Array {
    const { body } = this.storage.sql.exec(statement, job, key).one();
    if (!(body instanceof ArrayBuffer)) throw new Error("the event has no body");
    return new Uint8Array(body);
  }

  query(statements: string, values: string): string {
    const bound = values === "" ? [] : values.split(DIVIDER).map((text) => this.#fromText(text));
    // Without the columns' names, which would be made into an object for every row.
    const rows = [...this.storage.sql.exec(statements, ...bound).raw()];
    const [first] = rows;
    if (first === undefined) return "";
    let texts = `${first.length}`;
    for (const row of rows) for (const value of row) texts += DIVIDER + toText(value);
    return texts;
  }

  #fromText(text: string): string | number | Uint8Array | null {
    if (text.startsWith("s")) return text.slice(1);
    if (text === "b") {
      if (this.#body === undefined) throw new Error("no body came with the call");
      return this.#body;
    }
    return text.startsWith("i") ? Number(text.slice(1)) : null;
  }

  queryFrequent(index: number, values: string): string {
    return this.query(this.frequent[index] ?? "", values);
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toText(value: unknown): string {
  if (value === null) return "n";
  if (typeof value === "string" && !value.includes(DIVIDER)) return `s${value}`;
  return Number.isSafeInteger(value) ? `i${value}` : "?";
}
