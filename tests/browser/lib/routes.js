// The page routes, read from where the server's own table is written, so that a new page without a look fails.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { top } from "./server.js";

const TABLES = ["routes.rs", "settings/mod.rs", "certificate/mod.rs", "pickup/mod.rs", "sender/mod.rs"];

/** What is answered to GET and is no page. */
const NO_PAGE = [
  "/assets/:hash/:name",
  "/favicon.ico",
  "/hand-off", // one is sent on from it at once
  "/arrive",
  "/drafts/:id/files/:att", // JSON for the page's script
  "/messages/:id/timeline", // a part of the message's page
  "/messages/:id/events", // a stream
  "/messages/:id/files/:att/:name", // files
  "/p/:token/files/:id/:name",
];

/** Paths of the pages for `who` (Anyone, Member, Recipient), in poem's notation: `/p/:token`. */
export async function pagesFor(who) {
  const texts = await Promise.all(TABLES.map((name) => readFile(join(top, "web/src", name), "utf8")));
  const lines = texts.join("\n").matchAll(/^ *"(\/[^"]*)" (\w+) \{([^}]*)\}/gm);
  const found = [...lines].filter(([, , whose, methods]) => whose === who && /\bget /.test(methods)).map(([, path]) => path);
  return found.filter((path) => !NO_PAGE.includes(path));
}

/** Whether `path` is one of `route`. */
export function fits(route, path) {
  return new RegExp(`^${route.replace(/:[a-z]+/g, "[^/]+")}$`).test(path);
}
