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

  /** What a text is read as, `[{ word, id }]`: its words, or its subwords if the dictionary is of subwords. */
  words(tokens) {
    const { dictionary } = this;
    const ids = dictionary.encode(tokens);
    return ids.map((id, place) => ({ id, word: dictionary.unit === "words" ? tokens[place] : dictionary.words[id] }));
  }

  /**
   * Reads a text; what it shares with the last one is not read again. The text begins at the zero state. Where the
   * context is a number, a recurrent network reads that many of the last words; a feed-forward network reads that many
   * before each word. Returns
   *
   * - `first`: the place of the first word read.
   * - `kept`: the place up to which words keep the values that they had.
   * - `steps`: the other words in order, `{ place, layers }`. Each layer holds its gates and its state by name, with a
   *   number for each unit; there are no layers if the weights cannot be read.
   */
  read(ids) {
    const { context } = this.info;
    const first = context === null || !this.#isRecurrent ? 0 : Math.max(0, ids.length - context);
    if (first !== this.#beginning) this.#read = [];
    this.#beginning = first;
    let kept = 0;
    while (kept < this.#read.length && this.#read[kept].id === ids[first + kept]) kept++;
    this.#read.length = kept;
    return { first, kept: first + kept, steps: this.#steps(ids, first + kept) };
  }

  async *#steps(ids, from) {
    for (let place = from; place < ids.length; place++) {
      const before = this.#read.at(-1) ?? null;
      const layers = this.#layersAfter(ids.slice(0, place + 1), before);
      const state = this.info.context === null ? await this.#stateAfter(ids[place], before) : null;
      this.#read.push({ id: ids[place], layers, state });
      yield { place, layers };
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

  /** ln P of each word of the dictionary after a text; what it shares with the text last read is not read again. */
  async expected(ids) {
    const reader = this.#model.reader();
    let known = 0;
    if (this.info.context === null) {
      const most = Math.min(this.#read.length, ids.length - 1);
      while (known < most && this.#read[known].id === ids[known]) known++;
      if (known) reader.state = this.#read[known - 1].state;
    }
    return logSoftmax((await reader.read(ids.slice(known))).logits);
  }

  /** ln P of each word after a text without the word at one place. */
  expectedWithout(ids, place) {
    return this.expected(ids.filter((_, one) => one !== place));
  }

  /** The ids of the `n` likeliest words, never that of `<unk>`. */
  likeliest(logProbabilities, n) {
    const { unknown } = this.info;
    const known = Float32Array.from(logProbabilities);
    if (unknown !== null) known[unknown] = -Infinity;
    return ranked(known, Math.min(n, known.length - (unknown === null ? 0 : 1)));
  }

  /** Frees the model's memory. */
  release() {
    return this.#model.release();
  }
}

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
