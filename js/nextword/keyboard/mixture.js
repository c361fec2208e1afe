/**
 * Several languages and the words of a user as one: what comes next, and what was meant: Python's
 * `keyboard.mixture`.
 */

import { normalise } from "../characters.js";
import { MOST, WordTable } from "./candidates.js";
import { REMEMBERED } from "./language.js";
import { Personal } from "./personal.js";
import { isWord } from "./text-field.js";

const MODEL = 0.75; // weight of a word's log-probability beside the cost of its typing
const SPELLING = 0.2; // weight of the letters of a string that nothing knows
const UNKNOWN = 4; // nats that it costs
const SLIPPED = 15; // what it costs a beginning that anything in it was mistyped
const SLIPS_PER_TEN = 12; // how much slips in a beginning count
const REST = 3; // what it costs that a word goes on, for each letter that was typed after the third
const [SHORT, SLIPPED_SHORT] = [3, 10]; // letters typed of a word, of which slips cost so much more
const STAYS = 0.94; // share of a language's weight that follows the text
const NAT = 10; // of these are the costs of typing

/**
 * Languages, each with a weight π that follows the text, and the words of the user:
 * P(word) = Σ π P(word | language), and after each word
 *
 *     π ← 0.94 π P(word | language) / Σ + 0.06 / number of languages
 *
 * (Herbster & Warmuth 1998, fixed share). A language that lacks the word gives it a share of its `<unk>`.
 */
export class Mixture {
  #lowercase;
  #tables;
  #suggestable; // of each language, the words that may be suggested: where nothing was typed, and where something was
  #past = [];

