// Links that lead nowhere any more: expired, mistyped, never there, another's. None of them tells what is behind.

import assert from "node:assert/strict";
import { PASSWORD, member, send, write } from "./lib/steps.js";
import { later, start } from "./lib/server.js";
import { fact } from "./lib/town.js";

fact("an expired message says so, and the record shows that it was never opened", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Too late" });
  await send(ana);
  const notice = await town.letter("keller@example.org", "Ana Brandt");
  await ana.goto("/drafts"); // a page that follows nothing while the server is away
  assert.equal(await town.server.stop(), 0);
  town.server = await start(town.place, later("+31d"));
  const keller = await town.visitor();
  assert.equal((await keller.goto(notice.link("p"))).status(), 410);
  await keller.getByRole("heading", { name: "This message has expired" }).waitFor();
  await keller.getByText("ask Ana Brandt to send it again").waitFor();
  assert.equal(await keller.getByRole("button").count(), 0);
  await ana.goto("/sent");
  await ana.getByLabel("E-mail address").fill("ana@acme.example");
  await ana.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await ana.getByRole("button", { name: "Sign in" }).click();
  await ana.getByRole("row", { name: /Too late/ }).getByText("Expired").waitFor();
  await ana.getByRole("link", { name: "Too late" }).click();
  await ana.getByText("The content is destroyed").waitFor();
  await ana.locator(".register b", { hasText: "Expired unopened" }).waitFor();
});

fact("a link with one character changed is as unknown as one that never was", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Secret" });
  await send(ana);
  const link = (await town.letter("keller@example.org", "Ana Brandt")).link("p");
  const changed = link.slice(0, -1) + (link.endsWith("A") ? "B" : "A");
  const never = link.replace(/[^/]+$/, (token) => "A".repeat(token.length));
  const stranger = await town.visitor();
  const said = [];
  for (const wrong of [changed, never, `${link}x`, link.slice(0, -2), `${changed}/message`, `${changed}/refuse`]) {
    const answer = await stranger.goto(wrong);
    assert.equal(answer.status(), 404, wrong);
    said.push(await answer.text());
  }
  assert.ok(said.every((page) => page === said[0]), "the same page for all of them");
  await stranger.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await stranger.getByText("open it from the mail again").waitFor();
});

fact("another tenant's message is not there, word for word", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Ours" });
  await send(ana);
  const eve = await member(town, { name: "Eve", email: "eve@other.example" });
  const foreign = await eve.goto(new URL(ana.url()).pathname);
  const page = await foreign.text();
  const absent = await eve.goto("/messages/msg_00000000000000000000000001");
  assert.deepEqual([foreign.status(), absent.status()], [404, 404]);
  assert.equal(page, await absent.text());
});
