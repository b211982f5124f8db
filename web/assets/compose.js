// The compose page: saves the draft while it is being written, counts sends, sends with Ctrl+Enter.
// The page works without it: every button is a plain form button.

const form = document.getElementById("compose");
const QUIET = 2000; // ms after the last keystroke
const AT_LATEST = 10000; // ms after the first unsaved keystroke
const AGAIN = 5000; // ms after a failure

if (form) start(form);

function start(form) {
  const saved = document.getElementById("saved");
  ownClock(form);
  const state = { id: form.dataset.draft || "", revision: form.dataset.revision || "", dirty: false, since: 0, saving: null, timer: 0, stopped: false, sending: false };

  form.addEventListener("input", (event) => {
    if (event.target.type === "file" || event.target.name === "password") return;
    if (!state.dirty) state.since = Date.now();
    state.dirty = true;
    later(Math.min(QUIET, Math.max(0, state.since + AT_LATEST - Date.now())));
    count(form);
  });
  form.addEventListener("focusout", () => state.dirty && save());
  document.addEventListener("visibilitychange", () => document.hidden && state.dirty && save(true));
  window.addEventListener("beforeunload", (event) => state.dirty && !state.sending && event.preventDefault());

  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-do=send]"));
    }
  });

  // A second press of a button while the first is under way does nothing; sending waits for files still on their way.
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (state.sending) return event.preventDefault();
    const waiting = form.dataset.uploading;
    if (waiting && button && button.dataset.do === "send") {
      event.preventDefault();
      say("The message leaves when its files are here.");
      form.addEventListener("uploads-done", () => form.requestSubmit(button), { once: true });
      return;
    }
    const failed = document.querySelector("#files li[data-failed]");
    if (failed && button && button.dataset.do === "send") {
      event.preventDefault();
      say(`Not sent: “${failed.dataset.name}” is not here. Remove it, or upload it again.`);
      failed.querySelector("[data-remove]").focus({ preventScroll: true });
      return failed.scrollIntoView({ block: "center" });
    }
    if (state.saving) {
      event.preventDefault();
      state.saving.finally(() => form.requestSubmit(button));
      return;
    }
    clearTimeout(state.timer);
    state.sending = true;
    form.setAttribute("aria-busy", "true");
  });
  // Back from the message page by the browser's history: the buttons work again.
  window.addEventListener("pageshow", () => {
    state.sending = false;
    form.removeAttribute("aria-busy");
  });

  // Uploads ask for a draft to hang their files on.
  form.addEventListener("need-draft", (event) => {
    event.detail.draft = state.id ? Promise.resolve(state.id) : save().then(() => state.id || Promise.reject(new Error("no draft")));
  });

  // Files that came since the page did are listed, too.
  form.addEventListener("formdata", (event) => {
    event.formData.set("shown", Array.from(document.querySelectorAll("#files li[data-id]"), (row) => row.dataset.id).join(" "));
  });

  count(form);

  function later(ms) {
    clearTimeout(state.timer);
    if (!state.stopped) state.timer = setTimeout(save, ms);
  }

  function say(text) {
    saved.textContent = text;
  }

  async function save(leaving = false) {
    clearTimeout(state.timer);
    if (state.stopped || state.sending) return;
    if (state.saving) {
      await state.saving;
      if (!state.dirty && state.id) return;
    }
    state.saving = saveNow(leaving === true);
    try {
      await state.saving;
    } finally {
      state.saving = null;
    }
  }

  async function saveNow(leaving) {
    state.dirty = false;
    let answer;
    try {
      answer = await fetch(state.id ? `/drafts/${state.id}` : "/drafts", {
        method: "POST",
        headers: { accept: "application/json" },
        body: typed(form, state.revision),
        keepalive: leaving,
      });
    } catch {
      state.dirty = true;
      say("Not saved yet: no connection. Trying again.");
      return later(AGAIN);
    }
    if (answer.redirected || answer.status === 401) {
      stop("Not saved: you are signed out. ");
      saved.append(Object.assign(document.createElement("a"), { href: "/sign-in", target: "_blank", textContent: "Sign in in another window" }));
      return saved.append(", then press “Save draft”.");
    }
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) {
      state.revision = String(told.revision);
      form.elements.revision.value = state.revision;
      if (!state.id) begun(told.id);
      for (const [id, said] of Object.entries(told.folds)) document.querySelector(`#${id} > summary .quiet`).textContent = said;
      const at = new Date(told.saved_at);
      return say(`Draft saved ${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`);
    }
    state.dirty = true;
    if (answer.status >= 500) {
      say("Not saved yet. Trying again.");
      return later(AGAIN);
    }
    stop(`${told.error || "Not saved."} Press “Save draft” to go on.`);
  }

  // Something that trying again does not mend: say it and leave the rest to the buttons.
  function stop(sentence) {
    state.dirty = true;
    state.stopped = true;
    say(sentence);
  }

  // The first save gave the draft its address: a reload and every button now go there.
  function begun(id) {
    state.id = id;
    form.dataset.draft = id;
    form.action = `/drafts/${id}`;
    for (const button of form.querySelectorAll("[data-do]")) {
      if (button.dataset.do === "save") continue;
      button.setAttribute("formaction", `/drafts/${id}/${button.dataset.do}`);
      button.hidden = false;
    }
    history.replaceState(null, "", `/drafts/${id}`);
  }
}

