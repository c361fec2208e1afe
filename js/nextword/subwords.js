/** Subwords: the entries of a dictionary that together spell any text. Python's `nextword.text.subwords`. */

import { Dictionary } from "./dictionary.js";
import { BLANK_MARK, BYTES, GLUE_MARK, Unmarker, beginsWord, byteOf, isMark, isUnspaced } from "./marks.js";
import { END_OF_LINE } from "./words.js";

const REQUIRED = [...BYTES, BLANK_MARK, GLUE_MARK]; // in each dictionary, so that nothing is unknown
export const LINE_END = "\n";

export const MOST_READ = 512; // subwords of a word; of a longer one, a text that goes on reads the last
const REMEMBERED = 200_000; // words whose split is cached
const MOST_TYPED = 20_000; // beginnings of words whose agreeing entries are cached
const UTF_8 = new TextEncoder();

/**
 * The entries that marked words are cut into: from the left, always the longest that matches. A character that no entry
 * has is spelt by the bytes of its UTF-8, so no word is unknown.
 */
export class SubwordDictionary extends Dictionary {
  unit = "subwords";
  #longest;
  #split = new Map();

  constructor(words) {
    super(words, null);
    this.#longest = words.reduce((longest, { length }) => Math.max(longest, length), 0);
    /** For each entry, whether it begins a word; `<eos>` does. See `beginsAfter`. */
    this.begins = words.map((entry) => entry === END_OF_LINE || beginsWord(entry));
  }

  has() {
    return true;
  }

  /** The ids of the subwords of some marked words, in order. */
  encode(words) {
    return words.flatMap((word) => this.split(word));
  }

  /** The ids of the subwords of a marked word. */
  split(word) {
    let found = this.#split.get(word);
    if (!found) {
      if (this.#split.size >= REMEMBERED) this.#split.clear();
      found = word === END_OF_LINE && super.has(word) ? [this.idOf(word)] : this.#longestMatches(word);
      this.#split.set(word, found);
    }
    return found;
  }

  /** Whether an entry begins a word after the entry `before`: a bare mark belongs to what follows it. */
  beginsAfter(before, id) {
    return this.begins[id] && !isMark(this.words[before]);
  }

  /** Groups subwords into words. */
  grouped(ids) {
    const words = [];
    for (const id of ids) {
      if (!words.length || this.beginsAfter(words.at(-1).at(-1), id)) words.push([id]);
      else words.at(-1).push(id);
    }
    return words;
  }

  /** The ids that are read of a text: at most the last `MOST_READ` of a word. */
  shortened(ids) {
    return ids.length <= MOST_READ ? ids : this.grouped(ids).flatMap((word) => word.slice(-MOST_READ));
  }

  /**
   * The words of a text as a user sees them, still marked, each with the ids of its subwords: `{ word, ids }`. In a
   * script without blanks each subword is a word; a blank before it belongs to the first of these.
   */
  inWords(words) {
    const found = [];
    let blank = [];
    for (const run of words) {
      const parts = this.grouped(this.split(run));
      for (const ids of parts) {
        const word = parts.length > 1 ? this.#marked(ids) : run;
        if (word === BLANK_MARK) {
          blank = ids;
          continue;
        }
        found.push({ word: blank.length ? BLANK_MARK + surfaceOf(word) : word, ids: [...blank, ...ids] });
        blank = [];
      }
    }
    return found;
  }

  /** The words of a text as a user sees them, each with the ids of its subwords: `{ word, ids }`. */
  spelt(words) {
    return this.grouped(this.encode(words)).map((ids) => ({ word: this.shown(ids), ids }));
  }

  /** What a user sees of a word: its letters, including any spelt by bytes; `<eos>` for a line end. */
  shown(ids) {
    const unmarker = new Unmarker();
    const pieces = ids.map((id) => (this.words[id] === END_OF_LINE ? END_OF_LINE : unmarker.push(this.words[id])));
    return pieces.join("").replace(/^ /, "");
  }

  /** The marked word that some subwords spell. */
  #marked(ids) {
    const [first] = this.words[ids[0]];
    return (isMark(first) ? first : "") + this.shown(ids);
  }

