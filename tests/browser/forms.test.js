// Forms that fail say why by the field and keep what was typed; drafts save themselves; a button pressed twice works once.

import assert from "node:assert/strict";
import { happened, member, open, send, signUp, typeCode, unfold, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const value = (page, label) => page.getByLabel(label, { exact: true }).inputValue();

fact("a sign-up that is refused keeps name and address", async (town) => {
  const page = await town.visitor();
  await page.goto("/sign-up");
  await page.getByLabel("Your name").fill("Ana Brandt");
  await page.getByLabel("E-mail address").fill("ana@acme.example");
  await page.getByLabel("Password", { exact: true }).fill("111111222222");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("alert").getByRole("link").click();
  assert.equal(await page.evaluate(() => document.activeElement.id), "password", "the sentence leads to its field");
  assert.deepEqual([await value(page, "Your name"), await value(page, "E-mail address")], ["Ana Brandt", "ana@acme.example"]);
  assert.equal(await page.getByLabel("Password", { exact: true }).getAttribute("aria-invalid"), "true");
});

fact("a sign-in that is refused keeps the address and tells nobody which half was wrong", async (town) => {
  const ana = await town.visitor();
  await signUp(ana, "Ana Brandt", "ana@acme.example");
  const said = [];
  for (const email of ["ana@acme.example", "nobody@acme.example"]) {
    const page = await town.visitor();
    await page.goto("/sign-in");
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill("not the right one");
    await page.getByRole("button", { name: "Sign in" }).click();
    said.push(await page.getByRole("alert").textContent());
    assert.equal(await value(page, "E-mail address"), email);
  }
  assert.equal(said[0], said[1]);
});

for (const scripts of [true, false]) {
  fact(`a message that cannot be sent ${scripts ? "with" : "without"} JavaScript comes back with all that was typed`, async (town) => {
    const ana = await member(town, { scripts });
    await write(ana, { to: "keller@example.org, ortiz@example", subject: "Wire instructions", body: "First line\n\nSecond line" });
    await unfold(ana, "How long can it be opened?");
    await ana.getByLabel("Days until it expires").fill("soon");
    await unfold(ana, "What do they see, and when?");
    await ana.getByLabel("They accept or refuse first").check();
    await ana.getByRole("button", { name: "Send certified" }).click();
    const wrong = ana.getByRole("alert").filter({ hasText: "need another look" });
    await wrong.waitFor();
    if (scripts) assert.equal(await ana.evaluate(() => document.activeElement.id), "errors", "the summary has the focus");
    assert.match(await wrong.textContent(), /“ortiz@example” has no domain ending.*“soon” is not a number of days/s);
    assert.equal(await value(ana, "To"), "keller@example.org, ortiz@example");
    assert.equal(await value(ana, "Subject"), "Wire instructions");
    assert.equal(await value(ana, "Message"), "First line\n\nSecond line");
    assert.equal(await value(ana, "Days until it expires"), "soon");
    assert.ok(await ana.getByLabel("Days until it expires").isVisible(), "the fold with the mistake stands open");
    await unfold(ana, "What do they see, and when?");
    assert.ok(await ana.getByLabel("They accept or refuse first").isChecked());
    await ana.getByLabel("To", { exact: true }).fill("keller@example.org");
    await ana.getByLabel("Days until it expires").fill("14");
    await send(ana);
    await ana.goto("/drafts");
    await ana.getByRole("heading", { name: "No drafts" }).waitFor();
  });
}

fact("a failed send reloaded without JavaScript goes on with the same draft", async (town) => {
  const ana = await member(town, { scripts: false });
  await write(ana, { to: "nobody", subject: "Once" });
  const scan = await town.file("scan.txt", Buffer.from("scan"));
  await ana.getByLabel("Choose files").setInputFiles(scan.path);
  await ana.getByRole("button", { name: "Send certified" }).click();
  await ana.getByRole("alert").first().waitFor();
  await ana.reload();
  await ana.getByRole("alert").first().waitFor();
  await ana.goto("/drafts");
  assert.equal(await ana.getByRole("link", { name: "Once" }).count(), 1);
});

fact("a wrong code, an overlong reason and an overlong reply come back to be mended", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Invoice 17" });
  await send(ana);
  const link = (await town.letter("keller@example.org", "Ana Brandt")).link("p");
  const keller = await town.visitor();
  await keller.goto(`${link}/refuse`);
  const reason = "we did not order this ".repeat(30).trim();
  await keller.getByLabel("Reason, if you want to give one").fill(reason);
  await keller.getByRole("button", { name: "Refuse the message" }).click();
  await keller.getByRole("alert").waitFor();
  assert.equal(await value(keller, "Reason, if you want to give one"), reason);
  await open(keller, link);
  await keller.getByLabel("Code").fill("12");
  await keller.getByRole("button", { name: "Go on" }).click();
  await keller.getByText("A code has six digits.").waitFor();
  await keller.getByLabel("Code").fill("000000");
  await keller.getByRole("button", { name: "Go on" }).click();
  await keller.getByText("This code is not right. 4 tries are left.").waitFor();
  await typeCode(town, keller, "keller@example.org");
  const reply = "x".repeat(1024 * 1024 + 1);
  await keller.getByLabel("Your reply to Ana Brandt").fill(reply);
  await keller.getByRole("button", { name: "Send the reply" }).click();
  await keller.getByText("at most 1048576 fit").waitFor();
  assert.equal(await value(keller, "Your reply to Ana Brandt"), reply);
});

