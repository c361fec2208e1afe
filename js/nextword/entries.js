/**
 * The entries of a dictionary of subwords: what each adds to a text, and what may follow it. Python's
 * `nextword.runtime.entries`.
 */

import { BLANK_MARK, GLUE_MARK, byteOf, isMark, isUnspaced } from "./marks.js";
import { Surfaces, surfaceOf } from "./subwords.js";
import { END_OF_LINE } from "./words.js";

export const MOST_SUBWORDS = 32; // of a word; a longer one ends there
const NEVER_SEEN = 3; // nats by which a word that the training text lacks comes later

/**
 * Bytes are read but never written. A new word may begin anywhere except after a bare mark. `trainingWords` are those
 * of the training text, if known.
 */
export class Entries {
  #bytes;
  #notFirst;
  #notAfterMark;
  #notLater;
  #trainingWords;

  constructor(dictionary, trainingWords = null) {
    this.dictionary = dictionary;
    this.#trainingWords = trainingWords;
    const { words, begins } = dictionary;
    const all = [...words.keys()];
    this.surfaces = words.map(surfaceOf);
    /** The length of the longest surface. */
    this.longest = this.surfaces.reduce((longest, { length }) => Math.max(longest, length), 0);
    /** The ids of the entries that begin a word. */
    this.beginning = all.filter((id) => begins[id]);
    /** Whether an entry is always a whole word: one of a script without blanks, or `<eos>`. */
    this.isWhole = words.map((entry) => entry === END_OF_LINE || isUnspaced(entry));
    this.#bytes = new Set(all.filter((id) => byteOf(words[id]) !== null));
    const written = all.filter((id) => !this.#bytes.has(id));
    const first = written.filter((id) => begins[id]);
    const later = written.filter((id) => !begins[id]);
    const afterMark = [...later, ...written.filter((id) => isUnspaced(words[id]))];
    // What may come at the beginning of a word, everywhere after that, and after a bare mark.
    this.first = new Surfaces(words, first);
    this.later = new Surfaces(words, later);
    this.afterMark = new Surfaces(words, afterMark);
    [this.#notFirst, this.#notAfterMark, this.#notLater] = [first, afterMark, written].map((ids) => {
      const allowed = new Set(ids);
      return all.filter((id) => !allowed.has(id));
    });
  }

  /** The subwords of a word with and without a blank before it, if they can be written. */
  spellings(word) {
    if (word === END_OF_LINE) return [];
    const bare = isUnspaced(word) ? [word] : [];
    const paths = [...bare, BLANK_MARK + word, GLUE_MARK + word].map((spelt) => this.dictionary.split(spelt));
    return paths.filter((path) => path.length <= MOST_SUBWORDS && !path.some((id) => this.#bytes.has(id)));
  }

  /** Whether the training text has a word, as far as the model file says. */
  isSeen(word) {
    return !this.#trainingWords || this.#trainingWords.has(word);
  }

  /**
   * The nats by which a word comes later among suggestions than its probability says: a model of subwords spells words
   * that do not exist, and finds them likelier than they are.
   */
  handicap(word) {
    return this.isSeen(word) ? 0 : NEVER_SEEN;
  }

  /** Whether an entry is a bare mark. */
  isBareMark(id) {
    return isMark(this.dictionary.words[id]);
  }

  /** The entries that may not be written next, after the subwords of an unfinished word. */
  ruledOut(path) {
    if (!path.length || path.length >= MOST_SUBWORDS) return this.#notFirst;
    return this.isBareMark(path.at(-1)) ? this.#notAfterMark : this.#notLater;
  }
}
