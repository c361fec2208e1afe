/**
 * Several languages and the user's own words as one: what comes next, and what was meant. Python's `keyboard.mixture`.
 */

import { normalise } from "../characters.js";
import { shown } from "../subwords.js";
import { MODEL, NAT, best, margin } from "./candidates.js";
import { isLower } from "./capitals.js";
import { REMEMBERED } from "./language.js";
import { Personal } from "./personal.js";

const SPELLING = 0.2; // weight of the letters of an unknown string
const UNKNOWN = 4; // its cost in nats
const CAPITAL = 25; // extra cost of a word in lower case where a name's capital was typed
const STAYS = 0.94; // share of a language's weight that follows the text

/**
 * Languages, each with a weight π that follows the text, and the user's own words. P(word) = Σ π P(word | language),
 * and after each word
 *
 *     π ← 0.94 π P(word | language) / Σ + 0.06 / number of languages
 *
 * (Herbster & Warmuth 1998, fixed share). A language that lacks the word gives it a share of its `<unk>`.
 */
export class Mixture {
  #lowercase;
  #isMarked;
  #past = [];

  constructor(languages, layout) {
    this.languages = languages;
    this.weights = languages.map(() => 1 / languages.length);
    this.personal = new Personal(layout);
    this.#lowercase = languages[0].model.info.lowercase;
    this.#isMarked = languages.some(({ isMarked }) => isMarked);
  }

  /** Whether any dictionary has a word. */
  has(word) {
    const normal = normalise(word, this.#lowercase);
    return this.languages.some((language) => language.has(normal));
  }

  /** Whether a word can be suggested without being learned from the user. */
  canWrite(word) {
    const normal = normalise(word, this.#lowercase);
    return this.languages.some((language) => language.canWrite(normal));
  }

  /** Reads a word of the text field; the weights and the languages adapt to it if it is new. */
  async read(word, isNew = true) {
    const plain = this.#isMarked ? shown(word) : word;
    this.#past.push(this.weights);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    let shares = this.languages.map(() => 1);
    if (isNew && this.languages.length > 1) {
      const parts = [];
      for (const [place, { expected }] of this.languages.entries()) {
        const [probability] = await this.#probabilitiesIn(expected, [plain], new Map());
        parts.push(this.weights[place] * Math.max(probability, 1e-30));
      }
      const total = parts.reduce((one, other) => one + other);
      shares = parts.map((part) => part / total);
      this.weights = shares.map((share) => STAYS * share + (1 - STAYS) / shares.length);
    }
    for (const [place, language] of this.languages.entries()) {
      await language.read(language.isMarked ? word : plain, isNew, shares[place]);
    }
  }

  /** Whether the last `number` words of a text of `of` words are remembered. */
  canTakeBack(number, of) {
    return this.languages.every((language) => language.canTakeBack(number, of));
  }

  /** Removes the last words, at least one. */
  async takeBack(number) {
    for (const language of this.languages) await language.takeBack(number);
    for (; number > 0; number--) this.weights = this.#past.pop();
  }

  /** Goes back to the beginning of a text; what was adapted and learned stays. */
  async restart() {
    this.#past = [];
    for (const language of this.languages) await language.restart();
  }

  /** What each language expected before the last words; null if that is too far back. */
  expected(back = 0) {
    const found = this.languages.map((language) => language.expectedBefore(back));
    return found.every(Boolean) ? found : null;
  }

  /** P(word); over all strings, these add up to 1. */
  async probability(word, expected) {
    return (await this.#probabilities([word], expected, new Map()))[0];
  }

  /**
   * The words that the user may mean, or that may come next if nothing was typed, as `{ score, word }`, best first:
   *
   *     score = 0.75 ln P(word) − cost of typing it
   *
   * - `most`: how many of each language and of the user's words are examined closely.
   * - `isWhole`: whether what was typed is a whole word.
   * - `isName`: whether it was typed with a capital that only a name needs.
   */
  async candidates(typed, expected, most, isWhole = false, isName = false) {
    const weight = typed ? MODEL : 1;
    const uses = this.personal.weights.map(Math.log);
    let own = best(this.personal.table, (id) => weight * uses[id], typed, most, isWhole);
    let costs = new Map();
    for (const one of expected) {
      for (const [word, cost] of await one.candidates(typed, most, isWhole)) {
        costs.set(word, Math.min(cost, costs.get(word) ?? cost, own.get(word) ?? cost));
        own.delete(word);
      }
    }
    if (isName) [costs, own] = [asNames(costs), asNames(own)];
    const found = await this.#scored(costs, expected, weight, new Map());
    const needed = Math.max(...found.map(({ score }) => score)) - margin(most);
    const least = new Map([...own].map(([word, cost]) => [word, Math.exp(Math.min((needed + cost / NAT) / weight, 0))]));
    found.push(...(await this.#scored(own, expected, weight, least)));
    return found.sort((one, other) => other.score - one.score);
  }

  /** Words with their scores, except for blocked ones; `least` is that of `known`. */
  async #scored(costs, expected, weight, least) {
    const words = [...costs.keys()].filter((word) => !this.personal.blocked.has(word));
    const probabilities = await this.#probabilities(words, expected, least);
    return words.map((word, place) => {
      return { score: weight * Math.log(Math.max(probabilities[place], 1e-300)) - costs.get(word) / NAT, word };
    });
  }

  /** An unknown string, as a candidate for what the user means. */
  async asTyped(typed, expected) {
    let [unknown, spelling] = [0, 0];
    for (const [place, one] of expected.entries()) {
      unknown += this.weights[place] * one.unknown;
      spelling += this.weights[place] * (await one.spelling(typed));
    }
    return { score: MODEL * Math.log(unknown) + SPELLING * Math.log(Math.max(spelling, 1e-300)) - UNKNOWN, word: typed };
  }

  /** P(word) of each. */
  async #probabilities(words, expected, least) {
    const sums = words.map(() => 0);
    for (const [place, one] of expected.entries()) {
      const found = await this.#probabilitiesIn(one, words, least);
      found.forEach((probability, number) => (sums[number] += this.weights[place] * probability));
    }
    return sums;
  }

  async #probabilitiesIn(expected, words, least) {
    const normal = words.map((word) => normalise(word, this.#lowercase));
    const atLeast = new Map(normal.map((word, place) => [word, least.get(words[place])]).filter(([, value]) => value));
    const known = await expected.known(normal, atLeast);
    const found = [];
    for (const [place, { probability, unknown }] of known.entries()) {
      const word = words[place];
      const share = unknown && this.personal.share(word, await expected.spelling(word, least.get(word)));
      found.push(probability + unknown * share);
    }
    return found;
  }
}

/** The costs of words typed with a deliberate capital; those without one are hardly meant. */
function asNames(costs) {
  return new Map([...costs].map(([word, cost]) => [word, cost + (isLower(word) ? CAPITAL : 0)]));
}
