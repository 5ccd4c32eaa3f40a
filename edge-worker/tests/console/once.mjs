// An act is done once, whoever clicks how often, and what is not known of it is said.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goTo, inTab } from "./browser.mjs";

const KEY = `event-${"2".repeat(64)}`;
const LOST = { status: 503, json: { error: { code: "ledger_unavailable", message: "…" } } };
const PERHAPS = "It may have been done, or a part of it: look before you try again.";

/** @param {string} state */
function event(state) {
  const at = new Date().toISOString();
  const next = state === "waiting" ? { next_attempt: at } : { next_attempt: null };
  return {
    key: KEY,
    state,
    ...next,
    attempts: 1,
    first: at,
    last: at,
    last_outcome: "origin_rejected",
    event_id: "evt_1",
    event_type: "job.failed",
    job_id: "job_1",
    trail: [],
  };
}

test("a double click does it once", async () => {
  await inTab({}, async ({ page, url }) => {
    let times = 0;
    await page.route(`${url}_edge/pause`, (route) => {
      times += 1;
      return route.fulfill({ json: { status: "paused" } });
    });
    await page.getByRole("button", { name: "Pause deliveries" }).click();
    const confirm = page.getByRole("dialog").getByRole("button", { name: "Pause deliveries" });
    await confirm.evaluate((button) => {
      // @ts-expect-error: a button can be clicked.
      for (let click = 0; click < 3; click += 1) button.click();
    });
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(times, 1);
    await page.getByText("Pause deliveries: accepted by the edge.").waitFor();
  });
});

test("what is under way cannot be left, and a lost answer is no failure", async () => {
  await inTab({ mayFail: true }, async ({ page, url }) => {
    /** @type {() => void} */
    let answer = () => {};
    const isHeld = new Promise((resolve) => {
      answer = () => resolve(undefined);
    });
    await page.route(`${url}_edge/pause`, async (route) => {
      await isHeld;
      return route.fulfill(LOST);
    });
    await page.getByRole("button", { name: "Pause deliveries" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Pause deliveries" }).click();
    await dialog.getByRole("button", { name: "Asking…" }).waitFor();
    assert(await dialog.getByRole("button", { name: "Leave it" }).isDisabled());
    for (let times = 0; times < 3; times += 1) await page.keyboard.press("Escape");
    answer();
    await dialog.getByText(PERHAPS).waitFor();
    await dialog.getByRole("button", { name: "Leave it" }).click();
    await dialog.waitFor({ state: "detached" });
    // Who asks anew is not told of what failed before.
    await page.getByRole("button", { name: "Pause deliveries" }).click();
    await dialog.getByText("Hold all events back?").waitFor();
    assert.equal(await dialog.getByText(PERHAPS).count(), 0);
    await page.unroute(`${url}_edge/pause`);
    await page.route(`${url}_edge/pause`, (route) => route.abort());
    await dialog.getByRole("button", { name: "Pause deliveries" }).click();
    await dialog.getByText(`The edge cannot be reached: is the network up? ${PERHAPS}`).waitFor();
  });
});

test("a replay whose start was not answered is started once", async () => {
  const selection = { state: "dead", since: null, until: "2026-11-29T12:00:00Z", job: null, type: null };
  const plan = { events: 2, without_bytes: 0, events_counted_up_to: 10_000, rate: 10, selection };
  await inTab({ mayFail: true }, async (tab) => {
    const { page, url } = tab;
    /** @type {string[]} */
    const names = [];
    await page.route(`${url}_edge/replays`, (route) => {
      if (route.request().method() === "GET") return route.continue();
      const { start, id } = route.request().postDataJSON();
      if (!start) return route.fulfill({ json: { status: "planned", ...plan } });
      names.push(id);
      return names.length === 1
        ? route.fulfill(LOST)
        : route.fulfill({ json: { status: "started", id, ...plan } });
    });
    await goTo(tab, "#/replays", "Replays");
    await page.getByRole("button", { name: "Count them" }).click();
    await page.getByRole("button", { name: "Start the replay" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("2026-11-29 12:00 UTC").waitFor();
    await dialog.getByRole("button", { name: "Start the replay" }).click();
    await dialog.getByText(PERHAPS).waitFor();
    await dialog.getByRole("button", { name: "Start the replay" }).click();
    await page.getByRole("heading", { level: 1, name: `Replay ${names[0]}` }).waitFor();
    assert.equal(names.length, 2);
    assert.match(names[0] ?? "", /^[0-9a-f]{32}$/);
    assert.equal(names[1], names[0]);
  });
});

test("where the button goes with the act, the focus stays in the page", async () => {
  await inTab({ hash: "#/replays" }, async ({ page, url }) => {
    let state = "dead";
    await page.route(`${url}_edge/events/${KEY}`, (route) => route.fulfill({ json: event(state) }));
    await page.route(`${url}_edge/events/${KEY}/replay`, (route) => {
      state = "claimed";
      return route.fulfill({ json: { status: "replayed" } });
    });
    await page.evaluate((key) => {
      location.hash = `#/events/${key}`;
    }, KEY);
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
    await page.getByRole("heading", { level: 1, name: "Event job.failed claimed" }).waitFor();
    await page.waitForFunction(() => document.activeElement?.id === "main");
  });
});
