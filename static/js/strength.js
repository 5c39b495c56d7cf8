// Random words, and how hard a passphrase is to guess. Pure functions; passphrase.js acts on them.
// The mail server keeps a fast hash, so what counts is guessing at home: about 100 thousand million
// tries a second. Below 50 bits that takes hours.

export const REFUSED_BELOW = 50;
const STRONG_FROM = 64;
const OBVIOUS = /pass(word|wort|phrase)?|passw0rd|qwert[yz]|letmein|welcome|secret|geheim|admin|123/i;

/** An even choice of 0 … below-1 (below ≤ 65536): draws that would favour small numbers are thrown away. */
export function randomBelow(below, draw = (box) => crypto.getRandomValues(box)) {
  if (!(below >= 1 && below <= 65536)) throw new RangeError("randomBelow takes 1 to 65536");
  const limit = 65536 - (65536 % below);
  const box = new Uint16Array(1);
  // Each draw is kept with a chance above one half, so 128 misses mean a broken generator.
  for (let tries = 0; tries < 128; tries += 1) {
    draw(box);
    if (box[0] < limit) return box[0] % below;
  }
  throw new Error("The browser's random numbers are not random.");
}

/** `count` words joined by hyphens, each chosen independently. */
export function randomWords(list, count = 6) {
  return Array.from({ length: count }, () => list[randomBelow(list.length)]).join("-");
}

function bitsOfCharacters(token) {
  const lettersOnly = /^\p{L}+$/u.test(token);
  let alphabet = 0;
  if (/[a-z]/.test(token)) alphabet += 26;
  if (/[A-Z]/.test(token)) alphabet += 26;
  if (/[0-9]/.test(token)) alphabet += 10;
  if (/[^a-zA-Z0-9]/.test(token)) alphabet += 32;
  let fresh = 0;
  let before = -9;
  for (const character of token) {
    const code = character.codePointAt(0);
    fresh += Math.abs(code - before) <= 1 ? 0.25 : 1; // aaaa, abcd, 4321
    before = code;
  }
  const perCharacter = lettersOnly ? Math.min(3.3, Math.log2(alphabet || 2)) : Math.log2(alphabet || 2);
  return fresh * perCharacter;
}

/**
 * A rough, cautious estimate in bits of a passphrase that a person made up.
 * @param {string} text
 * @param {Set<string>} words words that a guesser tries first
 * @param {string[]} known texts anybody knows, such as the address itself
 */
export function estimateBits(text, words, known = []) {
  const perWord = Math.log2(Math.max(words.size, 2048));
  const seen = new Set();
  let bits = 0;
  for (const token of text.split(/[\s\-_.,;:/]+/).filter(Boolean)) {
    const plain = token.toLowerCase();
    if (seen.has(plain) || known.includes(plain)) continue;
    seen.add(plain);
    const byCharacters = bitsOfCharacters(token.replace(OBVIOUS, ""));
    bits += words.has(plain) ? Math.min(perWord, byCharacters) : byCharacters;
  }
  return bits;
}

/** What to say about so many bits; `madeBy` is "chance" or "person". */
export function strengthSentence(bits, madeBy) {
  if (madeBy === "chance") return `Strong: six words picked by chance, ${Math.floor(bits)} bits.`;
  if (bits === 0) return "Type at least four unusual words, or let chance pick.";
  if (bits < REFUSED_BELOW) return "Too easy to guess. Add two or three unusual words.";
  if (bits < STRONG_FROM) return "Usable. One more unusual word makes it strong.";
  return "Strong.";
}
