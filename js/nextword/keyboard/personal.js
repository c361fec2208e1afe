/**
 * What a keyboard knows of its user: new words, unwanted words, and strings that are right as they are:
 * Python's `keyboard.personal`.
 */

import { WordTable } from "./candidates.js";

export const MOST_WORDS = 5_000; // that are learned, blocked or kept
export const LONGEST = 64; // characters of a word that is learned

/** The words of a user. */
export class Personal {
  #layout;
  #here = new Map(); // how often each stands in the text that is being written
  #table = null;
  #total; // of all counts of the words of the table

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
      this.#total = this.#table.words.reduce((sum, word) => sum + this.count(word), 0);
    }
    return this.#table;
  }

  /**
   * P(word | no dictionary has it) (Witten & Bell 1991, method C): of the count c of a word, the sum N of
   * all counts and the number T of different words c / (N + T), and of the T / (N + T) that are left for new
   * words what its letters give it.
   */
  share(word, spelling) {
    const different = this.table.words.length;
    if (!different) return spelling;
    return (this.count(word) + different * spelling) / (this.#total + different);
  }

  /** A new word stands in the text. */
  use(word) {
    if (longerThan(word, LONGEST)) return;
    this.#here.set(word, (this.#here.get(word) ?? 0) + 1);
    this.#table = null;
  }

  /** A new word no longer stands in the text. */
  unuse(word) {
    const count = this.#here.get(word);
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