  constructor(languages, layout, punctuation) {
    this.languages = languages;
    this.weights = languages.map(() => 1 / languages.length);
    this.personal = new Personal(layout);
    this.#lowercase = languages[0].model.info.lowercase;
    this.#tables = languages.map(({ dictionary }) => new WordTable(dictionary.words, layout));
    this.#suggestable = languages.map(({ dictionary }) => {
      const isSuggestable = (word, id) => id !== dictionary.unknown && isWord(word);
      const words = Uint8Array.from(dictionary.words, (word, id) => Number(isSuggestable(word, id)));
      const all = Uint8Array.from(words, (_, id) => Number(id !== dictionary.unknown));
      return { next: punctuation ? all : words, typed: words };
    });
  }

  /** Whether a dictionary has a word. */
  knows(word) {
    const normal = normalise(word, this.#lowercase);
    return this.languages.some((language) => language.knows(normal));
  }

  /** Reads a word; the weights and the languages adapt to it if it is new. */
  async read(word, isNew = true) {
    this.#past.push(this.weights);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    let shares = this.languages.map(() => 1);
    if (isNew && this.languages.length > 1) {
      const parts = this.languages.map(
        (language, place) => this.weights[place] * Math.max(this.#probabilityIn(language, language.expected, word), 1e-30),
      );
      const total = parts.reduce((one, other) => one + other);
      shares = parts.map((part) => part / total);
      this.weights = shares.map((share) => STAYS * share + (1 - STAYS) / shares.length);
    }
    for (const [place, language] of this.languages.entries()) await language.read(word, isNew, shares[place]);
  }

  /** Whether the last `number` words of a text of `of` words are remembered. */
  canTakeBack(number, of) {
    return this.languages.every((language) => language.canTakeBack(number, of));
  }

  /** Takes back the last words, one at least. */
  async takeBack(number) {
    for (const language of this.languages) await language.takeBack(number);
    for (; number > 0; number--) this.weights = this.#past.pop();
  }

  /** Goes to the beginning of a text; what was adapted and learned stays. */
  async restart() {
    this.#past = [];
    for (const language of this.languages) await language.restart();
  }

  /** What each language expected before the last words; null if that is too long ago. */
  expected(back = 0) {
    const found = this.languages.map((language) => language.expectedBefore(back));
    return found.every(Boolean) ? found : null;
  }

  /** P(word); over all strings, it adds up to 1. */
  probability(word, expected) {
    let sum = 0;
    this.languages.forEach((language, place) => {
      sum += this.weights[place] * this.#probabilityIn(language, expected[place], word);
    });
    return sum;
  }

  /**
   * The words that may be meant by what was typed, or come next if nothing was, as `{ score, word }`, best first:
   *
   *     score = 0.75 ln P(word) − cost of the typing
   *
   * `most` are looked at closely of each language and of the user's words; `isWhole` says whether what was typed
   * is a whole word.
   */
  candidates(typed, expected, most, isWhole = false) {
    const weight = typed ? MODEL : 1;
    const costs = new Map();
    this.#tables.forEach((table, place) => {
      const isSuggestable = this.#suggestable[place][typed ? "typed" : "next"];
      const { logProbabilities } = expected[place];
      const share = Math.log(this.weights[place]);
      const score = (id) => (isSuggestable[id] ? weight * (logProbabilities[id] + share) : -Infinity);
      addBest(costs, table, score, typed, most, isWhole);
    });
    const { table, blocked } = this.personal;
    const uses = this.personal.weights.map(Math.log);
    addBest(costs, table, (id) => weight * uses[id], typed, most, isWhole);
    const found = [];
    for (const [word, cost] of costs) {
      if (blocked.has(word)) continue;
      found.push({ score: weight * Math.log(Math.max(this.probability(word, expected), 1e-300)) - cost / NAT, word });
    }
    return found.sort((one, other) => other.score - one.score);
  }

  /** A string that nothing knows, as a candidate for what it should be. */
  asTyped(typed, expected) {
    let [unknown, spelling] = [0, 0];
    this.languages.forEach((language, place) => {
      unknown += this.weights[place] * expected[place].unknown;
      spelling += this.weights[place] * language.spelling(typed);
    });
    return { score: MODEL * Math.log(unknown) + SPELLING * Math.log(Math.max(spelling, 1e-300)) - UNKNOWN, word: typed };
  }

  #probabilityIn(language, expected, word) {
    const normal = normalise(word, this.#lowercase);
    if (language.knows(normal)) return Math.exp(expected.logProbabilities[language.idOf(normal)]);
    return expected.unknown * this.personal.share(word, language.spelling(word));
  }
}

/** Adds the words of a table with the best scores less the cost of their typing, and that cost. */
function addBest(costs, table, scoreOf, typed, most, isWhole) {
  if (typed) table.type(typed);
  const { beginnings, wholes } = typed ? table.costs() : {};
  const letters = [...typed].length;
  const best = []; // { score, id, cost }, best first
  for (let id = 0; id < table.words.length; id++) {
    let cost = 0;
    if (typed) {
      if ((isWhole ? wholes[id] : Math.min(beginnings[id], wholes[id])) >= MOST) continue;
      cost = isWhole ? wholes[id] : either(letters, beginnings[id], wholes[id]);
    }
    const score = scoreOf(id) - cost / NAT;
    if (score === -Infinity || (best.length === most && score <= best.at(-1).score)) continue;
    let place = best.length;
    while (place > 0 && best[place - 1].score < score) place--;
    best.splice(place, 0, { score, id, cost });
    if (best.length > most) best.pop();
  }
  for (const { id, cost } of best) costs.set(table.words[id], cost);
}

/**
 * The cost of a word of which so many letters were typed, or which was mistyped as a whole. While little is
 * typed, a beginning without a slip is likelier than a slip.
 */
function either(letters, beginning, whole) {
  const slips = beginning ? SLIPPED : 0;
  const begun = Math.floor((beginning * SLIPS_PER_TEN) / 10) + slips + REST * Math.max(letters - SHORT, 0);
  return Math.min(begun, letters === SHORT && whole ? whole + SLIPPED_SHORT : whole);
}
