/**
 * What a model expects next, and what has been typed so far → whole words with their probabilities: Python's
 * `nextword.runtime.completion`.
 */

import { NextwordError, UnknownWordError, checkCount, checkedText, quoted } from "./errors.js";
import { isWord } from "./keyboard/text-field.js";
import { isUnspaced } from "./marks.js";
import { logSoftmax, ranked } from "./sampling.js";
import { surfaceOf } from "./subwords.js";
import { WordTree } from "./word-tree.js";
import { ENDS_IN_BLANK } from "./words.js";

/**
 * The words that may follow a text. `best(n, prefix)` returns the likeliest that begin with `prefix`, `[{ word,
 * probability }]`.
 *
 * - `last`, `state`: of the reader that has read the text and nothing else.
 * - `logits`: after the text; log-probabilities will do.
 * - `cache`: as for `WordTree`.
 */
export function after(model, { last, state }, logits, cache = null) {
  if (model.info.splitBy !== "subwords") return new WholeWords(model.dictionary, logits);
  return new SpeltWords(new WordTree(model, { last, state, place: 0 }, logits, { cache }));
}

/** Words that are single entries of the dictionary. */
class WholeWords {
  #dictionary;
  #logits;

  constructor(dictionary, logits) {
    this.#dictionary = dictionary;
    this.#logits = logits;
  }

  best(n, prefix) {
    const { words, unknown } = this.#dictionary;
    checkCount("n", n, words.length - (unknown === null ? 0 : 1));
    const ids = checkedText(prefix, "prefix") && this.#dictionary.startingWith(prefix).filter((id) => id !== unknown);
    if (prefix && !ids.length) throw new UnknownWordError(prefix, this.#dictionary.neighbours(prefix));
    const candidates = ids ? Float32Array.from(ids, (id) => this.#logits[id]) : this.#logits.slice();
    if (!ids && unknown !== null) candidates[unknown] = -Infinity;
    const logProbabilities = logSoftmax(candidates);
    return ranked(candidates, Math.min(n, candidates.length)).map((place) => ({
      word: words[ids ? ids[place] : place],
      probability: Math.exp(logProbabilities[place]),
    }));
  }
}

/** Words spelt by several entries. */
class SpeltWords {
  #tree;

  constructor(tree) {
    this.#tree = tree;
  }

  async best(n, prefix) {
    checkCount("n", n, this.#tree.entries.dictionary.words.length);
    const { words, beginning } = await this.#tree.search(n, checkedText(prefix, "prefix"));
    return words.map(({ word, logProbability }) => ({ word, probability: Math.exp(logProbability - beginning) }));
  }
}

/** What may follow a text, or complete its last word. */
export async function suggest(model, prompt, n) {
  const tokens = model.split(prompt);
  const { dictionary, info } = model;
  const isOpen = !ENDS_IN_BLANK.test(prompt);
  if (isOpen && info.splitBy === "subwords") return suggestSpelt(model, tokens, n);
  const prefix = isOpen && dictionary.isHalfTyped(tokens.at(-1)) ? tokens.pop() : "";
  if (!tokens.length) throw alone(prefix);
  const reader = model.reader();
  const { logits } = await reader.read(dictionary.shortened(dictionary.encode(tokens)));
  return after(model, reader, logits).best(n, prefix);
}

/**
 * What may follow a text. Its last word is half typed if the model expects it to go on, or if the training text lacks it
 * and has a likely word that begins so.
 */
async function suggestSpelt(model, tokens, n) {
  const { dictionary } = model;
  const read = (reader, tokens) => reader.read(dictionary.shortened(dictionary.encode(tokens)));
  const last = tokens.pop();
  const reader = model.reader();
  const expected = tokens.length ? await read(reader, tokens) : null;
  const whole = Object.assign(model.reader(), { last: reader.last, state: reader.state });
  const { logits } = await read(whole, [last]);
  const logProbabilities = logSoftmax(logits);
  const { entries } = model;
  const goesOn = entries.beginning.reduce((sum, id) => sum + Math.exp(logProbabilities[id]), 0) < 1 / 2;
  const typed = surfaceOf(last);
  if (isWord(typed) && !isUnspaced(last) && (goesOn || !entries.isSeen(typed))) {
    if (expected) {
      const found = await after(model, reader, expected.logits).best(n, typed);
      if (goesOn || (found.length && entries.isSeen(found[0].word))) return found;
    } else if (goesOn) {
      throw alone(typed);
    }
  }
  return after(model, whole, logits).best(n, "");
}

function alone(prefix) {
  const message = `${quoted(prefix)} is a half-typed word; give at least one whole word before it`;
  return new NextwordError("PromptError", message);
}
