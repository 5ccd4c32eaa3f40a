// What an operator does: each act asks once, says what it will do, and stands in the audit log.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goTo, inTab, isAccessible, screenshot, world } from "./browser.mjs";

/**
 * Presses a button, reads the question, and confirms.
 * @param {import("playwright-core").Page} page
 * @param {string} act
 * @param {RegExp} says
 */
async function confirm(page, act, says) {
  await page.getByRole("button", { name: act, exact: true }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(says).waitFor();
  await dialog.getByText("audit log under the name").waitFor();
  await dialog.getByRole("button", { name: act, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

/**
 * The audit log has this act, by whom it says.
 * @param {import("./browser.mjs").Tab} tab
 * @param {string} act
 * @param {string} [by]
 */
async function isLogged(tab, act, by = "admin") {
  await goTo(tab, "#/audit", "Audit log");
  const row = tab.page.getByRole("row").filter({ hasText: by }).filter({ hasText: act });
  await row.first().waitFor();
}

test("one dead letter is replayed", async () => {
  await inTab({ hash: "#/jobs/job_dead_0" }, async (tab) => {
    const { page } = tab;
    await page.getByRole("heading", { name: "job.succeeded dead" }).waitFor();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByRole("dialog").waitFor();
    await isAccessible(page, "dialog");
    await screenshot(page, "dialog");
    await page.getByRole("button", { name: "Leave it" }).click();
    await confirm(page, "Replay", /1 event goes to the origin/);
    await page.getByRole("heading", { name: "job.succeeded done" }).waitFor();
    await isLogged(tab, "replay");
  });
});

test("the next delivery of an event is let through", async () => {
  await inTab({ hash: "#/jobs/job_005" }, async (tab) => {
    await confirm(tab.page, "Reopen", /that 1 delivery is forwarded/);
    await tab.page.getByRole("heading", { name: "job.succeeded reopened" }).waitFor();
    await isLogged(tab, "reopen");
  });
});

test("what the edge refuses is said in the dialog, which stays", async () => {
  await inTab({ hash: "#/jobs/job_006", mayFail: true }, async ({ page, url }) => {
    await page.route(`${url}_edge/events/*/replay`, (route) =>
      route.fulfill({ status: 409, json: { error: { code: "body_gone", message: "The bytes are gone." } } }),
    );
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
    await page.getByRole("dialog").getByText("The bytes are gone.").waitFor();
    assert(await page.getByRole("dialog").getByRole("button", { name: "Replay" }).isEnabled());
  });
});

test("deliveries are paused, and resumed", async () => {
  await inTab({}, async (tab) => {
    const { page } = tab;
    await confirm(page, "Pause deliveries", /2 shards will make no new attempt: 1 waiting event/);
    await page.getByText("deliveries are paused").waitFor();
    await confirm(page, "Resume deliveries", /paused in 2 of 2 shards/);
    await page.getByRole("button", { name: "Pause deliveries" }).waitFor();
    await isLogged(tab, "pause");
    await isLogged(tab, "resume");
  });
});

test("many are planned, started, and followed to their end", async () => {
  await inTab({ hash: "#/replays" }, async (tab) => {
    const { page } = tab;
    await page.getByRole("button", { name: "Count them" }).click();
    await page
      .getByText(/^2 events would be delivered anew|2 events/)
      .first()
      .waitFor();
    await screenshot(page, "replay-planned");
    await confirm(page, "Start the replay", /2 events \(dead letters.*at most 10 a second/);
    await page.getByRole("heading", { name: /^Replay .* done$/ }).waitFor();
    await page.getByText("2 of 2 are settled").waitFor();
    await isAccessible(page, "replay");
    await screenshot(page, "replay");
    await isLogged(tab, "start replay");
  });
});

test("a replay is paused, resumed and cancelled", async () => {
  await inTab({ hash: "#/replays" }, async (tab) => {
    const { page } = tab;
    await page.getByRole("combobox", { name: "Events" }).selectOption("done");
    await page.getByLabel("Events a second").fill("1");
    await page.getByRole("button", { name: "Count them" }).click();
    await confirm(page, "Start the replay", /go to the origin, at most 1 a second/);
    await page.getByRole("heading", { name: /running$/ }).waitFor();
    await confirm(page, "Pause", /wait until somebody resumes it/);
    await page.getByRole("heading", { name: /paused$/ }).waitFor();
    await confirm(page, "Resume", /go to the origin, at most 1 a second/);
    await page.getByRole("heading", { name: /running$/ }).waitFor();
    await confirm(page, "Cancel", /stay as they are/);
    await page.getByRole("heading", { name: /cancelled$/ }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Cancel" }).count(), 0);
    for (const act of ["pause replay", "resume replay", "cancel replay"]) await isLogged(tab, act);
    await screenshot(page, "audit-full");
  });
});

test("a token that may only read sees everything, and no button that acts", async () => {
  await inTab({ token: world.tokens.read }, async (tab) => {
    const { page, url } = tab;
    await page.getByText("reader (read)").waitFor();
    for (const [hash, heading] of [
      ["#/", "Overview"],
      ["#/jobs/job_007", /^Job/],
      ["#/replays", "Replays"],
    ]) {
      await goTo(tab, String(hash), heading ?? "");
      for (const act of ["Pause deliveries", "Replay", "Reopen", "Count them"]) {
        assert.equal(await page.getByRole("button", { name: act, exact: true }).count(), 0, act);
      }
    }
    // Nor would it help to make one.
    const answer = await fetch(`${url}_edge/pause`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.tokens.read}` },
    });
    assert.equal(answer.status, 403);
  });
});
