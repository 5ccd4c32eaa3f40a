// What fails is said in a sentence, and what was shown stays.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inTab, lookAgain, screenshot } from "./browser.mjs";

/** @type {[status: number, body: object, sentence: string][]} */
const FAILURES = [
  [401, {}, "The edge does not accept this token"],
  [403, { error: { code: "forbidden", message: "This token may only look." } }, "This token may only look."],
  [
    404,
    { error: { code: "not_found", message: "Nothing here." } },
    "it was withdrawn, or this edge is older",
  ],
  [500, { error: { code: "internal_error", message: "The worker failed." } }, "The edge failed (500"],
  [503, { error: { code: "ledger_unavailable", message: "…" } }, "The ledger did not answer completely"],
];

test("each failure is said in words, and what was shown stays", async () => {
  await inTab({ hash: "#/events", mayFail: true }, async ({ page, url }) => {
    const isShown = () => page.getByText("job_waits").isVisible();
    await page.getByText("job_waits").waitFor();
    for (const [status, json, sentence] of FAILURES) {
      await page.route(`${url}_edge/events`, (route) => route.fulfill({ status, json }));
      await lookAgain(page);
      await page.getByText(sentence).waitFor();
      // A time, and no span of it, which would be read aloud every second.
      await page.getByText(/What you see is from (\w+ \d+ )?\d\d:\d\d:\d\d UTC\./).waitFor();
      assert(await isShown(), sentence);
      await page.unroute(`${url}_edge/events`);
      await lookAgain(page);
      await page.getByText(sentence).waitFor({ state: "detached" });
      assert(await isShown(), sentence);
    }
    await page.route(`${url}_edge/events`, (route) => route.abort());
    await lookAgain(page);
    await page.getByText("The edge cannot be reached").waitFor();
    assert(await isShown());
    await screenshot(page, "unreachable");
  });
});
