// Lists: filters, search, endless reading, and keeping up without losing the place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goTo, inTab, lookAgain, settled, world } from "./browser.mjs";

/** @param {import("playwright-core").Page} page */
const rows = (page) => page.getByRole("table", { name: "Events" }).locator("tbody tr");

test("events are filtered, and the filter is in the address", async () => {
  await inTab({}, async ({ page }) => {
    await page.getByRole("link", { name: "Events", exact: true }).click();
    await page.getByLabel("State").selectOption("dead");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByText("job_dead_0").waitFor();
    assert.equal(await rows(page).count(), 3);
    assert(page.url().endsWith("#/events?state=dead"), page.url());
    await page.reload();
    await page.getByText("job_dead_0").waitFor();
    assert.equal(await page.getByLabel("State").inputValue(), "dead");
    await page.getByRole("link", { name: "Show all" }).click();
    await page.getByLabel("Job id", { exact: true }).fill("job_007");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await page.getByText("job_007").waitFor();
    await page.getByLabel("Job id", { exact: true }).fill("");
    await page.getByLabel("Type").fill("job.failed");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByText("job_119").waitFor();
    const types = await rows(page).locator("td:nth-child(2)").allInnerTexts();
    assert.deepEqual([...new Set(types)], ["job.failed"]);
  });
});

test("by tenant, outcome, event id and time as well", async () => {
  await inTab({}, async (tab) => {
    const { page } = tab;
    for (const [hash, count] of [
      ["#/events?id=evt_of_job_007", 1],
      ["#/events?outcome=origin_rejected", 3],
      ["#/events?tenant=initech&limit=100", 40],
      ["#/events?until=2020-01-01T00:00:00Z", 0],
    ]) {
      await goTo(tab, String(hash), "Events");
      if (count === 0) await page.getByText("No event is like that.").waitFor();
      else
        await page.waitForFunction(
          (count) => document.querySelectorAll("tbody tr").length >= Number(count),
          count,
        );
    }
    await goTo(tab, "#/events?since=2020-01-01T00:00:00Z", "Events");
    await page.getByText("job_waits").waitFor();
    assert.equal(await page.getByLabel("Changed from (UTC)").inputValue(), "2020-01-01T00:00");
  });
});

test("the list goes on to its end, and each event is in it once", async () => {
  await inTab({ hash: "#/events" }, async ({ page }) => {
    await page.getByRole("table", { name: "Events" }).waitFor();
    const more = page.getByRole("button", { name: "Show more" });
    while (await more.isVisible()) {
      const before = await rows(page).count();
      await more.click();
      await page.waitForFunction((before) => document.querySelectorAll("tbody tr").length > before, before);
      await page.getByRole("button", { name: "Asking…" }).waitFor({ state: "detached" });
    }
    const keys = await rows(page)
      .locator("code")
      .evaluateAll((cells) => cells.map((it) => it.getAttribute("title")));
    assert(keys.length > world.many, `${keys.length} rows`);
    assert.equal(new Set(keys).size, keys.length);
  });
});

test("what changes meanwhile waits at the top while somebody reads", async () => {
  await inTab({ hash: "#/events" }, async ({ page, url }) => {
    await page.getByRole("table", { name: "Events" }).waitFor();
    await page.getByRole("button", { name: "Show more" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length > 50);
    const key = () => rows(page).first().locator("code").getAttribute("title");
    const first = await key();
    // Another tab of an operator's: an event is touched, and moves to the front.
    const answer = await fetch(`${url}_edge/events?job=job_003`, {
      headers: { authorization: `Bearer ${world.tokens.operate}` },
    });
    const { events } = /** @type {{ events: { key: string }[] }} */ (await answer.json());
    const reopened = await fetch(`${url}_edge/events/${events[0]?.key}/reopen`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.tokens.operate}` },
    });
    assert.equal(reopened.status, 200);
    await lookAgain(page);
    await page.getByRole("button", { name: /changed meanwhile: show/ }).waitFor();
    assert.equal(await key(), first);
    await page.getByRole("button", { name: /changed meanwhile: show/ }).click();
    await rows(page).first().getByText("job_003").waitFor();
  });
});

test("from any id to its place in two clicks", async () => {
  await inTab({ mayFail: true }, async ({ page }) => {
    const find = async (/** @type {string} */ text) => {
      await page.getByLabel("Job id, event id or event key").fill(text);
      await page.getByRole("button", { name: "Find" }).click();
    };
    await find(world.ids.submitted);
    await page.getByRole("heading", { name: `Job ${world.ids.submitted} succeeded` }).waitFor();
    await page.getByText("credits").first().waitFor();
    for (const type of ["job.queued", "job.running", "job.succeeded"]) {
      await page.getByRole("heading", { name: `${type} done` }).waitFor();
    }
    await find("evt_of_job_007");
    await page.getByRole("heading", { name: "Event job.succeeded done" }).waitFor();
    const key = await page.locator(".facts code").first().textContent();
    await find("job_waits");
    await page.getByRole("heading", { name: /^Job job_waits/ }).waitFor();
    await page.getByText(/next try in [34] minutes|next try in \d+ seconds/).waitFor();
    await find(key ?? "no key");
    await page.getByRole("heading", { name: "Event job.succeeded done" }).waitFor();
    assert(page.url().endsWith(`#/events/${key}`));
    await find("nothing-has-this-id");
    await page.getByText("No event is like that.").waitFor();
    await settled(page);
  });
});
