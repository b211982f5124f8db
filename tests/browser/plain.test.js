// The same journey in browsers that run no script: every step is a plain form.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { fact } from "./lib/town.js";
import { download, member, open, register, send, typeCode, write } from "./lib/steps.js";

fact("the whole journey works without JavaScript", async (town) => {
  const ana = await member(town, { scripts: false });
  const letter = await town.file("covering letter.txt", Buffer.from("Dear Ms Keller\n"));
  const scan = await town.file("scan.jpg", randomBytes(300 * 1024));
  await write(ana, { to: "keller@example.org", subject: "Your 2025 return" });
  await ana.getByLabel("Choose files").setInputFiles(letter.path);
  await ana.getByRole("button", { name: "Attach now" }).click();
  await ana.getByRole("button", { name: "Remove covering letter.txt" }).waitFor();
  assert.equal(await ana.getByLabel("Subject", { exact: true }).inputValue(), "Your 2025 return", "attaching keeps what was typed");
  await ana.getByLabel("Choose files").setInputFiles(scan.path);
  await send(ana);
  await ana.getByText("Accepted for 1 recipient").waitFor();

  const notice = await town.letter("keller@example.org", "Ana Brandt");
  const keller = await town.visitor({ scripts: false });
  await open(keller, notice.link("p"));
  await typeCode(town, keller, "keller@example.org");
  await keller.getByRole("heading", { name: "Your 2025 return" }).waitFor();
  assert.ok((await download(keller, letter.name)).equals(letter.bytes));
  assert.ok((await download(keller, scan.name)).equals(scan.bytes));
  await keller.getByLabel("Your reply to Ana Brandt").fill("Thank you.");
  await keller.getByRole("button", { name: "Send the reply" }).click();
  await keller.getByText("You have replied.").waitFor();

  await ana.reload();
  const told = await register(ana);
  for (const title of ["Submitted", "Notice relayed", "Code proven", "Opened", "File handed over", "Replied"]) {
    assert.ok(told.includes(title), `${title} is in the register: ${told}`);
  }
  await ana.getByRole("link", { name: "keller@example.org" }).click();
  await ana.getByText("Thank you.").waitFor();
  await ana.goto("/received");
  await ana.getByText("New", { exact: true }).waitFor();
  await ana.getByRole("link", { name: "keller@example.org" }).click();
  await ana.getByRole("button", { name: "Mark as read" }).click();
  await ana.waitForURL("**/received");
  assert.equal(await ana.getByText("New", { exact: true }).count(), 0, "only the button marked it");
});

fact("a message is taken back without JavaScript", async (town) => {
  const ana = await member(town, { scripts: false });
  await write(ana, { to: "office@example.org", subject: "Wrong file" });
  await send(ana);
  const notice = await town.letter("office@example.org", "Ana Brandt");
  await ana.goto("/sent");
  const row = ana.getByRole("row", { name: /Wrong file/ });
  await row.getByText("Retract").click();
  await row.getByRole("button", { name: "Take it back" }).click();
  await ana.getByText("Taken back. It had not been opened.").waitFor();
  const office = await town.visitor({ scripts: false });
  await office.goto(notice.link("p"));
  await office.getByRole("heading", { name: "The sender took this message back" }).waitFor();
});
