/**
 * Why a model expects what it expects: which earlier words mattered, and its gates while it reads. Python's
 * `nextword.runtime.explanation`, for a text that is being typed. The words that mattered are found by leaving words
 * out, which works with any file; gates need weights stored where the export stage puts them.
 */

import { fileOf } from "./errors.js";
import { BadFileError } from "./inspection.js";
import { Model } from "./model.js";
import { Network } from "./network.js";
import { logSoftmax, ranked } from "./sampling.js";
import { shown } from "./subwords.js";
import { WordTree } from "./word-tree.js";

const TRIED = 3; // words on which the network is compared with the file's graph
// How far its logits may be off, as a share of the largest. A graph in int8 also rounds what it computes.
const [TOLERANCE, INT8_TOLERANCE] = [1e-3, 0.3];

/** Explains texts with a model from one file. Each call must finish before the next is made. */
export class Explainer {
  #model;
  #network = null;
  #read = []; // after each word read: { id, layers, state }
  #beginning = 0; // the place of the first word read

  /** Loads a file as `Generator.load` does. */
  static async load(source, { ort }) {
    const file = await fileOf(source);
    const explainer = new Explainer(await Model.load(file, ort));
    explainer.#network = await networkOf(file.bytes, explainer.#model);
    return explainer;
  }

  constructor(model) {
    this.#model = model;
    this.info = model.info;
    this.dictionary = model.dictionary;
  }

  /** Whether the file's weights, and so the values of its units, can be read. */
  get showsUnits() {
    return this.#network !== null;
  }

  /** The words of a text, by the file's rules; throws a `PromptError` if there are none. */
  split(text) {
    return this.#model.split(text);
  }

  /** The words of a text as a user sees them, each with the ids that the model reads for it: `[{ word, ids }]`. */
  words(tokens) {
    const { dictionary } = this;
    if (dictionary.unit === "words") return tokens.map((word) => ({ word, ids: dictionary.encode([word]) }));
    return dictionary.inWords(tokens).map(({ word, ids }) => ({ word: shown(word), ids }));
  }

  /**
   * Reads words, as `words` returns them; what they share with the last ones is not read again. The text begins at the
   * zero state. Where the context is a number, a recurrent network reads that many of the last ids; a feed-forward network
   * reads that many before each. Returns
   *
   * - `first`: the place of the first word that is wholly read.
   * - `kept`: the place up to which words keep the values that they had.
   * - `steps`: the other words in order, `{ place, layers }`. Each layer holds its gates and its state after the word by
   *   name, with a number for each unit; there are no layers if the weights cannot be read.
   */
  read(words) {
    const { context } = this.info;
    const ids = idsOf(words);
    const start = context === null || !this.#isRecurrent ? 0 : Math.max(0, ids.length - context);
    if (start !== this.#beginning) this.#read = [];
    this.#beginning = start;
    let kept = 0;
    while (kept < this.#read.length && this.#read[kept].id === ids[start + kept]) kept++;
    this.#read.length = kept;
    let length = 0;
    const ends = words.map((word) => (length += word.ids.length));
    const first = words.filter((word, place) => ends[place] - word.ids.length < start).length;
    const keptWords = ends.filter((end) => end <= start + kept).length;
    return { first, kept: Math.max(first, keptWords), steps: this.#steps(ids, ends, start + kept, first) };
  }

  async *#steps(ids, ends, from, first) {
    for (let place = from; place < ids.length; place++) {
      const before = this.#read.at(-1) ?? null;
      const layers = this.#layersAfter(ids.slice(0, place + 1), before);
      const state = this.info.context === null ? await this.#stateAfter(ids[place], before) : null;
      this.#read.push({ id: ids[place], layers, state });
      const word = ends.indexOf(place + 1);
      if (word >= first) yield { place: word, layers };
    }
  }

  /** Whether the layers carry a state from word to word. */
  get #isRecurrent() {
    return this.#network?.isRecurrent ?? true;
  }

  #layersAfter(ids, before) {
    if (!this.#network) return [];
    return this.#isRecurrent ? this.#network.step(ids.at(-1), before?.layers ?? null) : this.#network.window(ids);
  }

  async #stateAfter(id, before) {
    return (await this.#model.run([id], before?.state ?? this.#model.zero())).state;
  }

  /** The `n` likeliest words after others, never `<unk>`: `[{ word, path, logProbability }]`, with the ids of each. */
  async likeliest(words, n) {
    const [logits, reader] = await this.#after(idsOf(words));
    const { unknown } = this.info;
    if (this.dictionary.unit !== "words") {
      const text = { last: reader.last, state: reader.state, place: 0 };
      return (await new WordTree(this.#model, text, logits).search(n)).words;
    }
    const logProbabilities = logSoftmax(logits);
    const known = Float32Array.from(logProbabilities);
    if (unknown !== null) known[unknown] = -Infinity;
    const ids = ranked(known, Math.min(n, known.length - (unknown === null ? 0 : 1)));
    return ids.map((id) => ({ word: this.dictionary.words[id], path: [id], logProbability: logProbabilities[id] }));
  }

  /** ln P of a word, given by its ids, after others; and that it ends there, if more entries may follow its last one. */
  async logProbability(words, path) {
    const [logits, reader] = await this.#after(idsOf(words));
    const goesOn = (id) => this.dictionary.unit !== "words" && !this.#model.entries.isWhole[id];
    let [expected, total] = [logSoftmax(logits), 0];
    for (const [place, id] of path.entries()) {
      total += expected[id];
      if (place < path.length - 1 || goesOn(id)) expected = logSoftmax((await reader.read([id])).logits);
    }
    if (!goesOn(path.at(-1))) return total;
    return total + Math.log(this.#model.entries.beginning.reduce((sum, id) => sum + Math.exp(expected[id]), 0));
  }

  /** The logits after some ids, and a reader that has read them; what they share with the text last read is not read again. */
  async #after(ids) {
    const reader = this.#model.reader();
    let known = 0;
    if (this.info.context === null) {
      const most = Math.min(this.#read.length, ids.length - 1);
      while (known < most && this.#read[known].id === ids[known]) known++;
      if (known) reader.state = this.#read[known - 1].state;
    }
    const { logits } = await reader.read(ids.slice(known));
    return [logits, reader];
  }

  /** Frees the model's memory. */
  release() {
    return this.#model.release();
  }
}

const idsOf = (words) => words.flatMap(({ ids }) => ids);

/** The network of a file; `null` unless it computes the same as the file's graph. */
async function networkOf(bytes, model) {
  let network;
  try {
    network = new Network(bytes);
  } catch (error) {
    if (error instanceof BadFileError) return null;
    throw error;
  }
  const { context, weights } = model.info;
  const size = model.dictionary.words.length;
  const ids = Array.from({ length: Math.min(context ?? TRIED, TRIED) }, (_, place) => place % size);
  const layers = network.isRecurrent ? ids.reduce((before, id) => network.step(id, before), null) : network.window(ids);
  const own = network.logits(layers);
  const { logits } = await model.reader().read(ids);
  const largest = logits.reduce((one, logit) => Math.max(one, Math.abs(logit)), 0);
  const most = (weights === "int8" ? INT8_TOLERANCE : TOLERANCE) * largest;
  const isNear = (logit, id) => Math.abs(logit - own[id]) <= most;
  return own.length === logits.length && logits.every(isNear) ? network : null;
}
