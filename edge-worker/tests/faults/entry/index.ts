// The worker with faults on request: panics, exceptions, a ledger that fails, does not reply or is of another
// version, alarms that fail, a fast clock, and a platform that computes no MACs or wrong ones. It wraps the
// product's entry modules, which know nothing of it.
//
// The header `x-fault` of a delivery asks for a fault by name. Faults of the object are kept by the event's
// key in this isolate's memory, which the object shares with the worker in the local engine; nothing is
// sent to the object that the product would not send, unless another version would. A panic takes no memory
// of these modules along, so each fault that panics strikes once.

import { Edge, initSync, panicHere } from "rust/nextapi_edge.js";
import module from "rust/nextapi_edge_bg.wasm";
import type { Output } from "../../../entry/border";
import worker, { Ledger as Product } from "../../../entry/index";
import type { Env } from "../../../entry/instance";
import { Storage } from "../../../entry/storage";
import { Watch as ProductWatch } from "../../../entry/watch";
import { type Clock, clockOf, quicken, shown } from "./clock";
import { traceRounds } from "./trace";

export { Reconciler } from "../../../entry/reconciler";

const HEADER = "x-fault";

/** A request to this path is what cron does. */
const SCHEDULED = "/__scheduled";

const FAULTS = [
  "panic-before-verifying",
  "log-memory",
  "panic-after-origin",
  "throw-after-origin",
  "panic-at-claim",
  "panic-at-commit",
  "throw-within-claim",
  "throw-within-commit",
  "panic-within-commit",
  "fail-commit-once",
  "fail-commit-always",
  "overload-commit-once",
  "disconnect-claim-once",
  "disconnect-claim-always",
  "disconnect-after-claim",
  "hang-at-claim",
  "hang-at-commit",
  "call-of-older-version",
  "call-of-newer-version",
  "unknown-call",
  "reply-of-older-version",
  "reply-of-newer-version",
  "unknown-reply",
] as const;
type Fault = (typeof FAULTS)[number];

/** How a claim or the reply to it is changed on its way: what a Worker or an object of another version says. */
const SKEWS: Partial<Record<Fault, { call?: Change; reply?: Change }>> = {
  "call-of-older-version": { call: ({ v, call }) => ({ v: v - 1, call }) },
  "call-of-newer-version": { call: ({ v, call }) => ({ v: v + 1, call }) },
  "unknown-call": { call: ({ v, call }) => ({ v, call: { submit: call?.claim ?? call?.accept } }) },
  "reply-of-older-version": { reply: ({ v, reply }) => ({ v: v - 1, reply }) },
  "reply-of-newer-version": { reply: ({ v, reply }) => ({ v: v + 1, reply }) },
  "unknown-reply": { reply: ({ v, reply }) => ({ v, reply: { submitted: reply } }) },
};
interface Message {
  v: number;
  call?: Record<string, unknown> | undefined;
  reply?: unknown;
}
type Change = (message: Message) => Message;

/** Faults by the id of a request, and by the key of its event once that is known. */
const byRequest = new Map<number, Fault>();
const byEvent = new Map<string, Fault>();

const { abandon, begin, bodyRead, callObject, originAnswered, ringAlarm } = Edge.prototype;

Edge.prototype.begin = function (id, head, now) {
  const { headers } = JSON.parse(head) as { headers: [string, string][] };
  const name = headers.find(([name]) => name === HEADER)?.[1];
  if (name === undefined) return withHandOverLimit(begin.call(this, id, head, now));
  const fault = FAULTS.find((fault) => fault === name);
  if (fault === undefined) throw new Error(`there is no fault ${name}`);
  if (fault === "panic-before-verifying") panicHere(fault);
  byRequest.set(id, fault);
  return withHandOverLimit(begin.call(this, id, head, now));
};

/** Moves the length from which on the platform computes the MACs. Only what is signed has a prefix. */
function withHandOverLimit(text: string): string {
  const output = JSON.parse(text) as Output;
  const handOverLimit = Number(settings.FAULT_HAND_OVER_LIMIT ?? "as deployed");
  if (output.type !== "read_body" || output.prefix === "" || Number.isNaN(handOverLimit)) return text;
  return JSON.stringify({ ...output, handOverLimit } satisfies Output);
}

const { importKey, sign } = crypto.subtle;

crypto.subtle.importKey = async (...args: unknown[]) => {
  const [, , , isExtractable, usages] = args;
  console.log(`fault: a key is imported, extractable: ${isExtractable}, usages: ${usages}`);
  if (settings.FAULT_MACS === "no-keys") throw new Error("fault: no key");
  return (importKey as (...args: unknown[]) => Promise<CryptoKey>).apply(crypto.subtle, args);
};

/** Longer than the product waits for MACs, in milliseconds. */
const LATE_MS = 3_500;

/** How often the platform was asked for a MAC in this isolate. */
let signed = 0;

