// Every screen: it says what it should, in light and dark, wide and narrow, and to who cannot see it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goTo, inTab, isAccessible, screenshot, settled, world } from "./browser.mjs";
import { ALERTS, HISTORY } from "./fixtures.mjs";

/** @type {[name: string, hash: string, heading: string | RegExp][]} */
const SCREENS = [
  ["overview", "#/", "Overview"],
  ["events", "#/events", "Events"],
  ["event", "", /^Event/],
  ["jobs", "#/jobs", "Jobs"],
  ["job", `#/jobs/${world.ids?.submitted}`, /^Job/],
  ["replays", "#/replays", "Replays"],
  ["alerts", "#/alerts", "Alerts"],
  ["audit", "#/audit", "Audit log"],
];
const ANSWERS = { history: HISTORY, alerts: ALERTS };
const PHONE = { width: 360, height: 740 };

/** @param {string} name @param {Parameters<typeof inTab>[0]} choices */
function everyScreen(name, choices) {
  test(`every screen, ${name}`, async () => {
    await inTab({ answers: ANSWERS, ...choices }, async (tab) => {
      const { page } = tab;
      for (const [screen, hash, heading] of SCREENS) {
        if (screen === "event") {
          // By the link that a person would take.
          await page
            .getByRole("table", { name: "Events" })
            .getByRole("link", { name: "job.running" })
            .first()
            .click();
          await page.getByRole("heading", { level: 1, name: heading }).waitFor();
          await settled(page);
        } else {
          await goTo(tab, hash, heading);
        }
        if (screen === "overview") await page.getByRole("img", { name: /In 2 h: / }).waitFor();
        await isAccessible(page, `${screen}, ${name}`);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert(width <= (choices.viewport?.width ?? 1280), `${screen} is ${width} wide`);
        await screenshot(page, `${screen}-${name}`);
      }
    });
  });
}

everyScreen("wide", {});
everyScreen("dark", { colorScheme: "dark" });
everyScreen("narrow", { viewport: PHONE });

test("the overview says in figures how it stands", async () => {
  await inTab({ answers: ANSWERS }, async ({ page }) => {
    const figures = page.getByRole("list", { name: "Figures" });
    await figures.getByText(/^oldest for \d+ /).waitFor();
    const figure = async (/** @type {string} */ name) =>
      (await figures.locator("li", { hasText: name }).locator("b").textContent())?.trim();
    assert.equal(await figure("dead letters"), "3");
    assert.equal(await figure("waiting"), "1");
    assert.equal(await figure("breaker"), "closed");
    assert.equal(await figure("overdue jobs"), "0");
    const money = page.getByRole("table", { name: "Jobs and credits by tenant" });
    await money
      .getByRole("row", { name: /^globex/ })
      .getByRole("cell", { name: "38.85" })
      .waitFor();
    await page.getByText("The same as a table").click();
    const rows = page.getByRole("table", { name: "Outcomes over time" }).getByRole("row");
    assert.equal(await rows.count(), 121);
    await page.getByRole("button", { name: "24 hours" }).click();
    await page.getByRole("img", { name: /In 24 h: / }).waitFor();
    assert.equal(await rows.count(), 97);
    await page.getByRole("heading", { name: "Settings" }).click();
    await page.getByText("tenant field").waitFor();
  });
});

test("what is wrong stands first", async () => {
  await inTab({ edge: "troubled", answers: { alerts: ALERTS } }, async ({ page }) => {
    await page.getByText("the breaker holds").waitFor();
    const first = (await page.locator("main section, main ul").first().textContent()) ?? "";
    assert(first.startsWith("What needs you"), first);
    assert(first.includes("dead > 0"), first);
    await isAccessible(page, "troubled");
    await screenshot(page, "overview-troubled");
  });
});

test("an empty ledger says what to do next", async () => {
  await inTab({ edge: "empty", mayFail: true }, async (tab) => {
    const { page } = tab;
    await page.getByText("Nothing needs you").waitFor();
    await page.getByText("Jobs are not kept: set").waitFor();
    await settled(page);
    await isAccessible(page, "overview, empty");
    await screenshot(page, "overview-empty");
    for (const [hash, heading, text] of [
      ["#/events", "Events", "Enter this edge's webhook address at the provider"],
      ["#/events?state=dead", "Events", "No event is like that."],
      ["#/jobs", "Jobs", "Jobs are not kept: set"],
      ["#/jobs/job_nobody_knows", /^Job/, "Nothing is known of this job"],
      ["#/replays", "Replays", "Nothing was replayed in bulk."],
      ["#/alerts", "Alerts", "Set ALERTS"],
      ["#/audit", "Audit log", "Nobody has done anything yet"],
      [`#/events/event-${"0".repeat(64)}`, /^Event/, "The ledger has no event of this key"],
    ]) {
      await goTo(tab, String(hash), heading ?? "");
      await page.getByText(String(text)).first().waitFor();
      await isAccessible(page, String(hash));
    }
    await screenshot(page, "event-empty");
  });
});

test("the rules are those of the edge's settings", async () => {
  await inTab({}, async (tab) => {
    const { page } = tab;
    await goTo(tab, "#/alerts", "Alerts");
    await page.getByText("Nobody is told").waitFor();
    const rules = page.getByRole("table", { name: "Rules" });
    await rules.getByText("oldest_waiting > 30m").waitFor();
    await rules.getByText("dead > 0").waitFor();
  });
});
