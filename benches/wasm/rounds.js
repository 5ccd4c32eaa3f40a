// Interleaved measuring, as in benches/src/rounds.rs: every round times every subject, one after the
// other, and begins with the next one. Ratios are taken within a round.

import { BATCH } from "./subjects.js";

/**
 * Not counted: V8 compiles what turns out to be hot once more, beside its run. In workerd on a busy machine
 * that has been seen to take half a second.
 */
const WARM_UP_ROUNDS = 10;

/**
 * Nanoseconds per call by subject, one for each round. `time(name, calls)` is a promise of the
 * nanoseconds that so many calls take; of no calls, of what is spent around them, which is subtracted.
 * A subject is called so often at a time that it takes at least `stretch` nanoseconds.
 */
export async function measure(names, time, stretch, rounds) {
  const calls = new Map();
  // Twice, because the first time is slow: code is still cold, and so is the connection.
  for (const name of [...names, ...names]) calls.set(name, await callsInAStretch(name, time, stretch));
  const times = new Map(names.map((name) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const around = await time(names[0], 0);
    for (let at = 0; at < names.length; at++) {
      const name = names[(at + WARM_UP_ROUNDS + round) % names.length];
      const taken = await time(name, calls.get(name));
      if (round >= 0) times.get(name).push((taken - around) / calls.get(name));
    }
  }
  return times;
}

async function callsInAStretch(name, time, stretch) {
  let calls = BATCH;
  // The shortest of three: one that was interrupted would end the search too early.
  const shortest = async () => Math.min(await time(name, calls), await time(name, calls), await time(name, calls));
  while ((await shortest()) < stretch) calls *= 2;
  return calls;
}

/** Lower quartile, median and upper quartile, by the nearest rank. */
export function quartiles(sample) {
  const sorted = sample.toSorted((a, b) => a - b);
  const at = (quarters) => sorted[Math.round(((sorted.length - 1) * quarters) / 4)];
  return { lower: at(1), median: at(2), upper: at(3) };
}

/** How many times as long as `reference` a subject takes: quartiles of the rounds' ratios. */
export function ratio(times, name, reference) {
  return quartiles(times.get(name).map((taken, round) => taken / times.get(reference)[round]));
}
