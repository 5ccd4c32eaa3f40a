// Writes what is to be written about a request or an attempt.

import type { DataPoint } from "./border";
import { type EarlyResponse, type LastOutput, message } from "./drive";
import type { Env } from "./instance";

export function write(output: LastOutput | EarlyResponse, env: Env): void {
  // Nothing is written about the operator's page: it holds no data.
  if (output.type === "respond_page") return;
  const { log, dataPoint } = output;
  if (dataPoint !== null) writeDataPoint(env, dataPoint);
  if (log !== null) console.log(log);
}

function writeDataPoint(env: Env, { blobs, doubles }: DataPoint): void {
  try {
    env.ANALYTICS?.writeDataPoint({ indexes: [blobs[0]], blobs, doubles: doubles.map(Number) });
  } catch (error) {
    console.error(`the data point was not written: ${message(error)}`);
  }
}
