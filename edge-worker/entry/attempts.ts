// The attempts that an object makes from its alarm, of the events that it owes.

import type { Attempt } from "./border";
import { Deadlines } from "./deadlines";
import { drive, failed, type Host, message } from "./drive";
import { type Env, edge, newId, restart } from "./instance";
import { write } from "./log";

/**
 * The most attempts under way at once. An object has six connections that wait for an answer; a request that
 * waits for one of them would lose its time without having been sent.
 */
const MOST_UNDER_WAY = 5;

/** The most attempts of one alarm: what an invocation may call out is limited. */
const MOST_ATTEMPTS = 500;

/** How long one alarm goes on beginning attempts, in milliseconds. The platform stops it after 15 minutes. */
const LONGEST_MS = 5 * 60 * 1000;

/** What the attempts need of the object. */
export interface Owner {
  /** Claims up to so many events that are due. */
  take(limit: number): Attempt[];
  body(attempt: Attempt): Uint8Array;
  call(message: string): Promise<string>;
}

/** Makes all attempts that are due, and those that become due meanwhile; how many there were. */
export async function makeAttempts(owner: Owner, env: Env): Promise<number> {
  const underWay = new Set<Promise<void>>();
  const end = Date.now() + LONGEST_MS;
  let begun = 0;
  for (;;) {
    const isOver = Date.now() >= end || begun >= MOST_ATTEMPTS;
    const free = isOver ? 0 : MOST_UNDER_WAY - underWay.size;
    for (const attempt of free > 0 ? owner.take(free) : []) {
      begun += 1;
      const made = makeAttempt(attempt, owner, env).finally(() => underWay.delete(made));
      underWay.add(made);
    }
    if (underWay.size === 0) return begun;
    await Promise.race(underWay);
  }
}

/** Never rejects: of an attempt that fails here nobody knows the end, and its lease runs out. */
async function makeAttempt(attempt: Attempt, owner: Owner, env: Env): Promise<void> {
  const id = newId();
  const deadlines = new Deadlines();
  let instance: ReturnType<typeof edge> | undefined;
  try {
    instance = edge(env);
    const body = owner.body(attempt);
    const first = instance.attempt(id, JSON.stringify(attempt), body, Date.now());
    write(await drive(instance, id, first, body, host(owner), deadlines), env);
  } catch (error) {
    console.error(`an attempt failed: ${message(error)}`);
    restart(error);
    if (edge(env) === instance) instance.abandon(id);
  } finally {
    deadlines.end();
  }
}

function host(owner: Owner): Host {
  const none = () => {
    throw new Error("an attempt has no request");
  };
  return {
    readBody: none,
    checkRateLimit: none,
    askWatch: none,
    respondEarly: none,
    call: ({ message: text }) => owner.call(text).catch((error) => failed(message(error))),
  };
}
