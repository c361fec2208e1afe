/**
 * Several languages and the user's own words as one: what comes next, and what was meant. Python's `keyboard.mixture`.
 */

import { normalise } from "../characters.js";
import { shown } from "../subwords.js";
import { END_OF_LINE } from "../words.js";
import { MODEL, NAT, best, margin } from "./candidates.js";
import { inCaseOf, isLower } from "./capitals.js";
import { REMEMBERED } from "./language.js";
import { Personal, longerThan } from "./personal.js";
import { beginsSentence } from "./text-field.js";

const SPELLING = 0.2; // weight of the letters of an unknown string
const UNKNOWN = 4; // its cost in nats
const CAPITAL = 25; // extra cost of a word in lower case where a name's capital was typed
const [OWN, OWN_LETTERS] = [1.5, 2]; // nats gained a letter after the first, and how many letters count
const LONGEST = 128; // letters of what may be a word
const INSIDE = 0.01; // how often another language follows inside a line
const HABITS = [0.02, 0.3, 0.9]; // how often it may do where a line begins
const ANY_HABIT = 0.01; // share of the weights that goes to all habits alike there

/**
 * Languages, each with a weight π that follows the text, and the user's own words. P(word) = Σ π P(word | language),
 * and after each word
 *
 *     π ← (1 − α) π′ + α (1 − π′) / (number of languages − 1), where π′ = π P(word | language) / Σ
 *
 * (Herbster & Warmuth 1998, fixed share). Inside a line α = 0.01. Where a line begins, or a sentence if the models know
 * no line ends, α is 0.02, 0.3 or 0.9: each of these habits has its own π, and counts as much as it has foretold
 * the text, but for 1 %, which is shared out anew there. A language that lacks the word gives it a share of its `<unk>`.
 */
export class Mixture {
  #lineEnds;
  #isMarked;
  #habits; // the weights of the languages for each habit
  #past = [];

  constructor(languages, layout) {
    this.languages = languages;
    this.start(languages.map(() => 1 / languages.length));
    this.personal = new Personal(layout);
    this.lowercase = languages[0].model.info.lowercase; // whether the models have no capitals
    this.#lineEnds = languages[0].model.info.lineEnds;
    this.#isMarked = languages.some(({ isMarked }) => isMarked);
  }

