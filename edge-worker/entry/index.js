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

/** Follows the course of a request to its answer. */
async function follow(request, env) {
  let instance;
  let course;
  try {
    instance = edge(env);
    let step = instance.begin(request.method, request.url, some(request.headers), random(), Date.now());
    course = instance.lastCourse;
    const carried = { body: undefined };
    for (;;) {
      const texts = step.split(DIVIDER);
      if (texts[0] === "answer") return respond(instance, texts, env);
      step = await take(instance, course, texts, request, env, carried);
    }
  } catch (error) {
    // A panic, of this request or of another one in the same instance. What was done is not known, so
    // the answer is none that the provider could take for a success.
    console.error(`the worker failed: ${error?.message}`);
    restart(error);
    const successor = edge(env);
    if (successor === instance) instance.forget(course);
    const offered = request.headers.get("x-correlation-id") ?? "";
    const step = successor.failed(offered, random(), Date.now());
    return respond(successor, step.split(DIVIDER), env);
  }
}

/** Takes one step, and tells the course what came of it. */
async function take(instance, course, step, request, env, carried) {
  switch (step[0]) {
    case "read": {
      const limit = Number(step[1]);
      const body = await (step[2] === "bounded" ? readAtOnce(request) : read(request, limit));
      if (body === undefined) return instance.bodyTooLarge(course, Date.now());
      carried.body = body.bytes;
      return instance.body(course, body.bytes, body.isCut, Date.now());
    }
    case "headers":
      return instance.headers(course, all(request.headers), Date.now());
    case "ask": {
      const replies = [];
      for (let index = 2; index < step.length; index += 2) {
        replies.push(ask(env, Number(step[1]), step[index], step[index + 1]));
      }
      return instance.replied(course, (await Promise.all(replies)).join(DIVIDER), Date.now());
    }
    case "forward": {
      const { status, isTimeout } = await forward(step, carried.body);
      return status === undefined
        ? instance.notOriginated(course, isTimeout, Date.now())
        : instance.originated(course, status, Date.now());
    }
    case "pause":
      await new Promise((resolve) => setTimeout(resolve, Number(step[1])));
      return instance.paused(course, Date.now());
    case "limit": {
      const { success, error } = await limit(env, Number(step[1]), step[2]);
      return instance.limited(course, success, error, Date.now());
    }
    default:
      throw new Error(`there is no step ${step[0]}`);
  }
}

/** The headers that a course begins with, as `name:value` lines. A value has no line feed in it. */
function some(headers) {
  let lines = "";
  for (const name of wantedHeaders()) {
    const value = headers.get(name);
    if (value !== null) lines += `${name}:${value}\n`;
  }
  return lines;
}

/** All headers, likewise. */
function all(headers) {
  let lines = "";
  headers.forEach((value, name) => {
    lines += `${name}:${value}\n`;
  });
  return lines;
}

/** Random bytes, drawn for many requests at once; how many of them are used up. */
const drawn = new Uint8Array(4_000);
let used = drawn.length;

/** 40 random bytes for a request's ids. */
function random() {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn);
    used = 0;
  }
  used += 40;
  return drawn.subarray(used - 40, used);
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
 * The body, or undefined if it is longer than the limit. Beyond the limit there is never more in memory
 * than the piece in hand. A connection that breaks ends the body early: the signature is over the whole,
 * and does not hold for a part.
 */
async function read(request, limit) {
  if (request.body === null) return { bytes: new Uint8Array(0), isCut: false };
  const pieces = [];
  let length = 0;
  let isCut = false;
  try {
    for await (const piece of request.body) {
      length += piece.byteLength;
      if (length > limit) return undefined;
      pieces.push(piece);
    }
  } catch {
    isCut = true;
  }
  if (pieces.length === 1) return { bytes: pieces[0], isCut };
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return { bytes, isCut };
}

/** Calls an object. The reply is read by src/ledger/reply.rs. */
async function ask(env, deadline, shard, call) {
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
async function limit(env, deadline, key) {
  try {
    const answer = await within(deadline, env.RATE_LIMITER.limit({ key }));
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
  const point = instance.takePoint();
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
