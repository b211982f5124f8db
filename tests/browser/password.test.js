// A message password: its hint, five tries, the lock, and new tries.

import assert from "node:assert/strict";
import { fact } from "./lib/town.js";
import { happened, member, open, send, typeCode, unfold, write } from "./lib/steps.js";

const RIGHT = "lighthouse keeper";

/** Sends a message under a password; answers the sender's page and the notice. */
async function sealed(town) {
  const ana = await member(town);
  await write(ana, { to: "ortiz@example.net", subject: "Wire instructions", body: "The account ends in 4711." });
  await unfold(ana, "How do they prove who they are?");
  await ana.getByLabel("A mailed code and a message password").check();
  await ana.getByLabel("Message password", { exact: true }).fill(RIGHT);
  await ana.getByLabel("Hint").fill("what your grandfather was");
  await send(ana);
  return { ana, notice: await town.letter("ortiz@example.net", "Ana Brandt") };
}

async function tryPassword(page, password) {
  await page.getByLabel("Message password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Open the message" }).click();
}

fact("whoever knows the message password opens it, and the hint comes after the mailed code", async (town) => {
  const { ana, notice } = await sealed(town);
  await ana.getByText("we cannot show it, not even to you").waitFor();
  const ortiz = await town.visitor();
  await open(ortiz, notice.link("p"));
  assert.ok(!(await ortiz.content()).includes("grandfather"), "no hint before the mailbox is proven");
  await typeCode(town, ortiz, "ortiz@example.net");
  await ortiz.getByText("what your grandfather was").waitFor();
  await tryPassword(ortiz, "fisherman");
  await ortiz.getByText("This password is not right. 4 tries are left.").waitFor();
  // Reloading asks for the page, and types nothing again.
  for (let n = 0; n < 2; n++) await ortiz.reload();
  await ortiz.getByRole("alert").waitFor({ state: "detached" });
  await tryPassword(ortiz, "fisherman again");
  await ortiz.getByText("This password is not right. 3 tries are left.").waitFor();
  await tryPassword(ortiz, RIGHT);
  await ortiz.getByText("The account ends in 4711.").waitFor();
  await ortiz.getByText("by a code mailed to you and the message password").waitFor();
  await happened(ana, "Message password proven");
});

fact("without JavaScript, reloading after a wrong password spends no try", async (town) => {
  const { ana, notice } = await sealed(town);
  const ortiz = await town.visitor({ scripts: false });
  await open(ortiz, notice.link("p"));
  await typeCode(town, ortiz, "ortiz@example.net");
  await tryPassword(ortiz, "fisherman");
  for (let n = 0; n < 6; n++) {
    await ortiz.getByText("This password is not right. 4 tries are left.").waitFor();
    await ortiz.reload();
  }
  await tryPassword(ortiz, RIGHT);
  await ortiz.getByText("The account ends in 4711.").waitFor();
  await ana.reload();
  assert.equal(await ana.getByText("Wrong message password").count(), 1);
});

fact("five wrong passwords lock the message, both are told, and the sender can allow new tries", async (town) => {
  const { ana, notice } = await sealed(town);
  const eve = await town.visitor();
  await open(eve, notice.link("p"));
  await typeCode(town, eve, "ortiz@example.net");
  for (let i = 1; i <= 5; i += 1) await tryPassword(eve, `guess ${i}`);
  await eve.getByRole("heading", { name: "This message is locked" }).waitFor();
  const toSender = await town.letter("ana@acme.example", "locked");
  assert.ok(toSender.text.includes("ortiz@example.net"));
  const toRecipient = await town.letter("ortiz@example.net", "locked");
  assert.ok(!`${toRecipient.text}${toRecipient.html}`.includes("/p/"), "the warning carries no link to open");
  const other = await town.visitor();
  assert.equal((await other.goto(notice.link("p"))).status(), 403);
  await other.getByRole("heading", { name: "This message is locked" }).waitFor();

  await happened(ana, "Locked");
  await ana.getByRole("button", { name: "Allow five new tries" }).click();
  await ana.getByText("Five new tries are allowed.").waitFor();
  await open(other, notice.link("p"));
  await typeCode(town, other, "ortiz@example.net");
  await tryPassword(other, RIGHT);
  await other.getByText("The account ends in 4711.").waitFor();
});
