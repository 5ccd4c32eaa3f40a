// The worker that bench_workerd.js asks for so many verifications of the body that it sends.

import { repeat, subjects } from "./subjects.js";
import module from "./verifier_bg.wasm";

let prepared;

export default {
  async fetch(request, env) {
    prepared ??= subjects(module, env.SECRET);
    const query = new URL(request.url).searchParams;
    const calls = Number(query.get("calls"));
    const delivery = {
      header: request.headers.get("x-signature"),
      body: new Uint8Array(await request.arrayBuffer()),
      now: Number(query.get("now")),
      expected: query.get("expected") === "true",
    };
    try {
      await repeat((await prepared)(query.get("name")), delivery, calls);
    } catch (error) {
      return new Response(`${error}`, { status: 500 });
    }
    return new Response(`${calls} right`);
  },
};
