/** One model under a keyboard: what it has read, adapted to, and expects. Python's `keyboard.language`. */

import { LetterModel } from "../letters.js";
import { logSoftmax } from "../sampling.js";
import { END_OF_LINE } from "../words.js";

export const REMEMBERED = 64; // words that are taken back without reading the text again
const EXPECTED = 4; // of these, how many keep what was expected there

const [RATE, DECAY] = [0.4, 0.0007]; // of the bias
const LEAST = Math.fround(Math.log(1e-3)); // log-probability of the words whose bias changes
const SEEN = 4; // unknown words that count as seen, and as expected, before the first
const SHARE = 0.05; // of new words, where a model knows no <unk>
const RANK = 2.7; // of Zipf's law as Mandelbrot amended it
const LETTERS = 3; // order of the letter model
const SPELLINGS = 4096; // that are not computed again

const nothing = (scale) => ({ ids: [], values: [], scale });

/**
 * Reads the words under a keyboard, and takes them back. It adapts to its user: a bias b is added to the
 * logits, and after each word
 *
 *     b ← (1 − 0.0007) b + 0.4 (onehot − p)
 *
 * where p holds the probabilities of the likelier words, from 0.1 % on. The odds of `<unk>` are multiplied by
 * (seen + 4) / (foreseen + 4).
 */
export class Language {
  #adapts;
  #past = []; // each of the last words and what was known before it was read; logits only of what cannot be read
  #letters;
  #ofUnknownLetters; // what strings that the dictionary lacks have in common
  #reader;
  #logits;
  #expected = null;
  #spellings = new Map();

  constructor(model, adapts) {
    this.model = model;
    this.dictionary = model.dictionary;
    this.#adapts = adapts;
    this.bias = new Float64Array(this.dictionary.words.length); // without its scale
    this.scale = 1;
    this.seen = 0; // unknown words so far
    this.foreseen = 0; // how many the model expected
    const spelt = this.dictionary.words.filter((word, id) => id !== this.dictionary.unknown && word !== END_OF_LINE);
    this.#letters = new LetterModel(spelt, LETTERS);
    this.#ofUnknownLetters = Math.max(1 - this.#letters.total(spelt), 1e-9);
  }

  /** Goes to the beginning of a text; what was adapted stays. */
  restart() {
    this.#past = [];
    return this.#begin();
  }

  /** Whether the last `number` words of a text of `of` words are remembered. */
  canTakeBack(number, of) {
    const { length } = this.#past;
    return number < length || (number === of && of === length);
  }

  /** Whether the dictionary has a word. */
  knows(word) {
    return this.dictionary.has(word) && this.idOf(word) !== this.dictionary.unknown;
  }

  idOf(word) {
    return this.dictionary.encode([word])[0];
  }

  /**
   * What comes next: `logProbabilities` of each word of the dictionary, −∞ for `<unk>`, and the probability
   * `unknown` of a word that it lacks, with which they add up to 1; `byModel`, the same before it was adapted to
   * how many the user writes; `logits`, those of the model.
   */
  get expected() {
    this.#expected ??= this.#expectation();
    return this.#expected;
  }

