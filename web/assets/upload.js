// Files of a draft: dropped or chosen, sent in pieces with progress, going on where a broken connection left off.
// Without it the same input sends the files with the form.

const form = document.getElementById("compose");
const PIECE = 8 * 1024 * 1024; // bytes a request
const TRIES = 8; // in a row without a byte arriving; then a person decides

if (form && form.querySelector(".drop")) start(form);

function start(form) {
  const drop = form.querySelector(".drop");
  const input = drop.querySelector("input[type=file]");
  const list = document.getElementById("files");
  const queue = [];
  let busy = false;

  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  // A file dropped beside the zone must not replace the page with itself.
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer) take(event.dataTransfer.files);
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-remove]");
    if (!button) return;
    event.preventDefault();
    remove(button.closest("li"));
  });

  function take(files) {
    for (const file of files) queue.push({ file, row: rowOf(file) });
    if (queue.length && !busy) work();
  }

  // The same file chosen again goes on in its own row; any other gets a new one.
  function rowOf(file) {
    for (const row of list.querySelectorAll("li[data-partial]")) {
      if (row.dataset.name === file.name && Number(row.dataset.size) === file.size) {
        progress(row, Number(row.dataset.received), file.size, "waiting");
        return row;
      }
    }
    const row = document.createElement("li");
    row.dataset.name = file.name;
    row.dataset.size = file.size;
    row.innerHTML = '<b class="name"></b> <span class="quiet amount"></span> <button type="button" class="plain small" data-remove>Remove</button><progress max="1" value="0"></progress><span class="err" role="alert"></span>';
    row.querySelector(".name").textContent = file.name;
    row.querySelector("[data-remove]").setAttribute("aria-label", `Remove ${file.name}`);
    row.querySelector("progress").setAttribute("aria-label", `Upload of ${file.name}`);
    list.append(row);
    progress(row, 0, file.size, "waiting");
    return row;
  }

  async function work() {
    busy = true;
    form.dataset.uploading = "yes";
    while (queue.length) {
      const job = queue.shift();
      if (!job.row.isConnected) continue;
      try {
        await send(job);
      } catch (trouble) {
        if (job.row.isConnected) fail(job, trouble);
      }
    }
    busy = false;
    delete form.dataset.uploading;
    form.dispatchEvent(new CustomEvent("uploads-done"));
  }

  async function send({ file, row }) {
    complain(row, "");
    row.removeAttribute("data-partial");
    row.removeAttribute("data-failed");
    if (!row.dataset.id) {
      const begun = await begin(file);
      row.dataset.id = begun.id;
      row.dataset.received = begun.received;
    }
    const draft = await draftId();
    const url = `/drafts/${draft}/files/${row.dataset.id}`;
    const pace = { at: performance.now(), from: Number(row.dataset.received), bytes: 0 };
    let failed = 0;
    while (Number(row.dataset.received) < file.size) {
      if (!row.isConnected) return;
      const offset = Number(row.dataset.received);
      const piece = await file.slice(offset, offset + PIECE).arrayBuffer().catch(() => {
        throw say("This file changed or cannot be read any more. Choose it again.", true);
      });
      try {
        const told = await put(`${url}?offset=${offset}`, piece, (sent) => {
          pace.bytes = offset + sent - pace.from;
          progress(row, offset + sent, file.size, left(pace, file.size - offset - sent));
        });
        if (told.received > offset) failed = 0;
        row.dataset.received = told.received;
        if (told.complete) break;
      } catch (trouble) {
        if (trouble.final || ++failed >= TRIES) throw trouble;
        progress(row, offset, file.size, "the connection broke; trying again");
        await pause(Math.min(30000, 1000 * 2 ** (failed - 1)));
        row.dataset.received = (await standing(url).catch(() => ({ received: offset }))).received;
      }
    }
    done(row, file.size);
  }

  async function draftId() {
    const event = new CustomEvent("need-draft", { detail: {} });
    form.dispatchEvent(event);
    return event.detail.draft;
  }

  async function begin(file) {
    const draft = await draftId().catch(() => {
      throw say("The draft could not be saved, so the file has no place yet.");
    });
    const body = new URLSearchParams({ form: form.elements.form.value, name: file.name, type: file.type, size: file.size });
    const answer = await fetch(`/drafts/${draft}/files`, { method: "POST", headers: { accept: "application/json" }, body }).catch(() => {
      throw say("No connection.");
    });
    return told(answer.status, await answer.text());
  }

  async function standing(url) {
    const answer = await fetch(url, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error("no standing");
    return answer.json();
  }

  // fetch shows no upload progress; XMLHttpRequest does.
  function put(url, piece, onProgress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", url);
      request.setRequestHeader("content-type", "application/octet-stream");
      request.setRequestHeader("accept", "application/json");
      request.setRequestHeader("x-form", form.elements.form.value);
      request.upload.onprogress = (event) => onProgress(event.loaded);
      request.onerror = request.ontimeout = () => reject(say("The connection broke."));
      request.onload = () => {
        try {
          resolve(told(request.status, request.responseText));
        } catch (trouble) {
          reject(trouble);
        }
      };
      request.send(piece);
    });
  }

  async function remove(row) {
    const id = row.dataset.id;
    if (id) {
      const draft = await draftId();
      const body = new URLSearchParams({ form: form.elements.form.value });
      const answer = await fetch(`/drafts/${draft}/files/${id}/remove`, { method: "POST", headers: { accept: "application/json" }, body }).catch(() => null);
      if (!answer || !answer.ok) return complain(row, "This file could not be removed just now. Try again.");
    }
    row.remove();
    input.focus();
  }

  function fail(job, trouble) {
    const { row } = job;
    progress(row, Number(row.dataset.received || 0), job.file.size, "stopped");
    complain(row, trouble.message || "The upload failed.");
    row.dataset.failed = "";
    if (trouble.final) return;
    if (row.dataset.id) row.dataset.partial = "";
    const again = document.createElement("button");
    again.type = "button";
    again.className = "plain small";
    again.textContent = row.dataset.id ? "Go on" : "Try again";
    again.addEventListener("click", () => {
      again.remove();
      queue.push(job);
      if (!busy) work();
    });
    row.insertBefore(again, row.querySelector("[data-remove]"));
  }

  function done(row, size) {
    row.querySelector("progress").remove();
    row.querySelector(".amount").textContent = `${amount(size)}, here`;
  }
}

