// For every page: times in the reader's own zone, the error summary in focus, buttons that copy, forms that are sent when they are
// seen, answers that are pages of their own. Pages work without it.

const manners = {
  near(at, now) {
    const day = (t) => new Date(t.getFullYear(), t.getMonth(), t.getDate());
    const days = Math.round((day(now) - day(at)) / 86400000);
    const clock = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (days === 0) return `today ${clock}`;
    if (days === 1) return `yesterday ${clock}`;
    if (days === -1) return `tomorrow ${clock}`;
    if (days > 1 && days < 7) return `${at.toLocaleDateString("en-GB", { weekday: "long" })} ${clock}`;
    const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
    return at.toLocaleDateString("en-GB", { day: "numeric", month: "long", ...year });
  },
  full(at) {
    const date = at.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
    return `${date} ${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" })}`;
  },
  exact(at) {
    const date = at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return `${date} ${at.toLocaleTimeString("en-GB")}`;
  },
};

// The exact instant in UTC stays on hover, as the receipt has it.
function localise(root) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[data-manner]")) {
    const at = new Date(element.dateTime);
    const say = manners[element.dataset.manner];
    if (say && !Number.isNaN(at.getTime())) element.textContent = say(at, now);
  }
}

function offerCopies(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    });
  }
}

// A page drawn beforehand, or in a tab that nobody looked at, sends nothing.
function sendAtSight(form) {
  if (document.hidden) return document.addEventListener("visibilitychange", () => sendAtSight(form), { once: true });
  const body = new URLSearchParams(new FormData(form));
  fetch(form.action, { method: "post", headers: { accept: "application/json" }, body }).then((answer) => {
    if (!answer.ok || answer.redirected) return;
    const said = document.createElement("p");
    said.className = "quiet";
    said.role = "status";
    said.textContent = form.dataset.atSight;
    form.replaceChildren(said);
  }, () => {});
}

localise(document);
for (const form of document.querySelectorAll("form[data-at-sight]")) sendAtSight(form);
offerCopies(document);
document.addEventListener("page-changed", (event) => {
  localise(event.detail);
  offerCopies(event.detail);
});
// A form that may be answered with the page it leads to says that this script will give that answer the page's address: reloading then
// asks for the page and sends no form again.
for (const form of document.querySelectorAll("form[data-here]")) {
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "here", value: "yes" }));
}
// The same for an answer that says what was wrong, whose address it is already: a wrong code would count once more.
const at = document.body.dataset.at;
const errors = document.getElementById("errors");
if (at && (errors || location.pathname !== at)) history.replaceState(null, "", at);
// Whoever waits for a field would not hear what went wrong.
if (errors) errors.focus();
// A second press of a button while the first is under way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.id === "compose" || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 3000);
});
