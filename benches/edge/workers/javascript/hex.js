// Hexadecimal digits.

/** Random digits, two for each byte. */
export function hex(bytes) {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)));
}

export function toHex(bytes) {
  let digits = "";
  for (const byte of bytes) digits += byte.toString(16).padStart(2, "0");
  return digits;
}
