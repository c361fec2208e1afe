/** One model behind a keyboard: what it has read and adapted to, and what it expects. Python's `keyboard.language`. */

import { LEARNER, MODEL } from "../model.js";
import { END_OF_LINE } from "../words.js";
import { Adaptation } from "./adaptation.js";

export const REMEMBERED = 64; // words that can be removed without reading the text again
const EXPECTED = 4; // how many of these keep what was expected there
export const SHARE = 0.05; // of new words, where a model knows no <unk>

const RANK = 2.7; // offset in Zipf's law as Mandelbrot amended it

/**
 * Reads the words written on a keyboard, and can remove them again. `adaptation` adapts what it expects to its user; where
 * a model learns while it reads, `learner` changes its weights as well.
 *
 * Each kind of language adds these:
 *
 * - `isMarked`: whether it reads marked words.
 * - `has(word)`: whether the dictionary has a word, so that there is no need to learn it.
 * - `canWrite(word)`: whether the language may suggest a word.
 * - `idsOf(word)`: the ids that the model reads for a word; none if it cannot be read.
 * - `isNew(word)`: whether the dictionary lacks a word that was read.
 * - `likelihoods()`: the log-probability of each entry that may come next, adapted.
 * - `expectation()`: what comes next, an object with
 *
 *   - `unknown`: the probability of a word that the language does not know; with the probabilities of all words that it
 *     knows, these add up to 1.
 *   - `byModel`: the same, before adaptation to how many the user writes.
 *   - `logits`: those of the model.
 *   - `known(words, least)`: P(word) of each as a known word, and `unknown` if it may be an unknown one. `least`, a Map,
 *     has some of the words; a P that would be less may be given as 0.
 *   - `spelling(word, least = 0)`: P(letters | the language does not know the word); these add up to 1.
 *   - `candidates(typed, most, isWhole)`: words that the user may mean, and the cost of typing them.
 */
export class Language {
  #past = []; // what was read, and what was known before it; `after` only where the ids do not lead there
  #own; // where the last line of this language ended
  #features = null; // after what was read; null before anything was
  #reader;
  #expected = null;

  /** `source`: a generator, or a `DynamicEvaluation`. */
  constructor(source, adapts) {
    this.learner = source[LEARNER]?.() ?? null;
    this.model = this.learner?.model ?? source[MODEL];
    this.dictionary = this.model.dictionary;
    this.logits = null; // of what comes next
    this.adaptation = new Adaptation(this.model, adapts);
  }

  /** Goes back to the beginning of a text; adaptation stays. */
  restart() {
    this.#past = [];
    return this.#begin();
  }

  /** Whether the last `number` words of a text of `of` words are remembered. */
  canTakeBack(number, of) {
    const { length } = this.#past;
    return number < length || (number === of && of === length);
  }

  /** What comes next. */
  get expected() {
    this.#expected ??= this.expectation();
    return this.#expected;
  }

  /** What was expected before the last `back` words; null if that is too far back. */
  expectedBefore(back) {
    return back ? (this.#past.at(-back)?.expected ?? null) : this.expected;
  }

  /** The reader that has read the text. */
  get reader() {
    return this.#reader;
  }

  /**
   * Reads a word, and adapts to it if it is new.
   *
   * - `share`: P(the word is of this language): there is nothing to adapt to in a foreign word.
   * - `ends`: whether a line ends with it, and `isForeign`, whether it is of another language; after a line of another
   *   language, the model goes on from where its own last line ended.
   */
  async read(word, isNew = true, share = 1, ends = false, isForeign = false) {
    const { learner, adaptation } = this;
    const ids = this.idsOf(word);
    const expected = isNew ? this.expected : null;
    const { last, state, features } = this.#place;
    const own = this.#own;
    let after = ids.length ? null : this.#place;
    const learned = learner?.learned;
    const learns = learner && isNew && share > 1 / 2;
    const changes = [];
    const earlier = { ...adaptation.counts, changes };
    if (expected) {
      adaptation.seen += this.isNew(word) ? share : 0;
      adaptation.foreseen += share * expected.byModel;
    }
    if (learner && !learns) learner.startAgain();
    for (const [place, id] of ids.entries()) {
      if (isNew) changes.push(...adaptation.learn(id, () => this.likelihoods(), this.#features, share));
      if (learns) await learner.note(id, this.#carried, place === 0);
      await this.#step(id);
    }
    if (ends && isForeign) {
      after = own;
      this.#goTo(own);
    } else if (ends) {
      this.#own = this.#place;
    }
    this.#past.push({ ids, last, state, features, expected, earlier, own, after, learned });
    if (this.#past.length > REMEMBERED) this.#past.shift();
    if (this.#past.length > EXPECTED) this.#past.at(-EXPECTED - 1).expected = null;
    this.#expected = null;
  }

  /** Removes the last words, at least one: fewer than are remembered, or all of the text. */
  async takeBack(number) {
    let moment;
    for (; number > 0; number--) {
      moment = this.#past.pop();
      this.adaptation.undo(moment.earlier);
    }
    if (this.learner) this.learner.learned = moment.learned;
    this.#own = moment.own;
    const before = this.#past.at(-1);
    if (!before) {
      await this.#begin();
    } else if (moment.expected) {
      const { last, state, features } = moment;
      this.#goTo({ last, state, features, logits: moment.expected.logits });
    } else if (before.after) {
      this.#goTo(before.after);
    } else {
      // The last remaining word is read again.
      Object.assign(this.#reader, { last: before.last, state: before.state });
      for (const id of before.ids) await this.#step(id);
    }
    this.#expected = moment.expected;
  }

  /** Keeps the adaptation so far, whatever is removed later. */
  async keep() {
    const earlier = this.adaptation.keep();
    await this.learner?.learnRest();
    const learned = this.learner?.learned;
    for (const moment of this.#past) Object.assign(moment, { earlier, learned });
  }

  /** What the model's logits are computed from, after what was read; null before anything was. */
  get features() {
    return this.#features;
  }

  /** The state that the model carries from word to word; null for a fixed context. */
  get #carried() {
    return this.model.info.context === null ? this.#reader.state : null;
  }

  /** What the model has read, and what it expects there. */
  get #place() {
    const { last, state } = this.#reader;
    return { last, state, logits: this.logits, features: this.#features };
  }

  #goTo({ last, state, logits, features }) {
    Object.assign(this.#reader, { last, state });
    this.logits = logits;
    this.#features = features;
  }

  /** Reads what comes before a text: a line end, if the model knows line ends. */
  async #begin() {
    const { model, dictionary } = this;
    this.#reader = model.reader();
    this.#expected = null;
    this.learner?.startAgain();
    if (model.info.lineEnds && dictionary.words.includes(END_OF_LINE)) {
      for (const id of this.idsOf(END_OF_LINE)) await this.#step(id);
    } else {
      // Ids are ranks; the file does not give the frequencies of words, but Zipf's law does.
      this.logits = Float32Array.from(dictionary.words, (_, id) => -Math.log(id + RANK));
      this.#features = null;
    }
    this.#own = this.#place;
  }

  async #step(id) {
    this.#expected = null;
    ({ logits: this.logits, features: this.#features } = await this.#reader.read([id]));
  }
}
