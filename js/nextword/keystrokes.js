/** How many keystrokes a keyboard with suggestions saves: Python's `nextword.runtime.keystrokes`. */

import { SUGGESTIONS, rankAmong } from "./figures.js";

/**
 * Counts what a user of a keyboard with three suggestions types (Trnka & McCoy 2008); Python's docstring has the rules.
 * `characters` were written with `keystrokes`.
 */
export class KeystrokeCounter {
  #joiner;
  characters = 0;
  keystrokes = 0;

  constructor(joiner) {
    this.#joiner = joiner;
  }

  /** The share of keystrokes saved; 0 if nothing was written. */
  get saved() {
    return this.characters ? 1 - this.keystrokes / this.characters : 0;
  }

  /** Takes a word before the first one that counts. */
  show(word) {
    this.#joiner.push(word);
  }

  /**
   * The next word: `word` as it is joined, `letters` as it is suggested, and `isSuggested`, which says whether it is
   * among the suggestions, given what was typed of it.
   */
  async type(word, letters, isSuggested) {
    const characters = [...this.#joiner.push(word)].length;
    const begun = (typed) => [...letters].slice(0, typed).join("");
    // With one character left to type, a suggestion no longer saves anything.
    let typed = 0;
    while (typed < characters - 1 && !(await isSuggested(begun(typed)))) typed++;
    this.characters += characters;
    this.keystrokes += Math.min(typed + 1, characters);
  }
}

/** Ranks the words of a dictionary as a keyboard would suggest them: `<unk>` never is. */
export class Suggester {
  #dictionary;
  #beginnings = new Map();

  constructor(dictionary) {
    this.#dictionary = dictionary;
  }

  /** How many of the words that begin with `prefix` were predicted to be likelier; infinity for `<unk>`. */
  rank(id, logProbabilities, prefix = "") {
    if (id === this.#dictionary.unknown) return Infinity;
    return rankAmong(this.#beginningWith(prefix), id, logProbabilities);
  }

  /** Whether a word is among the three likeliest, given what was typed of it. */
  of(id, logProbabilities) {
    return (prefix) => this.rank(id, logProbabilities, prefix) < SUGGESTIONS;
  }

  /** The ids of the words that begin with `prefix` and can be suggested. */
  #beginningWith(prefix) {
    let found = this.#beginnings.get(prefix);
    if (!found) {
      const { unknown } = this.#dictionary;
      found = Int32Array.from(this.#dictionary.startingWith(prefix).filter((id) => id !== unknown));
      this.#beginnings.set(prefix, found);
    }
    return found;
  }
}
