// MACs of long bodies, computed by the platform.

/** The length of a MAC, in bytes. */
const MAC_BYTES = 32;

/** Makes a key of each secret, and wipes the secrets. */
export function importKeys(secrets: Uint8Array[]): Promise<CryptoKey[]> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // The bytes are read before the call returns.
  const keys = secrets.map((secret) => crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]));
  for (const secret of secrets) secret.fill(0);
  return Promise.all(keys);
}

/** The message's MACs with all keys, one after the other. */
export async function computeMacs(keys: Promise<CryptoKey[]>, message: Uint8Array): Promise<Uint8Array> {
  const computing = (await keys).map((key) => crypto.subtle.sign("HMAC", key, message));
  const macs = new Uint8Array(MAC_BYTES * computing.length);
  for (const [index, mac] of (await Promise.all(computing)).entries()) {
    if (mac.byteLength !== MAC_BYTES) throw new Error(`malformed MAC: ${mac.byteLength} bytes`);
    macs.set(new Uint8Array(mac), MAC_BYTES * index);
  }
  return macs;
}
