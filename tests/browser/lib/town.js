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

/** Servers on their way out. A kept connection may bring a request for 2 s more, and the next fact need not wait for that. */
const ending = [];

after(async () => {
  await quit();
  const ended = await Promise.all(ending);
  assert.deepEqual(ended.flat(), [], "every server ended well and logged no fault");
});

/** One fact, in a town of its own. `options`: plan and signUp of the server; `tls`, the name under which it has TLS; `content`, the host that files leave from; timeout in ms; `wire` opens what the browsers reach it through. */
export function fact(name, options, body) {
  if (!body) [options, body] = [{}, options];
  const { timeout = 120000, ...how } = options;
  test(name, { timeout }, async () => {
    const town = await openTown(how);
    try {
      await body(town);
    } catch (error) {
      await town.picture(name);
      throw Object.assign(error, { message: `${error.message}\n--- server log\n${await tail(town.place)}` });
    } finally {
      await Promise.all(town.pages.map((page) => page.context().close().catch(() => {})));
      ending.push(town.end().then((faults) => faults.map((fault) => `${name}: ${fault}`)));
    }
    assert.deepEqual(town.complaints, []);
  });
}

async function openTown({ wire: lay, ...options }) {
  const sink = await openSink();
  let wire, place, server;
  const shut = async () => {
    wire?.close();
    place?.ca?.close();
    await sink.close();
  };
  try {
    wire = await lay?.();
    place = await setUp({ smtp: sink.port, base: wire?.url, ...options });
    wire?.lead(place.port);
    server = await start(place);
    await place.ca?.live(place.url);
  } catch (error) {
    // What still runs would keep this process from its end.
    await server?.stop();
    await shut();
    await place?.forget();
    throw error;
  }
  const town = {
    place,
    url: place.url,
    sink,
    wire,
    complaints: [],
    pages: [],
    server,
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
    /** Stops it all; answers what went wrong on the server's side. */
    async end() {
      const ended = await this.server.stop();
      await shut();
      const told = await faults(place);
      await place.forget();
      return ended === 0 ? told : [...told, `the server ended with ${ended}`];
    },
  };
  return town;
}
