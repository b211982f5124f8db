// A real SMTP peer: the server under test relays its mail here, and tests read the letters as they came over the wire.

import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

const PATIENCE = 15000; // ms to wait for a letter

/** Opens a sink on a free port. Recipients at `nobody.example` do not exist (550). */
export async function openSink() {
  const letters = [];
  const waiting = new Set();
  const smtp = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    onRcptTo(address, session, answer) {
      if (address.address.endsWith("@nobody.example")) return answer(Object.assign(new Error("5.1.1 no such user"), { responseCode: 550 }));
      answer();
    },
    onData(stream, session, answer) {
      const parts = [];
      stream.on("data", (part) => parts.push(part));
      stream.on("end", async () => {
        letters.push(await read(session.envelope, Buffer.concat(parts)));
        answer(null, `2.0.0 queued as ${letters.length}`);
        for (const look of waiting) look();
      });
    },
  });
  await new Promise((resolve, reject) => smtp.once("error", reject) && smtp.listen(0, "127.0.0.1", resolve));
  // A client that goes away in the middle is no reason to stop.
  smtp.on("error", () => {});

  /** The next letter to `to` that no test has taken yet; `about` is part of its subject. */
  function letter(to, about = "") {
    const fits = (one) => !one.taken && one.to.includes(to) && one.subject.toLowerCase().includes(about.toLowerCase());
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = letters.find(fits);
        if (!found) return;
        found.taken = true;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        const others = letters.map((one) => `${one.to}: ${one.subject}${one.taken ? " (taken)" : ""}`);
        reject(new Error(`no letter to ${to} about “${about}”; there are:\n${others.join("\n")}`));
      }, PATIENCE);
      waiting.add(look);
      look();
    });
  }

  return {
    port: smtp.server.address().port,
    letters,
    letter,
    close: () => new Promise((resolve) => smtp.close(resolve)),
  };
}

async function read(envelope, raw) {
  const mail = await PostalMime.parse(raw);
  const header = (name) => mail.headers.find((one) => one.key === name)?.value ?? "";
  return {
    from: envelope.mailFrom.address,
    to: envelope.rcptTo.map((one) => one.address),
    raw: raw.toString("latin1"),
    subject: mail.subject ?? "",
    text: mail.text ?? "",
    html: mail.html ?? "",
    header,
    /** The address in the plain part that leads to `/kind/…`, as a person would follow it. */
    link(kind) {
      const found = this.text.match(new RegExp(`https?://\\S+/${kind}/[^\\s/]+`));
      if (!found) throw new Error(`no /${kind}/ link in:\n${this.text}`);
      return found[0];
    },
    /** The code that stands on a line of its own. */
    code() {
      const found = this.text.match(/^ +(\S+(?: \S+)*)$/m);
      if (!found) throw new Error(`no code in:\n${this.text}`);
      return found[1];
    },
  };
}
