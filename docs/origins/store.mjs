// A store for the tests: what it has stored it prints, and it fails when the key says so.
const stored = new Set();

export async function store(key, body) {
  if (key === "fail") throw new Error("the store failed, as it was told to");
  if (stored.has(key)) return;
  stored.add(key);
  console.log(`stored ${key} ${body.length}`);
}
