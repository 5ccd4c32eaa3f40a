// The worker's entry module: it carries between the platform and the Rust code, and decides nothing.
// A request's course says what to do next (src/platform/steps.rs); what came of it is told to the course,
// until it has the answer.

import { edge, restart, wantedHeaders } from "./edge.js";

export { Ledger } from "./ledger.js";

export default {
  fetch(request, env, context) {
    const answer = follow(request, env);
    // The work runs to its end even if the provider hangs up. Otherwise a provider that loses patience
    // could part the origin's 2xx from its commit, and the event would come a second time.
    context.waitUntil(answer);
    return answer;
  },
};

/** Divides the texts of a step, and replies. */
const DIVIDER = "\0";

/** The number of the last course. */
let last = 0;

/** Follows the course of a request to its answer. */
async function follow(request, env) {
  last = (last + 1) >>> 0;
  const course = last;
  let instance;
  try {
    instance = edge(env);
    let body;
    let texts = instance.begin(course, head(request), Date.now()).split(DIVIDER);
    for (;;) {
      let step;
      switch (texts[0]) {
        case "read": {
          const read = texts[2] === "bounded" ? readAtOnce(request) : readPieces(request, Number(texts[1]));
          const { bytes, isCut, isTooLarge } = await read;
          body = bytes;
          step = isTooLarge
            ? instance.bodyTooLarge(course, Date.now())
            : instance.body(course, bytes, isCut, Date.now());
          break;
        }
        case "headers":
          step = instance.headers(course, all(request.headers), Date.now());
          break;
        case "ask":
          step = instance.replied(course, await ask(env, texts), Date.now());
          break;
        case "forward": {
          const { status, isTimeout } = await forward(texts, body);
          step =
            status === undefined
              ? instance.notOriginated(course, isTimeout, Date.now())
              : instance.originated(course, status, Date.now());
          break;
        }
        case "pause":
          await new Promise((resolve) => setTimeout(resolve, Number(texts[1])));
          step = instance.paused(course, Date.now());
          break;
        case "limit": {
          const { success, error } = await limit(env, texts);
          step = instance.limited(course, success, error, Date.now());
          break;
        }
        case "answer":
          return respond(instance, texts, env);
        default:
          throw new Error(`there is no step ${texts[0]}`);
      }
      texts = step.split(DIVIDER);
    }
  } catch (error) {
    // A panic, of this request or of another one in the same instance. What was done is not known, so
    // the answer is none that the provider could take for a success.
    console.error(`the worker failed: ${error?.message}`);
    restart(error);
    const successor = edge(env);
    if (successor === instance) instance.forget(course);
    const offered = request.headers.get("x-correlation-id") ?? "";
    return respond(successor, successor.failed(offered, Date.now()).split(DIVIDER), env);
  }
}

/** What a course begins with: method and URL, and the headers that it wants, as `name:value` lines. */
function head(request) {
  const { headers } = request;
  let lines = `${request.method} ${request.url}\n`;
  for (const name of wantedHeaders()) {
    const value = headers.get(name);
    if (value !== null) lines += `${name}:${value}\n`;
  }
  return lines;
}

/** All headers, as such lines. A value has no line feed in it. */
function all(headers) {
  let lines = "";
  headers.forEach((value, name) => {
    lines += `${name}:${value}\n`;
  });
  return lines;
}

/** The body, which the platform keeps within the length that the request has declared. */
async function readAtOnce(request) {
  try {
    return { bytes: new Uint8Array(await request.arrayBuffer()), isCut: false };
  } catch {
    return { bytes: new Uint8Array(0), isCut: true };
  }
}

/**
 * The body, unless it is longer than the limit. Beyond the limit there is never more in memory than the
 * piece in hand. A connection that breaks ends the body early: the signature is over the whole, and does
 * not hold for a part.
 */
async function readPieces(request, limit) {
  if (request.body === null) return { bytes: new Uint8Array(0), isCut: false };
  const pieces = [];
  let length = 0;
  let isCut = false;
  try {
    for await (const piece of request.body) {
      length += piece.byteLength;
      if (length > limit) return { isTooLarge: true };
      pieces.push(piece);
    }
  } catch {
    isCut = true;
  }
  if (pieces.length === 1) return { bytes: pieces[0], isCut };
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return { bytes, isCut };
}

/** Calls objects, all at once. The replies are read by src/ledger/reply.rs. */
async function ask(env, [, deadline, ...calls]) {
  const replies = [];
  for (let index = 0; index < calls.length; index += 2) {
    replies.push(reply(env, Number(deadline), calls[index], calls[index + 1]));
  }
  return (await Promise.all(replies)).join(DIVIDER);
}

async function reply(env, deadline, shard, call) {
  try {
    return `+${await within(deadline, env.LEDGER.getByName(shard).call(call))}`;
  } catch (error) {
    return `${error?.overloaded ? "!" : "-"}${error?.message?.replaceAll(DIVIDER, " ")}`;
  }
}

/** Sends the body to the origin; the status, or why there is none. */
async function forward([, deadline, url, ...fields], body) {
  const headers = new Headers();
  for (let index = 0; index < fields.length; index += 2) {
    try {
      headers.append(fields[index], fields[index + 1]);
    } catch {
      // A header that the platform will not send is left out: better than an event that can never be
      // delivered. Ours are all sound; the delivery's are not signed anyway.
    }
  }
  const signal = AbortSignal.timeout(Number(deadline));
  try {
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    // The status has said everything, and a body that nobody reads would hold its connection.
    response.body?.cancel().catch(() => {});
    return { status: response.status };
  } catch {
    // The text of the error may repeat the URL, and is dropped.
    return { isTimeout: signal.aborted };
  }
}

/** Asks the rate limiter. */
async function limit(env, [, deadline, key]) {
  try {
    const answer = await within(Number(deadline), env.RATE_LIMITER.limit({ key }));
    const success = answer?.success;
    return typeof success === "boolean" ? { success } : { error: "the answer makes no sense" };
  } catch (error) {
    return { error: `${error?.message}` };
  }
}

/** What a promise comes to, unless that takes longer than so many milliseconds. */
async function within(deadline, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadline} ms`)), deadline);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Writes what is to be written about a request, and answers it. */
function respond(instance, [, status, log, body, ...fields], env) {
  const point = instance.takePoint()?.split(DIVIDER);
  if (point !== undefined) {
    try {
      const [blobs, doubles] = [point.slice(0, 8), point.slice(8).map(Number)];
      env.ANALYTICS.writeDataPoint({ indexes: [blobs[0]], blobs, doubles });
    } catch (error) {
      console.error(`the data point was not written: ${error?.message}`);
    }
  }
  if (log !== "") console.log(log);
  const headers = {};
  for (let index = 0; index < fields.length; index += 2) headers[fields[index]] = fields[index + 1];
  return new Response(body, { status: Number(status), headers });
}
