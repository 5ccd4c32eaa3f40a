// The floor: a worker that forwards what it gets and does nothing else.

import { DurableObject } from "cloudflare:workers";

export default {
  async fetch(request, env) {
    const response = await fetch(env.ORIGIN_URL, {
      method: "POST",
      headers: request.headers,
      body: request.body,
      redirect: "manual",
    });
    return new Response(null, { status: response.status });
  },
};

// The configuration names it; nothing calls it.
export class Ledger extends DurableObject {}
