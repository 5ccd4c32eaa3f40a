// The reconciler's Durable Object: the platform's half of core/src/reconciler. There is one of it, and it asks the
// provider's API for jobs whose end has not come.

import type { RoundOutput } from "./border";
import type { Deadlines } from "./deadlines";
import { type Env, edge } from "./instance";
import { type Machine, MEMORY, Rounds, Waker } from "./rounds";

/** The name of the only one. */
const NAME = "reconciler";

const waker = new Waker(NAME);

/** Makes sure that rounds go on, at most once a minute. It never rejects: no request may fail for it. */
export async function wakeReconciler(env: Env): Promise<void> {
  await waker.sometimes(() => wake(env));
}

/** The same, at once. */
export async function wakeReconcilerNow(env: Env): Promise<void> {
  await waker.now(() => wake(env));
}

async function wake(env: Env): Promise<void> {
  if (!edge(env).reconciles) return;
  if (env.RECONCILER === undefined) {
    console.error(
      "NEXTAPI_API_KEY is set, and the binding RECONCILER is missing: take it from wrangler.jsonc",
    );
    return;
  }
  await env.RECONCILER.getByName(NAME).wake();
}

export class Reconciler extends Rounds<RoundOutput> {
  protected override readonly name = NAME;

  /** Has the alarm ring soon, unless it rings anyway. */
  async wake(): Promise<void> {
    const isNew = (await this.ctx.storage.getAlarm()) === null && (await this.memory()) === "";
    // From here on jobs count that are in the provider's list.
    if (isNew) await this.ctx.storage.put(MEMORY, JSON.stringify({ since_ms: this.now() }));
    await this.ensureAlarm();
  }

  protected override async machine(): Promise<Machine<RoundOutput>> {
    const instance = edge(this.env);
    return {
      begin: (memory, now) => instance.beginRound(memory, now),
      replied: (replies, now) => instance.roundLedgerReplied(replies, now),
      kept: (now) => instance.roundKept(now),
      other: async (output, deadlines) => {
        const answer = await ask(output, deadlines);
        if (typeof answer === "string") return instance.roundApiFailed(answer, this.now());
        const { status, headers, body } = answer;
        return instance.roundApiAnswered(status, JSON.stringify(headers), body, this.now());
      },
    };
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
