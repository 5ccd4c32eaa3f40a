// The watch's Durable Object: the platform's half of core/src/watch. There is one of it; it takes figures of the
// ledger every minute, and tells somebody when a rule about them begins to hold or ends.

import type { WatchOutput, WatchPage } from "./border";
import type { Deadlines } from "./deadlines";
import { type Env, edge } from "./instance";
import { forward } from "./origin";
import { type Machine, Rounds, Waker } from "./rounds";

/** The name of the only one. */
const NAME = "watch";

/** Where it keeps scheme and host of the deployment, which links in alerts begin with. */
const SITE = "site";

const waker = new Waker(NAME);

/**
 * Makes sure that rounds go on, at most once a minute. It never rejects: no request may fail for it.
 */
export async function wakeWatch(env: Env): Promise<void> {
  await waker.sometimes(() => wake(env));
}

/** The same, at once. */
export async function wakeWatchNow(env: Env): Promise<void> {
  await waker.now(() => wake(env));
}

async function wake(env: Env): Promise<void> {
  if (!edge(env).watches) return;
  if (env.WATCH === undefined) {
    console.error("the binding WATCH is missing, and there is no watch: take it from wrangler.jsonc");
    return;
  }
  await env.WATCH.getByName(NAME).wake();
}

/**
 * A page of the watch; rejects if there is none. Only who has a token is answered with one, so the URL of that request
 * says where the deployment is: that of a stranger's would be where the stranger wants an operator to go.
 */
export async function askWatch(env: Env, page: WatchPage, url: string): Promise<string> {
  if (env.WATCH === undefined) throw new Error("the binding WATCH is missing");
  return env.WATCH.getByName(NAME).page(page, new URL(url).origin);
}

export class Watch extends Rounds<WatchOutput> {
  protected override readonly name = NAME;

  /** Has the alarm ring soon, unless it rings anyway. */
  async wake(): Promise<void> {
    await this.ensureAlarm();
  }

  async page(name: WatchPage, site?: string): Promise<string> {
    const { storage } = this.ctx;
    if (site !== undefined && (await storage.get(SITE)) !== site) await storage.put(SITE, site);
    return edge(this.env).watchPage(name, await this.memory());
  }

  protected override async machine(): Promise<Machine<WatchOutput>> {
    const instance = edge(this.env);
    const site = await this.ctx.storage.get<string>(SITE);
    return {
      begin: (memory, now) => instance.beginWatch(memory, site, now),
      replied: (replies, now) => instance.watchLedgerReplied(replies, now),
      kept: (now) => instance.watchKept(now),
      other: async (output, deadlines) => {
        const answer = await post(output, deadlines);
        if (typeof answer === "string") return instance.watchNotPosted(answer, this.now());
        return instance.watchPosted(answer.status, answer.retryAfter, this.now());
      },
    };
  }
}

async function post(output: Extract<WatchOutput, { type: "post" }>, deadlines: Deadlines) {
  return forward(output, new TextEncoder().encode(output.body), deadlines);
}
