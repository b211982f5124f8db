// The whole journey, as people walk it: sign up, prove the address, send two files, pick up, reply, see what happened, take back.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { fact } from "./lib/town.js";
import { choose, download, happened, member, open, register, send, typeCode, write } from "./lib/steps.js";

const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

fact("a message with two files goes from one person to another, and its sender sees it live", async (town) => {
  const ana = await member(town);
  const small = await town.file("covering letter.txt", Buffer.from("Dear Ms Keller,\nplease find the return.\n"));
  const large = await town.file("return-2025.pdf", randomBytes(9 * 1024 * 1024));
  await write(ana, { to: "keller@example.org", subject: "Your 2025 return", body: "Dear Ms Keller,\n\nthe **refund** is on its way." });
  const seen = await progressOf(ana);
  await choose(ana, small, large);
  await ana.getByText("9 MiB, here").waitFor();
  assert.ok((await seen()).some((part) => part > 0 && part < 1), "the bar moved while the file was on its way");
  await send(ana);
  await ana.getByText("Accepted for 1 recipient").waitFor();

  const notice = await town.letter("keller@example.org", "Ana Brandt");
  saysLittleAndIsWellFormed(notice);
  await happened(ana, "Notice relayed");
  await ana.getByText("Retract", { exact: true }).click();
  assert.match(await ana.locator(".register .quote").first().textContent(), /2\.0\.0 queued as \d+/);

  const keller = await town.visitor({ userAgent: FIREFOX });
  await keller.goto(notice.link("p"));
  await keller.getByRole("heading", { name: "Ana Brandt has sent you a message" }).waitFor();
  assert.ok(!(await keller.content()).includes("refund"), "nothing of the content is on the first page");
  await open(keller, notice.link("p"));
  await typeCode(town, keller, "keller@example.org");
  await keller.getByRole("heading", { name: "Your 2025 return" }).waitFor();
  assert.equal(await keller.locator(".said strong").textContent(), "refund");
  await asksForThePageAgain(keller);
  assert.ok((await download(keller, small.name)).equals(small.bytes));
  assert.ok((await download(keller, large.name)).equals(large.bytes));
  await keller.getByLabel("Your reply to Ana Brandt").fill("Thank you, all is well.");
  await keller.getByRole("button", { name: "Send the reply" }).click();
  await keller.getByText("You have replied.").waitFor();

  // The sender's page has followed all of it without a reload.
  await happened(ana, "Replied");
  const told = await register(ana);
  for (const title of ["Submitted", "Notice relayed", "Link fetched", "Opening asked for", "Code mailed", "Code proven", "Opened", "Replied"]) {
    assert.ok(told.includes(title), `${title} is in the register: ${told}`);
  }
  assert.equal(told.filter((title) => title === "File handed over").length, 2);
  const opened = ana.locator(".register li", { has: ana.locator("b", { hasText: /^Opened$/ }) });
  assert.match(await opened.locator("time").getAttribute("datetime"), /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.match(await opened.textContent(), /\(R1\).*from 127\.0\.0\.1, Firefox on Windows.*does not say that it was read/s);
  assert.equal(await ana.getByRole("button", { name: "Take it back" }).count(), 0, "nothing can be taken back any more");
  await ana.locator("#replies").getByRole("link", { name: "keller@example.org" }).click();
  await ana.getByText("Thank you, all is well.").waitFor();
});

fact("a second message is taken back from the list, and its link says so", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "office@example.org", subject: "Draft statement, wrong file" });
  await send(ana);
  const notice = await town.letter("office@example.org", "Ana Brandt");
  await ana.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Sent" }).click();
  const row = ana.getByRole("row", { name: /Draft statement/ });
  await row.getByText("Notified").waitFor();
  await row.getByText("Retract").click();
  await row.getByText("This cannot be undone.").waitFor();
  await row.getByRole("button", { name: "Take it back" }).click();
  await ana.getByRole("status").getByText("Taken back. It had not been opened.").waitFor();
  await ana.getByRole("row", { name: /Draft statement/ }).getByText("Retracted").waitFor();

  const office = await town.visitor();
  const answer = await office.goto(notice.link("p"));
  assert.equal(answer.status(), 410);
  await office.getByRole("heading", { name: "The sender took this message back" }).waitFor();
  assert.equal(await office.getByRole("button").count(), 0, "there is nothing left to press");
});

/** The message came in answer to a form; reloading it, and coming back to it, ask for the page and send no form. */
async function asksForThePageAgain(page) {
  assert.match(page.url(), /\/message$/);
  const asked = [];
  page.on("request", (request) => request.url().includes("/p/") && request.isNavigationRequest() && asked.push(`${request.method()} ${request.url()}`));
  await page.reload();
  await page.locator(".said strong").waitFor();
  await page.goto("about:blank");
  await page.goBack();
  await page.locator(".said strong").waitFor();
  page.removeAllListeners("request");
  const address = page.url();
  assert.ok(asked.length > 0 && asked.every((line) => line === `GET ${address}`), asked.join(", "));
}

/** Records how full the bars of the page get; answers the parts seen so far. */
async function progressOf(page) {
  await page.evaluate(() => {
    window.partsSeen = [];
    const note = () => document.querySelectorAll("#files progress").forEach((bar) => window.partsSeen.push(bar.position));
    new MutationObserver(note).observe(document.getElementById("files"), { subtree: true, childList: true, attributes: true });
  });
  return () => page.evaluate(() => window.partsSeen);
}

function saysLittleAndIsWellFormed(notice) {
  assert.match(notice.raw, /^Content-Type: multipart\/alternative;/im);
  assert.ok(notice.text.includes("Ana Brandt has sent you a certified message") && notice.html.includes("Ana Brandt"));
  assert.equal(notice.header("auto-submitted"), "auto-generated");
  assert.ok(notice.header("list-unsubscribe").includes(`${notice.link("p")}/block`));
  assert.match(notice.header("message-id"), /^<[^<>@\s]+@[^<>@\s]+>$/);
  for (const secret of ["2025 return", "refund", "return-2025.pdf"]) {
    assert.ok(!`${notice.raw}${notice.text}${notice.html}`.includes(secret), `the notice keeps “${secret}” to itself`);
  }
}
