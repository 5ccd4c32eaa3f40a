// The worker's entry module: it carries between the platform and the Rust code, and decides nothing. What
// to do next for a request comes as an `Output`; what came of it is told to the instance, until there is
// nothing left to do.

import { readBody } from "./body";
import type { RequestHead } from "./border";
import { callLedger, type Objects } from "./call";
import { Deadlines } from "./deadlines";
import { drive, type EarlyResponse, type Host, type LastOutput, message, parse } from "./drive";
import { type Env, edge, newId, restart } from "./instance";
import { write } from "./log";
import { page } from "./page";
import { wakeReconciler, wakeReconcilerNow } from "./reconciler";
import { reportCounts, reviveShards } from "./report";
import { askWatch, wakeWatch, wakeWatchNow } from "./watch";

export { Ledger } from "./ledger";
export { Reconciler } from "./reconciler";
export { Watch } from "./watch";

export default {
  fetch(request, env, context) {
    return new Promise((resolve, reject) => {
      // The work runs to its end even if the provider hangs up. Otherwise a provider that loses patience
      // could part the origin's 2xx from its commit, and the event would come a second time. The response
      // may come before the end.
      const handled = handle(request, env, resolve).catch(reject);
      context.waitUntil(handled.then(() => reportCounts(env)));
      context.waitUntil(wakeReconciler(env));
      context.waitUntil(wakeWatch(env));
    });
  },

  /** Once a minute: what has lost its alarm gets it back without a delivery. */
  async scheduled(_event, env) {
    await Promise.all([wakeWatchNow(env), wakeReconcilerNow(env), reviveShards(env)]);
  },
} satisfies ExportedHandler<Env>;

/** Drives a request to its response, and to its end. */
async function handle(request: Request, env: Env, resolve: (response: Response) => void): Promise<void> {
  const id = newId();
  const deadlines = new Deadlines();
  const objects: Objects = new Map();
  let isAnswered = false;
  const respond = (output: LastOutput | EarlyResponse) => {
    write(output, env);
    if (output.type === "end") return;
    isAnswered = true;
    if (output.type === "respond_page") return resolve(page(output));
    const { response } = output;
    // No name comes twice, and an object is read in half the time that a list of pairs takes.
    const headers = Object.fromEntries(response.headers);
    resolve(new Response(response.body, { status: response.status, headers }));
  };
  const host: Host = {
    readBody: (output, deadlines) => readBody(request, output, deadlines),
    call: (call, body, deadlineMs, deadlines) => callLedger(env, objects, call, body, deadlineMs, deadlines),
    checkRateLimit: (key, deadlineMs, deadlines) => checkRateLimit(env, key, deadlineMs, deadlines),
    askWatch: (output) => askWatch(env, output.page, request.url),
    respondEarly: respond,
  };
  let instance: ReturnType<typeof edge> | undefined;
  try {
    instance = edge(env);
    const first = instance.begin(id, JSON.stringify(head(request)), Date.now());
    respond(await drive(instance, id, first, new Uint8Array(0), host, deadlines));
  } catch (error) {
    // A panic, of this request or of another one in the same instance. What was done is not known, so
    // the response is none that the provider could take for a success.
    console.error(`the worker failed: ${message(error)}`);
    restart(error);
    const successor = edge(env);
    if (successor === instance) instance.abandon(id);
    // What was answered already is on disk, and the ledger's alarm takes over.
    if (isAnswered) return;
    const offered = request.headers.get("x-correlation-id") ?? undefined;
    respond(parse(successor.lost(offered, Date.now())) as LastOutput);
  } finally {
    deadlines.end();
  }
}

function head({ method, url, headers }: Request): RequestHead {
  return { method, url, headers: [...headers] };
}

async function checkRateLimit(
  env: Env,
  key: string,
  deadlineMs: number,
  deadlines: Deadlines,
): Promise<boolean | string> {
  try {
    const limited = env.RATE_LIMITER?.limit({ key });
    if (limited === undefined) return "there is no rate limiter";
    const late = () => `no answer within ${deadlineMs} ms`;
    const answer = await deadlines.within(deadlineMs, limited, late);
    if (typeof answer === "string") return answer;
    const success: unknown = answer?.success;
    return typeof success === "boolean" ? success : "malformed answer: expected success";
  } catch (error) {
    return message(error);
  }
}
