// A console that grows: <div id="console" data-console="/live" data-console-poll="/lines"><ol id="console-lines">.
//
// Stream and polled page both carry what came after the last line: rows that are appended, and elements with
// ids that replace their namesakes. With “Follow” on, the newest line stays in view.

const MOST_LINES = 2000;
const POLL_MS = 3000;
const AGAIN_MS = 1000;

const box = document.querySelector("[data-console]");
const lines = document.getElementById("console-lines");
const follow = document.getElementById("console-follow");
const say = document.querySelector("[data-console-status]");
let source, timer, failures = 0;

const last = () => lines.lastElementChild?.dataset.line ?? "0";
const down = () => { if (follow?.checked) box.scrollTop = box.scrollHeight; };

function take(html) {
  const template = document.createElement("template"); // inert: scripts in it never run
  template.innerHTML = html;
  for (const row of template.content.querySelectorAll("[data-line]")) {
    if (BigInt(row.dataset.line) > BigInt(last())) lines.append(document.importNode(row, true));
  }
  while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove();
  if (lines.childElementCount) document.getElementById("console-empty")?.remove();
  const fresh = template.content.getElementById("console-now");
  const old = document.getElementById("console-now");
  if (fresh && old && !old.isEqualNode(fresh)) old.replaceWith(document.importNode(fresh, true));
  down();
}

function listen() {
  source = new EventSource(`${box.dataset.console}?after=${last()}`);
  source.onmessage = (event) => {
    failures = 0;
    say.textContent = "";
    take(event.data);
  };
  source.onerror = () => {
    // Asked again after the last line that came, which the browser by itself would not do.
    pause();
    failures += 1;
    timer = setTimeout(failures < 3 ? listen : poll, AGAIN_MS);
  };
}

async function poll() {
  let wait = POLL_MS;
  try {
    const answer = await fetch(`${box.dataset.consolePoll}?after=${last()}`, { signal: AbortSignal.timeout(10000) });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    take(await answer.text());
    say.textContent = "";
  } catch {
    wait = 5 * POLL_MS;
    say.textContent = "The panel does not answer at the moment; this page tries again.";
  }
  timer = setTimeout(poll, wait);
}

function pause() {
  source?.close();
  clearTimeout(timer);
}

if (box) {
  down();
  listen();
  follow?.addEventListener("change", down);
  addEventListener("pagehide", pause);
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
}