// What is typed, without files and without the message password, which is never part of a draft.
function typed(form, revision) {
  const out = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && name !== "password" && name !== "revision") out.append(name, value);
  }
  out.append("revision", revision);
  return out;
}

// A line apart at commas and semicolons, but for those in a name in quotes that has an address behind it; as the server does it.
function pieces(line) {
  const out = [];
  let from = 0;
  let blank = true;
  let mayClose = true;
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === "," || line[at] === ";") {
      out.push(line.slice(from, at));
      from = at + 1;
      blank = true;
    } else if (line[at] === '"' && blank && mayClose) {
      blank = false;
      let end = at + 1;
      while (end < line.length && line[end] !== '"') end += line[end] === "\\" ? 2 : 1;
      let behind = end + 1;
      while (line[behind] === " ") behind += 1;
      if (end >= line.length) mayClose = false;
      else if (line[behind] === "<" && !line.slice(at, end).includes("@")) at = end;
    } else if (line[at] !== " " && line[at] !== "\t") blank = false;
  }
  out.push(line.slice(from));
  return out;
}

// "2 sends · 8 left": one send a recipient.
function count(form) {
  const out = document.getElementById("sends");
  if (!out) return;
  const n = form.elements.to.value.split("\n").flatMap(pieces).flatMap((piece) => (/<[^>]*>/.test(piece) ? [piece] : piece.split(/\s+/).filter(Boolean))).length;
  const left = form.dataset.left === "" ? null : Number(form.dataset.left);
  const number = (n) => n.toLocaleString("en");
  const words = n === 1 ? "1 send" : `${number(n)} sends`;
  if (left === null) out.textContent = n ? words : "";
  else if (!n) out.textContent = `${number(left)} ${left === 1 ? "send" : "sends"} left`;
  else if (left === 0) out.textContent = `${words} · none left`;
  else out.textContent = n > left ? `${words} · only ${number(left)} left` : `${words} · ${number(left - n)} left after it`;
  out.classList.toggle("err", left !== null && n > left);
}

// “Send later” is posted and kept in UTC. Here it is shown and typed in the reader's own zone, which the label names.
function ownClock(form) {
  const field = form.elements.send_at;
  const kept = new Date(`${field.defaultValue}Z`);
  if (!isNaN(kept)) field.value = minutes(new Date(kept - kept.getTimezoneOffset() * 60000));
  document.getElementById("send_at-zone").textContent = `(your time, ${Intl.DateTimeFormat().resolvedOptions().timeZone.replaceAll("_", " ")})`;
  field.addEventListener("input", sayUtc);
  sayUtc();

  // Half a date is none, and is refused as such: nothing leaves at once for want of the other half.
  form.addEventListener("formdata", (event) => {
    const at = new Date(field.value);
    if (!isNaN(at)) event.formData.set("send_at", minutes(at));
    else if (field.validity.badInput) event.formData.set("send_at", "half a date");
  });

  function sayUtc() {
    const at = new Date(field.value);
    document.getElementById("send_at-utc").textContent = isNaN(at) ? "" : `That is ${at.toLocaleString("en-GB", { dateStyle: "full", timeStyle: "short", timeZone: "UTC" })} UTC.`;
  }
}

// As the field takes it: 2026-11-24T09:30.
function minutes(at) {
  return at.toISOString().slice(0, 16);
}
