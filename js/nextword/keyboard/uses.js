/** The new words of a text: which may be learned from it, and which have been. Python's `keyboard.uses`. */

import { uncapitalised } from "./capitals.js";
import { beginsSentence, isWord } from "./text-field.js";

/** Counts the uses of new words while a text is written, deleted and sent. */
export class Uses {
  #field;
  #mixture;
  #personal;
  #used = []; // for each word of the text, what may be learned from it
  #sent = 0; // words of the text that have been learned
  #sentText = ""; // the text when it was sent, as long as it begins like that
  #unfinished = null; // its last word, if that was learned before it was finished

  constructor(field, mixture) {
    this.#field = field;
    this.#mixture = mixture;
    this.#personal = mixture.personal;
  }

  /** Finds out whether a text only goes on after what was sent. */
  compare(text) {
    if (text.startsWith(this.#sentText)) return;
    this.#sentText = "";
    this.#unfinished = null;
  }

  /** Keeps the uses of only this many words; the others, if not sent, count as never written. */
  remove(kept) {
    for (const word of this.#used.slice(Math.max(kept, this.#sent))) if (word) this.#personal.unuse(word);
    this.#used.length = Math.min(this.#used.length, kept);
    this.#sent = Math.min(this.#sent, kept);
  }

  /** Counts the words from this number onwards as used. */
  add(kept) {
    for (let number = kept; number < this.#field.words.length; number++) {
      const word = this.#newWord(number);
      this.#used.push(word);
      if (word && number === this.#sent && word === this.#unfinished) this.#sent++;
      else if (word) this.#personal.use(word);
    }
  }

  /** Learns the new words of the text, which was sent, the unfinished one included. */
  commit() {
    const { words, text, typed } = this.#field;
    const last = typed ? this.#newWord(words.length) : null;
    if (last && last !== this.#unfinished) this.#personal.use(last);
    this.#personal.learn();
    this.#sent = words.length;
    this.#sentText = text;
    this.#unfinished = last;
  }

  /** The word with this number as it can be learned, null if there is nothing to learn. */
  #newWord(number) {
    const { surfaces, typed } = this.#field;
    const word = surfaces[number] ?? typed;
    if (!/\p{L}/u.test(word) || this.#mixture.has(word) || !isWord(word)) return null;
    // A sentence begins with a capital anyway; a model without capitals cannot say more.
    const isAnyway = this.#mixture.lowercase && beginsSentence(surfaces[number - 1]);
    return isAnyway && !this.#personal.has(word) ? uncapitalised(word) : word;
  }
}
