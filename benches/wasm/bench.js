// `bench.js WORKERD`: the verifier as WASM beside WebCrypto, under node and under workerd. Prints a
// report. `bench.js WORKERD --test` only checks every answer.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { nodeEngine } from "./bench_node.js";
import { workerdEngine } from "./bench_workerd.js";
import { SIZES, delivery, probes } from "./delivery.js";
import { report, sizeName } from "./report.js";
import { measure } from "./rounds.js";
import { BATCH, NAMES, repeat } from "./subjects.js";

const folder = fileURLToPath(new URL(".", import.meta.url));
const [path, option] = process.argv.slice(2);
// It is run in another directory.
const program = resolve(path);
const code = readFileSync(`${folder}/verifier_bg.wasm`);

/** Checks every answer of every subject. */
async function check(engine) {
  for (const probe of SIZES.flatMap(probes)) {
    for (const name of NAMES) {
      await engine.time(name, BATCH, probe).catch((error) => {
        throw new Error(`${engine.name}, ${name}, ${probe.what}, ${sizeName(probe.body.length)}: ${error.message}`);
      });
    }
  }
}

/** Makes sure that the probes find a verifier that always says the same. */
async function checkProbes() {
  for (const verdict of [true, false]) {
    const verify = async () => verdict;
    const runs = probes(64).map((probe) => repeat({ verify, atOnce: BATCH }, probe, BATCH));
    const found = (await Promise.allSettled(runs)).filter(({ status }) => status === "rejected");
    if (found.length === 0) throw new Error(`a verifier that always says ${verdict} was not found`);
  }
}

async function run(engine) {
  await check(engine);
  const measured = [];
  for (const size of SIZES) {
    console.error(`${engine.name}: bodies of ${sizeName(size)}`);
    const good = delivery(size);
    const time = (name, calls) => engine.time(name, calls, good);
    measured.push({ size, times: await measure(NAMES, time, engine.stretch, engine.rounds) });
  }
  return { engine: engine.name, measured };
}

const version = execFileSync(program, ["--version"], { encoding: "utf8" }).trim().split(" ").at(-1);
const engines = [
  await nodeEngine(new WebAssembly.Module(code)),
  await workerdEngine(program, version, folder),
];
try {
  if (option === "--test") {
    await checkProbes();
    for (const engine of engines) {
      await check(engine);
      console.log(`${engine.name}: every verifier accepts what is in order and refuses what was changed`);
    }
  } else {
    const results = [];
    for (const engine of engines) results.push(await run(engine));
    console.log(report(results, { bytes: code.length, gzipped: gzipSync(code, { level: 9 }).length }));
  }
} finally {
  for (const engine of engines) engine.stop();
}
