// Calls of the ledger's objects.

import type { LedgerCall } from "./border";
import type { Deadlines } from "./deadlines";
import { failed, message } from "./drive";
import type { Env } from "./instance";

/** Stubs of the objects that a request has called, by their names: its calls of one object share a stub. */
export type Objects = Map<string, ReturnType<Env["LEDGER"]["getByName"]>>;

/** Calls an object. */
export async function callLedger(
  env: Env,
  objects: Objects,
  { shard, message: text, withBody }: LedgerCall,
  body: Uint8Array,
  deadlineMs: number,
  deadlines: Deadlines,
): Promise<string> {
  try {
    const late = () => {
      objects.delete(shard);
      return failed(`no reply within ${deadlineMs} ms`);
    };
    const object = objects.get(shard) ?? env.LEDGER.getByName(shard);
    objects.set(shard, object);
    const reply = withBody ? object.call(text, body) : object.call(text);
    return await deadlines.within(deadlineMs, reply, late);
  } catch (error) {
    // After an error a stub may stay broken, so the next call takes a new one.
    objects.delete(shard);
    // The platform's own words about the object.
    const { overloaded, retryable } = Object(error) as { overloaded?: unknown; retryable?: unknown };
    return failed(message(error), { overloaded: overloaded === true, retryable: retryable === true });
  }
}
