// The pages around certificates: the hosts that ask for one, and the recipient's way to them and back.

import { test } from "node:test";
import { asksAt, authority, holder } from "./lib/cards.js";
import { NARROW, SLOW, look, nothingWasLeftOut } from "./lib/look.js";
import { member, open, send, unfold, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const TLS = { ...SLOW, tls: "mail.certified.test" };
const HOW = { ...NARROW, ignoreHTTPSErrors: true };
const KELLER = "m.keller@example.org";

/** Ana, whose tenant accepts the authority, and the address where certificates are asked for. */
async function accepted(town, acme) {
  await town.place.ca.others("127.0.0.1");
  const ana = await member(town, HOW);
  await ana.goto("/settings/certificates");
  await ana.getByLabel("Its certificate, as PEM").fill(acme.pem);
  await ana.getByLabel(/An e-mail address in its certificates says whose they are/).check();
  await ana.getByRole("button", { name: "Accept it" }).click();
  await ana.getByText("The authority is accepted.").waitFor();
  return [ana, await asksAt(town, ana)];
}

fact("signing in with a certificate, enrolling one, and what does not count", TLS, async (town) => {
  const acme = await authority(town, "Acme Tax Advisers Staff Cards");
  const [ana, asking] = await accepted(town, acme);
  await look(ana, "certificates-accepted");
  const card = await holder(town, { file: acme.card("Ana Brandt", "card-17@acme.example"), also: [asking], ...NARROW });
  await card.goto(`${asking}/`);
  await card.getByText("nobody here has said that it is theirs").waitFor();
  await look(card, "asking-nobodys");
  await card.goto("/sign-in");
  await card.getByLabel("E-mail address").fill("ana@acme.example");
  await card.getByLabel("Password", { exact: true }).fill("seven grey herons wading");
  await card.getByRole("button", { name: "Sign in" }).click();
  await card.getByRole("link", { name: "Settings" }).waitFor();
  await card.goto("/settings/certificates");
  await card.getByRole("button", { name: "Enrol a certificate" }).click();
  await card.getByRole("heading", { name: "Is this your certificate?" }).waitFor();
  await look(card, "asking-enrol");
  await card.getByRole("button", { name: "Enrol this certificate" }).click();
  await card.getByRole("heading", { name: "Your certificate is enrolled" }).waitFor();
  await look(card, "asking-enrolled");
  await card.goto(`${asking}/`);
  await card.getByRole("button", { name: "Sign in as Ana Brandt" }).waitFor();
  await look(card, "asking-sign-in");
  await card.getByRole("button", { name: "Sign in as Ana Brandt" }).click();
  await card.getByRole("button", { name: "Go on as Ana Brandt" }).waitFor();
  await look(card, "certificate-arrived");
  await card.goto("/settings/certificates");
  await look(card, "certificates-enrolled");
  await ana.goto("/settings/certificates");
  await ana.getByText("Revoke").first().click();
  await ana.getByRole("button", { name: "Revoke it" }).click();
  await ana.getByText("The certificate is revoked.").waitFor();
  await card.goto(`${asking}/`);
  await card.getByText("This certificate was revoked.").waitFor();
  await look(card, "asking-revoked");
  const none = await holder(town, { also: [asking], ...NARROW });
  await none.goto(`${asking}/`);
  await none.getByRole("heading", { name: "Your browser sent no certificate" }).waitFor();
  await look(none, "asking-none");
  await none.goto(`${asking}/?enrol=no-ticket`);
  await look(none, "asking-enrol-over");
});

fact("a message that wants a certificate", TLS, async (town) => {
  const acme = await authority(town, "Acme Tax Advisers Clients");
  const [ana, asking] = await accepted(town, acme);
  await ana.goto("/compose");
  await write(ana, { to: KELLER, subject: "Your 2025 return for signature" });
  await unfold(ana, "How do they prove who they are?");
  await ana.getByLabel("A certificate of theirs").check();
  await look(ana, "compose-certificate");
  await send(ana);
  const sent = ana.url();
  const link = (await town.letter(KELLER)).link("p");
  const none = await holder(town, { also: [asking], ...NARROW });
  await none.goto(link);
  await none.locator("summary", { hasText: "What happens when I open it?" }).click();
  await look(none, "door-certificate");
  await none.getByRole("button", { name: /^Open/ }).click();
  await none.getByRole("heading", { name: "Your browser sent no certificate" }).waitFor();
  await look(none, "shown-none");
  await none.goto(`${link}/certificate`);
  await none.getByRole("heading", { name: "Show your certificate" }).waitFor();
  await look(none, "certificate-wanted");
  await none.goto(`${link}/certificate?shown=elsewhere`);
  await none.getByRole("alert").waitFor();
  await look(none, "certificate-wanted-wrong");
  const another = await holder(town, { file: acme.card("Jo Ortiz", "j.ortiz@example.net"), also: [asking], ...NARROW });
  await open(another, link);
  await another.getByRole("heading", { name: "Show this certificate?" }).waitFor();
  await look(another, "shown-asked");
  await another.getByRole("button", { name: "Show it and go on" }).click();
  await another.getByRole("heading", { name: "This certificate does not open the message" }).waitFor();
  await look(another, "shown-refused");
  await another.goto(`${asking}/pickup`);
  await another.getByRole("heading", { name: "This page is out of date" }).waitFor();
  await look(another, "shown-over");
  const keller = await holder(town, { file: acme.card("Maria Keller", KELLER), also: [asking], ...NARROW });
  await open(keller, link);
  await keller.getByRole("button", { name: "Show it and go on" }).click();
  await keller.getByRole("heading", { name: "Your certificate is recognised" }).waitFor();
  await look(keller, "certificate-shown");
  await keller.getByRole("button", { name: "Go on to the message" }).click();
  await keller.getByText("by your certificate").waitFor();
  await look(keller, "content-certificate");
  await ana.goto(sent);
  await look(ana, "message-certificate");
  await ana.goto("/settings/certificates");
  await ana.getByText("Remove").first().click();
  await ana.getByRole("button", { name: "Remove it" }).click();
  await ana.getByText("The authority is removed.").waitFor();
  await none.goto(`${link}/certificate`);
  await none.getByRole("heading", { name: "No certificate can be shown" }).waitFor();
  await look(none, "certificate-gone");
});

test("no page of the hosts that ask was left out", () => nothingWasLeftOut("Holder"));
