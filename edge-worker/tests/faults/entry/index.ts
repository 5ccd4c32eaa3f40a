// The worker with faults on request: panics, a ledger that fails or does not reply, and a fast clock. It
// wraps the product's entry modules, which know nothing of it.
//
// The header `x-fault` of a delivery asks for a fault by name. Faults of the object are kept by the event's
// key in this isolate's memory, which the object shares with the worker in the local engine; nothing is
// sent to the object that the product would not send. A panic takes no memory of these modules along, so
// each fault that panics strikes once.

import { Edge, panicHere } from "rust/nextapi_edge.js";
import type { Output } from "../../../entry/border";
import worker, { Ledger as Product } from "../../../entry/index";
import type { Env } from "../../../entry/instance";

const HEADER = "x-fault";

const FAULTS = [
  "panic-before-verifying",
  "panic-after-origin",
  "panic-at-claim",
  "panic-at-commit",
  "fail-commit-once",
  "fail-commit-always",
  "overload-commit",
  "hang-at-claim",
  "hang-at-commit",
] as const;
type Fault = (typeof FAULTS)[number];

/** Faults by the id of a request, and by the key of its event once that is known. */
const byRequest = new Map<number, Fault>();
const byEvent = new Map<string, Fault>();

const { begin, bodyRead, callObject, originAnswered } = Edge.prototype;

Edge.prototype.begin = function (id, head, now) {
  const { headers } = JSON.parse(head) as { headers: [string, string][] };
  const name = headers.find(([name]) => name === HEADER)?.[1];
  if (name === undefined) return begin.call(this, id, head, now);
  const fault = FAULTS.find((fault) => fault === name);
  if (fault === undefined) throw new Error(`there is no fault ${name}`);
  if (fault === "panic-before-verifying") panicHere(fault);
  byRequest.set(id, fault);
  return begin.call(this, id, head, now);
};

/** A delivery that asks for no fault takes back what an earlier one of its event has asked for. */
Edge.prototype.bodyRead = function (id, bytes, now) {
  const text = bodyRead.call(this, id, bytes, now);
  const output = JSON.parse(text) as Output;
  if (output.type === "call_ledger") {
    const key = calledWith(output.calls[0]?.message ?? "", "claim");
    const fault = byRequest.get(id);
    if (key !== undefined && fault !== undefined) byEvent.set(key, fault);
    else if (key !== undefined) byEvent.delete(key);
  }
  return text;
};

Edge.prototype.originAnswered = function (id, status, now) {
  if (byRequest.get(id) === "panic-after-origin") {
    byRequest.delete(id);
    panicHere("after the origin");
  }
  byRequest.delete(id);
  return originAnswered.call(this, id, status, now);
};

/** In the object, where the product guards against a panic. */
Edge.prototype.callObject = function (storage, message, now) {
  for (const name of ["claim", "commit"] as const) {
    const key = calledWith(message, name);
    if (key !== undefined && byEvent.get(key) === `panic-at-${name}` && byEvent.delete(key)) {
      panicHere(`at the ${name}`);
    }
  }
  return callObject.call(this, storage, message, now);
};

/** The key of the event that a message is about, if it is this call. */
function calledWith(message: string, name: string): string | undefined {
  return (JSON.parse(message) as { call: Record<string, { key?: string }> }).call[name]?.key;
}

interface Settings {
  FAULT_CLOCK_SPEED?: string;
  FAULT_ALARM?: string;
}

/** How many alarms have rung in this isolate. */
let alarms = 0;

export class Ledger extends Product {
  override async call(message: string): Promise<string> {
    const claimed = calledWith(message, "claim");
    const committed = calledWith(message, "commit");
    const fault = byEvent.get(claimed ?? committed ?? "");
    if (claimed !== undefined && fault === "hang-at-claim") await never();
    if (committed !== undefined) {
      if (fault === "fail-commit-once" && byEvent.delete(committed)) {
        throw new Error("fault: the commit fails once");
      }
      if (fault === "fail-commit-always") throw new Error("fault: every commit fails");
      if (fault === "overload-commit") {
        throw Object.assign(new Error("fault: overloaded"), { overloaded: true });
      }
      if (fault === "hang-at-commit") await never();
    }
    return super.call(message);
  }

  override async alarm(): Promise<void> {
    alarms += 1;
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

  /**
   * The object's time is so many times as far from 1970 as the real one: so it runs that many times as
   * fast, before a restart as well as after it.
   */
  protected override now(): number {
    return Date.now() * this.#speed;
  }

  /** At most 4,000, since the time must stay a number that JavaScript has exactly. */
  get #speed(): number {
    const speed = Number((this.env as Settings).FAULT_CLOCK_SPEED ?? 1);
    if (!(speed >= 1 && speed <= 4000)) throw new Error("FAULT_CLOCK_SPEED is not from 1 to 4000");
    return speed;
  }

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const { storage } = context;
    const speed = this.#speed;
    const { setAlarm, getAlarm } = storage;
    // Never earlier than the real time at which the object's clock shows it.
    storage.setAlarm = (time, options) => setAlarm.call(storage, Math.ceil(Number(time) / speed), options);
    storage.getAlarm = async (options) => {
      const alarm = await getAlarm.call(storage, options);
      return alarm === null ? null : alarm * speed;
    };
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

export default worker;
