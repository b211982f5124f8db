// A domain of a company's own: added at the page, proven and led here in its DNS, certified by itself, and messages are picked up there.

import assert from "node:assert/strict";
import { fact } from "./lib/town.js";
import { member, open, send, typeCode, write } from "./lib/steps.js";

const OWN = "post.acme.test";
const LIVE = 60000; // ms until the certificate is there
const SOON = 8000; // ms until a look that was asked for is on the page

fact("a domain goes live while its owner looks on, and a message is picked up on it", { tls: "mail.certified.test", plan: "business", timeout: 240000 }, async (town) => {
  const there = `https://${OWN}:${new URL(town.url).port}`;
  const how = { ignoreHTTPSErrors: true, also: [there] }; // curl looks at the certificate below
  const ana = await member(town, how);
  await ana.goto("/settings");
  await ana.getByRole("link", { name: "Your domains" }).click();
  await ana.getByLabel("Name to add").fill("*.acme.test");
  await ana.getByRole("button", { name: "Add the domain" }).click();
  await ana.locator("#name-wrong", { hasText: "without a star" }).waitFor();
  assert.equal(await ana.getByLabel("Name to add").inputValue(), "*.acme.test");
  await ana.getByLabel("Name to add").fill(OWN);
  await ana.getByRole("button", { name: "Add the domain" }).click();
  await ana.getByRole("heading", { name: OWN }).waitFor();
  const state = ana.locator("#state + p .state");
  const until = (words, timeout) => state.filter({ hasText: words }).waitFor({ timeout });

  await town.place.ca.txt(await ana.locator("#txt-name").textContent(), await ana.locator("#txt-value").textContent());
  await ana.getByRole("button", { name: "Look again now" }).click();
  await until("does not lead here yet", SOON);
  await ana.getByText("We saw no address there.").waitFor();
  await town.place.ca.a(OWN, "127.0.0.1");
  await ana.getByRole("button", { name: "Look again now" }).click();
  await until(/^live$/, LIVE);
  await ana.locator("#news", { hasText: `${OWN}: live` }).waitFor({ state: "attached" });
  assert.equal(await ana.getByText("We are looking now").count(), 0);
  assert.equal(await ana.locator("#state ~ p a", { hasText: OWN }).getAttribute("href"), `${there}/sent`);
  assert.match(town.place.ca.read(`${there}/assets/any/site.css`), /body/, "the certificate is the CA's, for this name");

  await ana.goto("/compose");
  await write(ana, { to: "keller@example.org", subject: "On our own name", body: "The **letter**." });
  await send(ana);
  const notice = await town.letter("keller@example.org", "Ana Brandt");
  assert.ok(notice.link("p").startsWith(`${there}/p/`), notice.link("p"));
  const keller = await town.visitor(how);
  await open(keller, notice.link("p"));
  await typeCode(town, keller, "keller@example.org");
  await keller.getByRole("heading", { name: "On our own name" }).waitFor();
  assert.equal(new URL(keller.url()).origin, there);
  assert.equal(await keller.locator(".said strong").textContent(), "letter");

  // Its members come in by the account host, where they are signed in already.
  await ana.goto(`${there}/sent`);
  await ana.waitForURL(`${there}/sent`);
  await ana.getByRole("link", { name: "On our own name" }).click();
  await ana.locator(".register b", { hasText: /^Opened$/ }).waitFor();
  await ana.getByRole("button", { name: "Sign out" }).click();
  await ana.waitForURL(`${town.url}/sign-in`);
});

fact("whoever is not signed in signs in at the account host and comes to the page they wanted, without scripts", { tls: "mail.certified.test", plan: "business", timeout: 240000 }, async (town) => {
  const there = `https://${OWN}:${new URL(town.url).port}`;
  const how = { ignoreHTTPSErrors: true, also: [there], scripts: false };
  const ana = await member(town, how);
  await ana.goto("/settings/domains");
  await ana.getByLabel("Name to add").fill(OWN);
  await ana.getByRole("button", { name: "Add the domain" }).click();
  await town.place.ca.txt(await ana.locator("#txt-name").textContent(), await ana.locator("#txt-value").textContent());
  await town.place.ca.a(OWN, "127.0.0.1");
  await ana.getByRole("button", { name: "Look again now" }).click();
  const live = ana.locator("#state + p .state", { hasText: /^live$/ });
  for (let waited = 0; waited < LIVE && !(await live.count()); waited += 1000) {
    await new Promise((done) => setTimeout(done, 1000));
    await ana.reload();
  }
  const elsewhere = await town.visitor(how);
  await elsewhere.goto(`${there}/drafts`);
  assert.equal(new URL(elsewhere.url()).origin, town.url, "the password is asked for at the account host");
  await elsewhere.getByLabel("E-mail address").fill("ana@acme.example");
  await elsewhere.getByLabel("Password", { exact: true }).fill("seven grey herons wading");
  await elsewhere.getByRole("button", { name: "Sign in" }).click();
  await elsewhere.waitForURL(`${there}/drafts`);
});
