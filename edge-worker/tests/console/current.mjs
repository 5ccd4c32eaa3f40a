// What is shown is how things stand now, or it says that it is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goTo, inTab, lookAgain, world } from "./browser.mjs";
import { ALERTS, HISTORY } from "./fixtures.mjs";

const MINUTE = 60_000;
const KEY = `event-${"1".repeat(64)}`;
const FAILURE = { status: 503, json: { error: { code: "ledger_unavailable", message: "…" } } };

/** @param {number} minutes From now. */
const at = (minutes) => new Date(Date.now() + minutes * MINUTE).toISOString();

/** @param {object} parts */
function event(parts) {
  return {
    key: KEY,
    state: "waiting",
    next_attempt: null,
    attempts: 1,
    first: at(-9),
    last: at(-8),
    last_outcome: "origin_failed",
    event_id: "evt_far",
    event_type: "job.succeeded",
    job_id: "job_far",
    trail: [],
    ...parts,
  };
}

test("nothing is said to be well while that is not known", async () => {
  await inTab({ edge: "empty", mayFail: true, answers: {} }, async ({ page, url }) => {
    await page.getByText("Nothing needs you: no warning, no alert").waitFor();
    await page.route(`${url}_edge/status`, (route) => route.fulfill(FAILURE));
    await lookAgain(page);
    await page.getByText("How it is now is not known.").waitFor();
    await page.unroute(`${url}_edge/status`);
    await page.route(`${url}_edge/alerts`, (route) => route.fulfill(FAILURE));
    await page.reload();
    await page.getByText(/Whether an alert fires is not known/).waitFor();
    assert.equal(await page.getByText("Nothing needs you").count(), 0);
  });
});

test("what nobody has counted is a gap in the chart, and no standstill", async () => {
  const samples = HISTORY.samples
    .filter((_, index) => index < 30 || index >= 60)
    .map((sample, index) => ({ ...sample, is_complete: index !== 3 }));
  await inTab({ answers: { history: { ...HISTORY, samples } } }, async ({ page }) => {
    await page.getByText("nobody has counted for 30 min").waitFor();
    await page
      .getByText("1 min without what a shard did not tell.")
      .or(page.getByText("60 s without"))
      .waitFor();
    await page.getByText("The same as a table").click();
    const table = page.getByRole("table", { name: "Outcomes over time" });
    assert.equal(await table.getByRole("row").count(), 121);
    assert.equal(await table.getByRole("row").filter({ hasText: "not counted" }).count(), 30);
    assert.equal(await table.getByText("(a shard did not tell)").count(), 1);
  });
});

test("a watch that stands still is seen in the chart and beside the rules", async () => {
  const old = HISTORY.samples.slice(0, 80).map((sample) => ({ ...sample, is_complete: true }));
  const alerts = { ...ALERTS, checked_at: at(-40) };
  await inTab({ answers: { history: { ...HISTORY, samples: old }, alerts } }, async (tab) => {
    const { page } = tab;
    await page.getByText(/nobody has counted for (38|39|40) min/).waitFor();
    await goTo(tab, "#/alerts", "Alerts");
    await page.getByText("The watch stands still").waitFor();
  });
});

test("how long an event has waited is said in a unit", async () => {
  const rules = [{ rule: "oldest_waiting > 30m", state: "firing", value: 1_860, since: at(-2) }];
  await inTab({ answers: { alerts: { ...ALERTS, rules } } }, async (tab) => {
    await tab.page.getByText("is at 31 min, firing since").waitFor();
    await goTo(tab, "#/alerts", "Alerts");
    await tab.page.getByRole("cell", { name: "31 min" }).waitFor();
  });
});

test("a list that stands still says since when, and is brought up to date", async () => {
  await inTab({ hash: "#/events" }, async ({ page }) => {
    await page.getByRole("table", { name: "Events" }).waitFor();
    assert.equal(await page.getByText("stands still since").count(), 0);
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByText(/The list stands still since \d\d:\d\d:\d\d UTC/).waitFor();
    await page.getByRole("button", { name: "Update it" }).click();
    await page.getByText("stands still since").waitFor({ state: "detached" });
  });
});

test("an event that is held back says so, and does not promise a try in the past", async () => {
  const answers = { [`events/${KEY}`]: event({ next_attempt: at(-4) }) };
  await inTab({ answers, hash: `#/events/${KEY}` }, async ({ page, url }) => {
    await page.getByText(/was due 4 minutes ago: held back/).waitFor();
    await page.route(`${url}_edge/events/${KEY}`, (route) => route.fulfill({ json: event({}) }));
    await lookAgain(page);
    await page.getByText("behind an earlier event of its job").waitFor();
  });
});

test("times are read by the edge's clock, wherever one comes in", async () => {
  const answers = {
    whoami: { name: "admin", role: "operate", time: at(120) },
    [`events/${KEY}`]: event({ next_attempt: at(125) }),
  };
  await inTab({ answers, hash: `#/events/${KEY}` }, async ({ page }) => {
    await page.getByText(/next try in [45] minutes/).waitFor();
  });
});

test("an event's id is found behind the first piece of a large ledger", async () => {
  await inTab({ answers: { [`events/${KEY}`]: event({}) } }, async ({ page, url }) => {
    await page.route(
      (address) => address.href.startsWith(`${url}_edge/events?`) && address.searchParams.has("id"),
      (route) => {
        const isFurther = new URL(route.request().url()).searchParams.get("cursor") === "~61.event-1";
        const page = isFurther
          ? { events: [event({})], cursor: null }
          : { events: [], cursor: "~61.event-1" };
        return route.fulfill({ json: page });
      },
    );
    await page.getByLabel("Job id, event id or event key").fill("evt_far");
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("heading", { level: 1, name: "Event job.succeeded waiting" }).waitFor();
  });
});

test("a job whose id is a step in a path is looked up all the same", async () => {
  await inTab({ mayFail: true, hash: "#/jobs/.." }, async ({ page }) => {
    await page.getByText("Nothing is known of this job").waitFor();
  });
});

test("a token that was withdrawn is not asked with again and again", async () => {
  await inTab({ mayFail: true }, async ({ page, url }) => {
    await page.getByText("admin (operate)").waitFor();
    const nothing = { status: 404, json: { error: { code: "not_found", message: "Nothing here." } } };
    await page.route(`${url}_edge/*`, (route) => route.fulfill(nothing));
    await lookAgain(page);
    await page.getByText("The edge does not know this token.").waitFor();
    await page.getByLabel("Token").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });
});

test("a text that no header can hold is no token, and goes nowhere", async () => {
  await inTab({ token: null }, async ({ page }) => {
    await page.getByLabel("Token").fill("a\u2013token\u2013with\u2013dashes");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("The edge does not know this token.").waitFor();
  });
});

test("each screen has a title of its own", async () => {
  await inTab({}, async (tab) => {
    await goTo(tab, "#/audit", "Audit log");
    assert.equal(await tab.page.title(), "Audit log – nextapi edge");
    await goTo(tab, `#/jobs/${world.ids.submitted}`, /^Job/);
    assert.equal(await tab.page.title(), `Job ${world.ids.submitted} – nextapi edge`);
    await tab.page.getByRole("button", { name: "Sign out" }).click();
    await tab.page.getByLabel("Token").waitFor();
    assert.equal(await tab.page.title(), "nextapi edge");
  });
});
