/**
 * What one text has written so far, and which entries of the dictionary it may still use: Python's
 * `nextword.runtime.drafts` and `spelling`.
 */

import { MOST_SUBWORDS } from "./entries.js";
import { NextwordError, UnknownWordError, quoted } from "./errors.js";
import { BLANK_MARK, GLUE_MARK, isUnspaced } from "./marks.js";
import { surfaceOf } from "./subwords.js";
import { END_OF_LINE } from "./words.js";

const WINDOW = 64; // words that count as recent, by default

/**
 * The draft of a text that continues `prompt`, given by its ids. A draft has
 *
 * - `words`: the number of finished words.
 * - `recent`: the entries that `repetitionPenalty` makes less likely.
 * - `ruledOut`: the entries that may not come next, in several lists.
 * - `take(id)`: takes the next entry; returns the word that this finishes, or null.
 */
export function draftOf(model, prompt, knobs) {
  const { dictionary, info } = model;
  const banned = bannedWords(model, knobs.banned);
  if (info.splitBy === "subwords") return new SpeltDraft(model.entries, prompt, banned, knobs);
  const unknown = banned.find((word) => !dictionary.has(word));
  if (unknown !== undefined) throw new UnknownWordError(unknown, dictionary.neighbours(unknown));
  return new WordDraft(dictionary, prompt, banned, knobs);
}

function bannedWords(model, banned) {
  return banned.map((word) => {
    const tokens = model.split(word);
    if (tokens.length > 1) {
      throw new NextwordError("SamplingError", `${quoted(word)} is ${tokens.length} words; ban one at a time`);
    }
    return tokens[0];
  });
}

/** The last few of some ids. */
class Recent {
  #most;
  #ids;

  constructor(ids, window) {
    this.#most = window ?? WINDOW;
    this.#ids = ids.slice(-this.#most);
  }

