// The worker's entry module: it carries between the platform and the Rust code, and decides nothing. What
// to do next for a request comes as an `Output`; what came of it is told to the instance, until there is
// a response.

import { type Body, readBody } from "./body";
import type { DataPoint, LedgerCall, Output, RequestHead } from "./border";
import { Deadlines } from "./deadlines";
import { type Env, edge, keys, restart } from "./instance";
import { computeMacs } from "./macs";
import { forward } from "./origin";

export { Ledger } from "./ledger";

export default {
  fetch(request, env, context) {
    const response = handle(request, env);
    // The work runs to its end even if the provider hangs up. Otherwise a provider that loses patience
    // could part the origin's 2xx from its commit, and the event would come a second time.
    context.waitUntil(response);
    return response;
  },
} satisfies ExportedHandler<Env>;

/** The id of the last request, counted from 1. */
let last = 0;

/** Drives a request to its response. */
async function handle(request: Request, env: Env): Promise<Response> {
  last = (last + 1) >>> 0 || 1;
  const id = last;
  const deadlines = new Deadlines();
  let instance: ReturnType<typeof edge> | undefined;
  try {
    instance = edge(env);
    let body: Body = { bytes: new Uint8Array(0), signed: null };
    let output = parse(instance.begin(id, JSON.stringify(head(request)), Date.now()));
    for (;;) {
      let next: string;
      switch (output.type) {
        case "read_body": {
          const read = await readBody(request, output, deadlines);
          if (read === "too_large") next = instance.bodyTooLarge(id, Date.now());
          else if (read === "timed_out") next = instance.bodyTimedOut(id, Date.now());
          else if (read === "cut") next = instance.bodyCut(id, Date.now());
          else {
            body = read;
            const { bytes, signed } = body;
            if (signed === null) next = instance.bodyRead(id, bytes, Date.now());
            else next = instance.longBodyRead(id, bytes.byteLength, Date.now());
          }
          break;
        }
        case "compute_macs": {
          const macs = await macsOf(body, output.deadlineMs, deadlines);
          if (typeof macs === "string") next = instance.macsFailed(id, macs, Date.now());
          else next = instance.macsComputed(id, macs, Date.now());
          break;
        }
        case "hand_over_body":
          next = instance.bodyRead(id, body.bytes, Date.now());
          break;
        case "call_ledger": {
          const { calls, deadlineMs } = output;
          const replies = await Promise.all(calls.map((it) => call(env, it, deadlineMs, deadlines)));
          next = instance.ledgerReplied(id, replies.join("\n"), Date.now());
          break;
        }
        case "forward": {
          const answer = await forward(output, body.bytes, deadlines);
          if (answer === "timed_out") next = instance.originTimedOut(id, Date.now());
          else if (answer === "unreachable") next = instance.originUnreachable(id, Date.now());
          else next = instance.originAnswered(id, answer, Date.now());
          break;
        }
        case "wait": {
          const { ms } = output;
          await new Promise((resolve) => setTimeout(resolve, ms));
          next = instance.waited(id, Date.now());
          break;
        }
        case "check_rate_limit": {
          const within = await checkRateLimit(env, output.key, output.deadlineMs, deadlines);
          if (typeof within === "string") next = instance.rateLimitFailed(id, within, Date.now());
          else next = instance.rateLimitChecked(id, within, Date.now());
          break;
        }
        case "respond":
          return respond(output, env);
      }
      output = parse(next);
    }
  } catch (error) {
    // A panic, of this request or of another one in the same instance. What was done is not known, so
    // the response is none that the provider could take for a success.
    console.error(`the worker failed: ${message(error)}`);
    restart(error);
    const successor = edge(env);
    if (successor === instance) instance.abandon(id);
    const offered = request.headers.get("x-correlation-id") ?? undefined;
    return respond(parse(successor.lost(offered, Date.now())), env);
  } finally {
    deadlines.end();
  }
}

function parse(output: string): Output {
  return JSON.parse(output);
}

function head({ method, url, headers }: Request): RequestHead {
  return { method, url, headers: [...headers] };
}

/** The MACs of a long body, or why there are none. */
async function macsOf(
  { signed }: Body,
  deadlineMs: number,
  deadlines: Deadlines,
): Promise<Uint8Array | string> {
  if (signed === null) return "the body is not a long one";
  try {
    const late = () => `no MACs within ${deadlineMs} ms`;
    return await deadlines.within(deadlineMs, computeMacs(keys(), signed), late);
  } catch (error) {
    return message(error);
  }
}

/** Calls an object: its reply, or the error in the place of one, as JSON. */
async function call(
  env: Env,
  { shard, message: text }: LedgerCall,
  deadlineMs: number,
  deadlines: Deadlines,
): Promise<string> {
  try {
    const late = () => failed(`no reply within ${deadlineMs} ms`);
    return await deadlines.within(deadlineMs, env.LEDGER.getByName(shard).call(text), late);
  } catch (error) {
    return failed(message(error), (error as { overloaded?: unknown } | null)?.overloaded === true);
  }
}

function failed(message: string, overloaded = false): string {
  return JSON.stringify({ error: { message, overloaded } });
}

/** Whether the rate limiter says that the client is within its limit, or why it says nothing. */
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

/** Writes what is to be written about a request, and responds to it. */
function respond(output: Output, env: Env): Response {
  if (output.type !== "respond") throw new Error(`unexpected output ${output.type}`);
  const { response, log, dataPoint } = output;
  if (dataPoint !== null) writeDataPoint(env, dataPoint);
  if (log !== null) console.log(log);
  return new Response(response.body, { status: response.status, headers: response.headers });
}

function writeDataPoint(env: Env, { blobs, doubles }: DataPoint): void {
  try {
    env.ANALYTICS?.writeDataPoint({ indexes: [blobs[0]], blobs, doubles: doubles.map(Number) });
  } catch (error) {
    console.error(`the data point was not written: ${message(error)}`);
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
