// Menus are <details>: they open and close by themselves. This adds what people expect on top:
// Escape closes and returns to the button, and so does a press or a move of the focus elsewhere.

function close(menu, { focus = false } = {}) {
  menu.open = false;
  if (focus) menu.querySelector("summary")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) close(menu, { focus: menu.contains(document.activeElement) });
});

for (const type of ["pointerdown", "focusin"]) {
  document.addEventListener(type, (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) close(menu);
    }
  });
}