crypto.subtle.sign = async (algorithm, key, message) => {
  console.log(`fault: the platform computes a MAC of ${message.byteLength} bytes`);
  const mac = await sign.call(crypto.subtle, algorithm, key, message);
  signed += 1;
  switch (settings.FAULT_MACS) {
    case "reject":
      throw new Error("fault: no MAC");
    case "hang-once":
      return signed === 1 ? never() : mac;
    case "late-once":
      if (signed === 1) {
        await new Promise((resolve) => setTimeout(resolve, LATE_MS));
        console.log("fault: a MAC comes late");
      }
      return mac;
    case "short":
      return mac.slice(1);
    case "long":
      return new ArrayBuffer(64);
    case "zeros":
      return new ArrayBuffer(32);
    default:
      return mac;
  }
};

/** A delivery that asks for no fault takes back what an earlier one of its event has asked for. */
Edge.prototype.bodyRead = function (id, bytes, now) {
  const text = bodyRead.call(this, id, bytes, now);
  const output = JSON.parse(text) as Output;
  if (output.type === "call_ledger") {
    const key = claimedKey(output.calls[0]?.message ?? "");
    const fault = byRequest.get(id);
    if (key !== undefined && fault !== undefined) byEvent.set(key, fault);
    else if (key !== undefined) byEvent.delete(key);
  }
  return text;
};

Edge.prototype.originAnswered = function (id, status, retryAfter, now) {
  if (byRequest.get(id) === "panic-after-origin") {
    byRequest.delete(id);
    panicHere("after the origin");
  }
  if (byRequest.get(id) === "throw-after-origin") {
    byRequest.delete(id);
    throw new Error("fault: after the origin");
  }
  if (byRequest.get(id) === "log-memory") {
    // The module is there already, so nothing is initialised but the memory given.
    console.log(`fault: ${initSync({ module }).memory.buffer.byteLength} bytes of memory`);
  }
  byRequest.delete(id);
  return originAnswered.call(this, id, status, retryAfter, now);
};

Edge.prototype.abandon = function (id) {
  abandon.call(this, id);
  console.log("fault: a request was abandoned");
};

/** The statement of the present call that fails, by how it begins, or whether the call panics at its end. */
let within: { statement?: string; panics?: true } | undefined;

/** At each of these, something has been written or set already. */
const WITHIN: Partial<Record<Fault, { call: string; statement?: string; panics?: true }>> = {
  "throw-within-claim": { call: "claim", statement: "INSERT INTO event" },
  "throw-within-commit": { call: "commit", statement: "INSERT INTO outcome_count" },
  "panic-within-commit": { call: "commit", panics: true },
};

const { transaction } = Storage.prototype;

Storage.prototype.transaction = function (work) {
  return transaction.call(this, () => {
    const isKept = work();
    if (within?.panics) panicHere("in a transaction");
    return isKept;
  });
};

/** In the object, where the product guards against a panic. */
Edge.prototype.callObject = function (storage, message, now) {
  for (const [fault, { call, ...rest }] of Object.entries(WITHIN)) {
    const key = call === "claim" ? claimedKey(message) : calledWith(message, call);
    if (key !== undefined && byEvent.get(key) === fault) {
      if (rest.panics) byEvent.delete(key);
      within = rest;
    }
  }
  for (const name of ["claim", "commit"] as const) {
    const key = name === "claim" ? claimedKey(message) : calledWith(message, name);
    if (key !== undefined && byEvent.get(key) === `panic-at-${name}` && byEvent.delete(key)) {
      panicHere(`at the ${name}`);
    }
  }
  try {
    return callObject.call(this, storage, message, now);
  } finally {
    within = undefined;
  }
};

/** Before the product has set the alarm's successor. */
Edge.prototype.ringAlarm = function (storage, isStarted, now) {
  if (alarmFault === "panic") panicHere("at the alarm");
  if (alarmFault === "throw") throw new Error("fault: at the alarm");
  return ringAlarm.call(this, storage, isStarted, now);
};

/** The key of the event that a message is about, if it is this call. */
function calledWith(message: string, name: string): string | undefined {
  return (JSON.parse(message) as { call: Record<string, { key?: string }> }).call[name]?.key;
}

/** The key of the event that a message wants claimed, with its bytes or without. */
function claimedKey(message: string): string | undefined {
  return calledWith(message, "claim") ?? calledWith(message, "accept");
}

