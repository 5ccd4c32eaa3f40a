// One attempt to deliver a claimed event, made by the Worker or from the object's alarm.

import { forwardedHeaders } from "./headers.js";

const ORIGIN_TIMEOUT_MS = 7_000;
const LEDGER_TIMEOUT_MS = 3_000;
const COMMIT_TRIES = 4;

const counts = new Map();

/** Forwards, and commits or releases; the outcome for the provider, if it still waits. */
export async function makeAttempt(env, ledger, delivery, claim, body, record) {
  const began = Date.now();
  record.attempt = claim.attempt;
  record.order = claim.order;
  const status = await forward(env.ORIGIN_URL, forwardedHeaders(delivery, claim), body);
  const answered = Date.now();
  record.origin_status = status;
  record.origin_ms = answered - began;
  const outcome = outcomeOf(status);
  count(outcome);
  record.settlement = await settle(ledger, delivery.key, claim.attempt, outcome);
  record.commit_ms = Date.now() - answered;
  return { status: outcome === "forwarded" ? 200 : 502, code: outcome };
}

/** Of a status of the origin's; 0 is no answer. */
function outcomeOf(status) {
  if (status >= 200 && status < 300) return "forwarded";
  const isRetried = status === 0 || status >= 500 || [408, 425, 429].includes(status);
  return isRetried ? "origin_failed" : "origin_rejected";
}

async function forward(url, headers, body) {
  const signal = AbortSignal.timeout(ORIGIN_TIMEOUT_MS);
  try {
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    response.body?.cancel().catch(() => {});
    return response.status;
  } catch {
    return 0;
  }
}

/** Commits or releases; what was counted goes along. */
async function settle(ledger, key, attempt, outcome) {
  const tally = [...counts];
  counts.clear();
  for (let tries = 1; ; tries += 1) {
    try {
      const settled = within(LEDGER_TIMEOUT_MS, ledger.settle(key, attempt, outcome, tally));
      return (await settled) ? "committed" : "commit_refused";
    } catch {
      if (tries === COMMIT_TRIES) {
        for (const [code, times] of tally) count(code, times);
        return "commit_failed";
      }
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** tries * Math.random()));
    }
  }
}

export function count(code, times = 1) {
  counts.set(code, (counts.get(code) ?? 0) + times);
}

export async function within(deadline, promise) {
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