  /** π of each language. */
  get weights() {
    return summed(this.#habits);
  }

  /** Starts with these weights of the languages, and any habit. */
  start(weights) {
    this.#habits = HABITS.map(() => weights.map((weight) => weight / HABITS.length));
  }

  /** Whether any dictionary has a word. */
  has(word) {
    const normal = normalise(word, this.lowercase);
    return this.languages.some((language) => language.has(normal));
  }

  /** Whether a word can be suggested without being learned from the user. */
  canWrite(word) {
    const normal = normalise(word, this.lowercase);
    return this.languages.some((language) => language.canWrite(normal));
  }

  /** Reads a word of the text field; the weights follow, and the languages adapt to it if it is new. */
  async read(word, isNew = true) {
    const plain = this.#isMarked ? shown(word) : word;
    this.#past.push(this.#habits);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    const ends = this.#lineEnds ? plain === END_OF_LINE : beginsSentence(plain);
    let shares = [1];
    if (this.languages.length > 1) {
      const likelihoods = [];
      for (const { expected } of this.languages) {
        const [probability] = await this.#probabilitiesIn(expected, [plain], new Map());
        likelihoods.push(Math.max(probability, 1e-30));
      }
      const parts = this.weights.map((weight, place) => weight * likelihoods[place]);
      const total = sum(parts);
      shares = parts.map((part) => part / total);
      const followed = this.#habits.map((weights) => {
        return weights.map((weight, place) => (weight * likelihoods[place]) / total);
      });
      this.#habits = switched(followed, ends);
    }
    for (const [place, language] of this.languages.entries()) {
      const share = shares[place];
      await language.read(language.isMarked ? word : plain, isNew, share, ends, share < 1 / shares.length);
    }
  }

  /** Keeps the adaptation and the weights so far, whatever is removed later. */
  async keep() {
    for (const language of this.languages) await language.keep();
    if (this.languages.length > 1) this.#past.fill(switched(this.#habits, true));
  }

  /** Whether the last `number` words of a text of `of` words are remembered. */
  canTakeBack(number, of) {
    return this.languages.every((language) => language.canTakeBack(number, of));
  }

  /** Removes the last words, at least one. */
  async takeBack(number) {
    for (const language of this.languages) await language.takeBack(number);
    for (; number > 0; number--) this.#habits = this.#past.pop();
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
   * A word of the user's own that begins as typed gains 1.5 nats after two letters, and 3 after more: whoever writes it so
   * far hardly means another.
   *
   * - `most`: how many of each language and of the user's words are examined closely.
   * - `isWhole`: whether what was typed is a whole word.
   * - `isName`: whether it was typed with a capital that only a name needs.
   */
  async candidates(typed, expected, most, isWhole = false, isName = false) {
    if (longerThan(typed, LONGEST)) return [];
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
    const gain = typed && !isWhole ? OWN * Math.min([...typed].length - 1, OWN_LETTERS) : 0;
    const needed = Math.max(...found.map(({ score }) => score)) - margin(most) - gain;
    const least = new Map([...own].map(([word, cost]) => [word, Math.exp(Math.min((needed + cost / NAT) / weight, 0))]));
    found.push(...(await this.#scored(own, expected, weight, least)));
    if (gain) for (const one of found) if (this.#isOwn(one.word, typed)) one.score += gain;
    return found.sort((one, other) => other.score - one.score);
  }

  /** Whether a word is known from the user alone, and begins as typed. */
  #isOwn(word, typed) {
    return this.personal.has(word) && !this.has(word) && inCaseOf(word, typed).startsWith(typed);
  }

  /** Words with their scores, except for blocked ones; `least` is that of `known`. */
  async #scored(costs, expected, weight, least) {
    const words = [...costs.keys()].filter((word) => !this.personal.isBlocked(word));
    const probabilities = await this.#probabilities(words, expected, least);
    return words.map((word, place) => {
      return { score: weight * Math.log(Math.max(probabilities[place], 1e-300)) - costs.get(word) / NAT, word };
    });
  }

  /** An unknown string, as a candidate for what the user means. */
  async asTyped(typed, expected) {
    let [unknown, spelling] = [0, 0];
    const { weights } = this;
    for (const [place, one] of expected.entries()) {
      unknown += weights[place] * one.unknown;
      spelling += weights[place] * (await one.spelling(typed));
    }
    return { score: MODEL * Math.log(unknown) + SPELLING * Math.log(Math.max(spelling, 1e-300)) - UNKNOWN, word: typed };
  }

  /** P(word) of each. */
  async #probabilities(words, expected, least) {
    const sums = words.map(() => 0);
    const { weights } = this;
    for (const [place, one] of expected.entries()) {
      const found = await this.#probabilitiesIn(one, words, least);
      found.forEach((probability, number) => (sums[number] += weights[place] * probability));
    }
    return sums;
  }

  async #probabilitiesIn(expected, words, least) {
    const normal = words.map((word) => normalise(word, this.lowercase));
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

const sum = (values) => values.reduce((one, other) => one + other);

/** The weight of each language, whatever the habit. */
const summed = (habits) => habits[0].map((_, place) => sum(habits.map((weights) => weights[place])));

/** The weights of at least two languages for each habit after a word, with which a line may end. */
function switched(habits, ends) {
  const found = habits.map((weights, number) => {
    const rate = ends ? HABITS[number] : INSIDE;
    const total = sum(weights);
    const others = weights.length - 1;
    return weights.map((weight) => (1 - rate) * weight + (rate * (total - weight)) / others);
  });
  if (!ends) return found;
  const shared = summed(found).map((weight) => (ANY_HABIT * weight) / HABITS.length);
  return found.map((weights) => weights.map((weight, place) => (1 - ANY_HABIT) * weight + shared[place]));
}

/** The costs of words typed with a deliberate capital; those without one are hardly meant. */
function asNames(costs) {
  return new Map([...costs].map(([word, cost]) => [word, cost + (isLower(word) ? CAPITAL : 0)]));
}