  /** Whether some subwords are those into which the word that they spell is split. */
  isSplit(path) {
    const found = this.split(path.map((id) => this.words[id]).join(""));
    return found.length === path.length && found.every((id, place) => id === path[place]);
  }

  #longestMatches(word) {
    const found = [];
    for (let start = 0; start < word.length; ) {
      // A mark counts as a mark only at the beginning; elsewhere it is a character of the text.
      let end = start && isMark(word[start]) ? start : Math.min(word.length, start + this.#longest);
      let id;
      for (; end > start && id === undefined; end--) id = this.idOf(word.slice(start, end));
      if (id === undefined) {
        const character = String.fromCodePoint(word.codePointAt(start));
        found.push(...this.#spelt(character));
        start += character.length;
      } else {
        found.push(id);
        start = end + 1;
      }
    }
    return found;
  }

  /** The bytes of a character (U+FFFD for a lone surrogate), after a mark if the character begins a word. */
  #spelt(character) {
    const bytes = Array.from(UTF_8.encode(character), (byte) => this.idOf(BYTES[byte]));
    return isUnspaced(character) ? [this.idOf(GLUE_MARK), ...bytes] : bytes;
  }
}

/** What a subword or a marked word adds to a text, apart from the blank; "" for a mark or a byte. */
export function surfaceOf(entry) {
  if (byteOf(entry) !== null) return "";
  if (entry === END_OF_LINE) return LINE_END;
  return isMark(entry[0]) ? entry.slice(1) : entry;
}

/** A marked word as a user sees it. */
export const shown = (word) => (word === END_OF_LINE ? word : surfaceOf(word));

/** Some entries of a dictionary, given by their ids, looked up by what they add to a text. */
export class Surfaces {
  #surfaces;
  #ids;
  #spelt = new Map(); // by what they add: their ids
  #longest = 0;
  #agreeing = new Map();

  constructor(entries, ids) {
    const pairs = ids.map((id) => ({ surface: surfaceOf(entries[id]), id }));
    pairs.sort((one, other) => (one.surface < other.surface ? -1 : one.surface > other.surface ? 1 : one.id - other.id));
    this.#surfaces = pairs.map(({ surface }) => surface);
    this.#ids = Int32Array.from(pairs, ({ id }) => id);
    for (const { surface, id } of pairs) {
      this.#spelt.set(surface, [...(this.#spelt.get(surface) ?? []), id]);
      this.#longest = Math.max(this.#longest, surface.length);
    }
  }

  /** `{ covering, shorter }`: the entries that begin with `rest`, and those that are a shorter beginning of it. */
  agreeing(rest) {
    rest = rest.slice(0, this.#longest + 1); // any text longer than all entries has the same result
    let found = this.#agreeing.get(rest);
    if (!found) {
      if (this.#agreeing.size >= MOST_TYPED) this.#agreeing.clear();
      const shorter = [];
      for (let end = 0; end < rest.length && end <= this.#longest; end++) {
        shorter.push(...(this.#spelt.get(rest.slice(0, end)) ?? []));
      }
      found = { covering: this.#startingWith(rest), shorter: Int32Array.from(shorter) };
      this.#agreeing.set(rest, found);
    }
    return found;
  }

  #startingWith(beginning) {
    let first = 0;
    for (let high = this.#surfaces.length; first < high; ) {
      const middle = (first + high) >> 1;
      if (this.#surfaces[middle] < beginning) first = middle + 1;
      else high = middle;
    }
    let end = first;
    while (end < this.#surfaces.length && this.#surfaces[end].startsWith(beginning)) end++;
    return this.#ids.subarray(first, end);
  }
}

/** The dictionary of a text that is split by `splitBy`. */
export function dictionaryOf(words, unknown, splitBy) {
  return splitBy === "subwords" ? new SubwordDictionary(words) : new Dictionary(words, unknown);
}

/** Whether a list of entries is a valid dictionary of subwords. */
export function isInventory(words) {
  const known = new Set(words);
  const isEntry = (word) => word === END_OF_LINE || byteOf(word) !== null || ![...word].slice(1).some(isMark);
  return REQUIRED.every((entry) => known.has(entry)) && words.every(isEntry);
}
