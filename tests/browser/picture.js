// Takes the README's picture: a message's page in the demo. `npm run picture`

import { fileURLToPath } from "node:url";
import { startDemo } from "./lib/server.js";
import { quit, visitor } from "./lib/visitor.js";

const SIZE = { width: 1280, height: 1160 };

const demo = await startDemo();
const page = await visitor(demo.url, [], { viewport: SIZE, timezoneId: "UTC" });
await page.goto("/sign-in");
await page.getByLabel("E-mail address").fill(demo.email);
await page.getByLabel("Password", { exact: true }).fill(demo.password);
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("link", { name: "Your 2025 return for signature" }).click();
await page.waitForURL("**/messages/*");
await page.screenshot({ path: fileURLToPath(new URL("countersign.png", import.meta.url)) });
await quit();
await demo.stop();
