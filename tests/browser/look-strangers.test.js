// The pages of people who are not signed in, looked at in every width and scheme.

import { test } from "node:test";
import { NARROW, SLOW, look, nothingWasLeftOut } from "./lib/look.js";
import { PASSWORD, member, signUp } from "./lib/steps.js";
import { fact } from "./lib/town.js";

fact("the pages of somebody who is not signed in", SLOW, async (town) => {
  const page = await town.visitor(NARROW);
  for (const [path, name] of [["/", "landing"], ["/sign-up", "sign-up"], ["/sign-in", "sign-in"], ["/forgot", "forgot"], ["/nowhere", "error-404"], ["/docs", "docs"], ["/problems", "problems"], ["/sign-in/certificate", "certificate-arrived-without"]]) {
    await page.goto(path);
    await look(page, name);
  }
  await page.goto("/sign-up");
  await page.getByLabel("Your name").fill("Ana Brandt");
  await page.getByLabel("E-mail address").fill("ana@acme");
  await page.getByLabel("Password", { exact: true }).fill("111111222222");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "sign-up-wrong");
  await signUp(page, "Ana Brandt", "ana@acme.example");
  await look(page, "welcome");
  await page.goto("/sent");
  await look(page, "unproven");
  const proof = (await town.letter("ana@acme.example", "Confirm")).link("prove");
  await page.goto(proof);
  await look(page, "prove");
  await page.getByRole("button", { name: "Yes, this is my address" }).click();
  await page.goto(proof);
  await look(page, "link-spent");
  await page.goto("/sent");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill("ana@acme.example");
  await page.getByLabel("Password", { exact: true }).fill("not the right one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "sign-in-wrong");
  await page.goto("/forgot");
  await page.getByLabel("E-mail address").fill("ana@acme.example");
  await page.getByRole("button", { name: "Mail me a link" }).click();
  await look(page, "forgot-asked");
  await page.goto((await town.letter("ana@acme.example", "Set a new password")).link("reset"));
  await look(page, "reset");
  await page.getByLabel("New password").fill("111111222222");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "reset-wrong");
  await page.context().clearCookies();
  await page.getByLabel("New password").fill("nine brown otters diving");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("heading", { name: "This form is out of date" }).waitFor();
  await look(page, "error-form");
  await page.goto("/forgot");
  await page.getByLabel("E-mail address").fill("ana@acme.example");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Mail me a link" }).click();
  await page.getByRole("heading", { name: "This form is out of date" }).waitFor();
  await look(page, "error-form-typed");
  await page.getByRole("button", { name: "Send it again" }).click();
  await page.getByRole("heading", { name: "Look into your mailbox" }).waitFor();
});

fact("one address with two accounts is asked which", SLOW, async (town) => {
  await member(town);
  await member(town, { name: "Acme Tax Advisers", about: "You already have an account" });
  const page = await town.visitor(NARROW);
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill("ana@acme.example");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Which account?" }).waitFor();
  await look(page, "sign-in-which");
});

fact("a site without sign-up", { ...SLOW, signUp: false }, async (town) => {
  const page = await town.visitor(NARROW);
  await page.goto("/");
  await look(page, "landing-closed");
});

test("no page for strangers was left out", () => nothingWasLeftOut("Anyone"));
