// The edge worker, which keeps a body from another length on than it does as deployed: `HAND_OVER_LIMIT`, in
// bytes. The MACs of longer bodies are the platform's, those of others are computed in WASM.

import { Edge } from "rust/nextapi_edge.js";
import worker, { Ledger } from "../../../../edge-worker/entry/index";

export { Ledger };

const { begin } = Edge.prototype;
let limit;

// What a delivery takes more by this is the same for all lengths.
Edge.prototype.begin = function (id, head, now) {
  const output = begin.call(this, id, head, now);
  const moved = output.replace(/"handOverLimit":\d+/, `"handOverLimit":${limit}`);
  if (moved === output) throw new Error("no body is asked for");
  return moved;
};

export default {
  fetch(request, env, context) {
    limit ??= Number(env.HAND_OVER_LIMIT);
    return worker.fetch(request, env, context);
  },
};
