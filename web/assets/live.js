// The message page follows what happens: told by the server that something changed, it fetches what can change anew and puts in those
// parts that did. Without it a reload shows the same.

const region = document.querySelector("[data-timeline]");
const POLL = 15; // s, where the stream is refused or there is none

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
    if (!region.dataset.events) return every();
    source = new EventSource(region.dataset.events);
    source.addEventListener("changed", () => {
      clearTimeout(pending);
      pending = setTimeout(refresh, 200);
    });
    // A refused stream (too many windows) is closed for good; a broken one comes back by itself.
    source.addEventListener("error", () => {
      if (!source || source.readyState !== EventSource.CLOSED) return;
      source = null;
      every();
      refresh();
    });
  }

  // A page on which something is under way asks more often until it is over.
  function every() {
    clearInterval(poll);
    poll = setInterval(refresh, 1000 * (Number(region.dataset.poll) || POLL));
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
    for (const fresh of page.querySelectorAll("[data-version]")) {
      const part = document.getElementById(fresh.id);
      if (part && part.dataset.version !== fresh.dataset.version) put(part, fresh);
    }
  }

  // What is shown stays, and says that it does.
  function signedOut() {
    over = true;
    close();
    news.className = "note";
    news.textContent = "You are signed out, so this page does not follow what happens any more. Reload it to sign in.";
  }

  // A person with a fold open, or about to press something, keeps both as long as they are there.
  function put(part, fresh) {
    const focus = part.contains(document.activeElement) ? placeOf(document.activeElement) : "";
    const open = [...part.querySelectorAll("details[open][id]")].map((fold) => fold.id);
    part.replaceChildren(...fresh.childNodes);
    const before = part.dataset.news;
    Object.assign(part.dataset, fresh.dataset);
    if (part === region && poll) every();
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focus) (part.querySelector(focus) ?? document.getElementById("main")).focus();
    const last = part === region && region.querySelector(".register li:last-child b");
    if (last) news.textContent = `New: ${last.textContent}`;
    if (part.dataset.news !== before) news.textContent = part.dataset.news;
    document.dispatchEvent(new CustomEvent("page-changed", { detail: part }));
  }
}

// Where an element is, in words that find it in what replaces it.
function placeOf(element) {
  if (element.id) return `#${element.id}`;
  const fold = element.closest("details[id]");
  if (fold) return `#${fold.id} ${element.localName}`;
  return element.localName === "a" ? `a[href="${element.getAttribute("href")}"]` : "main";
}
