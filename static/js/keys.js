// One-key shortcuts, which anybody can turn off in the sheet that `?` shows. They never act while one
// types, nor with Ctrl, Alt or Meta. Rows: <table data-rows>, each <tr data-row> with a main link
// (th a, or [data-row-open]), a .check and, where editing is another page, [data-row-edit].

const KEY = "rookery-keys";
const sheet = document.getElementById("keys");

function areOn() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

const isTyping = (target) =>
  target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")].filter((row) => row.offsetParent !== null || row.getClientRects().length);
const mainLink = (row) => row.querySelector("[data-row-open], th a, a, button");

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => "at" in row.dataset);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  for (const row of all) delete row.dataset.at;
  next.dataset.at = "";
  mainLink(next)?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const current = () => document.querySelector("[data-rows] [data-row][data-at]");

const actions = {
  "/": () => {
    const search = document.querySelector("[data-search]");
    search?.focus();
    search?.select();
  },
  "?": () => sheet?.showModal(),
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector(".check:not(:disabled)")?.click(),
  e: () => {
    const row = current();
    (row?.querySelector("[data-row-edit]") ?? (row && mainLink(row)))?.click();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || sheet?.open || !areOn() || !Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-open]")) sheet?.showModal();
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-rows] [data-row]");
  if (!row) return;
  for (const other of rows()) delete other.dataset.at;
  row.dataset.at = "";
});

// Arrows walk from the search field through what it found; Escape puts both away.
document.addEventListener("keydown", (event) => {
  const search = event.target.closest?.(".search");
  const found = search ? [...search.querySelectorAll("[data-results] a")] : [];
  if (!search) return;
  const input = search.querySelector("[data-search]");
  const at = found.indexOf(document.activeElement);
  if (event.key === "ArrowDown" && found.length) found[Math.min(at + 1, found.length - 1)].focus();
  else if (event.key === "ArrowUp" && at >= 0) (found[at - 1] ?? input).focus();
  else if (event.key === "Escape" && input) {
    search.querySelector("[data-results]")?.replaceChildren();
    input.focus();
    if (at < 0) input.blur();
  } else if (event.key === "Enter" && event.target === input && found.length) found[0].click();
  else return;
  event.preventDefault();
});

const toggle = document.querySelector("[data-keys-switch]");
if (toggle) {
  toggle.checked = areOn();
  toggle.addEventListener("change", () => {
    try {
      if (toggle.checked) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, "off");
    } catch { /* they stay on */ }
  });
}