// The server's answer, or its sentence as an error; `final` where trying again does not help.
function told(status, text) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // A page instead of JSON: a sign-in, or a proxy's own error.
  }
  if (status >= 200 && status < 300 && body.id) return body;
  if (status === 409 && Number.isFinite(body.received)) return body;
  if (status >= 200 && status < 300) throw say("You are signed out. Sign in again in another window, then go on here.");
  throw say(body.error || "The server did not take this part.", status >= 400 && status < 500 && status !== 408 && status !== 429);
}

function say(sentence, final = false) {
  return Object.assign(new Error(sentence), { final });
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function progress(row, sent, size, note) {
  const bar = row.querySelector("progress");
  if (bar) {
    bar.max = Math.max(size, 1);
    bar.value = sent;
  }
  row.querySelector(".amount").textContent = `${amount(sent)} of ${amount(size)}${note ? `, ${note}` : ""}`;
}

function complain(row, sentence) {
  row.querySelector(".err").textContent = sentence;
}

// Time left from the whole upload so far: steadier than the last second's pace.
function left(pace, bytes) {
  const seconds = (performance.now() - pace.at) / 1000;
  if (seconds < 2 || pace.bytes <= 0) return "";
  const rest = Math.ceil((bytes * seconds) / pace.bytes);
  if (rest < 60) return `about ${Math.max(1, rest)} s left`;
  if (rest < 3600) return `about ${Math.ceil(rest / 60)} min left`;
  return `about ${Math.floor(rest / 3600)} h ${Math.ceil((rest % 3600) / 60)} min left`;
}

function amount(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let i = 0;
  while (bytes >= 1024 && i < units.length - 1) {
    bytes /= 1024;
    i += 1;
  }
  return `${i === 0 ? bytes : bytes.toFixed(1).replace(/\.0$/, "")} ${units[i]}`;
}
