/** What the last finished word of a text should become: Python's `keyboard.corrections`. */

import { inCaseOf } from "./capitals.js";
import { isWord } from "./text-field.js";

export const POOL = 16; // least number of candidates of each language that are examined closely
const KNOWN = 4; // extra nats of evidence needed against a known word
const REMEMBERED = 64; // corrections that may yet be undone

/**
 * Corrects the last finished word, if the evidence beats the word as it was typed. Once a correction was put into the text
 * and undone, what was typed is never corrected again.
 */
export class Corrections {
  #field;
  #mixture;
  #last; // once it is known
  #offered = new Map(); // by the number of a word: as typed, as corrected, and whether it became that

  constructor(field, mixture) {
    this.#field = field;
    this.#mixture = mixture;
  }

  /** What the last finished word should become; null to leave it as it is. */
  async last() {
    if (this.#last === undefined) this.#last = await this.#find();
    return this.#last;
  }

  /** Takes note that what the keyboard knows has changed. */
  clear() {
    this.#last = undefined;
  }

  /** Takes note that the text has changed; keeps a string whose correction was undone. */
  update() {
    this.clear();
    for (const [number, offered] of [...this.#offered]) {
      const word = this.#field.surfaces[number];
      if (word === undefined) continue;
      if (word === offered.corrected) {
        offered.isTaken = true;
        continue;
      }
      if (offered.isTaken && word === offered.typed) this.#mixture.personal.keep(word);
      this.#offered.delete(number);
    }
  }

  async #find() {
    const [field, mixture] = [this.#field, this.#mixture];
    const { words, surfaces } = field;
    const number = surfaces.findLastIndex(isWord);
    const expected = number >= 0 ? mixture.expected(words.length - number) : null;
    const after = expected && field.after(number);
    if (!after) return null;
    const typed = surfaces[number];
    const { personal } = mixture;
    if (personal.kept.has(typed) || personal.isBlocked(typed) || /[\p{Nd}\p{No}]/u.test(typed)) return null;
    const found = await mixture.candidates(typed, expected, POOL, true, field.isName(number));
    const isSame = ({ word }) => inCaseOf(word, typed) === typed;
    const others = found.filter((one) => !isSame(one));
    if (!others.length) return null;
    const same = found.filter((one) => isSame(one) && this.#isEstablished(one.word));
    const own = same.length ? same[0].score + KNOWN : (await mixture.asTyped(typed, expected)).score;
    const [best] = others;
    if (best.score <= own) return null;
    const shown = inCaseOf(best.word, typed);
    this.#offered.delete(number);
    this.#offered.set(number, { typed, corrected: shown, isTaken: false });
    if (this.#offered.size > REMEMBERED) this.#offered.delete(this.#offered.keys().next().value);
    return {
      word: best.word,
      probability: Math.exp(best.score) / (Math.exp(own) + totalOf(others)),
      kind: "correction",
      replace: after.whole.length,
      insert: shown + after.rest,
    };
  }

  /** Whether a word is one; a single use does not make it one. */
  #isEstablished(word) {
    return this.#mixture.personal.isEstablished(word) || this.#mixture.has(word);
  }
}

/** The sum of the candidates' exponentiated scores. */
export const totalOf = (candidates) => candidates.reduce((sum, { score }) => sum + Math.exp(score), 0);
