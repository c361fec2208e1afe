/**
 * What a keyboard knows of its user: new words, unwanted words, and strings that are right as they are:
 * Python's `keyboard.personal`.
 */

import { WordTable } from "./candidates.js";

export const MOST_WORDS = 5_000; // that are learned, blocked or kept
export const LONGEST = 64; // characters of a word that is learned

const RECENT = 20; // how much more a use counts that has just been
const FADES = 60; // new words until that is 1 / e of it
const REMEMBERED = 512; // uses that are not too long ago to count more

/** The words of a user. */
export class Personal {
  #layout;
  #here = new Map(); // how often each stands in the text that is being written
  #recent = []; // the last uses, in order
  #table = null;
  #weights; // what the uses of each word of the table count
  #uses; // of all these words
  #total; // of the weights

  constructor(layout) {
    this.#layout = layout;
    this.learned = new Map(); // how often each word was sent that no dictionary has
    this.blocked = new Set(); // words that are never suggested
    this.kept = new Set(); // strings that are never corrected
  }

  has(word) {
    return this.count(word) > 0;
  }

  /** How often a word was written. */
  count(word) {
    return (this.learned.get(word) ?? 0) + (this.#here.get(word) ?? 0);
  }

  /** Whether a word was sent, or stands more than once in the text. */
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

  /** What the uses of each word of `table` count. */
  get weights() {
    return this.table && [...this.#weights.values()];
  }

  /**
   * P(word | no dictionary has it) (Witten & Bell 1991, method C): with the sum N of all counts and the number T of
   * different words, N / (N + T) go to the words that were used, by how often, and T / (N + T) to new ones, by their
   * letters. New words come in bursts: among those that were used, a use counts 1 + 20 exp(−age / 60), its age in uses
   * of new words.
   */
  share(word, spelling) {
    const different = this.table.words.length;
    if (!different) return spelling;
    const used = (this.#uses * (this.#weights.get(word) ?? 0)) / this.#total;
    return (used + different * spelling) / (this.#uses + different);
  }

  /** The last uses of learned words, in order; what was not sent is none. */
  get recent() {
    return this.#recent.filter((word) => this.learned.has(word));
  }

  /** Takes what `recent` gave. */
  recall(recent) {
    this.#recent = [...this.#recent, ...recent].slice(-REMEMBERED);
    this.#table = null;
  }

  /** A new word stands in the text. */
  use(word) {
    if (longerThan(word, LONGEST)) return;
    this.#here.set(word, (this.#here.get(word) ?? 0) + 1);
    this.#recent.push(word);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
    this.#table = null;
  }

  /** A new word no longer stands in the text. */
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

  /** Adds words to those that are learned; if they are too many, the rarest are forgotten. */
  remember(words) {
    for (const [word, count] of words) this.learned.set(word, (this.learned.get(word) ?? 0) + count);
    // The older goes first among equals.
    const rarest = [...this.learned].sort(([, one], [, other]) => one - other);
    for (const [word] of rarest.slice(0, Math.max(rarest.length - MOST_WORDS, 0))) this.learned.delete(word);
    this.#table = null;
  }

  /** It is as if a word had never been learned, blocked or kept. */
  forget(word) {
    for (const words of [this.blocked, this.kept, this.learned, this.#here]) words.delete(word);
    this.#recent = this.#recent.filter((one) => one !== word);
    this.#table = null;
  }

  /** Never suggests a word again. */
  block(word) {
    this.forget(word);
    add(this.blocked, word);
  }

  /** Never corrects a string again. */
  keep(typed) {
    add(this.kept, typed);
  }

}

function add(words, word) {
  words.add(word);
  if (words.size > MOST_WORDS) words.delete(words.values().next().value);
}

/** Whether a string has more characters than that. */
export const longerThan = (text, most) => text.length > most && [...text].length > most;
