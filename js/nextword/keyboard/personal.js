/**
 * What a keyboard knows about its user: new words, unwanted words, and strings that are right as they are. Python's
 * `keyboard.personal`.
 */

import { WordTable } from "./candidates.js";
import { folded } from "./capitals.js";

export const MOST_WORDS = 5_000; // learned, blocked or kept
export const LONGEST = 64; // characters of a learned word

const RECENT = 20; // how much more the latest use counts
const FADES = 60; // new words until that falls to 1 / e
const REMEMBERED = 512; // uses recent enough to count more

/** A user's own words. */
export class Personal {
  #layout;
  #blocked = new Map(); // by what they are without capitals
  #here = new Map(); // how often each occurs in the text that is being written
  #recent = []; // the last uses, in order
  #table = null;
  #weights; // how much the uses of each word of the table count
  #uses; // of all these words
  #total; // of the weights

  constructor(layout) {
    this.#layout = layout;
    this.learned = new Map(); // how often each word that no dictionary has was sent
    this.kept = new Map(); // strings that are never corrected
  }

  has(word) {
    return this.count(word) > 0;
  }

  /** How often a word was written. */
  count(word) {
    return (this.learned.get(word) ?? 0) + (this.#here.get(word) ?? 0);
  }

  /** The words that are never suggested, in the order in which they came. */
  get blocked() {
    return [...this.#blocked.values()];
  }

  /** Whether a word is never suggested; capitals make no difference. */
  isBlocked(word) {
    return this.#blocked.size > 0 && this.#blocked.has(folded(word));
  }

  /** Whether a word was sent, or occurs more than once in the text. */
  isEstablished(word) {
    return this.learned.has(word) || this.#here.get(word) > 1;
  }

  /** The learned words, and those of the text, as candidates. */
  get table() {
    if (!this.#table) {
      this.#table = new WordTable([...new Set([...this.learned.keys(), ...this.#here.keys()])], this.#layout);
      this.#weights = new Map(this.#table.words.map((word) => [word, this.count(word)]));
      this.#uses = [...this.#weights.values()].reduce((sum, count) => sum + count, 0);
      [...this.#recent].reverse().forEach((word, age) => {
        const weight = this.#weights.get(word);
        if (weight !== undefined) this.#weights.set(word, weight + RECENT * Math.exp(-age / FADES));
      });
      this.#total = [...this.#weights.values()].reduce((sum, weight) => sum + weight, 0);
    }
    return this.#table;
  }

  /** How much the uses of each word of `table` count. */
  get weights() {
    return this.table && [...this.#weights.values()];
  }

  /**
   * P(word | no dictionary has it) (Witten & Bell 1991, method C).
   *
   * With N the sum of all counts and T the number of different words, N / (N + T) goes to the words used before, by how
   * often, and T / (N + T) to new ones, by their letters. New words come in bursts: a use counts 1 + 20 exp(−age / 60)
   * among the used ones, its age measured in uses of new words.
   */
  share(word, spelling) {
    const different = this.table.words.length;
    if (!different) return spelling;
    const used = (this.#uses * (this.#weights.get(word) ?? 0)) / this.#total;
    return (used + different * spelling) / (this.#uses + different);
  }

  /** The last uses of learned words, in order; unsent ones do not count. */
  get recent() {
    return this.#recent.filter((word) => this.learned.has(word));
  }

  /** Restores what `recent` returned. */
  recall(recent) {
    this.#recent = [...this.#recent, ...recent].slice(-REMEMBERED);
    this.#table = null;
  }

  /** A new word was written in the text. */
  use(word) {
    if (longerThan(word, LONGEST) || this.isBlocked(word)) return;
    this.#here.set(word, (this.#here.get(word) ?? 0) + 1);
    this.#recent.push(word);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
    this.#table = null;
  }

  /** A new word was deleted from the text. */
  unuse(word) {
    const count = this.#here.get(word);
    if (!count) return;
    const last = this.#recent.lastIndexOf(word);
    if (last >= 0) this.#recent.splice(last, 1);
    if (count > 1) this.#here.set(word, count - 1);
    else this.#here.delete(word);
    this.#table = null;
  }

  /** Learns the new words of the text. */
  learn() {
    this.remember(this.#here);
    this.#here.clear();
    this.#table = null;
  }

  /** Adds to the learned words, except for blocked ones; if there are too many, the rarest are forgotten. */
  remember(words) {
    for (const [word, count] of words) {
      if (!this.isBlocked(word)) this.learned.set(word, (this.learned.get(word) ?? 0) + count);
    }
    // Among equals, the oldest goes first.
    const rarest = [...this.learned].sort(([, one], [, other]) => one - other);
    for (const [word] of rarest.slice(0, Math.max(rarest.length - MOST_WORDS, 0))) this.learned.delete(word);
    this.#table = null;
  }

  /** Forgets that a word was ever learned or kept, and, whatever its capitals, blocked. */
  forget(word) {
    this.#blocked.delete(folded(word));
    this.kept.delete(word);
    this.#unlearn(new Set([word]));
  }

  /** Never suggests a word of 1 to 64 characters again, whatever its capitals; those learned are forgotten. */
  block(word) {
    add(this.#blocked, folded(word), word);
    this.#unlearn(new Set([...this.learned.keys(), ...this.#here.keys()].filter((one) => this.isBlocked(one))));
  }

  /** Never corrects a string again, unless it is too long to be a word. */
  keep(typed) {
    if (!longerThan(typed, LONGEST)) add(this.kept, typed, typed);
  }

  #unlearn(words) {
    for (const word of words) {
      this.learned.delete(word);
      this.#here.delete(word);
    }
    this.#recent = this.#recent.filter((one) => !words.has(one));
    this.#table = null;
  }
}

function add(words, key, word) {
  words.delete(key); // the latest is last
  words.set(key, word);
  if (words.size > MOST_WORDS) words.delete(words.keys().next().value);
}

/** Whether a string has more than `most` characters. */
export const longerThan = (text, most) => text.length > most && [...text].length > most;
