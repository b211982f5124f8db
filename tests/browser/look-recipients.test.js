// The pages of a recipient, every state of the door, looked at in every width and scheme.

import { test } from "node:test";
import { NARROW, SLOW, look, nothingWasLeftOut, print } from "./lib/look.js";
import { later, start } from "./lib/server.js";
import { LETTER, choose, member, open, send, typeCode, unfold, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const KELLER = "m.keller@example.org";

/** Sends from the compose page; answers the pickup link. */
async function sent(town, page, subject, set = async () => {}) {
  await page.goto("/compose");
  await write(page, { to: KELLER, subject, body: LETTER });
  await set();
  await send(page);
  return (await town.letter(KELLER)).link("p");
}

fact("picking up, from the door to the reply", SLOW, async (town) => {
  const ana = await member(town);
  const link = await sent(town, ana, "Your 2025 return for signature", async () => {
    await choose(ana, await town.file("return-2025.pdf", Buffer.alloc(1_400_000)));
    await ana.getByText("1.3 MiB, here").waitFor();
  });
  const page = await town.visitor(NARROW);
  await page.goto(link);
  await look(page, "door");
  for (const question of await page.locator("details summary").all()) await question.click();
  await look(page, "door-unfolded");
  await page.goto(`${link}/refuse`);
  await look(page, "refuse");
  await page.getByLabel("Reason, if you want to give one").fill("no ".repeat(200));
  await page.getByRole("button", { name: "Refuse the message" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "refuse-wrong");
  await page.goto(`${link}/block`);
  await look(page, "block");
  await page.getByRole("button", { name: "Stop their notices" }).click();
  await look(page, "blocked");
  await page.getByRole("button", { name: "Take their notices again" }).click();
  await look(page, "allowed-again");
  await open(page, link);
  await page.getByLabel("Code").waitFor();
  await look(page, "code");
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "code-wrong");
  await typeCode(town, page, KELLER);
  await page.getByLabel("Your reply to Ana Brandt").waitFor();
  await look(page, "content");
  await print(page, "content");
  await page.getByLabel("Your reply to Ana Brandt").fill("Thank you.");
  await page.getByRole("button", { name: "Send the reply" }).click();
  await page.getByText("You have replied.").waitFor();
  await look(page, "content-replied");
  await page.goto(link);
  await look(page, "door-here");
  await page.context().clearCookies();
  await page.goto(link);
  await look(page, "door-again");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Open it again" }).click();
  await page.getByText("Your browser did not keep the cookie of this page").waitFor();
  await look(page, "door-no-cookie");
});

fact("a password, a lock, and an answer wanted first", SLOW, async (town) => {
  const ana = await member(town);
  const page = await town.visitor(NARROW);
  const link = await sent(town, ana, "Notice of termination", async () => {
    await unfold(ana, "How do they prove who they are?");
    await ana.getByLabel("A mailed code and a message password").check();
    await ana.getByLabel("Message password", { exact: true }).fill("lighthouse keeper");
    await ana.getByLabel("Hint").fill("what your grandfather was");
    await unfold(ana, "What do they see, and when?");
    for (const option of ["They accept or refuse first", "Hide who it is from until then", "Show the subject in the notice"]) await ana.getByLabel(option).check();
  });
  await page.goto(link);
  await look(page, "door-unnamed");
  await open(page, link);
  await typeCode(town, page, KELLER);
  await page.getByLabel("Message password", { exact: true }).waitFor();
  await look(page, "password");
  const guess = async (password) => {
    await page.getByLabel("Message password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Open the message" }).click();
  };
  await guess("fisherman");
  await page.getByRole("alert").waitFor();
  await look(page, "password-wrong");
  await guess("lighthouse keeper");
  await page.getByRole("heading", { name: "Do you accept this message?" }).waitFor();
  await look(page, "accept");
  const second = await town.visitor(NARROW);
  await open(second, link);
  await typeCode(town, second, KELLER);
  for (let i = 1; i <= 5; i += 1) {
    await second.getByLabel("Message password", { exact: true }).fill(`guess ${i}`);
    await second.getByRole("button", { name: "Open the message" }).click();
  }
  await second.getByRole("heading", { name: "This message is locked" }).waitFor();
  await look(second, "ended-locked");
});

fact("messages that have ended", SLOW, async (town) => {
  const ana = await member(town);
  const page = await town.visitor(NARROW);
  const expiring = await sent(town, ana, "Too late");
  await page.goto(await sent(town, ana, "Wrong file"));
  await ana.getByText("Retract").first().click();
  await ana.getByRole("button", { name: "Take it back" }).click();
  await ana.getByText("Taken back.").waitFor();
  await page.reload();
  await look(page, "ended-retracted");
  await page.goto(`${await sent(town, ana, "Invoice 17")}/refuse`);
  await page.getByRole("button", { name: "Refuse the message" }).click();
  await page.getByRole("heading", { name: "This message was refused" }).waitFor();
  await look(page, "ended-refused");
  await page.goto(`${expiring}/block`);
  await page.getByRole("button", { name: "Stop their notices" }).click();
  await page.getByRole("heading", { name: "No more notices" }).waitFor();
  await look(page, "block-done");
  await ana.close();
  await town.server.stop();
  town.server = await start(town.place, later("+31d"));
  await page.goto(expiring);
  await page.getByRole("heading", { name: "This message has expired" }).waitFor();
  await look(page, "ended-expired");
});

// The page about certificates is looked at in look-certificates, which has TLS.
test("no page for recipients was left out", () => nothingWasLeftOut("Recipient", ["/p/:token/certificate"]));
