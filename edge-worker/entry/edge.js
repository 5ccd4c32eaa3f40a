// The instance of the Rust code, and a new one after a panic.

import { Edge, initSync, __wbg_reset_state } from "rust/nextapi_edge.js";
import module from "rust/nextapi_edge_bg.wasm";

initSync({ module });

let instance;
let wanted;

/** The instance. The settings are read when it is made: a change of them comes with a new isolate. */
export function edge(env) {
  if (instance === undefined) {
    instance = new Edge((name) => text(env[name]), "ANALYTICS" in env, "RATE_LIMITER" in env);
    wanted = instance.wantedHeaders.split(",");
  }
  return instance;
}

/** The names of the headers that the instance wants to begin with. */
export function wantedHeaders() {
  return wanted;
}

/**
 * Has the next request get a new instance, if the error is a panic. A panic traps in the middle of a
 * call, and what it leaves in the memory is not to be trusted. Requests that the old instance was
 * working on fail at their next step.
 */
export function restart(error) {
  if (error instanceof WebAssembly.RuntimeError) {
    instance = undefined;
    __wbg_reset_state();
  }
}

/** A setting's text. Other kinds of variables, such as a number in wrangler.jsonc, are JSON. */
function text(value) {
  return value === undefined || typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
