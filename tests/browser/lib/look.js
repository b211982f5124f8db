// Looking at a page as people see it: narrow and wide, light and dark. Pictures are kept, and what must hold on every page is asked.

import assert from "node:assert/strict";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { fits, pagesFor } from "./routes.js";
import { shots } from "./town.js";

const WIDTHS = [320, 768, 1280]; // px
const SCHEMES = ["light", "dark"];
const WITH_AXE = ["320 dark", "1280 light"]; // both layouts, both schemes
const TALLEST = 12000; // px of a picture
const SHIFT = 0.01; // cumulative layout shift while the page settled

/** For `fact`: looking takes its time. */
export const SLOW = { timeout: 300000 };
/** For a visitor: the page is loaded at the narrowest width, where it moves most. */
export const NARROW = { viewport: { width: 320, height: 800 } };

const seen = new Set();

/** Fails for a page of `who` that this file has not looked at, and `elsewhere` does not name. */
export async function nothingWasLeftOut(who, elsewhere = []) {
  const pages = await pagesFor(who);
  assert.ok(pages.length > 1, "the table of routes was read");
  const left = pages.filter((route) => !elsewhere.includes(route) && ![...seen].some((path) => fits(route, path)));
  assert.deepEqual(left, [], "pages that nobody looked at");
}

/** Looks at what `page` shows now. `name` names the pictures. Where no script runs, what takes its time to measure is left out. */
export async function look(page, name, { scripts = true } = {}) {
  seen.add(new URL(page.url()).pathname);
  await page.waitForLoadState("load");
  const shift = scripts ? await page.evaluate(layoutShift) : 0;
  assert.ok(shift <= SHIFT, `${name}: the layout moves by ${shift} while it loads`);
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      const where = `${name} at ${width} px, ${colorScheme}`;
      assert.deepEqual(await page.evaluate(sticksOut), [], `${where}: nothing sticks out sideways`);
      assert.deepEqual(await page.evaluate(tooSmall), [], `${where}: every target is 44 px high`);
      if (scripts && WITH_AXE.includes(`${width} ${colorScheme}`)) await accessible(page, where);
      await picture(page, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 320, height: 800 });
}

/** How the page prints. */
export async function print(page, name) {
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  await page.setViewportSize({ width: 720, height: 800 });
  assert.deepEqual(await page.evaluate(sticksOut), [], `${name}: nothing sticks out of the paper`);
  await picture(page, `${name}-print`);
  await page.emulateMedia({ media: null });
}

async function picture(page, name) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...page.viewportSize(), height: Math.min(height, TALLEST) });
  await page.screenshot({ path: join(shots, `${name}.png`), caret: "initial" });
}

async function accessible(page, where) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const bad = violations.filter((one) => ["serious", "critical"].includes(one.impact));
  const said = bad.map((one) => `${one.id}: ${one.help}\n${one.nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join("\n")}`);
  assert.equal(said.length, 0, `${where}:\n${said.join("\n")}`);
}

// The rest runs in the page.

function layoutShift() {
  return new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => setTimeout(() => done(sum), 50));
  });
}

function sticksOut() {
  // What is there for screen readers alone stands in a box of 1 px.
  const inNothing = (one) => one && (one.getBoundingClientRect().width <= 1 || inNothing(one.parentElement));
  const out = [...document.querySelectorAll("body *")].filter((element) => {
    if (!element.checkVisibility() || inNothing(element)) return false;
    const box = element.getBoundingClientRect();
    return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
  });
  const wide = document.documentElement.scrollWidth > innerWidth ? [`the page is ${document.documentElement.scrollWidth} px wide`] : [];
  return [...wide, ...out.map((element) => element.outerHTML.slice(0, 120))];
}

function tooSmall() {
  const targets = "button, .button, summary, select, textarea, label.choice, input:not([type=hidden], [type=radio], [type=checkbox], [type=file]), nav a";
  return [...document.querySelectorAll(targets)]
    .filter((element) => element.checkVisibility() && !element.matches(".away") && element.getBoundingClientRect().height < 43.5)
    .map((element) => element.outerHTML.slice(0, 120));
}
