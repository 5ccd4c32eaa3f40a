// Without a mouse.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inTab, world } from "./browser.mjs";

test("everything can be done with the keyboard", async () => {
  await inTab({ token: null }, async ({ page }) => {
    const press = (/** @type {string} */ key) => page.keyboard.press(key);
    /** Goes on until this is reached. @param {string} name */
    const tabTo = async (name) => {
      for (let steps = 0; steps < 60; steps += 1) {
        await press("Tab");
        const found = await page.evaluate(() => {
          const { activeElement: it } = document;
          return it?.getAttribute("placeholder") ?? it?.textContent ?? "";
        });
        if (found === name) {
          const outline = await page.evaluate(
            () => getComputedStyle(document.activeElement ?? document.body).outlineStyle,
          );
          assert.notEqual(outline, "none", `${name} shows that it has the focus`);
          return;
        }
      }
      assert.fail(`${name} is not reached`);
    };
    await press("Tab");
    await page.keyboard.type(world.tokens.operate);
    await press("Enter");
    await page.getByRole("navigation").waitFor();
    await page.waitForFunction(() => document.activeElement?.id === "main");
    await tabTo("Events");
    await press("Enter");
    await page.getByRole("heading", { name: "Events" }).waitFor();
    // A screen reader begins at the new screen.
    await page.waitForFunction(() => document.activeElement?.id === "main");
    await tabTo("job_waits");
    await press("Enter");
    await page.getByRole("heading", { name: /^Job job_waits/ }).waitFor();
    await page.getByRole("button", { name: "Replay" }).waitFor();
    await tabTo("Replay");
    await press("Enter");
    await page.getByRole("dialog", { name: "Deliver this event anew?" }).waitFor();
    await press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Replay");
  });
});

test("the first key leads past the navigation", async () => {
  await inTab({}, async ({ page }) => {
    await page.reload();
    await page.getByRole("navigation").waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "To the content" }).waitFor();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  });
});
