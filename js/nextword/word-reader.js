/**
 * A text read word by word by a model that knows subwords: what it expects, and how likely each word was. Python's
 * `nextword.runtime.word_reader`.
 */

import { SUGGESTIONS } from "./figures.js";
import { logSoftmax } from "./sampling.js";
import { WordTree } from "./word-tree.js";

/** Reads the words of one text; `learner` is what changes the model's weights, or null. */
export class WordReader {
  #model;
  #cache;
  #learner;
  #reader;
  #read = 0; // subwords
  #expected = null; // log-probabilities of the next subword
  #features;

  constructor(model, cache, learner) {
    this.#model = model;
    this.#cache = cache;
    this.#learner = learner;
    this.#reader = model.reader();
  }

  /** Whether enough has been read to predict the next word. */
  get isReady() {
    return this.#read >= (this.#model.info.context ?? 1);
  }

  /** The words that may come next, once something has been read. */
  tree() {
    const { last, state } = this.#reader;
    return new WordTree(this.#model, { last, state, place: 0 }, this.#expected);
  }

  /** Reads a word, given by its subwords; returns its log-probability in nats, the sum over those predicted. */
  async read(ids) {
    let total = 0;
    for (const [place, id] of ids.entries()) {
      if (this.isReady) {
        total += this.#expected[id];
        this.#cache.remember(this.#features, id);
      }
      await this.#learner?.note(id, this.#reader.carried, place === 0);
      const { logits, features } = await this.#reader.read([id]);
      this.#read++;
      this.#features = features;
      this.#expected = this.#cache.mix(logSoftmax(logits), features);
    }
    return total;
  }
}

/** How many words a search finds likelier among those that begin with `prefix`; infinity if it does not find the word. */
export async function rankIn(tree, word, prefix = "") {
  const { words } = await tree.search(SUGGESTIONS, prefix);
  const rank = words.findIndex((found) => found.word === word);
  return rank < 0 ? Infinity : rank;
}
