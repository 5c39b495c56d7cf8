// Copy buttons: <button data-copy="id-of-an-element"><span data-copy-word>Copy</span></button>

const SHOWN_MS = 2000;

/** Put text on the clipboard. Resolves to false where the browser refuses. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without https there is no clipboard object; the old way still works after a press.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    area.setAttribute("aria-hidden", "true");
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    return done;
  }
}

/** Copy and say so in the button itself; the words "Copied" are announced, nothing moves. */
export async function copyFrom(button, text) {
  const word = button.querySelector("[data-copy-word]") ?? button;
  word.setAttribute("aria-live", "polite");
  word.dataset.was ??= word.textContent;
  word.textContent = (await copyText(text)) ? "Copied" : "Select it";
  clearTimeout(Number(word.dataset.timer));
  word.dataset.timer = String(setTimeout(() => { word.textContent = word.dataset.was; }, SHOWN_MS));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (source) copyFrom(button, (source.value ?? source.textContent).trim());
});
