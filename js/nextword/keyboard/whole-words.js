/** A model of whole words behind a keyboard: Python's `keyboard.whole_words`. */

import { LetterModel } from "../letters.js";
import { logSoftmax } from "../sampling.js";
import { END_OF_LINE } from "../words.js";
import { MODEL, WordTable, best } from "./candidates.js";
import { Language, SHARE } from "./language.js";
import { isWord } from "./text-field.js";

const LETTERS = 3; // order of the letter model
const SPELLINGS = 4096; // cached

/** A language whose words are entries of its dictionary; `<unk>` stands for all others. */
export class WholeWords extends Language {
  isMarked = false;
  #letters;
  #ofUnknownLetters; // the probability that all strings that the dictionary lacks have together
  #spellings = new Map();
  #table;
  #suggestable; // the words that can be suggested: with nothing typed, and with something typed

  constructor(source, adapts, layout, punctuation) {
    super(source, adapts);
    const { words, unknown } = this.dictionary;
    const spelt = words.filter((word, id) => id !== unknown && word !== END_OF_LINE);
    this.#letters = new LetterModel(spelt, LETTERS);
    this.#ofUnknownLetters = Math.max(1 - this.#letters.total(spelt), 1e-9);
    this.#table = new WordTable(words, layout);
    const typed = Uint8Array.from(words, (word, id) => Number(id !== unknown && isWord(word)));
    const next = punctuation ? Uint8Array.from(words, (_, id) => Number(id !== unknown)) : typed;
    this.#suggestable = { next, typed };
  }

  has(word) {
    return this.dictionary.has(word) && this.#idOf(word) !== this.dictionary.unknown;
  }

  canWrite(word) {
    return this.has(word);
  }

  isNew(word) {
    return !this.has(word);
  }

  idsOf(word) {
    return this.has(word) || this.dictionary.unknown !== null ? [this.#idOf(word)] : [];
  }

  likelihoods() {
    return this.expected.logProbabilities;
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

  expectation() {
    const { unknown: id } = this.dictionary;
    const { adaptation, logits } = this;
    const found = logSoftmax(adaptation.ofLogits(logits));
    const byModel = id === null ? SHARE : Math.min(Math.exp(found[id]), 1 - 1e-9);
    const unknown = adaptation.ofUnknown(byModel);
    const [others, share] = [Math.log(id === null ? 1 : 1 - byModel), Math.log(1 - unknown)];
    for (let at = 0; at < found.length; at++) found[at] -= others;
    if (id !== null) found[id] = -Infinity;
    const logProbabilities = Float32Array.from(adaptation.ofProbabilities(found, this.features), (value) => value + share);
    return {
      logProbabilities,
      unknown,
      byModel,
      logits,
      known: (words) => words.map((word) => this.#known(word, logProbabilities, unknown)),
      spelling: (word) => this.spelling(word),
      candidates: (typed, most, isWhole) => this.#best(logProbabilities, typed, most, isWhole),
    };
  }

  #idOf(word) {
    return this.dictionary.encode([word])[0];
  }

  #known(word, logProbabilities, unknown) {
    if (this.has(word)) return { probability: Math.exp(logProbabilities[this.#idOf(word)]), unknown: 0 };
    return { probability: 0, unknown };
  }

  #best(logProbabilities, typed, most, isWhole) {
    const weight = typed ? MODEL : 1;
    const isSuggestable = this.#suggestable[typed ? "typed" : "next"];
    const score = (id) => (isSuggestable[id] ? weight * logProbabilities[id] : -Infinity);
    return best(this.#table, score, typed, most, isWhole);
  }
}
