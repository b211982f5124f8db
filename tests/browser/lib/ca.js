// A certification authority and two DNS servers for a town that has TLS: Debian's pebble, in the town's own directory.

import { execFileSync, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./server.js";

const START = 20000; // ms until it takes connections

/** `http` and `https` are the server's ports, at which the CA asks. Names are known once they are told. */
export async function openCa(dir, { http, https }) {
  const running = [];
  const close = () => running.forEach((child) => child.kill("SIGKILL"));
  const run = async (port, program, args, env = {}) => {
    const log = openSync(join(dir, `${program}.log`), "a");
    const child = spawn(program, args, { stdio: ["ignore", log, log], env: { ...process.env, ...env } });
    running.push(child);
    const until = Date.now() + START;
    while (!(await listens(port))) {
      if (Date.now() > until || child.exitCode !== null) {
        close();
        throw new Error(`${program} did not start`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const dns = [];
  for (let i = 0; i < 2; i += 1) {
    const [port, management] = [await freePort(), await freePort()];
    const none = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "", "-defaultIPv6", ""];
    await run(management, "pebble-challtestsrv", [...none, "-dns01", `127.0.0.1:${port}`, "-management", `127.0.0.1:${management}`]);
    dns.push({ port, management });
  }
  writeOwnCertificate(dir);
  const [address, management] = [await freePort(), await freePort()];
  const config = {
    listenAddress: `127.0.0.1:${address}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(dir, "own.pem"),
    privateKey: join(dir, "own.key"),
    httpPort: http,
    tlsPort: https,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
  };
  await writeFile(join(dir, "pebble.json"), JSON.stringify({ pebble: config }));
  const args = ["-config", join(dir, "pebble.json"), "-dnsserver", `127.0.0.1:${dns[0].port}`];
  await run(address, "pebble", args, { PEBBLE_VA_NOSLEEP: "1" });
  const tell = async (what, record) => {
    for (const { management } of dns) {
      const answer = await fetch(`http://127.0.0.1:${management}/${what}`, { method: "POST", body: JSON.stringify(record) });
      if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
    }
  };
  return {
    directory: `https://127.0.0.1:${address}/dir`,
    file: join(dir, "ca.pem"),
    resolvers: dns.map(({ port }) => `127.0.0.1:${port}`),
    txt: (name, value) => tell("set-txt", { host: `${name}.`, value }),
    /** Names that nobody told of lead there, too. */
    others: (address) => tell("set-default-ipv4", { ip: address }),
    a: (name, address) => tell("add-a", { host: `${name}.`, addresses: [address] }),
    /** What somebody reads at `url` who trusts this CA alone. */
    read(url) {
      const curl = (...args) => execFileSync("curl", ["-sf", "--max-time", "10", ...args], { encoding: "utf8" });
      curl("--cacert", join(dir, "ca.pem"), "-o", join(dir, "root.pem"), `https://127.0.0.1:${management}/roots/0`);
      const { hostname, port } = new URL(url);
      return curl("--cacert", join(dir, "root.pem"), "--resolve", `${hostname}:${port}:127.0.0.1`, url);
    },
    /** Waits until `url` has its certificate; `path` is something that is answered there. */
    async live(url, path = "/live") {
      for (const until = Date.now() + START; ; await new Promise((done) => setTimeout(done, 200))) {
        try {
          return this.read(`${url}${path}`);
        } catch (error) {
          if (error.status === 22) return; // curl's word for an answer of 400 or more: the content host has no such page
          if (Date.now() > until) throw error;
        }
      }
    },
    close,
  };
}

function listens(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => done(true)).once("error", () => done(false)).once("close", () => socket.destroy());
    socket.once("connect", () => socket.end());
  });
}

/** The directory's own certificate, and who signed it. */
function writeOwnCertificate(dir) {
  const openssl = (...args) => execFileSync("openssl", args, { cwd: dir, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "9", "-subj", "/CN=a CA for tests");
  const own = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
  openssl("req", "-x509", ...key, "-keyout", "own.key", "-out", "own.pem", "-days", "9", "-CA", "ca.pem", "-CAkey", "ca.key", ...own);
}
