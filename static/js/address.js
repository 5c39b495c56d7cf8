// Says while one types whether an address has the right form. Only hints: the server decides, and
// whether an address is taken is nobody's business here.
//
//   <input data-address-local data-hint="id" data-domain="example.org">   <p id="id" role="status"></p>
//   <input data-address-target data-hint="id">

const WAIT_MS = 350;

/** What to say about a local part: {state: "ok" | "todo" | "", sentence}. */
export function judgeLocal(text, domain = "") {
  const value = text.trim();
  if (!value) return { state: "", sentence: "" };
  const say = (sentence) => ({ state: "todo", sentence });
  if (value.includes("@")) return say(`Only the part before the @${domain ? `; @${domain} stands beside it already` : ""}.`);
  if (/\s/.test(value)) return say("An address has no spaces. Use a dot or a hyphen.");
  const strange = [...value].find((character) => !/[A-Za-z0-9._+-]/.test(character));
  if (strange) return say(`“${strange}” cannot be used. Letters a to z, digits, dot, hyphen, plus and underscore can.`);
  if (value.length > 64) return say(`It has ${value.length} characters; 64 are the most.`);
  if (/^\.|\.$/.test(value)) return say("It cannot begin or end with a dot.");
  if (value.includes("..")) return say("Two dots cannot follow each other.");
  const lower = value.toLowerCase();
  if (lower !== value) return { state: "ok", sentence: `Well formed. It is written in small letters: ${lower}` };
  return { state: "ok", sentence: "Well formed." };
}

/** The same for a whole address that mail shall go to. */
export function judgeTarget(text) {
  const value = text.trim();
  if (!value) return { state: "", sentence: "" };
  const say = (sentence) => ({ state: "todo", sentence });
  const at = value.lastIndexOf("@");
  if (at < 0) return say("The @ is missing.");
  const local = value.slice(0, at);
  const domain = value.slice(at + 1);
  if (!local) return say("The part before the @ is missing.");
  if (/[\s@"<>,;]/.test(local)) return say("Type one plain address, without a name or spaces.");
  if (!domain) return say("The part after the @ is missing.");
  if (!domain.includes(".")) return say("The part after the @ has no dot.");
  if (!/^([\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}][\p{L}\p{N}-]*[\p{L}\p{N}]$/u.test(domain)) {
    return say("The part after the @ is not a domain name.");
  }
  if (value.length > 254) return say(`It has ${value.length} characters; 254 are the most.`);
  return { state: "ok", sentence: "Well formed." };
}

function show(input) {
  const place = document.getElementById(input.dataset.hint);
  if (!place) return;
  const verdict =
    "addressLocal" in input.dataset ? judgeLocal(input.value, input.dataset.domain) : judgeTarget(input.value);
  if (!verdict.state) {
    place.replaceChildren();
    return;
  }
  const badge = document.createElement("span");
  badge.className = `badge ${verdict.state}`;
  const words = document.createElement("span");
  words.textContent = verdict.sentence;
  badge.append(words);
  place.replaceChildren(badge);
}

const timers = new WeakMap();
for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement)) return;
    if (!("addressLocal" in input.dataset) && !("addressTarget" in input.dataset)) return;
    clearTimeout(timers.get(input));
    // While typing it waits a moment: nobody wants to be told that "gr" is not an address yet.
    timers.set(input, setTimeout(() => show(input), type === "input" ? WAIT_MS : 0));
  });
}
