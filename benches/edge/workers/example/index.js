// The example Worker as it is, and a class of objects.

import { DurableObject } from "cloudflare:workers";

export { default } from "example";

// The configuration names it; nothing calls it.
export class Ledger extends DurableObject {}
