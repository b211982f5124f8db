// The real binary, `countersign serve`, with a configuration of its own in a temporary directory.

import { execFileSync, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openCa } from "./ca.js";

/** The repository. */
export const top = fileURLToPath(new URL("../../..", import.meta.url));

const BINARY = resolve(process.env.COUNTERSIGN_BINARY || join(top, "target/debug/countersign"));
const START = 20000; // ms until /ready
const END = 30000; // ms from SIGTERM; it drains for 5 s
/** Nobody answers about domains; no test asks the internet. */
const NO_DNS = `domains = { resolvers = ["127.0.0.1:9", "127.0.0.1:9"] }\n`;

/**
 * A port of this machine that nobody uses, and that nobody who asks for any port is given within the next minute; as `free_port` of the
 * store's tests, which says how.
 */
export async function freePort() {
  const probe = createServer((accepted) => accepted.end());
  await new Promise((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address();
  const visit = connect(port, "127.0.0.1").resume();
  await new Promise((done, failed) => visit.once("close", done).once("error", failed));
  await new Promise((done) => probe.close(done));
  return port;
}

/** Sets a server up. `smtp` is the relay's port, `base` what links begin with where that is not the server itself, `content` the host that files leave from. */
export async function setUp({ smtp, base, plan = "personal", signUp = true, tls, content = "" }) {
  const dir = await mkdtemp(join(tmpdir(), "countersign-browser-"));
  const port = await freePort();
  const edge = tls && (await withTls(dir, port, [tls, content]));
  const url = base ?? edge?.url ?? `http://127.0.0.1:${port}`;
  const file = join(dir, "countersign.toml");
  await writeFile(
    file,
    `data_dir = "${dir}/data"
site = { base_url = "${url}", mail_from = "certified@mail.example", content_host = "${content}" }
listen = { http = "127.0.0.1:${port}", https = "${edge?.listen ?? ""}", drain_seconds = 5 }
smtp = { host = "127.0.0.1", port = ${smtp}, tls = "none" }
sign_up = { open = ${signUp}, plan = "${plan}" }
worker = { poll_seconds = 1 }
${edge?.more ?? NO_DNS}`,
  );
  return { dir, port: edge?.probes ?? port, url, file, ca: edge?.ca, log: join(dir, "log"), forget: () => rm(dir, { recursive: true, force: true }) };
}

/** The same at the first of `names` over TLS, with certificates from a CA of its own. */
async function withTls(dir, http, names) {
  const [https, probes] = [await freePort(), await freePort()];
  const ca = await openCa(dir, { http, https });
  for (const name of names.filter(Boolean)) await ca.a(name, "127.0.0.1");
  const more = `metrics = { listen = "127.0.0.1:${probes}" }
tls = { certificates = "acme" }
acme = { directory = "${ca.directory}", terms_agreed = true, ca_file = "${ca.file}" }
domains = { resolvers = ${JSON.stringify(ca.resolvers)}, caa = "pebble.test" }
`;
  return { ca, probes, more, listen: `127.0.0.1:${https}`, url: `https://${names[0]}:${https}` };
}

/** Starts it and waits until it answers. `env` is added to its environment. */
export async function start(place, env = {}) {
  const stdio = ["ignore", "ignore", "pipe"];
  const child = spawn(BINARY, ["serve", "--config", place.file], { stdio, env: { ...process.env, RUST_BACKTRACE: "0", ...env } });
  child.stderr.pipe(createWriteStream(place.log, { flags: "a" }));
  const ended = new Promise((done) => child.once("exit", (code, signal) => done(signal ?? code)));
  child.once("error", () => {});
  const until = Date.now() + START;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${place.port}/ready`).catch(() => null);
    if (answer?.ok) break;
    if (Date.now() > until || child.exitCode !== null) {
      child.kill("SIGKILL");
      throw new Error(`${BINARY} did not start:\n${await tail(place)}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    /** SIGTERM, as an operator stops it; answers how it ended (0 is well). Whoever does not end is ended. */
    async stop() {
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), END);
      return ended.finally(() => clearTimeout(patience));
    },
  };
}

/** Starts `countersign demo` and answers what it prints as JSON (url, email, password, api_key), and how to stop it. */
export async function startDemo() {
  const child = spawn(BINARY, ["demo", "--json", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((done) => child.once("exit", (code, signal) => done(signal ?? code)));
  const line = await new Promise((done) => child.stdout.once("data", done));
  return {
    ...JSON.parse(line),
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** What puts a program's clock `offset` ahead ("+31d"), for `start`. */
export function later(offset) {
  const shown = execFileSync("faketime", ["-f", offset, "env"], { encoding: "utf8" });
  const preload = shown.match(/^LD_PRELOAD=(.*)$/m)[1];
  return { LD_PRELOAD: preload, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}

/** The end of the log. */
export async function tail(place) {
  const log = await readFile(place.log, "utf8").catch(() => "");
  return log.split("\n").slice(-40).join("\n");
}

/** Lines of the log that tell of a fault of ours. */
export async function faults(place) {
  const log = await readFile(place.log, "utf8");
  return log.split("\n").filter((line) => / ERROR |panicked/.test(line));
}