fact("a draft saves itself and comes back, without its password", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Half a thought", body: "I was going to say" });
  await unfold(ana, "How do they prove who they are?");
  await ana.getByLabel("A mailed code and a message password").check();
  await ana.getByLabel("Message password", { exact: true }).fill("lighthouse keeper");
  await ana.getByText(/^Draft saved \d\d:\d\d$/).waitFor();
  await ana.waitForURL("**/drafts/msg_*");
  await ana.getByText("How do they prove who they are?").click();
  await ana.getByText("How do they prove who they are? a mailed code and a message password").waitFor();
  await ana.goto("/sent");
  await ana.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Drafts" }).click();
  await ana.getByRole("link", { name: "Half a thought" }).click();
  assert.equal(await value(ana, "To"), "keller@example.org");
  assert.equal(await value(ana, "Message"), "I was going to say");
  await unfold(ana, "How do they prove who they are?");
  assert.ok(await ana.getByLabel("A mailed code and a message password").isChecked());
  assert.equal(await value(ana, "Message password"), "");
});

fact("a draft changed in two windows is not overwritten unseen", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Two windows" });
  await ana.waitForURL("**/drafts/msg_*");
  const other = await ana.context().newPage();
  await other.goto(ana.url());
  await other.getByLabel("Message", { exact: true }).fill("the newer text");
  await other.getByText(/^Draft saved/).waitFor();
  await ana.getByLabel("Message", { exact: true }).fill("the older text");
  await ana.getByText("This draft was changed in another window, so what stands here was not saved.").waitFor();
  assert.equal(await value(ana, "Message"), "the older text", "what was typed here stays here");
  for (let n = 0; n < 2; n += 1) await save(ana);
  assert.equal(await value(ana, "Message"), "the older text");
  const [newer] = await Promise.all([ana.context().waitForEvent("page"), ana.getByRole("link", { name: "the newer text" }).click()]);
  assert.equal(await value(newer, "Message"), "the newer text");
  await ana.getByRole("button", { name: "Save this one over it" }).click();
  await ana.getByText("The draft is saved.").waitFor();
  await newer.reload();
  assert.equal(await value(newer, "Message"), "the older text");
});

