// Under node: the subjects run in this process.

import { SECRET } from "./delivery.js";
import { repeat, subjects } from "./subjects.js";

/** An engine: its name, and how long so many calls of a subject take, in nanoseconds. */
export async function nodeEngine(module) {
  const subject = await subjects(module, SECRET);
  return {
    name: `node ${process.versions.node}`,
    // Long beside reading the clock, short beside the slice of time that the system gives to a process.
    stretch: 0.5e6,
    rounds: 300,
    async time(name, calls, delivery) {
      const start = process.hrtime.bigint();
      await repeat(subject(name), delivery, calls);
      return Number(process.hrtime.bigint() - start);
    },
    stop() {},
  };
}
