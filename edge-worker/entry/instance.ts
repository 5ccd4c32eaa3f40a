// The instance of the Rust code, and a new one after a panic.

import { __wbg_reset_state, Edge, initSync } from "rust/nextapi_edge.js";
import module from "rust/nextapi_edge_bg.wasm";
import type { WatchPage } from "./border";
import { importKeys } from "./macs";

/** An object of the ledger: a message and the body that goes along, and the reply. */
interface Callable {
  call(message: string, body?: Uint8Array): Promise<string>;
}

/** The reconciler's object. */
interface Wakeable {
  wake(): Promise<void>;
}

/** The watch's object. */
interface Watching {
  wake(): Promise<void>;
  page(name: WatchPage, site?: string): Promise<string>;
}

/** The worker's bindings. Settings are bindings as well, of any type that somebody may have given them. */
export interface Env {
  LEDGER: DurableObjectNamespace<Rpc.DurableObjectBranded & Callable>;
  /** Missing in a deployment whose configuration is older than the code. */
  RECONCILER?: DurableObjectNamespace<Rpc.DurableObjectBranded & Wakeable>;
  /** As above. */
  WATCH?: DurableObjectNamespace<Rpc.DurableObjectBranded & Watching>;
  ANALYTICS?: AnalyticsEngineDataset;
  RATE_LIMITER?: RateLimit;
}

initSync({ module });

let instance: Edge | undefined;
let imported: Promise<CryptoKey[]> = Promise.resolve([]);

/** The instance. The settings are read when it is made: a change of them comes with a new isolate. */
export function edge(env: Env): Edge {
  if (instance === undefined) {
    instance = new Edge(settings(env), "ANALYTICS" in env, "RATE_LIMITER" in env);
    for (const warning of instance.warnings) console.warn(warning);
    imported = importKeys(instance.takeSecrets());
    // Whoever waits for them learns of an error.
    imported.catch(() => {});
  }
  return instance;
}

/** The platform's keys for the secrets that the instance has read. */
export function keys(): Promise<CryptoKey[]> {
  return imported;
}

/**
 * Gives the next request a new instance, if the error has left this one unusable: a panic, which traps in
 * the middle of a call, or an exception of the platform's that went through one. Requests that the old
 * instance was working on fail at their next step.
 */
export function restart(error: unknown): void {
  if (error instanceof WebAssembly.RuntimeError || !isUsable()) {
    instance = undefined;
    __wbg_reset_state();
  }
}

/** The id of the last request or attempt, counted from 1. */
let last = 0;

/** An id for a request, or for an attempt. */
export function newId(): number {
  last = (last + 1) >>> 0 || 1;
  return last;
}

/** Requests are counted from 1. */
const NO_REQUEST = 0;

/** Whether no call was left in its middle: the instance would take it for one that is still going on. */
function isUsable(): boolean {
  try {
    instance?.abandon(NO_REQUEST);
    return true;
  } catch {
    return false;
  }
}

/** Everything that may be a setting, with what it is: core/src/settings/raw.rs. */
function settings(env: Env): string {
  const values: Record<string, { text: string } | { number: string } | "other"> = {};
  for (const [name, value] of Object.entries(env)) {
    if (typeof value === "string") values[name] = { text: value };
    else if (typeof value === "number") values[name] = { number: String(value) };
    else values[name] = "other";
  }
  return JSON.stringify(values);
}