fact("a message that did not arrive is written again, to the mended address", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@nobody.example", subject: "Second try", body: "Dear **Keller**" });
  await send(ana);
  await happened(ana, "Notice not delivered");
  await ana.getByRole("button", { name: "Write it again" }).click();
  await ana.getByText("This is a new draft with the same text.").waitFor();
  assert.equal(await value(ana, "To"), "keller@nobody.example");
  assert.equal(await value(ana, "Message"), "Dear **Keller**");
  await ana.getByLabel("To", { exact: true }).fill("keller@example.org");
  await send(ana);
  await town.letter("keller@example.org", "Ana Brandt");
});

/** Presses the button, which is refused. */
async function save(page) {
  await Promise.all([page.waitForResponse((answer) => answer.status() === 409), page.getByRole("button", { name: "Save draft" }).click()]);
  await page.getByRole("button", { name: "Save this one over it" }).waitFor();
}

for (const scripts of [true, false]) {
  fact(`a double click on “Send certified” ${scripts ? "with" : "without"} JavaScript sends once`, async (town) => {
    const ana = await member(town, { scripts });
    await write(ana, { to: "keller@example.org", subject: "Only once" });
    await ana.getByRole("button", { name: "Send certified" }).dblclick();
    await ana.waitForURL("**/messages/*");
    await ana.goto("/sent");
    assert.equal(await ana.getByRole("link", { name: "Only once" }).count(), 1);
    await town.letter("keller@example.org", "Ana Brandt");
    await ana.goto("/drafts");
    await ana.getByRole("heading", { name: "No drafts" }).waitFor();
    assert.equal(town.sink.letters.filter((letter) => letter.to.includes("keller@example.org")).length, 1);
  });
}

/** Nine days from now, on the day's clock that the field takes. */
const DAY = new Date(Date.now() + 9 * 86400000).toISOString().slice(0, 10);

fact("a message leaves later by its sender’s own clock", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Happy birthday" });
  await unfold(ana, "What do they see, and when?");
  const later = ana.getByLabel("Send later, at (your time, Europe/Berlin)");
  await later.pressSequentially("24"); // half a date
  await ana.getByRole("button", { name: "Send certified" }).click();
  await ana.getByRole("alert").getByText("This is not a date and time.").waitFor();
  const saved = ana.waitForResponse((answer) => answer.request().method() === "POST");
  await later.fill(`${DAY}T09:30`);
  await saved;
  await ana.goto(`/drafts/${await ana.locator("#compose").getAttribute("data-draft")}`);
  await unfold(ana, "What do they see, and when?");
  assert.equal(await later.inputValue(), `${DAY}T09:30`, "the draft comes back in the same time");
  const utc = new Date(new Date(`${DAY}T09:30:00Z`).getTime() - berlinIsAhead(DAY)).toISOString().slice(11, 16);
  await ana.getByText(`, ${utc} UTC.`).or(ana.getByText(` at ${utc} UTC.`)).waitFor();
  await send(ana);
  const leaves = ana.locator(".people", { hasText: "Leaves later" }).locator("time");
  assert.match(await leaves.textContent(), / 09:30 /);
  assert.ok((await leaves.getAttribute("datetime")).startsWith(`${DAY}T${utc}:00`));
  await ana.goto("/sent");
  assert.match(await ana.getByRole("row", { name: /Happy birthday/ }).textContent(), /Leaves later.* 09:30 /);
});

fact("a message leaves later by UTC where no script runs", async (town) => {
  const ana = await member(town, { scripts: false });
  await write(ana, { to: "keller@example.org", subject: "Happy birthday" });
  await unfold(ana, "What do they see, and when?");
  await ana.getByLabel("Send later, at (UTC)").fill(`${DAY}T09:30`);
  await send(ana);
  const leaves = ana.locator(".people", { hasText: "Leaves later" }).locator("time");
  assert.match(await leaves.textContent(), /09:30 UTC$/);
  assert.ok((await leaves.getAttribute("datetime")).startsWith(`${DAY}T09:30:00`));
});

/** By how many ms Berlin's clocks are ahead of UTC on that day. */
function berlinIsAhead(day) {
  const there = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit", hour12: false }).format(new Date(`${day}T12:00:00Z`));
  return (Number(there) - 12) * 3600000;
}
