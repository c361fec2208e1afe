/** Which words a text has, in ten to twenty bits a word: Python's `nextword.text.word_filter`. */

import { crc32 } from "./crc32.js";

const [LEAST_BITS, MOST_BITS] = [64, 2 ** 23];
// The primes of xxHash; each gives a word a bit of its own.
const FACTORS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];

const UTF_8 = new TextEncoder();

/** A set of words as a Bloom filter: it has every word that was added, and about one in a hundred others. */
export class WordFilter {
  #bits;
  #shift;

  /** The filter of a text in Base64; null for a text that is not one. */
  static from(text) {
    let bits;
    try {
      bits = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    } catch {
      return null;
    }
    const size = 8 * bits.length;
    const isGood = size >= LEAST_BITS && size <= MOST_BITS && (size & (size - 1)) === 0;
    const filter = isGood ? new WordFilter(bits) : null;
    return filter?.text === text ? filter : null;
  }

  constructor(bits) {
    this.#bits = bits;
    this.#shift = 32 - Math.log2(8 * bits.length);
  }

  /** The filter as a text in Base64. */
  get text() {
    return btoa(Array.from(this.#bits, (byte) => String.fromCharCode(byte)).join(""));
  }

  has(word) {
    return this.#bitsOf(word).every((bit) => (this.#bits[bit >> 3] >> (bit & 7)) & 1);
  }

  add(word) {
    for (const bit of this.#bitsOf(word)) this.#bits[bit >> 3] |= 1 << (bit & 7);
  }

  #bitsOf(word) {
    const code = crc32(UTF_8.encode(word));
    return FACTORS.map((factor) => Math.imul(code, factor) >>> this.#shift);
  }
}
