// Regions that follow the world: <div id="…" data-live="/events" data-live-poll="/fragment">.
//
// The stream (server-sent events) and the polled page both carry HTML whose elements have ids; each one
// replaces the element with the same id. An element with data-live-final ends it: nothing more will
// happen. Rows of a table come inside a <table>, or the browser drops them. A stream's first message
// proves it, so the server sends the present state at once. After two failures in a row of the stream,
// the region asks every three seconds instead.

const POLL_MS = 3000;
const SLOWEST_MS = 30000;
const MOST_POLLS = 1200; // an hour; then the page says that it stopped

/** Replace elements by id with those of the HTML. Returns true when one of them says it is final. */
export function swap(html) {
  const template = document.createElement("template"); // inert: scripts in it never run
  template.innerHTML = html;
  const fresh = template.content;
  keepTokens(fresh);
  const active = document.activeElement?.id;
  let isFinal = false;
  for (const element of fresh.querySelectorAll("[id]")) {
    if (element.parentElement?.closest("[id]")) continue; // it comes along with its parent
    const old = document.getElementById(element.id);
    if (!old) continue;
    if (element.matches("[data-live-final]") || element.querySelector("[data-live-final]")) isFinal = true;
    if (old.isEqualNode(element)) continue;
    const open = [...old.querySelectorAll("details[open][id]")].map((fold) => fold.id);
    const places = [...old.querySelectorAll("[id]")].filter((part) => part.scrollTop).map((part) => [part.id, part.scrollTop]);
    const next = document.importNode(element, true);
    old.replaceWith(next);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, top] of places) document.getElementById(id)?.scrollTo({ top });
    globalThis.htmx?.process(next);
  }
  if (active && document.activeElement?.id !== active) document.getElementById(active)?.focus({ preventScroll: true });
  return isFinal;
}

/** Each answer masks the form token anew; the one that the page has is as good, and keeps forms equal. */
function keepTokens(fresh) {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  for (const input of fresh.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.setAttribute("value", token);
}

class Live {
  constructor(region) {
    this.stream = region.dataset.live;
    this.page = region.dataset.livePoll;
    this.say = region.querySelector("[data-live-status]") ?? document.querySelector("[data-live-status]");
    this.errors = 0;
    this.polls = 0;
    this.ended = false;
  }

  start() {
    if (this.ended) return;
    if (this.stream && this.errors < 2) this.listen();
    else this.poll();
  }

  listen() {
    this.source = new EventSource(this.stream);
    this.source.onmessage = (event) => {
      this.errors = 0;
      if (swap(event.data)) this.end();
    };
    this.source.onerror = () => {
      this.errors += 1;
      if (this.errors < 2 && this.source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      this.pause();
      this.errors = 2;
      this.poll();
    };
  }

  async poll(wait = POLL_MS) {
    if (this.ended) return;
    if (!this.page) {
      if (this.say) this.say.textContent = "This page stopped following. Reload it to see what is true now.";
      return;
    }
    if (this.polls >= MOST_POLLS) {
      if (this.say) this.say.textContent = "This page stopped following. Reload it to see what is true now.";
      this.end();
      return;
    }
    this.polls += 1;
    let next = POLL_MS;
    if (!document.hidden) {
      try {
        const response = await fetch(this.page, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(10000) });
        if (!response.ok || response.redirected) throw new Error(String(response.status));
        if (swap(await response.text())) return this.end();
        if (this.say) this.say.textContent = "";
      } catch {
        next = Math.min(wait * 2, SLOWEST_MS);
        if (this.say) this.say.textContent = "The panel does not answer at the moment; this page tries again.";
      }
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(next), next);
  }

  pause() {
    this.source?.close();
    clearTimeout(this.timer);
  }

  end() {
    this.ended = true;
    this.pause();
  }
}

const regions = [...document.querySelectorAll("[data-live]:not([data-live-final])")].map((region) => new Live(region));
for (const region of regions) region.start();
addEventListener("pagehide", () => regions.forEach((region) => region.pause()));
addEventListener("pageshow", (event) => {
  if (event.persisted) regions.forEach((region) => region.start());
});
