// Certificates in people's browsers: authorities made with openssl, and a Chromium whose own store (NSS) holds one certificate.
//
// What would surprise you: Playwright's `clientCertificates` is not used. It ends the connection in node, and the handshake would be node's.

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { CHROMIUM, FLAGS, habits, settled } from "./visitor.js";

/** Of every PKCS#12 file here. */
export const FILE_PASSWORD = "four other herons";
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** An authority called `name`, in a folder of its own; `card` makes a PKCS#12 file for somebody and answers its path. */
export async function authority(town, name) {
  const dir = await mkdtemp(join(town.place.dir, "authority-"));
  const openssl = (...args) => execFileSync("openssl", args, { cwd: dir, stdio: "ignore" });
  const root = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
  await writeFile(join(dir, "plain.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n");
  openssl("req", "-x509", "-config", "plain.cnf", ...KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "9", "-subj", `/CN=${name}`, ...root);
  return {
    pem: await readFile(join(dir, "ca.pem"), "utf8"),
    card(person, address) {
      const uses = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=clientAuth", `subjectAltName=email:${address}`];
      const leaf = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "9", "-subj", `/CN=${person}`, ...uses.flatMap((use) => ["-addext", use])];
      openssl("req", "-x509", "-config", "plain.cnf", ...KEY, "-keyout", "own.key", "-out", "own.pem", ...leaf);
      openssl("pkcs12", "-export", "-in", "own.pem", "-inkey", "own.key", "-out", "own.p12", "-passout", `pass:${FILE_PASSWORD}`, "-name", person);
      return join(dir, "own.p12");
    },
  };
}

/** A page in somebody's own Chromium, whose store holds the certificate of `file` (none if that is left out) and shows it wherever one is asked for. */
export async function holder(town, { file, also = [], ...options } = {}) {
  const home = await mkdtemp(join(town.place.dir, "home-"));
  const store = `sql:${join(home, ".pki/nssdb")}`;
  await mkdir(join(home, ".pki/nssdb"), { recursive: true });
  const quietly = { stdio: "ignore" };
  execFileSync("certutil", ["-N", "-d", store, "--empty-password"], quietly);
  if (file) execFileSync("pk12util", ["-d", store, "-i", file, "-W", FILE_PASSWORD, "-K", ""], quietly);
  const profile = join(home, "profile");
  await mkdir(join(profile, "Default"), { recursive: true });
  // As the policy AutoSelectCertificateForUrls would set it: nobody is there to answer the dialogue.
  const { hostname, port } = new URL(town.url);
  const everywhere = { [`https://[*.]${hostname}:${port},*`]: { setting: { filters: [{}] } } };
  const preferences = { profile: { content_settings: { exceptions: { auto_select_certificate: everywhere } } } };
  await writeFile(join(profile, "Default/Preferences"), JSON.stringify(preferences));
  const how = { executablePath: CHROMIUM, args: FLAGS, env: { ...process.env, HOME: home }, acceptDownloads: true, ignoreHTTPSErrors: true };
  const context = await chromium.launchPersistentContext(profile, { ...how, ...habits(town.url), ...options });
  const page = await settled(context, [new URL(town.url).origin, ...also], town.complaints);
  town.pages.push(page);
  return page;
}

/** Opens the certificates page and answers the address where they are asked for, once it has a certificate of its own. */
export async function asksAt(town, page) {
  await page.goto("/settings/certificates");
  const address = new URL(await page.locator('a[href^="https://cert-"]').getAttribute("href")).origin;
  await town.place.ca.live(address, "/favicon.ico");
  return address;
}