interface Settings extends Clock {
  /**
   * How alarms fail: before the product has set a successor; the first as if the platform had given it up; or
   * every third, before the product has even heard of it.
   */
  FAULT_ALARM?: "throw" | "panic" | "lose-first" | "fail-often";
  /** The first alarm of the watch is as if the platform had given it up. */
  FAULT_WATCH_ALARM?: "lose-first";
  /** How long an isolate waits before it reports what it has counted, in milliseconds. */
  FAULT_REPORT_AFTER_MS?: string;
  /** The longest body that is handed over at once, in bytes; -1 for none. No number: as deployed. */
  FAULT_HAND_OVER_LIMIT?: string;
  /** Whether rounds of the reconciler are printed. */
  FAULT_TRACE?: "rounds";
  /** What comes of asking the platform for keys or MACs. */
  FAULT_MACS?: "no-keys" | "reject" | "hang-once" | "late-once" | "short" | "long" | "zeros";
}

/** Known from the first request on. */
let settings: Settings = {};

traceRounds(() => settings.FAULT_TRACE === "rounds");

/** How many alarms have rung in this isolate. */
let alarms = 0;
/** Whether one of the watch was given up. */
let isLost = false;
let alarmFault: Settings["FAULT_ALARM"];

export class Ledger extends Product {
  override async call(message: string, body?: Uint8Array): Promise<string> {
    if (message.includes('{"report":{"counts":{"')) console.log(`fault: a report ${message}`);
    const claimed = claimedKey(message);
    const committed = calledWith(message, "commit");
    const fault = byEvent.get(claimed ?? committed ?? "");
    if (claimed !== undefined) {
      if (fault === "hang-at-claim") await never();
      const isOnce = fault === "disconnect-claim-once" && byEvent.delete(claimed);
      if (isOnce || fault === "disconnect-claim-always") throw disconnected();
      if (fault === "disconnect-after-claim" && byEvent.delete(claimed)) {
        await super.call(message, body);
        throw disconnected();
      }
      const { call, reply } = (fault && SKEWS[fault]) ?? {};
      return changed(await super.call(changed(message, call), body), reply);
    }
    if (committed !== undefined) {
      if (fault === "fail-commit-once" && byEvent.delete(committed)) {
        throw new Error("fault: the commit fails once");
      }
      if (fault === "fail-commit-always") throw new Error("fault: every commit fails");
      if (fault === "overload-commit-once" && byEvent.delete(committed)) {
        throw Object.assign(new Error("fault: overloaded"), { overloaded: true });
      }
      if (fault === "hang-at-commit") await never();
    }
    return super.call(message, body);
  }

  override async alarm(): Promise<void> {
    alarms += 1;
    alarmFault = (this.env as Settings).FAULT_ALARM;
    if (alarmFault === "lose-first" && alarms === 1) {
      console.log("fault: an alarm was given up");
      return;
    }
    if (alarmFault === "fail-often" && alarms % 3 === 0) throw new Error("fault: the alarm fails");
    console.log(`fault: alarm ${alarms}, ${this.#events()} events before`);
    await super.alarm();
    console.log(`fault: alarm ${alarms}, ${this.#events()} events after`);
  }

  #events(): unknown {
    try {
      return this.ctx.storage.sql.exec("SELECT count(*) AS count FROM event").one().count;
    } catch {
      return "no";
    }
  }

  /** The same before a restart and after it. */
  protected override now(): number {
    return shown(clockOf(this.env as Settings));
  }

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const { storage } = context;
    const { sql } = storage;
    const { exec } = sql;
    sql.exec = (statement, ...values) => {
      if (within?.statement !== undefined && statement.startsWith(within.statement)) {
        throw new Error("fault: between two statements");
      }
      return exec.call(sql, statement, ...values) as never;
    };
    quicken(storage, clockOf(env as Settings), () => console.log("fault: an alarm is set"));
  }
}

Object.defineProperty(Edge.prototype, "reportAfterMs", {
  get: () => Number(settings.FAULT_REPORT_AFTER_MS ?? 20_000),
});

export class Watch extends ProductWatch {
  override async alarm(): Promise<void> {
    const { FAULT_WATCH_ALARM } = this.env as Settings;
    if (FAULT_WATCH_ALARM === "lose-first" && !isLost) {
      isLost = true;
      console.log("fault: an alarm of the watch was given up");
      return;
    }
    await super.alarm();
  }

  protected override now(): number {
    return shown(clockOf(this.env as Settings));
  }

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    quicken(context.storage, clockOf(env as Settings));
  }
}

function disconnected(): Error {
  console.log("fault: an object is disconnected");
  return Object.assign(new Error("fault: disconnected"), { retryable: true });
}

function changed(message: string, change: Change | undefined): string {
  return change === undefined ? message : JSON.stringify(change(JSON.parse(message)));
}

function never(): Promise<never> {
  return new Promise(() => {});
}

export default {
  fetch(request, env, context) {
    settings = env as Settings;
    // Not parsed: what a hostile request brings may be no URL.
    if (request.url.endsWith(SCHEDULED)) {
      const controller = { cron: "* * * * *", scheduledTime: Date.now(), noRetry: () => {} };
      return worker.scheduled(controller, env).then(() => new Response());
    }
    return worker.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
