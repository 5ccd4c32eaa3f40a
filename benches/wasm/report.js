// The tables: ratios first, then where the lines cross, then times, then the targets.

import { quartiles, ratio } from "./rounds.js";
import { AT_ONCE, NAMES, NODE_CRYPTO, ONE_BY_ONE, WASM } from "./subjects.js";

const PEERS = [ONE_BY_ONE, AT_ONCE, NODE_CRYPTO];
/** WASM is to be at least as fast as these, here; the provider's events have a few hundred bytes. */
const TARGETS = { peers: [ONE_BY_ONE, AT_ONCE], sizes: [512, 4 * 1024] };

/** A size as it is written in tables: `512 B`, `4 KiB`. */
export function sizeName(bytes) {
  return bytes >= 1024 && bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

/** The whole report, as Markdown. `results` has, for each engine, the times by size. */
export function report(results, { bytes, gzipped }) {
  const { measured } = results[0];
  const sizes = measured.map(({ size }) => sizeName(size));
  const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  const rows = (names, value) =>
    results.flatMap(({ engine, measured }) =>
      names.map((name) => [engine, name, ...measured.map(({ times }) => value(times, name))]),
    );
  return [
    "Times as long as WASM, median of the rounds (quartiles); above 1, WASM is faster:\n",
    ...table(["", "", ...sizes], rows(PEERS, (times, name) => text(ratio(times, name, WASM)))),
    "\nWhere the lines cross, estimated between the sizes that were measured:\n",
    ...table(
      ["", "", "body"],
      results.flatMap(({ engine, measured }) => PEERS.map((name) => [engine, name, crossOver(measured, name)])),
    ),
    "\nMedian nanoseconds for one delivery:\n",
    ...table(["", "", ...sizes], rows(NAMES, (times, name) => quartiles(times.get(name)).median.toFixed(0))),
    "\nTargets:\n",
    ...table(["ratio", "body", "target", "measured", "met"], results.flatMap(targets)),
    `\nThe module has ${bytes} bytes, ${gzipped} gzipped. ${results.map(({ engine }) => engine).join(", ")}.`,
  ].join("\n");
}

function text({ lower, median, upper }) {
  return `${median.toFixed(2)} (${lower.toFixed(2)} to ${upper.toFixed(2)})`;
}

/** The size at which a peer takes as long as WASM; straight between two sizes, both axes logarithmic. */
function crossOver(measured, name) {
  const points = measured.map(({ size, times }) => ({
    x: Math.log(size),
    y: Math.log(ratio(times, name, WASM).median),
  }));
  const crossings = [];
  for (const [at, from] of points.slice(0, -1).entries()) {
    const to = points[at + 1];
    if (from.y > 0 === to.y > 0) continue;
    const size = Math.exp(from.x + ((to.x - from.x) * from.y) / (from.y - to.y));
    crossings.push(`WASM is ${from.y > 0 ? "faster below" : "slower below"} about ${Number(size.toPrecision(2))} B`);
  }
  if (crossings.length > 0) return crossings.join("; ");
  return `none: WASM is ${points[0].y > 0 ? "faster" : "slower"} at every size`;
}

function targets({ engine, measured }) {
  return TARGETS.peers.flatMap((name) =>
    measured
      .filter(({ size }) => TARGETS.sizes.includes(size))
      .map(({ size, times }) => {
        const found = ratio(times, name, WASM);
        const met = found.median >= 1 ? "yes" : "**no**";
        return [`${name} / WASM, ${engine}`, sizeName(size), "at least 1", text(found), met];
      }),
  );
}
