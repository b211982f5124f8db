// A town: one server, one mail sink, browsers. Every fact has its own, and a town that had a fault fails its fact.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { faults, setUp, start, tail, top } from "./server.js";
import { openSink } from "./sink.js";
import { quit, visitor } from "./visitor.js";

/** Where pictures go; not committed. */
export const shots = join(top, "target/browser-shots");
await mkdir(shots, { recursive: true });

after(quit);

/** One fact, in a town of its own. `options`: plan and signUp of the server; `wire` opens what the browsers reach it through. */
export function fact(name, options, body) {
  if (!body) [options, body] = [{}, options];
  test(name, { timeout: 120000 }, async () => {
    const town = await openTown(options);
    try {
      await body(town);
    } catch (error) {
      await town.picture(name);
      throw Object.assign(error, { message: `${error.message}\n--- server log\n${await tail(town.place)}` });
    } finally {
      await town.close();
    }
    assert.deepEqual(town.complaints, []);
    assert.deepEqual(town.faults, []);
  });
}

async function openTown({ wire: lay, ...options }) {
  const sink = await openSink();
  const wire = await lay?.();
  const place = await setUp({ smtp: sink.port, base: wire?.url, ...options });
  wire?.lead(place.port);
  const town = {
    place,
    url: place.url,
    sink,
    wire,
    complaints: [],
    faults: [],
    pages: [],
    server: await start(place),
    letter: sink.letter,
    /** Somebody new with a browser of their own; `{ scripts: false }` for one without JavaScript. */
    async visitor(how) {
      const page = await visitor(this.url, this.complaints, how);
      this.pages.push(page);
      return page;
    },
    /** A file on somebody's disk, to be chosen in a browser. */
    async file(name, bytes) {
      const path = join(place.dir, name);
      await writeFile(path, bytes);
      return { name, path, bytes };
    },
    async picture(name) {
      for (const [i, page] of this.pages.entries()) {
        const path = join(shots, `failed-${name.replace(/\W+/g, "-")}-${i}.png`);
        await page.screenshot({ path, fullPage: true }).catch(() => {});
      }
    },
    async close() {
      await Promise.all(this.pages.map((page) => page.context().close().catch(() => {})));
      const ended = await this.server.stop();
      wire?.close();
      await sink.close();
      this.faults = await faults(place);
      if (ended !== 0) this.faults.push(`the server ended with ${ended}`);
      await place.forget();
    },
  };
  return town;
}
