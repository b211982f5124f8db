// A hundred recipients, and a list longer than a page.

import assert from "node:assert/strict";
import { member, send, write } from "./lib/steps.js";
import { apiKey } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const crowd = (n) => Array.from({ length: n }, (_, i) => `r${i + 1}@example.org`);

fact("a hundred recipients each get a link of their own, and a hundred and one are too many", { plan: "business" }, async (town) => {
  const ana = await member(town);
  await write(ana, { to: crowd(101), subject: "General meeting" });
  await ana.getByText("101 sends · 1,399 left after it").waitFor();
  await ana.getByRole("button", { name: "Send certified" }).click();
  await ana.getByRole("alert").getByRole("link", { name: /101/ }).waitFor();
  assert.equal(await ana.getByLabel("To", { exact: true }).inputValue(), crowd(101).join(", "));
  await ana.getByLabel("To", { exact: true }).fill(crowd(100).join("\n"));
  await send(ana);
  await ana.getByRole("heading", { name: "100 recipients" }).waitFor();
  const notices = await Promise.all(crowd(100).map((one) => town.letter(one, "Ana Brandt")));
  assert.equal(new Set(notices.map((notice) => notice.link("p"))).size, 100);
  assert.ok(notices.every((notice) => notice.to.length === 1), "nobody sees the others");
  await ana.locator(".people .state", { hasText: "Notified" }).nth(99).waitFor();
  await ana.getByRole("link", { name: "r7@example.org" }).click();
  await ana.getByText("to r7@example.org · show everyone").waitFor();
  await ana.goto("/sent");
  await ana.getByRole("row", { name: /General meeting/ }).getByText("and 99 more").waitFor();
});

fact("the sent list has a second page, a search and a filter", { plan: "business" }, async (town) => {
  const ana = await member(town);
  const key = await apiKey(ana, "billing server");
  for (let i = 1; i <= 60; i += 1) {
    const message = { to: [`r${i}@example.org`], subject: `Statement ${i}`, body: "Your statement.", proof: "r0" };
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await fetch(`${town.url}/v1/messages`, { method: "POST", headers, body: JSON.stringify(message) });
    assert.equal(answer.status, 201, await answer.text());
  }
  await ana.goto("/sent");
  const subjects = () => ana.locator("td a.subject").allTextContents();
  const first = await subjects();
  assert.deepEqual([first.length, first[0], first[49]], [50, "Statement 60", "Statement 11"]);
  await ana.getByRole("link", { name: "Older messages" }).click();
  await ana.waitForURL(/after=/);
  const second = await subjects();
  assert.deepEqual([second.length, second[0], second[9]], [10, "Statement 10", "Statement 1"]);
  await ana.getByRole("link", { name: "Newest" }).click();
  await ana.getByLabel("Subject or address").fill("r42@");
  await ana.getByRole("button", { name: "Search" }).click();
  await ana.waitForURL(/q=r42/);
  assert.deepEqual(await subjects(), ["Statement 42"]);
  await ana.getByLabel("Subject or address").fill("");
  await ana.getByLabel("State").selectOption("Opened");
  await ana.getByRole("button", { name: "Search" }).click();
  await ana.getByRole("heading", { name: "No message fits" }).waitFor();
});
