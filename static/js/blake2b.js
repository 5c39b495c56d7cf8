// BLAKE2b-512 without a key (RFC 7693), the hash ptt keeps of a passphrase. 64-bit words are pairs of
// 32-bit halves, low half first: plain numbers are several times faster here than BigInt.

const BLOCK = 128;
const ROUNDS = 12;

const IV = new Uint32Array([
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a,
  0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
]);

// Message schedule of RFC 7693 §2.7; rounds 10 and 11 use the first two lines again.
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

// The columns, then the diagonals, of the 4 × 4 matrix of words.
const LANES = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
  [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];

const carry = (sum) => (sum > 0xffffffff ? 1 : 0);

/** v[a] += v[b] + m[x], modulo 2^64. */
function addThree(v, a, b, m, x) {
  const low = v[2 * a] + v[2 * b] + m[2 * x];
  v[2 * a + 1] += v[2 * b + 1] + m[2 * x + 1] + Math.floor(low / 0x100000000);
  v[2 * a] = low;
}

/** v[c] += v[d], modulo 2^64. */
function add(v, c, d) {
  const low = v[2 * c] + v[2 * d];
  v[2 * c + 1] += v[2 * d + 1] + carry(low);
  v[2 * c] = low;
}

/** v[d] = (v[d] ^ v[a]) rotated right by 0 < bits < 64 places. */
function xorRotate(v, d, a, bits) {
  let low = v[2 * d] ^ v[2 * a];
  let high = v[2 * d + 1] ^ v[2 * a + 1];
  if (bits >= 32) [low, high] = [high, low];
  const shift = bits % 32;
  if (shift === 0) {
    v[2 * d] = low;
    v[2 * d + 1] = high;
  } else {
    v[2 * d] = (low >>> shift) | (high << (32 - shift));
    v[2 * d + 1] = (high >>> shift) | (low << (32 - shift));
  }
}

function mix(v, m, [a, b, c, d], x, y) {
  addThree(v, a, b, m, x);
  xorRotate(v, d, a, 32);
  add(v, c, d);
  xorRotate(v, b, c, 24);
  addThree(v, a, b, m, y);
  xorRotate(v, d, a, 16);
  add(v, c, d);
  xorRotate(v, b, c, 63);
}

/** Take one block into the state `h`; `count` is the number of bytes so far, below 2^53. */
function compress(h, block, count, isLast) {
  const v = new Uint32Array(32);
  v.set(h);
  v.set(IV, 16);
  v[24] ^= count >>> 0;
  v[25] ^= Math.floor(count / 0x100000000);
  if (isLast) {
    v[28] = ~v[28];
    v[29] = ~v[29];
  }
  const bytes = new DataView(block.buffer, block.byteOffset, BLOCK);
  const m = new Uint32Array(32);
  for (let i = 0; i < 32; i += 1) m[i] = bytes.getUint32(4 * i, true);
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = SIGMA[round % SIGMA.length];
    for (let lane = 0; lane < 8; lane += 1) {
      mix(v, m, LANES[lane], order[2 * lane], order[2 * lane + 1]);
    }
  }
  for (let i = 0; i < 16; i += 1) h[i] ^= v[i] ^ v[i + 16];
}

/**
 * The unkeyed 64-byte BLAKE2b digest of bytes, as 128 lower-case hex digits.
 * @param {Uint8Array} input
 * @returns {string}
 */
export function blake2bHex(input) {
  const h = new Uint32Array(IV);
  h[0] ^= 0x01010040; // parameter block: 64 bytes out, no key, fan-out 1, depth 1
  let offset = 0;
  // A full last block is the last block: keep going only while more than one block is left.
  for (; input.length - offset > BLOCK; offset += BLOCK) {
    compress(h, input.subarray(offset, offset + BLOCK), offset + BLOCK, false);
  }
  const last = new Uint8Array(BLOCK);
  last.set(input.subarray(offset));
  compress(h, last, input.length, true);
  const digest = new DataView(new ArrayBuffer(64));
  for (let i = 0; i < 16; i += 1) digest.setUint32(4 * i, h[i], true);
  return Array.from(new Uint8Array(digest.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
