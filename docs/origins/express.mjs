import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";
import { store } from "./store.mjs";

const secret = process.env.EDGE_SIGNING_SECRET;
if (!secret) throw new Error("EDGE_SIGNING_SECRET is not set");

function isSigned(header, body) {
  const [, t, mac] = /^t=(\d+),v=([0-9a-f]{64})$/.exec(header ?? "") ?? [];
  if (!mac || Math.abs(Date.now() / 1000 - Number(t)) >= 300) return false;
  const expected = createHmac("sha256", secret).update(`${t}.`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(mac, "hex"));
}

const app = express();
// The signature is over the raw bytes: no JSON parser may come first.
app.post("/events", express.raw({ type: () => true, limit: "4mb" }), async (request, response) => {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const key = request.get("Idempotency-Key");
  if (!key || !isSigned(request.get("X-Edge-Signature"), body)) return response.sendStatus(401);
  await store(key, body); // if it throws, Express answers 500, and the event comes again
  response.sendStatus(200);
});

const server = app.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/events`);
});
