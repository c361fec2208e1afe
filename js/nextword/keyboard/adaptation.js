/**
 * What a language has adapted to in what its user writes, apart from the weights of its model. Python's
 * `keyboard.adaptation`.
 */

import { NeuralCache } from "../cache.js";
import { half, toHalves } from "../half.js";

const CACHE = { size: 500, weight: 0.1, flatness: 0.3 };
const NO_CACHE = { size: 0, weight: 0, flatness: 0 };
const [RATE, DECAY] = [0.8, 0.0007]; // of the bias
const LEAST = Math.fround(Math.log(1e-3)); // least log-probability of a word whose bias changes
const LEAST_BIAS = 1e-3; // worth saving
const SEEN = 4; // unknown words that count as seen and as expected at the start

/**
 * Adapts what a model expects to its user. A bias b is added to the logits, and after each entry of the dictionary
 *
 *     b ← (1 − 0.0007) b + 0.8 (onehot − p)
 *
 * where p holds the probabilities of entries of at least 0.1 %. A cache of the last 500 entries, with features rounded to
 * float16, as they are saved, has a tenth of the probability. The odds of an unknown word are multiplied by
 * (seen + 4) / (foreseen + 4).
 */
export class Adaptation {
  adapts;
  #dictionary;
  #bias; // without its scale
  #scale = 1;

  constructor({ dictionary, features }, adapts) {
    this.adapts = adapts;
    this.#dictionary = dictionary;
    this.#bias = new Float64Array(dictionary.words.length);
    this.cache = new NeuralCache(adapts && features ? CACHE : NO_CACHE, features);
    this.seen = 0; // unknown words so far
    this.foreseen = 0; // how many the model expected
  }

  /** How many unknown words there have been, and how many the model expected. */
  get counts() {
    return { seen: this.seen, foreseen: this.foreseen };
  }

  /** What is added to the logits; null if nothing is. */
  get bias() {
    return this.adapts ? this.#bias.map((value) => value * this.#scale) : null;
  }

  /** The logits of the next entry, with the bias. */
  ofLogits(logits) {
    const found = Float64Array.from(logits);
    if (this.adapts) for (let id = 0; id < found.length; id++) found[id] += this.#bias[id] * this.#scale;
    return found;
  }

  /**
   * The log-probabilities of the next entry, mixed with the cache's. `features`: what the logits are computed from; null
   * where the model has not read anything.
   */
  ofProbabilities(logProbabilities, features) {
    return features ? this.cache.mix(logProbabilities, features) : logProbabilities;
  }

  /** The probability of an unknown word, whose probability is `byModel` without adaptation. */
  ofUnknown(byModel) {
    const odds = ((byModel / (1 - byModel)) * (this.seen + SEEN)) / (this.foreseen + SEEN);
    return odds / (1 + odds);
  }

  /**
   * Adapts to an entry that is about to be read, and returns what changed; nothing where nothing adapts, or for `<unk>`.
   *
   * - `likelihoods`: returns the log-probability of each entry there, adapted.
   * - `share`: P(the entry is of this language).
   */
  learn(id, likelihoods, features, share) {
    if (!this.adapts || id === this.#dictionary.unknown) return [];
    const [expected, bias, rate] = [likelihoods(), this.#bias, RATE * share];
    const ids = [];
    for (let at = 0; at < expected.length; at++) if (expected[at] >= LEAST || at === id) ids.push(at);
    const change = { ids, values: ids.map((at) => bias[at]), scale: this.#scale, overwritten: [] };
    this.#scale *= 1 - DECAY;
    for (const at of ids) bias[at] -= (rate / this.#scale) * Math.exp(expected[at]);
    bias[id] += rate / this.#scale;
    if (share > 1 / 2 && features) change.overwritten.push(this.cache.remember(rounded(features), id));
    return [change];
  }

  /** Goes back to before the last word, whose entries changed these things. */
  undo({ seen, foreseen, changes }) {
    for (const { ids, values, scale, overwritten } of changes.toReversed()) {
      ids.forEach((id, place) => (this.#bias[id] = values[place]));
      this.#scale = scale;
      for (const one of overwritten) this.cache.forget(one);
    }
    Object.assign(this, { seen, foreseen });
  }

  /** Keeps the adaptation so far, whatever is removed later, and returns what to go back to from now on. */
  keep() {
    this.#bias = this.#bias.map((value) => value * this.#scale);
    this.#scale = 1;
    return { ...this.counts, changes: [] };
  }

  /** The bias of each entry where it is worth saving. */
  savedBias() {
    const entries = [];
    this.#bias.forEach((value, id) => {
      const whole = value * this.#scale;
      if (Math.abs(whole) >= LEAST_BIAS) entries.push([this.#dictionary.words[id], Number(whole.toFixed(4))]);
    });
    return Object.fromEntries(entries);
  }

  /** Restores what `savedBias` returned; entries that the dictionary lacks are left out. */
  restoreBias(bias) {
    this.#dictionary.words.forEach((entry, id) => {
      if (Object.hasOwn(bias, entry) && id !== this.#dictionary.unknown) this.#bias[id] = bias[entry];
    });
  }
}

const rounded = (features) => Float32Array.from(toHalves(features), half);
