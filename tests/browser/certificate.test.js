// A certificate in Chromium's own store: made in the settings, signed in with, a message opened with it, revoked.

import assert from "node:assert/strict";
import { FILE_PASSWORD, asksAt, authority, holder } from "./lib/cards.js";
import { happened, member, open, register, send, unfold, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const TLS = { tls: "mail.certified.test", timeout: 240000 };
const HOW = { ignoreHTTPSErrors: true }; // curl looks at the server's certificates in `domains`
const ANA = "ana@acme.example";

async function writeFor(page, address, subject) {
  await page.goto("/compose");
  await write(page, { to: address, subject, body: "The **letter**." });
  await unfold(page, "How do they prove who they are?");
  await page.getByLabel("A certificate of theirs").check();
  await send(page);
}

/** From the notice's link to the message, by the host that asks. */
async function showAndOpen(page, link, person) {
  await open(page, link);
  await page.getByRole("heading", { name: "Show this certificate?" }).waitFor();
  assert.ok(new URL(page.url()).hostname.startsWith("cert-"));
  await page.getByText(person, { exact: true }).waitFor();
  await page.getByRole("button", { name: "Show it and go on" }).click();
  await page.getByRole("heading", { name: "Your certificate is recognised" }).waitFor();
  await page.getByRole("button", { name: "Go on to the message" }).click();
}

fact("a certificate made in the settings signs its owner in, opens a message, and does neither once it is revoked", TLS, async (town) => {
  await town.place.ca.others("127.0.0.1");
  const ana = await member(town, { email: ANA, ...HOW });
  await ana.goto("/settings/certificates");
  await ana.getByRole("button", { name: "Give out certificates here" }).click();
  await ana.getByText("made here").waitFor();
  const asking = await asksAt(town, ana);
  await ana.getByLabel("Password for the file").fill(FILE_PASSWORD);
  const [download] = await Promise.all([ana.waitForEvent("download"), ana.getByRole("button", { name: "Get a certificate" }).click()]);
  const file = await town.file("ana.p12", "");
  await download.saveAs(file.path);

  const elsewhere = await holder(town, { file: file.path, also: [asking] });
  await elsewhere.goto(`${asking}/`);
  await elsewhere.getByRole("button", { name: "Sign in as Ana Brandt" }).click();
  await elsewhere.getByRole("button", { name: "Go on as Ana Brandt" }).click();
  await elsewhere.waitForURL(`${town.url}/sent`);

  await writeFor(elsewhere, ANA, "To myself");
  const sent = elsewhere.url();
  const notice = await town.letter(ANA, "Ana Brandt");
  await showAndOpen(elsewhere, notice.link("p"), "Ana Brandt");
  await elsewhere.getByRole("heading", { name: "To myself" }).waitFor();
  await elsewhere.getByText("by your certificate").waitFor();
  await elsewhere.goto(sent);
  await happened(elsewhere, "Opened");
  assert.ok((await register(elsewhere)).includes("Certificate shown"));

  await ana.goto("/settings/certificates");
  await ana.getByText("Revoke").first().click();
  await ana.getByRole("button", { name: "Revoke it" }).click();
  await ana.getByText("The certificate is revoked.").waitFor();
  await elsewhere.goto(`${asking}/`);
  await elsewhere.getByText("This certificate was revoked.").waitFor();
});

fact("a card is enrolled by showing it, and a stranger's opens a message that is sent to the address in it", TLS, async (town) => {
  await town.place.ca.others("127.0.0.1");
  const acme = await authority(town, "Acme Root");
  const ana = await member(town, { email: ANA, ...HOW });
  await ana.goto("/settings/certificates");
  await ana.getByLabel("Its certificate, as PEM").fill(acme.pem);
  await ana.getByLabel(/An e-mail address in its certificates says whose they are/).check();
  await ana.getByRole("button", { name: "Accept it" }).click();
  await ana.getByText("The authority is accepted.").waitFor();
  const asking = await asksAt(town, ana);

  const card = await holder(town, { file: acme.card("Ana's card", "card-17@acme.example"), also: [asking] });
  await card.goto("/sign-in?next=/settings/certificates");
  await card.getByLabel("E-mail address").fill(ANA);
  await card.getByLabel("Password", { exact: true }).fill("seven grey herons wading");
  await card.getByRole("button", { name: "Sign in" }).click();
  await card.waitForURL(`${town.url}/**`);
  await card.goto("/settings/certificates");
  await card.getByRole("button", { name: "Enrol a certificate" }).click();
  await card.getByRole("heading", { name: "Is this your certificate?" }).waitFor();
  await card.getByRole("button", { name: "Enrol this certificate" }).click();
  await card.getByRole("heading", { name: "Your certificate is enrolled" }).waitFor();
  await card.getByRole("link", { name: "Try it now" }).click();
  await card.getByRole("button", { name: "Sign in as Ana Brandt" }).waitFor();

  await writeFor(ana, "keller@example.org", "To a stranger");
  const link = (await town.letter("keller@example.org", "Ana Brandt")).link("p");
  await open(card, link);
  await card.getByRole("button", { name: "Show it and go on" }).click();
  await card.getByText("it does not name the address to which the message was sent").waitFor();
  const keller = await holder(town, { file: acme.card("Maria Keller", "Keller@example.org"), also: [asking] });
  await showAndOpen(keller, link, "Maria Keller");
  await keller.getByRole("heading", { name: "To a stranger" }).waitFor();
  await ana.reload();
  await happened(ana, "Opened");
  const told = await register(ana);
  assert.ok(told.includes("Certificate refused") && told.includes("Certificate shown"), told.join());
});
