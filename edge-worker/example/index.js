// The entry module: the Rust code as WASM, and its handler as the Worker's.

import { fetch, initSync } from "rust/nextapi_example_worker.js";
import wasm from "rust/nextapi_example_worker_bg.wasm";

initSync({ module: wasm });

export default { fetch };
