/** The entries of a dictionary of subwords: what each adds to a text, and what may follow what. Python's `nextword.runtime.entries`. */

import { byteOf, isMark, isUnspaced } from "./marks.js";
import { Surfaces, surfaceOf } from "./subwords.js";
import { END_OF_LINE } from "./words.js";

export const MOST_SUBWORDS = 32; // of a word; one that is longer ends there

/** Bytes are read, but never written. A new word may begin anywhere but after a bare mark. */
export class Entries {
  #notFirst;
  #notAfterMark;
  #notLater;

  constructor(dictionary) {
    this.dictionary = dictionary;
    const { words, begins } = dictionary;
    const all = [...words.keys()];
    this.surfaces = words.map(surfaceOf);
    /** The ids of those that begin a word. */
    this.beginning = all.filter((id) => begins[id]);
    /** Whether an entry is a word that nothing is added to: one of a script without blanks, or `<eos>`. */
    this.isWhole = words.map((entry) => entry === END_OF_LINE || isUnspaced(entry));
    const written = all.filter((id) => byteOf(words[id]) === null);
    const first = written.filter((id) => begins[id]);
    const later = written.filter((id) => !begins[id]);
    const afterMark = [...later, ...written.filter((id) => isUnspaced(words[id]))];
    // What a word may go on with: at its beginning, in it, and where there is only a mark so far.
    this.first = new Surfaces(words, first);
    this.later = new Surfaces(words, later);
    this.afterMark = new Surfaces(words, afterMark);
    [this.#notFirst, this.#notAfterMark, this.#notLater] = [first, afterMark, written].map((ids) => {
      const allowed = new Set(ids);
      return all.filter((id) => !allowed.has(id));
    });
  }

  /** Whether an entry is a mark and nothing else. */
  isBareMark(id) {
    return isMark(this.dictionary.words[id]);
  }

  /** The entries that may not come next in a text that is written, after the subwords of an unfinished word. */
  ruledOut(path) {
    if (!path.length || path.length >= MOST_SUBWORDS) return this.#notFirst;
    return this.isBareMark(path.at(-1)) ? this.#notAfterMark : this.#notLater;
  }
}
