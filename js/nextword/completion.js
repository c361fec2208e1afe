/** What a model expects next, and what was typed of it → whole words with their probabilities: Python's `nextword.runtime.completion`. */

import { NextwordError, UnknownWordError, checkCount, checkedText, quoted } from "./errors.js";
import { isWord } from "./keyboard/text-field.js";
import { isUnspaced } from "./marks.js";
import { logSoftmax, ranked } from "./sampling.js";
import { surfaceOf } from "./subwords.js";
import { WordTree } from "./word-tree.js";
import { ENDS_IN_BLANK } from "./words.js";

/**
 * The words that may follow a text, as `{ last, state }` of what has read it: `best(n, prefix)` gives the likeliest
 * that begin with `prefix`, `[{ word, probability }]`. `logits` are those after the text, log-probabilities will do;
 * `cache` is as of `WordTree`.
 */
export function after(model, { last, state }, logits, cache = null) {
  if (model.info.splitBy !== "subwords") return new WholeWords(model.dictionary, logits);
  return new SpeltWords(new WordTree(model, { last, state, place: 0 }, logits, cache));
}

/** Words each of which is an entry of the dictionary. */
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

/** Words that are spelt by several entries. */
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
  let prefix = ENDS_IN_BLANK.test(prompt) ? "" : unfinished(model, tokens.at(-1));
  if (prefix && model.info.splitBy === "subwords" && (await endsThere(model, tokens))) prefix = "";
  if (prefix) {
    tokens.pop();
    if (!tokens.length) {
      throw new NextwordError(
        "PromptError",
        `${quoted(prefix)} is a half-typed word; give at least one whole word before it`,
      );
    }
  }
  const reader = model.reader();
  const { logits } = await reader.read(model.dictionary.encode(tokens));
  return after(model, reader, logits).best(n, prefix);
}

/** What was typed of a last word that may be half typed, or "" if it is taken as whole. */
function unfinished({ info, dictionary }, token) {
  if (info.splitBy !== "subwords") return dictionary.isHalfTyped(token) ? token : "";
  const typed = surfaceOf(token);
  return isUnspaced(token) || !isWord(typed) ? "" : typed;
}

/** Whether the last word of a text is likelier to end where it does than to go on. */
async function endsThere(model, tokens) {
  const { logits } = await model.reader().read(model.dictionary.encode(tokens));
  const logProbabilities = logSoftmax(logits);
  return model.entries.beginning.reduce((sum, id) => sum + Math.exp(logProbabilities[id]), 0) >= 1 / 2;
}
