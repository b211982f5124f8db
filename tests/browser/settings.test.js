// The account: API keys shown once, signing out, a forgotten password.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { PASSWORD, member, send, signUp, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

async function signIn(page, password) {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill("ana@acme.example");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

fact("an API key is shown once, its example works as pasted, and a revoked key does not", async (town) => {
  const ana = await member(town);
  await ana.goto("/settings");
  await ana.getByLabel("Name of a new key").fill("billing server");
  await ana.getByRole("button", { name: "Make a key" }).click();
  await ana.getByRole("heading", { name: "Your new API key: billing server" }).waitFor();
  const secret = await ana.locator("#secret").textContent();
  const example = await ana.locator("#example").textContent();
  const run = () => execFileSync("bash", ["-c", `${example.replace("curl ", "curl -s -w '\\n%{http_code}' ")}`], { encoding: "utf8" }).split("\n");
  const [body, status] = run();
  assert.equal(status, "201", body);
  assert.equal(JSON.parse(body).recipients[0].address, "ana@acme.example");
  await town.letter("ana@acme.example", "certified message");
  await ana.goto("/settings");
  assert.ok(!(await ana.content()).includes(secret), "the secret is not shown again");
  await ana.getByText("Revoke billing server").click();
  await ana.getByRole("button", { name: "Revoke it" }).click();
  await ana.getByText("The key is revoked.").waitFor();
  assert.equal(run()[1], "401");
});

fact("signing out ends the session, and the browser keeps no copy of the page", async (town) => {
  const ana = await member(town);
  await ana.goto("/settings");
  await ana.getByRole("button", { name: "Sign out", exact: true }).click();
  await ana.waitForURL((url) => !url.pathname.startsWith("/settings"));
  await ana.goBack();
  await ana.waitForURL("**/sign-in**");
  assert.ok(!(await ana.content()).includes("ana@acme.example"));
});

fact("a message's page says when its session has ended", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Followed" });
  await send(ana);
  const other = await ana.context().newPage();
  await other.goto("/sent");
  await other.getByRole("button", { name: "Sign out", exact: true }).click();
  await other.waitForURL((url) => url.pathname !== "/sent");
  await ana.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))); // the window is looked at again
  await ana.getByRole("status").getByText("You are signed out").waitFor();
  await ana.getByRole("heading", { name: "Followed" }).waitFor();
});

fact("another browser is signed out from the settings, and then all of them", async (town) => {
  const ana = await member(town);
  const other = await town.visitor();
  await signIn(other, PASSWORD);
  await other.waitForURL("**/sent");
  await ana.goto("/settings");
  await ana.getByRole("button", { name: /^Sign out .*signed in/ }).click();
  await ana.getByText("That browser is signed out.").waitFor();
  await other.goto("/sent");
  await other.waitForURL("**/sign-in**");
  await ana.getByText("Sign out everywhere").first().click();
  await ana.getByRole("button", { name: "Sign out everywhere" }).click();
  await ana.waitForURL("**/sign-in**");
});

fact("a forgotten password is set anew by the mailed link, once", async (town) => {
  const ana = await town.visitor();
  await signUp(ana, "Ana Brandt", "ana@acme.example");
  const browser = await town.visitor();
  await browser.goto("/sign-in");
  await browser.getByRole("link", { name: "Forgot the password?" }).click();
  await browser.getByLabel("E-mail address").fill("ana@acme.example");
  await browser.getByRole("button", { name: "Mail me a link" }).click();
  await browser.getByRole("heading", { name: "Look into your mailbox" }).waitFor();
  const link = (await town.letter("ana@acme.example", "Set a new password")).link("reset");
  await browser.goto(link);
  await browser.getByLabel("New password").fill("nine brown otters diving");
  await browser.getByRole("button", { name: "Set the password" }).click();
  await browser.waitForURL("**/sign-in**");
  await signIn(browser, PASSWORD);
  await browser.getByRole("alert").waitFor();
  await signIn(browser, "nine brown otters diving");
  await browser.waitForURL("**/sent");
  await ana.goto("/sent");
  await ana.waitForURL("**/sign-in**"); // the browser that was signed in before is not any more
  await browser.goto(link);
  await browser.getByRole("heading", { name: "This link does not work any more" }).waitFor();
});

fact("where sign-up is closed nobody is sent to it", { signUp: false }, async (town) => {
  const page = await town.visitor();
  for (const path of ["/", "/sign-in", "/forgot"]) {
    await page.goto(path);
    assert.equal(await page.getByRole("link", { name: "Sign up" }).count(), 0, path);
  }
  assert.equal((await page.goto("/sign-up")).status(), 404);
});
