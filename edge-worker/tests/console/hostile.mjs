// Texts that come from outside are texts, whatever they say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goTo, inTab, screenshot, world } from "./browser.mjs";

test("a job's id that is HTML is shown as it is", async () => {
  await inTab({}, async (tab) => {
    const { page } = tab;
    const { hostile } = world.ids;
    const isText = async () => {
      await page.getByText(hostile).first().waitFor();
      assert.equal(await page.locator("img").count(), 0);
      assert.notEqual(await page.title(), "owned");
    };
    await page.getByRole("rowheader", { name: "<b>tenant</b>" }).waitFor();
    await goTo(tab, "#/jobs?tenant=%3Cb%3Etenant%3C%2Fb%3E", "Jobs");
    await isText();
    await page.getByRole("link", { name: hostile }).click();
    await page.getByRole("heading", { level: 1, name: hostile }).waitFor();
    await isText();
    await page.getByRole("link", { name: "job.running" }).click();
    await page.getByRole("heading", { level: 1, name: "Event job.running" }).waitFor();
    await isText();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByRole("dialog").getByText(hostile).waitFor();
    await screenshot(page, "hostile");
    await page.getByRole("button", { name: "Leave it" }).click();
    // In the address as well, which somebody may have been sent.
    await goTo(tab, `#/jobs/${encodeURIComponent(hostile)}`, /^Job/);
    await isText();
    await goTo(tab, `#/events?job=${encodeURIComponent(hostile)}`, "Events");
    await isText();
  });
});
