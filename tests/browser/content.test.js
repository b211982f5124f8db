// Files leave from a host of their own: what a page in a file could reach there, under all that is sent along and without it.

import assert from "node:assert/strict";
import { choose, download, member, open, send, typeCode, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";
import { chrome } from "./lib/visitor.js";

const FILES = "files.certified.test";

/** Tries what an attacker would, and writes what came of it into its own title. */
const hostile = (site) => `<!doctype html><meta charset="utf-8"><title>untouched</title><script>
(async () => {
  const ask = (path, how) => fetch("${site}" + path, { credentials: "include", ...how }).then((answer) => answer.text() || answer.type, () => "blocked");
  const said = { origin: self.origin, cookie: document.cookie, opener: self.opener === null };
  said.read = await ask("/sent");
  await ask("/settings/name", { method: "POST", mode: "no-cors", body: new URLSearchParams({ name: "Eve" }) });
  document.title = JSON.stringify(said);
})();
</script>`;

fact("a hostile file leaves from its own host and reaches nothing of the site's", { tls: "mail.certified.test", content: FILES, timeout: 240000 }, async (town) => {
  const there = `https://${FILES}:${new URL(town.url).port}`;
  await town.place.ca.live(there);
  const how = { ignoreHTTPSErrors: true, also: [there] };
  const ana = await member(town, how);
  const file = await town.file("invoice.html", Buffer.from(hostile(town.url)));
  await write(ana, { to: "keller@example.org", subject: "With a page in it" });
  await choose(ana, file);
  await ana.getByText(/^Draft saved/).waitFor();
  await send(ana);

  // A recipient gets it as a file, from there, and no cookie goes along.
  const keller = await town.visitor(how);
  const asked = [];
  keller.context().on("request", (request) => request.url().startsWith(there) && asked.push(request));
  await open(keller, (await town.letter("keller@example.org", "Ana Brandt")).link("p"));
  await typeCode(town, keller, "keller@example.org");
  assert.deepEqual(await download(keller, file.name), file.bytes);
  assert.equal(asked.length, 1, "the file came from its own host");
  assert.equal((await asked[0].allHeaders()).cookie, undefined);
  assert.deepEqual(await keller.context().cookies(there), []);

  // Its sender is signed in: there is most to reach. Views as browsers that show what they should save, and obey less and less.
  const saved = await ana.locator('a[href*="/files/"]').first().getAttribute("href");
  const told = await viewed(town, ana, saved, ["content-disposition"]);
  assert.equal(told.title, "untouched", "the sandbox runs no script");
  const free = JSON.parse((await viewed(town, ana, saved, ["content-disposition", "content-security-policy"])).title);
  assert.deepEqual(free, { origin: there, cookie: "", opener: true, read: "blocked" });
  await ana.goto("/settings");
  assert.equal(await ana.getByLabel("Name", { exact: true }).inputValue(), "Ana Brandt", "no form of another origin was taken");
});

/** Opens the file at `path` in a browser like `page`'s that does not see the headers `without`; answers what the page was called in the end. */
async function viewed(town, page, path, without) {
  const context = await (await chrome()).newContext({ ignoreHTTPSErrors: true, baseURL: town.url, storageState: await page.context().storageState() });
  try {
    const view = await context.newPage();
    const wire = await context.newCDPSession(view);
    const seen = [];
    wire.on("Fetch.requestPaused", async ({ requestId, responseStatusCode, responseHeaders }) => {
      seen.push(Object.fromEntries(responseHeaders.map(({ name, value }) => [name.toLowerCase(), value])));
      const left = responseHeaders.filter(({ name }) => ![...without, "content-type"].includes(name.toLowerCase()));
      left.push({ name: "content-type", value: "text/html; charset=utf-8" });
      const { body } = await wire.send("Fetch.getResponseBody", { requestId });
      await wire.send("Fetch.fulfillRequest", { requestId, responseCode: responseStatusCode, responseHeaders: left, body });
    });
    await wire.send("Fetch.enable", { patterns: [{ urlPattern: "*/c/*", requestStage: "Response" }] });
    await view.goto(path);
    assert.equal(new URL(view.url()).hostname, FILES);
    assert.equal(seen[0]["content-security-policy"], "sandbox; default-src 'none'");
    assert.match(seen[0]["content-disposition"], /^attachment;/);
    // As long as its script takes, where it runs at all.
    for (let waited = 0; waited < 3000 && (await view.title()) === "untouched"; waited += 100) await view.waitForTimeout(100);
    return { title: await view.title() };
  } finally {
    await context.close();
  }
}
