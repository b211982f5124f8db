// The message page follows what happens: told by the server that something changed, it fetches the timeline anew.
// Without it a reload shows the same.

const region = document.querySelector("[data-timeline]");
const POLL = 15000; // ms, where the stream is refused

if (region) follow(region);

function follow(region) {
  const news = document.getElementById("news");
  let source = null;
  let poll = 0;
  let pending = 0;
  let over = false;

  document.addEventListener("visibilitychange", async () => {
    if (document.hidden) return close();
    await refresh();
    open();
  });
  window.addEventListener("pagehide", close);
  open();

  function open() {
    if (source || poll || over || document.hidden) return;
    if (!region.dataset.events) {
      poll = setInterval(refresh, POLL);
      return;
    }
    source = new EventSource(region.dataset.events);
    source.addEventListener("changed", () => {
      clearTimeout(pending);
      pending = setTimeout(refresh, 200);
    });
    // A refused stream (too many windows) is closed for good; a broken one comes back by itself.
    source.addEventListener("error", () => {
      if (!source || source.readyState !== EventSource.CLOSED) return;
      source = null;
      poll = setInterval(refresh, POLL);
      refresh();
    });
  }

  function close() {
    if (source) source.close();
    source = null;
    clearInterval(poll);
    poll = 0;
  }

  async function refresh() {
    const answer = await fetch(region.dataset.timeline, { headers: { accept: "text/html" } }).catch(() => null);
    if (answer?.redirected) return signedOut();
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(region.id);
    if (!fresh || fresh.dataset.version === region.dataset.version) return;
    put(fresh);
  }

  // What is shown stays, and says that it does.
  function signedOut() {
    over = true;
    close();
    news.className = "note";
    news.textContent = "You are signed out, so this page does not follow what happens any more. Reload it to sign in.";
  }

  // A person in the middle of a form or with a fold open keeps both.
  function put(fresh) {
    if (region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
    const focus = region.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...region.querySelectorAll("details[open][id]")].map((fold) => fold.id);
    region.replaceChildren(...fresh.childNodes);
    region.dataset.version = fresh.dataset.version;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focus) document.getElementById(focus)?.focus();
    const last = region.querySelector(".register li:last-child b");
    if (news && last) news.textContent = `New: ${last.textContent}`;
    document.dispatchEvent(new CustomEvent("page-changed", { detail: region }));
  }
}
