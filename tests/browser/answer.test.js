// The recipient's other answers: refusing, accepting first, an unnamed sender, no more mail.

import assert from "node:assert/strict";
import { fact } from "./lib/town.js";
import { happened, member, open, send, typeCode, unfold, write } from "./lib/steps.js";

async function hidden(town) {
  const ana = await member(town);
  await write(ana, { to: "board@example.org", subject: "Notice of termination", body: "The lease ends in May." });
  await unfold(ana, "What do they see, and when?");
  await ana.getByLabel("They accept or refuse first").check();
  await ana.getByLabel("Hide who it is from until then").check();
  await send(ana);
  return { ana, notice: await town.letter("board@example.org", "certified message") };
}

fact("a refusal with its reason reaches the sender and destroys the content", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Invoice 17" });
  await send(ana);
  const notice = await town.letter("keller@example.org", "Ana Brandt");
  const keller = await town.visitor();
  await keller.goto(notice.link("p"));
  await keller.getByRole("link", { name: "Refuse it" }).click();
  await keller.getByLabel("Reason, if you want to give one").fill("We ordered nothing.");
  await keller.getByRole("button", { name: "Refuse the message" }).click();
  await keller.getByRole("heading", { name: "This message was refused" }).waitFor();
  await happened(ana, "Refused");
  assert.equal(await ana.locator(".register .ended .quote", { hasText: "We ordered nothing." }).count(), 1);
  await ana.reload();
  await ana.getByText("The content is destroyed").waitFor();
  const mail = await town.letter("ana@acme.example", "refused");
  assert.ok(mail.text.includes("They gave a reason"));
  assert.ok(!mail.raw.includes("ordered nothing"), "a stranger's words are not repeated in our mail");
});

fact("an unnamed sender is named once the message is accepted", async (town) => {
  const { ana, notice } = await hidden(town);
  assert.ok(!`${notice.raw}${notice.text}${notice.html}`.includes("Ana"), "the notice does not name the sender");
  const board = await town.visitor();
  await open(board, notice.link("p"));
  await typeCode(town, board, "board@example.org");
  await board.getByRole("heading", { name: "Do you accept this message?" }).waitFor();
  assert.doesNotMatch(await board.content(), /Ana|lease/);
  await board.getByRole("button", { name: "Accept and open" }).click();
  await board.getByText("The lease ends in May.").waitFor();
  await board.getByText("From Ana Brandt").waitFor();
  await happened(ana, "Accepted");
  await happened(ana, "Opened");
});

fact("an unnamed sender stays unnamed when the message is refused", async (town) => {
  const { ana, notice } = await hidden(town);
  const board = await town.visitor();
  await open(board, notice.link("p"));
  await typeCode(town, board, "board@example.org");
  await board.getByRole("link", { name: "Refuse it" }).click();
  await board.getByRole("button", { name: "Refuse the message" }).click();
  await board.getByRole("heading", { name: "This message was refused" }).waitFor();
  assert.doesNotMatch(await board.content(), /Ana|lease/);
  await happened(ana, "Refused");
});

fact("a recipient stops a sender's notices", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "First" });
  await send(ana);
  const notice = await town.letter("keller@example.org", "Ana Brandt");
  const keller = await town.visitor();
  await keller.goto(notice.link("p"));
  await keller.getByText("I want no more mail from this sender").click();
  await keller.getByRole("link", { name: "Stop their notices" }).click();
  await keller.getByRole("button", { name: "Stop their notices" }).click();
  await keller.getByRole("heading", { name: "No more notices" }).waitFor();
  await ana.goto("/compose");
  await write(ana, { to: "keller@example.org", subject: "Second" });
  await send(ana);
  await happened(ana, "Notice not delivered");
  assert.equal(town.sink.letters.filter((letter) => letter.to.includes("keller@example.org")).length, 1);

  await keller.goto(`${notice.link("p")}/block`);
  await keller.getByRole("button", { name: "Take their notices again" }).click();
  await keller.getByText("Their notices are mailed to you again.").waitFor();
  await ana.goto("/compose");
  await write(ana, { to: "keller@example.org", subject: "Third" });
  await send(ana);
  assert.ok((await town.letter("keller@example.org", "Ana Brandt")).link("p"));
});
