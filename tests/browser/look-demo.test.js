// The pages that the demo adds, and the page where the API is tried: nothing from elsewhere, nothing that a policy forbids.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, SLOW, look } from "./lib/look.js";
import { startDemo } from "./lib/server.js";
import { visitor } from "./lib/visitor.js";
import "./lib/town.js";

test("the demo shows its mail, and the API can be tried", SLOW, async () => {
  const demo = await startDemo();
  const complaints = [];
  const page = await visitor(demo.url, complaints, NARROW);
  try {
    await page.goto("/_mail");
    await look(page, "demo-mail");
    await page.getByRole("link", { name: /certified message/ }).first().click();
    // The letter itself stands in a frame that runs nothing, not even what looks at pages.
    await page.getByRole("link", { name: /\/p\/[^/]+$/ }).click();
    await page.waitForURL("**/p/*");
    await page.goto("/docs");
    await page.getByText("/messages", { exact: false }).first().waitFor();
  } finally {
    await page.context().close();
    assert.equal(await demo.stop(), 0);
  }
  assert.deepEqual(complaints, []);
});