  /** What was expected before the last `back` words; null if that is too long ago. */
  expectedBefore(back) {
    return back ? (this.#past.at(-back)?.expected ?? null) : this.expected;
  }

  /**
   * Reads a word, and adapts to it if it is new. `share` is P(the word is of this language); in a foreign word
   * there is nothing to adapt to.
   */
  async read(word, isNew = true, share = 1) {
    const isKnown = this.knows(word);
    const expected = isNew ? this.expected : null;
    const { last, state } = this.#reader;
    const { seen, foreseen } = this;
    const adapts = isNew && isKnown && this.#adapts;
    const bias = adapts ? this.#adapt(expected, this.idOf(word), RATE * share) : nothing(this.scale);
    const logits = this.#canRead(word) ? null : this.#logits;
    this.#past.push({ word, last, state, expected, seen, foreseen, bias, logits });
    if (this.#past.length > REMEMBERED) this.#past.shift();
    if (this.#past.length > EXPECTED) this.#past.at(-EXPECTED - 1).expected = null;
    if (isNew) {
      this.seen += isKnown ? 0 : share;
      this.foreseen += share * expected.byModel;
    }
    await this.#step(word);
  }

  /** Takes back the last words, one at least: fewer than are remembered, or all of the text. */
  async takeBack(number) {
    let moment;
    for (; number > 0; number--) {
      moment = this.#past.pop();
      moment.bias.ids.forEach((id, place) => (this.bias[id] = moment.bias.values[place]));
      this.scale = moment.bias.scale;
    }
    this.seen = moment.seen;
    this.foreseen = moment.foreseen;
    const before = this.#past.at(-1);
    if (!before) {
      await this.#begin();
    } else {
      const { last, state } = moment.expected ? moment : before;
      Object.assign(this.#reader, { last, state });
      this.#logits = moment.expected?.logits ?? before.logits;
      if (!moment.expected) await this.#step(before.word); // the last word that stays is read again
    }
    this.#expected = moment.expected;
  }

  /** What was adapted so far stays, whatever is taken back. */
  keep() {
    this.bias.forEach((value, id) => (this.bias[id] = value * this.scale));
    this.scale = 1;
    for (const moment of this.#past) {
      Object.assign(moment, { bias: nothing(1), seen: this.seen, foreseen: this.foreseen });
    }
  }

  /** P(letters | the dictionary lacks the word); these add up to 1 over all strings that it lacks. */
  spelling(word) {
    let found = this.#spellings.get(word);
    if (found === undefined) {
      if (this.#spellings.size >= SPELLINGS) this.#spellings.clear();
      found = Math.exp(this.#letters.logProbability(word)) / this.#ofUnknownLetters;
      this.#spellings.set(word, found);
    }
    return found;
  }

  /** Reads what stands before a text: a line end, if the model knows them. */
  async #begin() {
    this.#reader = this.model.reader();
    this.#expected = null;
    if (this.model.info.lineEnds && this.knows(END_OF_LINE)) await this.#step(END_OF_LINE);
    // The ids are ranks; the file does not say how frequent words are, but Zipf's law does.
    else this.#logits = Float32Array.from(this.bias, (_, id) => -Math.log(id + RANK));
  }

  async #step(word) {
    this.#expected = null;
    if (!this.#canRead(word)) return;
    this.#logits = (await this.#reader.read([this.idOf(word)])).logits;
  }

  #canRead(word) {
    return this.knows(word) || this.dictionary.unknown !== null;
  }

  #expectation() {
    const { unknown: id } = this.dictionary;
    const { bias, scale } = this;
    const adapted = Float64Array.from(this.#logits);
    if (this.#adapts) for (let at = 0; at < adapted.length; at++) adapted[at] += bias[at] * scale;
    const found = logSoftmax(adapted);
    const byModel = id === null ? SHARE : Math.min(Math.exp(found[id]), 1 - 1e-9);
    const odds = ((byModel / (1 - byModel)) * (this.seen + SEEN)) / (this.foreseen + SEEN);
    const unknown = odds / (1 + odds);
    const change = Math.log((1 - unknown) / (id === null ? 1 : 1 - byModel));
    for (let at = 0; at < found.length; at++) found[at] += change;
    const logProbabilities = Float32Array.from(found);
    if (id !== null) logProbabilities[id] = -Infinity;
    return { logProbabilities, unknown, byModel, logits: this.#logits };
  }

  /** Changes the bias after the word `id`; gives what it was. */
  #adapt({ logProbabilities }, id, rate) {
    const ids = [];
    logProbabilities.forEach((value, at) => {
      if (value >= LEAST || at === id) ids.push(at);
    });
    const before = { ids, values: ids.map((at) => this.bias[at]), scale: this.scale };
    this.scale *= 1 - DECAY;
    for (const at of ids) this.bias[at] -= (rate / this.scale) * Math.exp(logProbabilities[at]);
    this.bias[id] += rate / this.scale;
    return before;
  }
}
