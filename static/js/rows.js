// Lists: choose all, count the chosen, and bring the current tab into view in older browsers.
//
//   <section class="section"> <table data-rows> … <input data-choose-all> … <input class="check"> … </table>
//   <div class="bar bulk"><strong data-chosen>…</strong> … <button data-choose-none>

const section = (element) => element.closest(".section") ?? document;
const boxes = (element) => [...section(element).querySelectorAll("[data-rows] .check:not([data-choose-all], :disabled)")];

function count(element) {
  const all = boxes(element);
  const chosen = all.filter((box) => box.checked).length;
  for (const place of section(element).querySelectorAll("[data-chosen]")) place.textContent = `${chosen} chosen`;
  for (const box of section(element).querySelectorAll("[data-choose-all]")) {
    box.checked = chosen > 0 && chosen === all.length;
    box.indeterminate = chosen > 0 && chosen < all.length;
  }
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  if ("chooseAll" in box.dataset) for (const other of boxes(box)) other.checked = box.checked;
  if (box.closest("[data-rows]")) count(box);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-choose-none]");
  if (!button) return;
  for (const box of boxes(button)) box.checked = false;
  count(button);
});

for (const table of document.querySelectorAll("[data-rows]")) count(table);
addEventListener("pageshow", () => document.querySelectorAll("[data-rows]").forEach(count));

for (const tabs of document.querySelectorAll("[data-tabs]")) {
  const current = tabs.querySelector('[aria-current="page"]');
  if (!current || tabs.scrollWidth <= tabs.clientWidth) continue;
  tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
}
