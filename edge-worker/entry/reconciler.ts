// The reconciler's Durable Object: the platform's half of core/src/reconciler. There is one of it, and it asks the
// provider's API for jobs whose end has not come.

import { DurableObject } from "cloudflare:workers";
import type { RoundOutput } from "./border";
import { callLedger, type Objects } from "./call";
import { Deadlines } from "./deadlines";
import { message } from "./drive";
import { type Env, edge, restart } from "./instance";

/** The name of the only one. */
const NAME = "reconciler";

/** Where it keeps what it has to remember. */
const MEMORY = "memory";

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

/** When this isolate looked last. */
let woken = Number.NEGATIVE_INFINITY;

/** Makes sure that rounds go on. It never rejects: no request may fail for it. */
export async function wakeReconciler(env: Env): Promise<void> {
  const now = Date.now();
  if (Math.abs(now - woken) < WAKE_EVERY_MS) return;
  woken = now;
  try {
    if (!edge(env).reconciles) return;
    if (env.RECONCILER === undefined) {
      console.error(
        "NEXTAPI_API_KEY is set, and the binding RECONCILER is missing: take it from wrangler.jsonc",
      );
      return;
    }
    await env.RECONCILER.getByName(NAME).wake();
  } catch (error) {
    console.error(`the reconciler was not woken: ${message(error)}`);
  }
}

export class Reconciler extends DurableObject<Env> {
  /** Has the alarm ring soon, unless it rings anyway. */
  async wake(): Promise<void> {
    const alarm = await this.ctx.storage.getAlarm();
    const now = this.now();
    if (alarm === null && (await this.ctx.storage.get(MEMORY)) === undefined) {
      // From here on jobs count that are in the provider's list.
      await this.ctx.storage.put(MEMORY, JSON.stringify({ since_ms: now }));
    }
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
      console.error(`a round of the reconciler failed: ${message(error)}`);
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

  async #round(deadlines: Deadlines): Promise<void> {
    const instance = edge(this.env);
    const objects: Objects = new Map();
    const memory = (await this.ctx.storage.get<string>(MEMORY)) ?? "";
    let output = parse(instance.beginRound(memory, this.now()));
    for (;;) {
      switch (output.type) {
        case "call_ledger": {
          const { calls, deadlineMs } = output;
          const made = calls.map(({ shard, message, body }) => {
            const bytes = body === null ? new Uint8Array(0) : new TextEncoder().encode(body);
            const call = { shard, message, withBody: body !== null };
            return callLedger(this.env, objects, call, bytes, deadlineMs, deadlines);
          });
          const replies = await Promise.all(made);
          output = parse(instance.roundLedgerReplied(replies.join("\n"), this.now()));
          break;
        }
        case "ask_api": {
          const answer = await ask(output, deadlines);
          if (typeof answer === "string") output = parse(instance.roundApiFailed(answer, this.now()));
          else {
            const { status, headers, body } = answer;
            output = parse(instance.roundApiAnswered(status, JSON.stringify(headers), body, this.now()));
          }
          break;
        }
        case "keep":
          await this.ctx.storage.put(MEMORY, output.memory);
          await this.ctx.storage.sync();
          output = parse(instance.roundKept(this.now()));
          break;
        case "end": {
          for (const line of output.log) console.log(line);
          await this.ctx.storage.put(MEMORY, output.memory);
          if (output.alarmMs === null) await this.ctx.storage.deleteAlarm();
          else await this.ctx.storage.setAlarm(output.alarmMs);
          return;
        }
      }
    }
  }
}

type Ask = Extract<RoundOutput, { type: "ask_api" }>;

interface Answer {
  status: number;
  headers: [string, string][];
  body: Uint8Array;
}

/** Asks the API; the answer, or why there is none. */
async function ask(
  { url, headers, deadlineMs, limit }: Ask,
  deadlines: Deadlines,
): Promise<Answer | "timed_out" | "broken" | "too_large"> {
  const abort = new AbortController();
  const asked = async () => {
    // A redirect is followed to nobody: the key would go along.
    const init = { headers, redirect: "manual", signal: abort.signal } as const;
    const response = await fetch(url, init);
    const body = await readUpTo(limit, response);
    if (body === null) return "too_large" as const;
    return { status: response.status, headers: [...response.headers], body };
  };
  try {
    return await deadlines.within(deadlineMs, asked(), () => {
      abort.abort();
      return "timed_out" as const;
    });
  } catch {
    // The text of the error may repeat the URL, and is dropped.
    return "broken";
  }
}

/** The body, or null if it has more bytes. */
async function readUpTo(limit: number, response: Response): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.byteLength;
    if (length > limit) return null;
    pieces.push(piece);
  }
  const body = new Uint8Array(length);
  let filled = 0;
  for (const piece of pieces) {
    body.set(piece, filled);
    filled += piece.byteLength;
  }
  return body;
}

function parse(output: string): RoundOutput {
  return JSON.parse(output);
}
