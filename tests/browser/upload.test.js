// Uploads over a wire that breaks: they go on where they were, or say what to do.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { openCutter } from "./lib/cutter.js";
import { choose, download, member, open, send, sha256, typeCode, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const MIB = 1024 * 1024;

function overAWire(name, body) {
  fact(name, { wire: openCutter }, body);
}

overAWire("an upload whose connection is cut goes on by itself and arrives whole", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "The film" });
  const film = await town.file("film.bin", randomBytes(10 * MIB));
  town.wire.cutAfter(9 * MIB);
  await choose(ana, film);
  await ana.getByText("the connection broke; trying again").waitFor();
  town.wire.mend();
  await ana.getByText("10 MiB, here").waitFor();
  await send(ana);
  assert.ok((await ana.locator(".hash").textContent()).includes(sha256(film.bytes)));
  const notice = await town.letter("keller@example.org", "Ana Brandt");
  const keller = await town.visitor();
  await open(keller, notice.link("p"));
  await typeCode(town, keller, "keller@example.org");
  assert.equal(sha256(await download(keller, "film.bin")), sha256(film.bytes));
});

fact("a file that did not arrive stops the sending until it is removed", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "The contract" });
  await choose(ana, await town.file("good.txt", Buffer.from("good")));
  await ana.getByText("4 bytes, here").waitFor();
  await choose(ana, await town.file("empty.txt", Buffer.alloc(0)));
  await ana.getByText("“empty.txt” is empty").waitFor();
  await ana.getByRole("button", { name: "Send certified" }).click();
  await ana.getByText("Not sent: “empty.txt” is not here.").waitFor();
  assert.match(new URL(ana.url()).pathname, /^\/(compose|drafts\/)/);
  await ana.keyboard.press("Enter"); // the focus is on its Remove button
  await ana.getByText("“empty.txt” is empty").waitFor({ state: "detached" });
  await send(ana);
  await ana.getByText("good.txt").first().waitFor();
  assert.equal(await ana.getByText("empty.txt").count(), 0);
});

overAWire("an upload left behind says so, and the same file chosen again goes on", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "The film" });
  const film = await town.file("film.bin", randomBytes(10 * MIB));
  await ana.getByText("Draft saved").waitFor();
  town.wire.cutAfter(9 * MIB);
  await choose(ana, film);
  await ana.getByText("the connection broke; trying again").waitFor();
  const other = await ana.context().newPage();
  await ana.close(); // the window is gone in the middle
  town.wire.mend();
  await other.goto("/drafts");
  await other.getByRole("link", { name: "The film" }).click();
  await other.getByText("The upload stopped here. Choose the same file again to go on, or remove it.").waitFor();
  const there = Number(await other.locator("#files li").getAttribute("data-received"));
  assert.ok(there > 0 && there < film.bytes.length, `${there} bytes had arrived`);
  await other.getByRole("button", { name: "Send certified" }).click();
  await other.getByRole("link", { name: /“film.bin” is not here in full/ }).waitFor();
  await choose(other, film);
  await other.getByText("10 MiB, here").waitFor();
  assert.equal(await other.locator("#files li").count(), 1);
  await send(other);
  assert.ok((await other.locator(".hash").textContent()).includes(sha256(film.bytes)));
});

overAWire("a form whose upload is cut without JavaScript leaves the draft as it was", async (town) => {
  const ana = await member(town, { scripts: false });
  await write(ana, { to: "keller@example.org", subject: "The film" });
  await ana.getByRole("button", { name: "Save draft" }).last().click();
  await ana.getByText("The draft is saved.").waitFor();
  const film = await town.file("film.bin", randomBytes(12 * MIB));
  await ana.getByLabel("Choose files").setInputFiles(film.path);
  town.wire.cutAfter(6 * MIB);
  await ana.getByRole("button", { name: "Attach now" }).click();
  await ana.waitForURL(/chrome-error/);
  town.wire.mend();
  await ana.goto("/drafts");
  await ana.getByRole("link", { name: "The film" }).click();
  assert.equal(await ana.getByLabel("To", { exact: true }).inputValue(), "keller@example.org");
  assert.equal(await ana.locator("#files li").count(), 0, "half a file is not kept where nobody can go on with it");
});
