// The browser, and a tab in it that lets nothing pass: no message on the console, no request to anywhere else, no
// breach of the page's policy, nothing secret on the screen.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

/**
 * The edges' addresses, what is in them, and the tokens.
 * @type {{
 *   edges: Record<"busy" | "empty" | "troubled" | "closed", string>,
 *   ids: Record<"submitted" | "hostile", string>,
 *   many: number,
 *   tokens: Record<"operate" | "read" | "submit", string>,
 *   screens: string,
 * }}
 */
export const world = JSON.parse(process.env.CONSOLE_WORLD ?? "{}");

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

// Debian's own: what npm would download is not wanted. It runs before any story is told.
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });

export async function quit() {
  await browser.close();
}

/**
 * @typedef {object} Choices
 * @property {keyof typeof world.edges} [edge]
 * @property {string | null} [token] Signs in with it, if there is one.
 * @property {string} [hash] Where to begin.
 * @property {{ width: number, height: number }} [viewport]
 * @property {"light" | "dark"} [colorScheme]
 * @property {boolean} [mayFail] Whether requests are meant to fail, of which the browser writes a line.
 * @property {Record<string, unknown>} [answers] What paths below `/_edge/` answer instead of the edge.
 */

/** @typedef {{ page: import("playwright-core").Page, url: string }} Tab */

/**
 * Opens a tab, has a story told in it, and holds everything against what must never be.
 * @param {Choices} choices
 * @param {(tab: Tab) => Promise<void>} story
 */
export async function inTab(choices, story) {
  const { edge = "busy", token = world.tokens.operate, hash = "", mayFail = false, answers = {} } = choices;
  const { viewport = { width: 1280, height: 900 }, colorScheme = "light" } = choices;
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
  // Only a failing story waits this long.
  context.setDefaultTimeout(30_000);
  const url = world.edges[edge];
  /** @type {string[]} */
  const breaches = [];
  await context.exposeBinding("reportBreach", (_, breach) => breaches.push(breach));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      // @ts-expect-error: made above.
      window.reportBreach(`policy: ${violatedDirective} ${blockedURI}`);
    });
    // Whatever is on the screen, and be it for a moment.
    new MutationObserver(() => {
      const text = document.body?.textContent ?? "";
      // @ts-expect-error: made above.
      if (text.includes("canary")) window.reportBreach(`a secret on the screen: ${location.hash}`);
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
  await context.addInitScript({ path: AXE });
  context.on("request", (request) => {
    if (!request.url().startsWith(`${url}_edge/`)) breaches.push(`a request to ${request.url()}`);
    if (request.url().includes("canary")) breaches.push(`a secret in the address ${request.url()}`);
  });
  context.on("weberror", (error) => breaches.push(`an error: ${error.error()}`));
  context.on("console", (message) => {
    const isOfNetwork = message.text().startsWith("Failed to load resource");
    if (message.type() !== "log" && !(isOfNetwork && mayFail)) breaches.push(`console: ${message.text()}`);
  });
  for (const [path, answer] of Object.entries(answers)) {
    await context.route(`${url}_edge/${path}`, (route) => route.fulfill({ json: answer }));
  }
  const page = await context.newPage();
  try {
    await page.goto(`${url}_edge/${hash}`);
    if (token !== null) {
      await page.getByLabel("Token").fill(token);
      await page.getByRole("button", { name: "Open" }).click();
      await page.getByRole("navigation").waitFor();
    }
    await story({ page, url });
    assert(!page.url().includes("canary"), "something secret is in the address");
  } catch (error) {
    await page.screenshot({ path: join(world.screens, "failed.png") });
    throw error;
  } finally {
    await context.close();
  }
  assert.deepEqual([...new Set(breaches)], []);
}

/**
 * Goes to a place of the page, and waits until it is there.
 * @param {Tab} tab
 * @param {string} hash
 * @param {string | RegExp} heading
 */
export async function goTo({ page }, hash, heading) {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, hash);
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  await settled(page);
}

/**
 * Waits until nothing on the screen is still being asked for.
 * @param {import("playwright-core").Page} page
 */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector(".loading") === null);
}

/**
 * Has the page ask the edge at once, as it does for who comes back to its tab.
 * @param {import("playwright-core").Page} page
 */
export async function lookAgain(page) {
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
}

/**
 * What axe finds that is serious or worse.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function isAccessible(page, name) {
  const violations = await page.evaluate(async () => {
    // @ts-expect-error: axe comes with every page.
    const { violations } = await window.axe.run();
    return violations.map((/** @type {any} */ { id, impact, nodes }) => ({
      id,
      impact,
      at: nodes.map((/** @type {any} */ it) => it.html),
    }));
  });
  const serious = violations.filter((/** @type {{ impact: string }} */ { impact }) => impact !== "minor");
  assert.deepEqual(serious, [], name);
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function screenshot(page, name) {
  await page.screenshot({ path: join(world.screens, `${name}.png`), fullPage: true });
}
