/** A model of subwords behind a keyboard: Python's `keyboard.subword_language`. */

import { MOST_SUBWORDS } from "../entries.js";
import { BLANK_MARK, GLUE_MARK, isUnspaced } from "../marks.js";
import { logOfSum, logSoftmax } from "../sampling.js";
import { MOST_READ, shown } from "../subwords.js";
import { WordTree } from "../word-tree.js";
import { END_OF_LINE } from "../words.js";
import { NAT, WordTable, either } from "./candidates.js";
import { EntryCosts } from "./entry-costs.js";
import { Language, SHARE } from "./language.js";
import { SubwordSearch } from "./subword-search.js";
import { isWord } from "./text-field.js";

const NEGLIGIBLE = Math.log(1e-3); // a share of a word's probability too small for another spelling to matter

/**
 * A language whose words are spelt by the entries of its dictionary, so that it knows every word. Words that are not
 * single entries are still learned, since a word written once is likely to be written again: they get a share of the
 * probability, like new words where a model has no `<unk>`.
 */
export class SubwordLanguage extends Language {
  isMarked = true;
  #layout;
  #punctuation;

  constructor(source, adapts, layout, punctuation) {
    super(source, adapts);
    this.#layout = layout;
    this.#punctuation = punctuation;
    this.entries = this.model.entries;
    this.costs = new EntryCosts(this.entries, layout);
  }

  /** Whether a word is a single entry, or of a script without blanks. */
  has(word) {
    return this.spellings(word).some(({ length }) => length === 1) || isUnspaced(word);
  }

  /** Whether a word can be spelt without bytes. */
  canWrite(word) {
    return this.entries.spellings(word).length > 0;
  }

  isNew(word) {
    return !this.has(shown(word));
  }

  idsOf(word) {
    const { dictionary } = this;
    if (word[0] === BLANK_MARK && word.length > 1 && isUnspaced(word.slice(1))) {
      return [...dictionary.split(BLANK_MARK), ...dictionary.split(word.slice(1))];
    }
    return dictionary.split(word).slice(-MOST_READ);
  }

  likelihoods() {
    return logSoftmax(this.adaptation.ofLogits(this.logits));
  }

  /** The subwords of a word, bytes included, with and without a blank before it; none if too many. */
  spellings(word) {
    if (word.length > MOST_SUBWORDS * this.entries.longest) return [];
    const spelt = word === END_OF_LINE || isUnspaced(word) ? [word] : [BLANK_MARK + word, GLUE_MARK + word];
    return spelt.map((one) => this.dictionary.split(one)).filter(({ length }) => length <= MOST_SUBWORDS);
  }

  expectation() {
    const { adaptation } = this;
    const unknown = adaptation.ofUnknown(SHARE);
    const { last, state } = this.reader;
    const bias = adaptation.bias && Float32Array.from(adaptation.bias);
    const logProbabilities = adaptation.ofProbabilities(this.likelihoods(), this.features);
    const tree = new WordTree(this.model, { last, state, place: 0 }, logProbabilities, { bias });
    return new Expected(this, tree, unknown);
  }

  /** The words that the user may mean, and the cost of typing them. */
  async candidates(tree, missing, typed, most, isWhole) {
    if (typed && isUnspaced(typed)) return new Map(); // no letters to slip on
    const fits = typed || !this.#punctuation ? isWord : () => true;
    const search = new SubwordSearch(tree, this.costs, most, typed, isWhole, fits);
    const words = await search.run(() => missing(typed ? [typed] : []));
    if (!typed) return new Map(words.map((word) => [word, 0]));
    const table = new WordTable(words, this.#layout);
    table.type(typed);
    const { beginnings, wholes } = table.costs();
    const letters = [...typed].length;
    const cost = (place) => (isWhole ? wholes[place] : either(letters, beginnings[place], wholes[place]));
    const handicap = (word) => Math.round(NAT * this.entries.handicap(word));
    return new Map(words.map((word, place) => [word, cost(place) + handicap(word)]));
  }
}

/**
 * What a language of subwords expects next:
 *
 *     P(word) = (1 − unknown) P(its subwords, then a new word), with or without a blank before it.
 */
class Expected {
  byModel = SHARE;
  #language;
  #tree;

  constructor(language, tree, unknown) {
    this.#language = language;
    this.#tree = tree;
    this.unknown = unknown;
    this.logits = language.logits;
  }

  async known(words, least) {
    await this.#prepare(words, least);
    const found = [];
    for (const word of words) {
      const spelling = await this.spelling(word, least.get(word));
      found.push({ probability: (1 - this.unknown) * spelling, unknown: this.unknown });
    }
    return found;
  }

  async spelling(word, least = 0) {
    let { node, total } = this.#logProbability(word, least);
    while (node) {
      await this.#tree.expand([node]);
      ({ node, total } = this.#logProbability(word, least));
    }
    return Math.exp(total);
  }

  candidates(typed, most, isWhole) {
    return this.#language.candidates(this.#tree, (words) => this.#missing(words, new Map()), typed, most, isWhole);
  }

  /** Computes what the probabilities of some words need, in batches. */
  async #prepare(words, least) {
    for (let round = 0; round < 2 * MOST_SUBWORDS; round++) {
      const missing = this.#missing(words, least);
      if (!missing.length) break;
      await this.#tree.expand(missing);
    }
  }

  /** For some words, the next nodes to expand. */
  #missing(words, least) {
    const nodes = words.map((word) => this.#logProbability(word, least.get(word)).node).filter(Boolean);
    return [...new Map(nodes.map((node) => [node.name, node])).values()];
  }

  /**
   * ln P(word) as `total`, or the first `node` on the way to it that has yet to be expanded. A spelling less likely than
   * `least` does not count.
   */
  #logProbability(word, least = 0) {
    const root = this.#tree.root.values;
    const paths = this.#language.spellings(word).sort(([one], [other]) => root[other] - root[one]);
    let total = -Infinity;
    for (const path of paths) {
      const found = this.#along(path, Math.max(total + NEGLIGIBLE, Math.log(least)));
      if (found.node) return found;
      total = logOfSum(total, found.total);
    }
    return { total };
  }

  /** The same for one spelling; −∞ if it is less likely than `least`. */
  #along(path, least) {
    let total = 0;
    let continuation = this.#tree.root;
    for (const [place, id] of path.entries()) {
      total += continuation.values[id];
      if (total < least) return { total: -Infinity };
      if (place === path.length - 1 && this.#tree.entries.isWhole[id]) return { total };
      const beginning = path.slice(0, place + 1);
      const name = beginning.join();
      const known = this.#tree.known(name);
      if (!known) {
        return { node: { path: beginning, name, surface: "", logProbability: total, before: continuation.after } };
      }
      continuation = known;
    }
    return { total: total + continuation.end };
  }
}
