/** One model behind a keyboard: what it has read and adapted to, and what it expects. Python's `keyboard.language`. */

import { NeuralCache } from "../cache.js";
import { half, toHalves } from "../half.js";
import { LEARNER, MODEL } from "../model.js";
import { END_OF_LINE } from "../words.js";

export const REMEMBERED = 64; // words that can be removed without reading the text again
const EXPECTED = 4; // how many of these keep what was expected there
export const SHARE = 0.05; // of new words, where a model knows no <unk>

const CACHE = { size: 500, weight: 0.1, flatness: 0.3 };
const NO_CACHE = { size: 0, weight: 0, flatness: 0 };
const [RATE, DECAY] = [0.8, 0.0007]; // of the bias
const LEAST = Math.fround(Math.log(1e-3)); // least log-probability of a word whose bias changes
const LEAST_BIAS = 1e-3; // worth saving
const SEEN = 4; // unknown words that count as seen and as expected at the start
const RANK = 2.7; // offset in Zipf's law as Mandelbrot amended it

/**
 * Reads the words written on a keyboard, and can remove them again. It adapts to its user: a bias b is added to the
 * logits, and after each entry of the dictionary
 *
 *     b ← (1 − 0.0007) b + 0.8 (onehot − p)
 *
 * where p holds the probabilities of entries of at least 0.1 %. A cache of the last 500 entries, with features rounded to
 * float16, as they are saved, has a tenth of the probability. The odds of an unknown word are multiplied by
 * (seen + 4) / (foreseen + 4). Where a model learns while it reads, `learner` changes its weights as well.
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
  adapts;
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
    this.adapts = adapts;
    this.logits = null; // of what comes next
    this.bias = new Float64Array(this.dictionary.words.length); // without its scale
    this.scale = 1;
    const { features } = this.model;
    this.cache = new NeuralCache(adapts && features ? CACHE : NO_CACHE, features);
    this.seen = 0; // unknown words so far
    this.foreseen = 0; // how many the model expected
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
    const { learner, seen, foreseen } = this;
    const ids = this.idsOf(word);
    const expected = isNew ? this.expected : null;
    const { last, state, features } = this.#place;
    const own = this.#own;
    let after = ids.length ? null : this.#place;
    const learned = learner?.learned;
    const learns = learner && isNew && share > 1 / 2;
    const bias = [];
    const overwritten = []; // what the cache loses for each entry that it remembers
    if (expected) {
      this.seen += this.isNew(word) ? share : 0;
      this.foreseen += share * expected.byModel;
    }
    if (learner && !learns) learner.startAgain();
    for (const [place, id] of ids.entries()) {
      if (isNew && this.adapts && id !== this.dictionary.unknown) {
        bias.push(this.#adapt(id, RATE * share));
        if (share > 1 / 2 && this.#features) overwritten.push(this.cache.remember(rounded(this.#features), id));
      }
      if (learns) await learner.note(id, this.#carried, place === 0);
      await this.#step(id);
    }
    if (ends && isForeign) {
      after = own;
      this.#goTo(own);
    } else if (ends) {
      this.#own = this.#place;
    }
    this.#past.push({ ids, last, state, features, expected, seen, foreseen, bias, overwritten, own, after, learned });
    if (this.#past.length > REMEMBERED) this.#past.shift();
    if (this.#past.length > EXPECTED) this.#past.at(-EXPECTED - 1).expected = null;
    this.#expected = null;
  }

  /** Removes the last words, at least one: fewer than are remembered, or all of the text. */
  async takeBack(number) {
    let moment;
    for (; number > 0; number--) {
      moment = this.#past.pop();
      for (const { ids, values, scale } of moment.bias.toReversed()) {
        ids.forEach((id, place) => (this.bias[id] = values[place]));
        this.scale = scale;
      }
      for (const one of moment.overwritten.toReversed()) this.cache.forget(one);
    }
    this.seen = moment.seen;
    this.foreseen = moment.foreseen;
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
    this.bias.forEach((value, id) => (this.bias[id] = value * this.scale));
    this.scale = 1;
    await this.learner?.learnRest();
    const { seen, foreseen } = this;
    const learned = this.learner?.learned;
    for (const moment of this.#past) Object.assign(moment, { bias: [], overwritten: [], seen, foreseen, learned });
  }

  /** The bias of each entry where it is worth saving. */
  adapted() {
    const entries = [];
    this.bias.forEach((value, id) => {
      const whole = value * this.scale;
      if (Math.abs(whole) >= LEAST_BIAS) entries.push([this.dictionary.words[id], Number(whole.toFixed(4))]);
    });
    return Object.fromEntries(entries);
  }

  /** Restores what `adapted` returned; entries that the dictionary lacks are left out. */
  adaptTo(bias) {
    this.dictionary.words.forEach((entry, id) => {
      if (Object.hasOwn(bias, entry) && id !== this.dictionary.unknown) this.bias[id] = bias[entry];
    });
  }

  /** The logits of what comes next, adapted. */
  withBias() {
    const { bias, scale } = this;
    const found = Float64Array.from(this.logits);
    if (this.adapts) for (let id = 0; id < found.length; id++) found[id] += bias[id] * scale;
    return found;
  }

  /** Log-probabilities of the next entry, mixed with the cache's. */
  withCache(logProbabilities) {
    return this.#features ? this.cache.mix(logProbabilities, this.#features) : logProbabilities;
  }

  /** The probability of an unknown word, adapted to the user. */
  unknownShare(byModel) {
    const odds = ((byModel / (1 - byModel)) * (this.seen + SEEN)) / (this.foreseen + SEEN);
    return odds / (1 + odds);
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
      this.logits = Float32Array.from(this.bias, (_, id) => -Math.log(id + RANK));
      this.#features = null;
    }
    this.#own = this.#place;
  }

  async #step(id) {
    this.#expected = null;
    ({ logits: this.logits, features: this.#features } = await this.#reader.read([id]));
  }

  /** Changes the bias before the entry `id` is read; returns its earlier values. */
  #adapt(id, rate) {
    const expected = this.likelihoods();
    const ids = [];
    for (let at = 0; at < expected.length; at++) if (expected[at] >= LEAST || at === id) ids.push(at);
    const before = { ids, values: ids.map((at) => this.bias[at]), scale: this.scale };
    this.scale *= 1 - DECAY;
    for (const at of ids) this.bias[at] -= (rate / this.scale) * Math.exp(expected[at]);
    this.bias[id] += rate / this.scale;
    return before;
  }
}

const rounded = (features) => Float32Array.from(toHalves(features), half);
