// A recipient without a mouse: Tab, Enter, and always a visible place.

import assert from "node:assert/strict";
import { member, choose, happened, send, write } from "./lib/steps.js";
import { fact } from "./lib/town.js";

const FAR = 40; // presses of Tab before we call it unreachable

/** Tabs until the thing called `name` has the focus; everything passed on the way must show that it has it. */
async function tabTo(page, name) {
  for (let i = 0; i < FAR; i += 1) {
    const here = await page.evaluate(whatHasTheFocus);
    if (here.name.startsWith(name)) {
      assert.ok(here.seen, `the focus on “${here.name}” is visible`);
      return;
    }
    await page.keyboard.press("Tab");
    const next = await page.evaluate(whatHasTheFocus);
    assert.ok(next.name === "" || next.seen, `the focus on “${next.name}” is visible`);
  }
  assert.fail(`“${name}” is not reached with Tab`);
}

/** Runs in the page. Visible: on screen, of some size, with an outline of at least 2 px (its own or that of what holds it). */
function whatHasTheFocus() {
  const element = document.activeElement;
  if (!element || element === document.body || element.id === "main") return { name: "", seen: false };
  const seen = [element, element.parentElement].some((one) => {
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return outlined && box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight;
  });
  const label = element.labels?.[0]?.textContent ?? element.textContent;
  return { name: label.trim().replace(/\s+/g, " "), seen };
}

fact("a message is picked up, its file fetched and a reply sent by the keyboard alone", async (town) => {
  const ana = await member(town);
  await write(ana, { to: "keller@example.org", subject: "Your 2025 return" });
  await choose(ana, await town.file("return.pdf", Buffer.from("%PDF-1.7")));
  await ana.getByText("8 bytes, here").waitFor();
  await send(ana);
  const keller = await town.visitor({ viewport: { width: 320, height: 640 } });
  await keller.goto((await town.letter("keller@example.org", "Ana Brandt")).link("p"));
  await tabTo(keller, "Skip to the content");
  await tabTo(keller, "Open the message");
  await keller.keyboard.press("Enter");
  await keller.getByLabel("Code").waitFor();
  await tabTo(keller, "Code");
  await keller.keyboard.type((await town.letter("keller@example.org", "code")).code());
  await keller.keyboard.press("Enter");
  await keller.getByRole("heading", { name: "Your 2025 return" }).waitFor();
  await tabTo(keller, "Download");
  await Promise.all([keller.waitForEvent("download"), keller.keyboard.press("Enter")]);
  await tabTo(keller, "Your reply to Ana Brandt");
  await keller.keyboard.type("Thank you.");
  await tabTo(keller, "Send the reply");
  await keller.keyboard.press("Enter");
  await keller.getByText("You have replied.").waitFor();
  await happened(ana, "Replied");
});

fact("a message is sent by the keyboard alone", async (town) => {
  const ana = await member(town);
  await tabTo(ana, "To");
  await ana.keyboard.type("keller@example.org");
  await tabTo(ana, "Subject");
  await ana.keyboard.type("By keyboard");
  await tabTo(ana, "Message");
  await ana.keyboard.type("No mouse was used.");
  await tabTo(ana, "How do they prove who they are?");
  await ana.keyboard.press("Enter");
  await tabTo(ana, "The link and a code mailed to them");
  await ana.keyboard.press("ArrowDown");
  await ana.keyboard.press("Control+Enter");
  await ana.waitForURL("**/messages/*");
  await ana.getByText("The link alone").or(ana.getByText("the link alone")).first().waitFor();
  await town.letter("keller@example.org", "Ana Brandt");
});