  push(id) {
    this.#ids.push(id);
    if (this.#ids.length > this.#most) this.#ids.shift();
  }

  replaceLast(id) {
    this.#ids[this.#ids.length - 1] = id;
  }

  /** Each once. */
  get all() {
    return new Set(this.#ids);
  }
}

/** The runs of `n` words in a text, so that none is repeated; 0 remembers nothing. */
class Runs {
  #n;
  #last = [];
  #finishing = new Map(); // by the words before and the word's beginning: the entries that finish it
  #following = new Set();

  constructor(n) {
    this.#n = n;
  }

  /** Takes the next word, given by its ids; `name` is the same however the word is spelt, and contains no blank. */
  push(name, word) {
    if (!this.#n) return;
    if (this.#last.length === this.#n - 1) {
      const key = keyOf(this.#last, word.slice(0, -1));
      this.#finishing.set(key, [...(this.#finishing.get(key) ?? []), word.at(-1)]);
      this.#following.add(keyOf([...this.#last, name], []));
    }
    this.#last.push(name);
    if (this.#last.length >= this.#n) this.#last.shift();
  }

  /** The entries that would complete a run that the text already has, after a word's beginning. */
  completing(beginning) {
    return (this.#n && this.#finishing.get(keyOf(this.#last, beginning))) || [];
  }

  /** The one-entry words that would complete a run that the text already has, after one more word. */
  completingAfter(name) {
    const before = this.#n > 1 ? [...this.#last, name].slice(1 - this.#n) : [];
    return (this.#n && this.#finishing.get(keyOf(before, []))) || [];
  }

  /** Whether a word completes a run that the text already has. */
  isRepeated(name) {
    return this.#following.has(keyOf([...this.#last, name], []));
  }
}

const keyOf = (names, path) => `${names.join(" ")} ${path.join()}`;

/** A draft in which each entry is a word. */
class WordDraft {
  #never;
  #recent;
  #runs;

  constructor(dictionary, prompt, banned, knobs) {
    this.words = 0;
    this.#never = [...dictionary.encode(banned), ...(dictionary.unknown === null ? [] : [dictionary.unknown])];
    this.#recent = new Recent(prompt, knobs.repetitionWindow);
    this.#runs = new Runs(knobs.noRepeatNgram);
    for (const id of prompt) this.#runs.push(id, [id]);
  }

  get recent() {
    return this.#recent.all;
  }

  get ruledOut() {
    return [this.#never, this.#runs.completing([])];
  }

  take(id) {
    this.words++;
    this.#recent.push(id);
    this.#runs.push(id, [id]);
    return [id];
  }
}

/**
 * A draft whose words are spelt by entries. A word is finished when the next one begins; the last word of the prompt is
 * taken as whole. Bytes are read but never written.
 */
class SpeltDraft {
  #entries;
  #dictionary;
  #banned;
  #path = []; // of the unfinished word
  #written = []; // the last entries
  #recent;
  #runs;

  constructor(entries, prompt, banned, knobs) {
    const { dictionary } = entries;
    this.words = 0;
    this.#entries = entries;
    this.#dictionary = dictionary;
    this.#banned = new Banned(dictionary, banned);
    const words = dictionary.grouped(prompt);
    this.#recent = new Recent(words.map((word) => this.#first(word)), knobs.repetitionWindow);
    this.#runs = new Runs(knobs.noRepeatNgram);
    for (const word of words) this.#runs.push(this.#marked(word), word);
  }

  get recent() {
    return this.#recent.all;
  }

  get ruledOut() {
    const path = this.#path;
    const found = [this.#entries.ruledOut(path), this.#banned.completing(this.#written), this.#runs.completing(path)];
    if (!path.length) return found;
    const marked = this.#marked(path);
    found.push(this.#runs.completingAfter(marked));
    const surface = path.map((id) => this.#entries.surfaces[id]).join("");
    // It must become another word.
    if (this.#banned.has(surface) || this.#runs.isRepeated(marked)) found.push(this.#entries.beginning);
    return found;
  }

  take(id) {
    let finished = null;
    if (this.#path.length && this.#dictionary.beginsAfter(this.#path.at(-1), id)) {
      finished = this.#path;
      this.#runs.push(this.#marked(finished), finished);
      this.words++;
      this.#path = [];
    }
    this.#path.push(id);
    if (this.#path.length === 1) this.#recent.push(id);
    else if (this.#dictionary.begins[id]) this.#recent.replaceLast(id); // after the blank
    this.#written.push(id);
    if (this.#written.length > MOST_SUBWORDS) this.#written.shift();
    return finished;
  }

  /** The first entry of a word; in a script without blanks, the one after the blank. */
  #first([first, second]) {
    return this.#dictionary.begins[second] ? second : first;
  }

  #marked(path) {
    return path.map((id) => this.#dictionary.words[id]).join("");
  }
}

/** Words that are never written, given marked; they are banned with either mark. */
class Banned {
  #surfaces;
  #finishing = new Map(); // by the entries before: those that finish a banned word
  #lengths;

  constructor(dictionary, words) {
    this.#surfaces = new Set(words.map(surfaceOf));
    const spellings = (word) => {
      if (word === END_OF_LINE || isUnspaced(word)) return [word];
      return [BLANK_MARK, GLUE_MARK].map((mark) => mark + word.slice(1));
    };
    for (const word of new Set(words.flatMap(spellings))) {
      const path = dictionary.split(word);
      const before = path.slice(0, -1).join();
      this.#finishing.set(before, [...(this.#finishing.get(before) ?? []), path.at(-1)]);
    }
    this.#lengths = new Set(words.flatMap(spellings).map((word) => dictionary.split(word).length - 1));
  }

  /** The entries that would finish a banned word after what was written. */
  completing(written) {
    return [...this.#lengths]
      .filter((length) => length <= written.length)
      .flatMap((length) => this.#finishing.get(written.slice(written.length - length).join()) ?? []);
  }

  has(surface) {
    return this.#surfaces.has(surface);
  }
}
