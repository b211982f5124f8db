// Somebody's browser. Every page it opens is watched: no other origin, nothing against the content security policy, no script error.

import { chromium } from "playwright-core";

export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP *.test 127.0.0.1",
];
export const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const PATIENCE = 20000; // ms for what a page does by itself

let started;

/** One Chromium for all visitors of this process. */
export function chrome() {
  started ??= chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return started;
}

export async function quit() {
  if (started) await (await started).close();
}

/** A browser of its own for one person, with its first page. What must not happen is added to `complaints`; `also` are origins that it may ask besides. */
export async function visitor(url, complaints, { scripts = true, also = [], ...options } = {}) {
  const context = await (await chrome()).newContext({ ...habits(url, scripts), ...options });
  return settled(context, [new URL(url).origin, ...also], complaints);
}

/** What everybody's browser is set to. */
export function habits(url, scripts = true) {
  return { baseURL: url, javaScriptEnabled: scripts, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce" };
}

/** The first page of a browser that is watched from now on. */
export function settled(context, origins, complaints) {
  context.setDefaultTimeout(PATIENCE);
  watch(context, origins, complaints);
  return context.newPage();
}

function watch(context, origins, complaints) {
  context.on("request", (request) => {
    const asked = new URL(request.url());
    if (!["data:", "blob:"].includes(asked.protocol) && !origins.includes(asked.origin)) complaints.push(`a request to ${request.url()}`);
  });
  context.on("response", (answer) => {
    if (answer.status() >= 500) complaints.push(`${answer.status()} from ${answer.url()}`);
  });
  context.on("console", (said) => {
    const text = said.text();
    // The browser's own note about a 404 or 422 page is no news.
    if (said.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(`on ${said.page()?.url()}: ${text}`);
  });
  context.on("weberror", (error) => complaints.push(`script error: ${error.error().stack}`));
}
