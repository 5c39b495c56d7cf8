// Runs before the first paint, so that neither the theme nor anything that needs JavaScript flashes.
// Not a module: modules wait until the page has been read.
(() => {
  const root = document.documentElement;
  const key = "rookery-theme";

  function read() {
    try {
      const stored = localStorage.getItem(key);
      return stored === "light" || stored === "dark" ? stored : "system";
    } catch {
      return "system"; // storage may be forbidden; the system's wish is a good answer
    }
  }

  function apply(choice) {
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
  }

  function mark(choice) {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  }

  root.dataset.js = "";
  apply(read());

  document.addEventListener("DOMContentLoaded", () => {
    mark(read());
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-theme-choice]");
      if (!button) return;
      const choice = button.dataset.themeChoice;
      apply(choice);
      mark(choice);
      try {
        if (choice === "system") localStorage.removeItem(key);
        else localStorage.setItem(key, choice);
      } catch {
        // Chosen for this page only.
      }
    });
  });
  window.addEventListener("storage", (event) => {
    if (event.key !== key) return;
    apply(read());
    mark(read());
  });
})();
