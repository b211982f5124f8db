// Runs every *.test.js here, two files at a time, and says how many facts held.

import { readdir } from "node:fs/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

// A file that has not ended by then, in ms, is ended and counts as failed.
const PATIENCE = 15 * 60 * 1000;

const here = fileURLToPath(new URL(".", import.meta.url));
// The longest first, so that none is left alone at the end.
const files = (await readdir(here)).filter((name) => name.endsWith(".test.js")).sort((a, b) => b.startsWith("look-") - a.startsWith("look-"));
const counts = { passed: 0, failed: 0 };
const facts = run({ files: files.map((name) => here + name), concurrency: 2, timeout: PATIENCE });
// A file that fails is told besides its facts.
const isFact = ({ name }) => !name.endsWith(".test.js");
facts.on("test:pass", (event) => (counts.passed += isFact(event) ? 1 : 0));
facts.on("test:fail", (event) => {
  process.exitCode = 1;
  if (isFact(event)) counts.failed += 1;
});
facts.compose(new spec()).pipe(process.stdout);
facts.on("end", () => process.stdout.on("unpipe", () => console.log(`${counts.passed} passed, ${counts.failed} failed`)));
