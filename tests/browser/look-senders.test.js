// The pages of members, empty and full, looked at in every width and scheme.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, SLOW, look, nothingWasLeftOut, print } from "./lib/look.js";
import { LETTER, PASSWORD, apiKey, choose, download, happened, member, open, send, typeCode, unfold, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const KELLER = "m.keller@example.org";

fact("a new member's pages are empty and teach", { ...SLOW, plan: "solo" }, async (town) => {
  const page = await member(town, NARROW);
  for (const path of ["compose", "sent", "received", "drafts", "settings"]) {
    await page.goto(`/${path}`);
    await look(page, `${path}-empty`);
  }
  await apiKey(page, "billing server");
  await look(page, "settings-key");
  await page.goto("/settings/domains");
  await page.getByText("This site does not get certificates by itself").waitFor();
  assert.equal(await page.getByRole("main").getByRole("button").count(), 0, "nothing is offered that must fail");
  await look(page, "domains-shut");
  await page.goto("/settings/certificates");
  await page.getByText("Nobody can be asked for a certificate at this site.").waitFor(); // it has no TLS
  assert.equal(await page.getByRole("main").getByRole("button").count(), 0, "nothing is offered that must fail");
  await look(page, "certificates-empty");
  await page.goto("/step-up?next=/settings/certificates");
  await look(page, "step-up");
});

fact("the pages of domains", { ...SLOW, plan: "solo", tls: "mail.certified.test" }, async (town) => {
  const page = await member(town, { ...NARROW, ignoreHTTPSErrors: true }); // curl looks at the certificate in `domains`
  await page.goto("/settings/domains");
  await look(page, "domains-empty");
  await page.getByLabel("Name to add").fill("acme.test");
  await page.getByRole("button", { name: "Add the domain" }).click();
  await page.getByRole("heading", { name: "acme.test" }).waitFor();
  await page.locator("#lead-value-1", { hasText: "127.0.0.1" }).waitFor(); // a domain itself takes the address
  await look(page, "domain");
  await page.goto("/settings/domains");
  await look(page, "domains-full");
});

fact("the pages of writing", SLOW, async (town) => {
  const page = await member(town, NARROW);
  await write(page, { to: `${KELLER}, j.ortiz@example.net`, subject: "Your 2025 return for signature", body: LETTER });
  const note = await town.file("covering letter, signed by both partners.txt", Buffer.from("Dear Ms Keller"));
  await choose(page, await town.file("return-2025.pdf", Buffer.alloc(1_400_000)), note);
  await page.getByText("14 bytes, here").waitFor();
  await page.getByText(/^Draft saved/).waitFor();
  await page.reload();
  await look(page, "draft");
  for (const question of ["How do they prove who they are?", "How long can it be opened?", "What do they see, and when?"]) await unfold(page, question);
  await page.getByLabel("A mailed code and a message password").check();
  await look(page, "draft-unfolded");
  await page.getByLabel("To", { exact: true }).fill(`${KELLER}, j.ortiz@example`);
  await page.getByLabel("Subject", { exact: true }).fill("");
  await page.getByLabel("Days until it expires").fill("soon");
  await page.getByRole("button", { name: "Send certified" }).click();
  await page.getByRole("alert").first().waitFor();
  await look(page, "compose-wrong");
  await page.goto("/drafts");
  await look(page, "drafts");
});

fact("a message that was opened and answered, and its reply", SLOW, async (town) => {
  const page = await member(town, NARROW);
  await write(page, { to: KELLER, subject: "Your 2025 return for signature", body: LETTER });
  await choose(page, await town.file("return-2025.pdf", Buffer.alloc(1_400_000)));
  await page.getByText("1.3 MiB, here").waitFor();
  await send(page);
  await happened(page, "Notice relayed");
  await page.reload();
  await look(page, "message-sent");
  const keller = await town.visitor();
  await open(keller, (await town.letter(KELLER, "Ana")).link("p"));
  await typeCode(town, keller, KELLER);
  await download(keller, "return-2025.pdf");
  await keller.getByLabel("Your reply to Ana Brandt").fill("Thank you. I have read it and will sign tomorrow.\n\nM. Keller");
  await keller.getByRole("button", { name: "Send the reply" }).click();
  await happened(page, "Replied");
  await page.reload();
  await look(page, "message-opened");
  await print(page, "message-opened");
  await page.goto("/received");
  await look(page, "received");
  await page.getByRole("link", { name: KELLER }).click();
  await page.waitForURL("**/received/*");
  await page.getByText("Marked as read.").waitFor();
  await look(page, "reply");
  await page.goto("/received");
  assert.equal(await page.getByText("New", { exact: true }).count(), 0, "the page marked it once it was seen");
});

fact("messages in every state, and the list of them", { ...SLOW, plan: "business" }, async (town) => {
  const page = await member(town, NARROW);
  await several(town, page);
  await look(page, "message-several");
  await page.getByRole("link", { name: "office@example.com" }).click();
  await page.waitForURL(/recipient=/);
  await look(page, "message-one-of-several");
  await refused(town, page);
  await look(page, "message-refused");
  await page.goto("/compose");
  await write(page, { to: "office@example.com", subject: "Next year’s fees" });
  await unfold(page, "What do they see, and when?");
  await page.getByLabel("Send later, at (your time, Europe/Berlin)").fill(`${new Date(Date.now() + 9 * 86400000).toISOString().slice(0, 10)}T09:30`);
  await send(page);
  await page.goto("/compose");
  await write(page, { to: "office@example.com", subject: "Draft statement, wrong file" });
  await send(page);
  await page.getByText("Retract").first().click();
  await look(page, "message-retracting");
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("Taken back.").waitFor();
  await look(page, "message-retracted");
  await page.goto("/sent");
  await page.getByRole("row").getByText("Retract").first().click();
  await look(page, "sent");
  await page.goto("/sent?q=nothing+like+it&state=opened");
  await look(page, "sent-none");
});

/** Under a password, to three: one locked, one notified, one not delivered. */
async function several(town, page) {
  await write(page, { to: ["j.ortiz@example.net", "office@example.com", "old.address@nobody.example"], subject: "Wire instructions" });
  await unfold(page, "How do they prove who they are?");
  await page.getByLabel("A mailed code and a message password").check();
  await page.getByLabel("Message password", { exact: true }).fill("lighthouse keeper");
  await page.getByLabel("Hint").fill("what your grandfather was");
  await send(page);
  const ortiz = await town.visitor();
  await open(ortiz, (await town.letter("j.ortiz@example.net", "Ana")).link("p"));
  await typeCode(town, ortiz, "j.ortiz@example.net");
  for (let i = 1; i <= 5; i += 1) {
    await ortiz.getByLabel("Message password", { exact: true }).fill(`guess ${i}`);
    await ortiz.getByRole("button", { name: "Open the message" }).click();
  }
  await happened(page, "Locked");
  await happened(page, "Notice not delivered");
  await page.reload();
}

async function refused(town, page) {
  await page.goto("/compose");
  await write(page, { to: KELLER, subject: "Notice of meeting" });
  await send(page);
  const keller = await town.visitor();
  await keller.goto(`${(await town.letter(KELLER, "Ana")).link("p")}/refuse`);
  await keller.getByLabel("Reason, if you want to give one").fill("I am no longer a member of this association.");
  await keller.getByRole("button", { name: "Refuse the message" }).click();
  await happened(page, "Refused");
  await page.reload();
}

fact("what was typed before the session ended is not lost", SLOW, async (town) => {
  const page = await member(town, { ...NARROW, scripts: false });
  await write(page, { to: KELLER, subject: "Typed for an hour", body: LETTER });
  await page.getByLabel("Choose files").setInputFiles((await town.file("return-2025.pdf", Buffer.from("%PDF"))).path);
  const other = await page.context().newPage();
  await other.goto("/settings");
  await other.getByText("Sign out everywhere").first().click();
  await other.getByRole("button", { name: "Sign out everywhere" }).click();
  await other.waitForURL("**/sign-in");
  await new Promise((done) => setTimeout(done, 1100)); // until every process has noticed
  await page.getByRole("button", { name: "Save draft" }).last().click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), LETTER);
  await look(page, "signed-out-while-writing", { scripts: false });
  await other.getByLabel("E-mail address").fill("ana@acme.example");
  await other.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.waitForURL("**/sent");
  await page.getByLabel("Files, once more").setInputFiles((await town.file("return-2025.pdf", Buffer.from("%PDF"))).path);
  await page.getByRole("button", { name: "Send it again" }).click();
  await page.getByRole("heading", { name: "Draft" }).waitFor();
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), LETTER);
  await page.getByRole("button", { name: "Remove return-2025.pdf" }).waitFor();
});

test("no page for members was left out", () => nothingWasLeftOut("Member"));
