/** Words ⇄ ids, and the words that a beginning may become: Python's `nextword.text.dictionary`. */

import { UnknownWordError } from "./errors.js";

const LONGEST = 100; // of a word that can be compared with others

/** A number with its unit, a plural in s: `1 word`, `2,902 subwords`. */
export const amount = (number, unit) => `${number.toLocaleString("en")} ${number === 1 ? unit.slice(0, -1) : unit}`;

export class Dictionary {
  unit = "words"; // what the entries are
  #ids;
  #alphabetical;

  constructor(words, unknown) {
    this.words = words;
    this.unknown = unknown;
    this.#ids = new Map(words.map((word, id) => [word, id]));
  }

  has(word) {
    return this.#ids.has(word);
  }

  /** The id of a word in the dictionary. */
  idOf(word) {
    return this.#ids.get(word);
  }

  encode(words) {
    return words.map((word) => {
      const id = this.#ids.get(word) ?? this.unknown;
      if (id === null) throw new UnknownWordError(word, this.neighbours(word));
      return id;
    });
  }

  /** The ids that are read of a text: here, all of them. */
  shortened(ids) {
    return ids;
  }

  /** The words of a text as a user sees them, each with its ids (here a single one): `{ word, ids }`. */
  spelt(words) {
    return this.encode(words).map((id, place) => ({ word: words[place], ids: [id] }));
  }

  /** What a user sees of a word, given by its ids. */
  shown([id]) {
    return this.words[id];
  }

  /** At most `n` words that are spelt most like `word`, best first; none if it is too long to be a word. */
  neighbours(word, n = 3) {
    if ([...word].length > LONGEST) return [];
    const byLowered = new Map();
    for (const known of this.words) {
      const lowered = known.toLowerCase();
      if (!byLowered.has(lowered)) byLowered.set(lowered, known);
    }
    const target = [...word.toLowerCase()];
    return [...byLowered.keys()]
      .map((known) => ({ known, likeness: likeness([...known], target) }))
      .filter(({ likeness }) => likeness >= 0.6)
      .sort((one, other) => other.likeness - one.likeness || (one.known < other.known ? 1 : -1))
      .slice(0, n)
      .map(({ known }) => byLowered.get(known));
  }

  /** The ids of all words that begin with `prefix`, in ascending order. */
  startingWith(prefix) {
    this.#alphabetical ??= this.words.map((_, id) => id).sort((a, b) => (this.words[a] < this.words[b] ? -1 : 1));
    const order = this.#alphabetical;
    let low = 0;
    for (let high = order.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.words[order[middle]] < prefix) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < order.length && this.words[order[end]].startsWith(prefix)) end++;
    return order.slice(low, end).sort((a, b) => a - b);
  }

  /** Whether a word is not in the dictionary, but may become a word that is, or cannot be replaced by `<unk>`. */
  isHalfTyped(word) {
    return !this.has(word) && (this.unknown === null || this.startingWith(word).length > 0);
  }
}

/** Twice the number of matching characters over the number of all characters, as in Python's difflib. */
function likeness(a, b) {
  const places = new Map();
  b.forEach((character, j) => places.set(character, [...(places.get(character) ?? []), j]));
  const matched = (aLow, aHigh, bLow, bHigh) => {
    let [bestA, bestB, size] = [aLow, bLow, 0];
    let lengths = new Map();
    for (let i = aLow; i < aHigh; i++) {
      const next = new Map();
      for (const j of places.get(a[i]) ?? []) {
        if (j < bLow) continue;
        if (j >= bHigh) break;
        const length = (lengths.get(j - 1) ?? 0) + 1;
        next.set(j, length);
        if (length > size) [bestA, bestB, size] = [i - length + 1, j - length + 1, length];
      }
      lengths = next;
    }
    if (!size) return 0;
    return size + matched(aLow, bestA, bLow, bestB) + matched(bestA + size, aHigh, bestB + size, bHigh);
  };
  return a.length + b.length ? (2 * matched(0, a.length, 0, b.length)) / (a.length + b.length) : 1;
}
