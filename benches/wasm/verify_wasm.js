// Ours: the verifier as WASM.

import { WasmVerifier, initSync } from "./verifier.js";

/** A function from header, body and time to the verdict. `module` is a compiled WebAssembly.Module. */
export function wasmVerifier(module, secret) {
  initSync({ module });
  const verifier = new WasmVerifier(secret);
  return (header, body, now) => verifier.verify(header, body, now);
}
