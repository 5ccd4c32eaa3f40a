// What is measured, the same under both engines.

import { nodeCryptoVerifier } from "./verify_node_crypto.js";
import { wasmVerifier } from "./verify_wasm.js";
import { webCryptoVerifier } from "./verify_webcrypto.js";

export const WASM = "WASM";
export const ONE_BY_ONE = "WebCrypto, one after another";
export const AT_ONCE = "WebCrypto, 16 at once";
export const NODE_CRYPTO = "node:crypto";
export const NAMES = [WASM, ONE_BY_ONE, AT_ONCE, NODE_CRYPTO];

/** The most verifications that any subject has under way at once; calls come in multiples of it. */
export const BATCH = 16;

/** A promise of a function from a subject's name to the subject. */
export async function subjects(module, secret) {
  const webCrypto = await webCryptoVerifier(secret);
  const byName = {
    [WASM]: { verify: wasmVerifier(module, secret), atOnce: 1 },
    [ONE_BY_ONE]: { verify: webCrypto, atOnce: 1 },
    [AT_ONCE]: { verify: webCrypto, atOnce: BATCH },
    [NODE_CRYPTO]: { verify: nodeCryptoVerifier(secret), atOnce: 1 },
  };
  return (name) => byName[name];
}

/** Verifies a delivery so many times. An answer that is not as expected ends the run. */
export async function repeat({ verify, atOnce }, { header, body, now, expected }, calls) {
  for (let done = 0; done < calls; done += atOnce) {
    if (atOnce > 1) {
      const verdicts = Array.from({ length: atOnce }, () => verify(header, body, now));
      for (const verdict of await Promise.all(verdicts)) check(verdict, expected);
    } else {
      const verdict = verify(header, body, now);
      // Who answers at once is not made to wait.
      check(typeof verdict === "boolean" ? verdict : await verdict, expected);
    }
  }
}

function check(verdict, expected) {
  if (verdict !== expected) throw new Error(`the verdict is ${verdict}, and should be ${expected}`);
}
