// An object that works in rounds, from its alarm: what the reconciler and the watch have in common.

import { DurableObject } from "cloudflare:workers";
import type { RoundOutput, WatchOutput } from "./border";
import { callLedger, type Objects } from "./call";
import { Deadlines } from "./deadlines";
import { message } from "./drive";
import { type Env, restart } from "./instance";

/** Where an object keeps what it has to remember. */
export const MEMORY = "memory";

/** Pause before the next round if this one is cut off, in milliseconds. One that goes on has no other beside it. */
const PAUSE_MS = 5_000;

/** Pause after a round that has failed, in milliseconds: it might fail again, and take requests of the isolate along. */
const FAILURE_PAUSE_MS = 60_000;

/** How late an alarm may ring before it counts as lost, in milliseconds. */
const LATEST_MS = 30_000;

/** An alarm further ahead was set by a clock that was ahead, in milliseconds. */
const LONGEST_PAUSE_MS = 2 * 60 * 60_000;

/** How often a Worker looks whether the alarm is set, in milliseconds. */
const WAKE_EVERY_MS = 60_000;

/** Has something done, and never rejects: no request may fail for it. */
export class Waker {
  #woken = Number.NEGATIVE_INFINITY;

  constructor(private readonly name: string) {}

  /** For requests: at most once a minute in an isolate. */
  async sometimes(work: () => Promise<void>): Promise<void> {
    const now = Date.now();
    if (Math.abs(now - this.#woken) < WAKE_EVERY_MS) return;
    this.#woken = now;
    await this.now(work);
  }

  async now(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      console.error(`the ${this.name} was not woken: ${message(error)}`);
    }
  }
}

export type Output = RoundOutput | WatchOutput;
type Shared = Extract<Output, { type: "call_ledger" | "keep" | "end" }>;

/** The Rust code's half of a round. */
export interface Machine<O extends Output> {
  begin(memory: string, now: number): string;
  replied(replies: string, now: number): string;
  kept(now: number): string;
  /** Does what only this kind of round asks for, and gives the next output. */
  other(output: Exclude<O, Shared>, deadlines: Deadlines): Promise<string>;
}

export abstract class Rounds<O extends Output> extends DurableObject<Env> {
  /** What it is called in the log. */
  protected abstract readonly name: string;
  /** The instance's half of a round that begins now. */
  protected abstract machine(): Promise<Machine<O>>;

  /** Has the alarm ring soon, unless it rings anyway. */
  protected async ensureAlarm(): Promise<void> {
    const alarm = await this.ctx.storage.getAlarm();
    const now = this.now();
    const isLost = alarm === null || alarm + LATEST_MS < now || alarm > now + LONGEST_PAUSE_MS;
    if (isLost) await this.ctx.storage.setAlarm(now + 1000);
  }

  /** Fails only if no successor could be set: the platform gives an alarm up for good after seven failures. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(this.now() + PAUSE_MS);
    const deadlines = new Deadlines();
    try {
      await this.#round(deadlines);
    } catch (error) {
      console.error(`a round of the ${this.name} failed: ${message(error)}`);
      restart(error);
      await this.ctx.storage.setAlarm(this.now() + FAILURE_PAUSE_MS);
    } finally {
      deadlines.end();
    }
  }

  /** The object's clock, in milliseconds since 1970. */
  protected now(): number {
    return Date.now();
  }

  /** What the last round has left; the empty text before the first one. */
  protected async memory(): Promise<string> {
    return (await this.ctx.storage.get<string>(MEMORY)) ?? "";
  }

  async #round(deadlines: Deadlines): Promise<void> {
    const machine = await this.machine();
    const objects: Objects = new Map();
    let output = parse<O>(machine.begin(await this.memory(), this.now()));
    for (;;) {
      if (output.type === "call_ledger") {
        const { calls, deadlineMs } = output;
        const made = calls.map(({ shard, message, body }) => {
          const bytes = body === null ? new Uint8Array(0) : new TextEncoder().encode(body);
          const call = { shard, message, withBody: body !== null };
          return callLedger(this.env, objects, call, bytes, deadlineMs, deadlines);
        });
        const replies = await Promise.all(made);
        output = parse<O>(machine.replied(replies.join("\n"), this.now()));
      } else if (output.type === "keep") {
        await this.ctx.storage.put(MEMORY, output.memory);
        await this.ctx.storage.sync();
        if ("log" in output) for (const line of output.log) console.log(line);
        output = parse<O>(machine.kept(this.now()));
      } else if (output.type === "end") {
        for (const line of output.log) console.log(line);
        await this.ctx.storage.put(MEMORY, output.memory);
        if (output.alarmMs === null) await this.ctx.storage.deleteAlarm();
        else await this.ctx.storage.setAlarm(output.alarmMs);
        return;
      } else {
        output = parse<O>(await machine.other(output as Exclude<O, Shared>, deadlines));
      }
    }
  }
}

function parse<O extends Output>(output: string): O {
  return JSON.parse(output);
}
