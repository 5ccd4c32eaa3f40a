// Prints what a round of the reconciler was told and what it wanted, and gives it the same random bytes each time: so
// that the round can be repeated elsewhere.

import { Edge } from "rust/nextapi_edge.js";

/** Every random byte while rounds are traced. */
const RANDOM = 7;

export function traceRounds(isOn: () => boolean): void {
  const { beginRound, roundApiAnswered, roundApiFailed, roundKept, roundLedgerReplied } = Edge.prototype;
  const { getRandomValues } = crypto;

  crypto.getRandomValues = (array) => {
    const filled = getRandomValues.call(crypto, array);
    if (isOn() && filled instanceof Uint8Array) filled.fill(RANDOM);
    return filled as typeof array;
  };

  function traced(method: string, input: unknown, now: number, output: string): string {
    if (isOn()) console.log(`trace: ${JSON.stringify({ method, input, now, output: JSON.parse(output) })}`);
    return output;
  }

  Edge.prototype.beginRound = function (memory, now) {
    return traced("begin", memory, now, beginRound.call(this, memory, now));
  };
  Edge.prototype.roundKept = function (now) {
    return traced("kept", null, now, roundKept.call(this, now));
  };
  Edge.prototype.roundLedgerReplied = function (replies, now) {
    return traced("replied", replies, now, roundLedgerReplied.call(this, replies, now));
  };
  Edge.prototype.roundApiAnswered = function (status, headers, body, now) {
    const text = new TextDecoder().decode(Uint8Array.from(body));
    const output = roundApiAnswered.call(this, status, headers, body, now);
    return traced("answered", { status, headers, body: text }, now, output);
  };
  Edge.prototype.roundApiFailed = function (reason, now) {
    return traced("failed", reason, now, roundApiFailed.call(this, reason, now));
  };
}
