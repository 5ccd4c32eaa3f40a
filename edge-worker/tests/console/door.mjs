// The page itself, and who comes in.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inTab, screenshot, world } from "./browser.mjs";

test("the page has a strict policy, and its hashes are those of what it holds", async () => {
  const response = await fetch(`${world.edges.busy}_edge/`);
  assert.equal(response.status, 200);
  const html = await response.text();
  const hash = (/** @type {string} */ element) => {
    const [, text = ""] = new RegExp(`<${element}>(.*?)</${element}>`, "s").exec(html) ?? [];
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  };
  const policy = [
    "default-src 'none'",
    `script-src ${hash("script")}`,
    `style-src ${hash("style")}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  const headers = Object.fromEntries(response.headers);
  assert.equal(headers["content-security-policy"], policy.join("; "));
  assert.equal(headers["content-type"], "text/html; charset=utf-8");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.equal(headers["cache-control"], "no-store");
  assert(headers["x-correlation-id"]);
  assert(!/ on[a-z]+=|https?:\/\/(?!www\.w3\.org)/.test(html.replace(/<script>.*<\/script>/s, "")));
});

test("without a token that may look there is no page, and to POST there is none either", async () => {
  const nothing = await fetch(`${world.edges.closed}nothing-here`);
  const closed = await fetch(`${world.edges.closed}_edge/`);
  assert.deepEqual([closed.status, await closed.text()], [404, await nothing.text()]);
  assert.equal((await fetch(`${world.edges.busy}_edge/`, { method: "HEAD" })).status, 200);
  assert.equal((await fetch(`${world.edges.busy}_edge/`, { method: "POST" })).status, 404);
  assert.equal((await fetch(`${world.edges.busy}_edge`)).status, 404);
});

test("a wrong token is told so, and is not kept", async () => {
  await inTab({ token: null, mayFail: true }, async ({ page }) => {
    await page.getByLabel("Token").fill("a-token-that-nobody-has");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("The edge does not know this token.").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await screenshot(page, "wrong-token");
  });
});

test("a token that only registers jobs may not look", async () => {
  await inTab({ token: null, mayFail: true }, async ({ page }) => {
    await page.getByLabel("Token").fill(world.tokens.submit);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("This token registers jobs and may not look").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });
});

test("the token stays in the tab, and goes when asked to", async () => {
  await inTab({}, async ({ page, url }) => {
    await page.reload();
    await page.getByRole("navigation").waitFor();
    const kept = await page.evaluate(() => [localStorage.length, document.cookie, location.href]);
    assert.deepEqual(kept, [0, "", `${url}_edge/`]);
    const other = await page.context().newPage();
    await other.goto(`${url}_edge/`);
    await other.getByLabel("Token").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });
});
