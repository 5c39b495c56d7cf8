// The passphrase field of parts/passphrase.html, in forms marked data-passphrase. The clear text stays
// in this page: its input has no name, and only the BLAKE2b hash of it is put into `password_hash`.

import { blake2bHex } from "./blake2b.js";
import { copyFrom } from "./copy.js";
import { estimateBits, randomWords, REFUSED_BELOW, strengthSentence } from "./strength.js";

const WORDS = 6;
const LEAST_WORDS = 2048;
const HASH = /^[0-9a-f]{128}$/;
const KEPT = "rookery-kept-hash";
const KEPT_MS = 10 * 60 * 1000;

async function loadWords(url) {
  const response = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(10000) });
  if (!response.ok) throw new Error(`The word list answered ${response.status}.`);
  const words = [...new Set((await response.text()).split("\n").map((line) => line.trim()).filter(Boolean))];
  if (words.length < LEAST_WORDS || words.length > 65536) throw new Error("The word list has a wrong size.");
  return words;
}

/** A page that comes back with errors must not swap the passphrase someone already wrote down. */
const kept = {
  put(hash) {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, hash, at: Date.now() }));
    } catch { /* then the page asks again */ }
  },
  take(form) {
    try {
      const entry = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
      sessionStorage.removeItem(KEPT);
      const fresh = entry && entry.path === location.pathname && Date.now() - entry.at < KEPT_MS;
      return fresh && "returned" in form.dataset && HASH.test(entry.hash) ? entry.hash : "";
    } catch {
      return "";
    }
  },
};

class Phrase {
  constructor(form, box) {
    this.form = form;
    this.box = box;
    for (const name of ["words", "own", "echo", "tools", "copy", "reveal", "another", "type", "paste", "strength", "meter", "sentence", "hash", "paste-box"]) {
      this[name.replace("-b", "B")] = box.querySelector(`[data-phrase-${name}]`);
    }
    this.list = [];
    this.generated = "";
    this.keptHash = "";
    this.shown = true;
    this.another.addEventListener("click", () => { this.pick(); this.show("words"); });
    this.type.addEventListener("click", () => this.show(this.mode === "own" ? "words" : "own", { focus: true }));
    this.paste.addEventListener("click", () => this.show(this.mode === "paste" ? "words" : "paste", { focus: true }));
    this.reveal.addEventListener("click", () => { this.shown = !this.shown; this.draw(); });
    this.copy.addEventListener("click", () => copyFrom(this.copy, this.clearText()));
    this.own.addEventListener("input", () => { this.own.setCustomValidity(""); this.draw(); });
    this.hash.addEventListener("input", () => this.hash.setCustomValidity(""));
    form.addEventListener("submit", (event) => this.submit(event), { capture: true });
  }

  async start() {
    this.keptHash = kept.take(this.form);
    this.show(this.keptHash ? "kept" : "words");
    try {
      this.list = await loadWords(this.form.dataset.words);
      this.wordSet = new Set(this.list);
      if (this.mode === "words") this.pick();
      this.draw();
    } catch {
      this.another.hidden = true;
      if (this.mode === "words") this.show("own");
    }
  }

  pick() {
    if (this.list.length) this.generated = randomWords(this.list, WORDS);
  }

  clearText() {
    return this.mode === "own" ? this.own.value : this.generated;
  }

  show(mode, { focus = false } = {}) {
    if (mode === "words" && !this.generated) this.pick();
    this.mode = mode;
    this.box.dataset.mode = mode;
    const own = mode === "own";
    this.own.hidden = !own;
    this.own.required = own;
    this.words.hidden = !(mode === "words" || mode === "kept");
    this.hash.type = mode === "paste" ? "text" : "hidden"; // a hidden input is not validated
    this.copy.hidden = this.reveal.hidden = mode === "paste" || mode === "kept";
    this.strength.hidden = mode === "paste" || mode === "kept";
    this.type.textContent = own ? "Pick words for me" : "Type my own";
    this.paste.textContent = mode === "paste" ? "Pick words for me" : "Paste a hash";
    this.type.hidden = mode === "paste";
    this.another.hidden = !(mode === "words" || mode === "kept") || (!this.list.length && mode === "kept");
    if (own) this.shown = false;
    if (mode === "words") this.shown = true;
    this.draw();
    if (focus && mode !== "words") (own ? this.own : this.hash).focus();
  }

  draw() {
    this.reveal.setAttribute("aria-pressed", String(this.shown));
    this.reveal.querySelector("[data-reveal-word]").textContent = this.shown ? "Hide" : "Show";
    if (this.mode === "kept") {
      this.words.textContent = "The passphrase you had here is kept.";
    } else if (this.generated) {
      const parts = this.generated.split("-").map((word, index) => {
        const span = document.createElement("span");
        span.textContent = (this.shown ? word : "•••••") + (index < WORDS - 1 ? "-" : "");
        return span;
      });
      this.words.replaceChildren(...parts);
    }
    this.own.type = this.shown ? "text" : "password";
    this.echo.hidden = !(this.mode === "own" && this.shown && this.own.scrollWidth > this.own.clientWidth);
    this.echo.textContent = this.echo.hidden ? "" : this.own.value;
    this.judge();
  }

  bits() {
    if (this.mode === "words") return this.list.length ? WORDS * Math.log2(this.list.length) : 0;
    const known = [...this.form.querySelectorAll("[data-address-local], [data-address-target]")].flatMap((input) =>
      input.value.toLowerCase().split(/[@.]/),
    );
    return estimateBits(this.own.value, this.wordSet ?? new Set(), known);
  }

  judge() {
    if (this.mode !== "words" && this.mode !== "own") return;
    const bits = this.bits();
    this.meter.value = Math.min(100, bits);
    let sentence = this.mode === "words" && !this.list.length ? "" : strengthSentence(bits, this.mode === "words" ? "chance" : "person");
    if (this.mode === "own" && /[^\x20-\x7e]/.test(this.own.value)) {
      sentence += " Some mail programs send accents and other scripts differently; plain letters are safer.";
    }
    if (this.sentence.textContent !== sentence) this.sentence.textContent = sentence;
  }

  /** Fill `password_hash`, or stop the form with a sentence at the field that needs it. */
  submit(event) {
    const stop = (input, sentence) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      input.setCustomValidity(sentence);
      input.reportValidity();
    };
    if (this.mode === "paste") {
      const hash = this.hash.value.trim().split(/\s+/)[0].toLowerCase(); // b2sum writes "hash  -"
      if (!HASH.test(hash)) return stop(this.hash, "A BLAKE2b-512 hash has 128 hex digits (0 to 9, a to f). Paste the first word that b2sum prints.");
      this.hash.value = hash;
    } else if (this.mode === "kept") {
      this.hash.value = this.keptHash;
    } else {
      const text = this.clearText();
      if (this.mode === "own" && this.bits() < REFUSED_BELOW) return stop(this.own, "This is too easy to guess. Add two or three unusual words, or let chance pick.");
      if (!text) return stop(this.own, "Type a passphrase first.");
      this.hash.value = blake2bHex(new TextEncoder().encode(text));
    }
    kept.put(this.hash.value);
    return undefined;
  }
}

for (const form of document.querySelectorAll("form[data-passphrase]")) {
  const box = form.querySelector("[data-phrase]");
  if (box) new Phrase(form, box).start();
}
