// What people do, step by step: the words are those on the page, so a test reads like somebody's afternoon.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

export const PASSWORD = "seven grey herons wading";

/** A text with everything in it that the page knows to show. */
export const LETTER = `Dear Ms Keller,

your return for **2025** is ready. Please read these three points before you sign:

- the refund is **1,240.00**
- the deadline is *15 December*
- the account is the one ending in 4711

> Bring the originals to our meeting.

Kind regards
Ana Brandt, https://acme.example/how-to-find-us`;

/** Signs up and lands on the compose page. */
export async function signUp(page, name, email) {
  await page.goto("/");
  await page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.waitForURL("**/compose");
}

/** Follows the link of the proof mail and presses the button. */
export async function proveAddress(town, page, email, about = "Confirm your address") {
  const mail = await town.letter(email, about);
  await page.goto(mail.link("prove"));
  await page.getByRole("button", { name: "Yes, this is my address" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/prove"));
}

/** A member with a proven address, on the compose page. `about`: of the mail that proves it, which differs for a second account. */
export async function member(town, { name = "Ana Brandt", email = "ana@acme.example", about, ...how } = {}) {
  const page = await town.visitor(how);
  await signUp(page, name, email);
  await proveAddress(town, page, email, about);
  await page.goto("/compose");
  return page;
}

/** Writes on the compose page; `more` sets what folds away. */
export async function write(page, { to, subject, body = "Sealed until you open it." }) {
  await page.getByLabel("To", { exact: true }).fill([to].flat().join(", "));
  await page.getByLabel("Subject", { exact: true }).fill(subject);
  await page.getByLabel("Message", { exact: true }).fill(body);
}

/** Opens the question `name` of the compose page, if it is shut. */
export async function unfold(page, name) {
  const fold = page.locator("details", { has: page.getByText(name) });
  if ((await fold.getAttribute("open")) === null) await fold.locator("summary").click();
}

/** Presses "Send certified" and waits for the message's page. */
export async function send(page) {
  await page.getByRole("button", { name: "Send certified" }).click();
  await page.waitForURL("**/messages/*");
}

/** The recipient's way: the notice's link, the gesture. */
export async function open(page, link) {
  await page.goto(link);
  await page.getByRole("button", { name: /^Open/ }).click();
}

/** Types the code that was mailed to `address`. */
export async function typeCode(town, page, address) {
  const mail = await town.letter(address, "code");
  await page.getByLabel("Code").fill(mail.code());
  await page.getByRole("button", { name: "Go on" }).click();
}

/** Downloads the file `name` of an open message and answers its bytes. */
export async function download(page, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: `Download ${name}` }).click()]);
  assert.equal(file.suggestedFilename(), name);
  return readFile(await file.path());
}

export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The titles of the register on a message's page, oldest first. */
export function register(page) {
  return page.locator(".register li b").allTextContents();
}

/** Waits until the register of the page shows an entry of that title. */
export async function happened(page, title) {
  await page.locator(".register li b", { hasText: new RegExp(`^${title}$`) }).first().waitFor();
}

/** Chooses files on the compose page, by the browser's own dialogue. */
export async function choose(page, ...files) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByText("Choose files").click()]);
  await chooser.setFiles(files.map((file) => file.path));
}

/** Makes an API key on the settings page and answers its secret. */
export async function apiKey(page, name) {
  await page.goto("/settings");
  await page.getByLabel("Name of a new key").fill(name);
  await page.getByRole("button", { name: "Make a key" }).click();
  return page.locator("#secret").textContent();
}
