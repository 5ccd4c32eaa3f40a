// Reports what an isolate has counted, if no other call takes it along: of refused deliveries nobody would learn
// otherwise.

import type { LedgerCall } from "./border";
import { callLedger } from "./call";
import { Deadlines } from "./deadlines";
import { message } from "./drive";
import { type Env, edge } from "./instance";

/** How long the call may take, in milliseconds. */
const DEADLINE_MS = 3_000;

/** Until when another request of this isolate sees to it. It may be cut off, and then the next one does. */
let taken = Number.NEGATIVE_INFINITY;

/** Waits, and reports what is still there. It never rejects. */
export async function reportCounts(env: Env): Promise<void> {
  const deadlines = new Deadlines();
  try {
    const now = Date.now();
    const { hasCounts, reportAfterMs } = edge(env);
    const end = now + reportAfterMs + DEADLINE_MS;
    const isTaken = now < taken && taken <= end;
    if (isTaken || !hasCounts) return;
    taken = end;
    await new Promise((resolve) => setTimeout(resolve, reportAfterMs));
    taken = Number.NEGATIVE_INFINITY;
    const call = edge(env).report(Date.now());
    if (call === undefined) return;
    const made = JSON.parse(call) as LedgerCall;
    const reply = await callLedger(env, new Map(), made, new Uint8Array(0), DEADLINE_MS, deadlines);
    edge(env).reported(reply);
  } catch (error) {
    console.error(`counts were not reported: ${message(error)}`);
  } finally {
    deadlines.end();
  }
}

/** Makes sure that the alarm of every shard rings. It never rejects. */
export async function reviveShards(env: Env): Promise<void> {
  const deadlines = new Deadlines();
  try {
    const calls = JSON.parse(edge(env).revivals) as LedgerCall[];
    const none = new Uint8Array(0);
    const made = calls.map((call) => callLedger(env, new Map(), call, none, DEADLINE_MS, deadlines));
    const failed = (await Promise.all(made)).filter((reply) => "error" in JSON.parse(reply)).length;
    if (failed > 0) console.error(`${failed} of ${calls.length} shards were not woken`);
  } catch (error) {
    console.error(`the shards were not woken: ${message(error)}`);
  } finally {
    deadlines.end();
  }
}
