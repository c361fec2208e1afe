/** A training graph, a model file and a text → a model file that has learned the text. */

import { NextwordError, bytesOf, checkNumber, fileOf, general, given } from "../errors.js";
import { toHalves } from "../half.js";
import { isSame } from "../inspection.js";
import { Model } from "../model.js";
import { arraysOf, npz } from "../npz.js";
import { sha256 } from "../sha256.js";
import { byFrequency, drawn, expect } from "./beginning.js";
import { measured } from "./measuring.js";
import { rewritten } from "./rewriting.js";
import { storedIn } from "./stored.js";
import { Streams, Windows } from "./text.js";
import { TrainingFile } from "./training-file.js";

const FORMAT = "nextword-checkpoint/1";
const [VALUE, STATE] = ["value.", "state."]; // prefixes of the names under which weights, moments and states are saved
const EXPLODED = 50; // nats per word: no network that learns is ever so wrong
const WORSE = 1; // nats per word above the first loss; what is worse may have begun to diverge
const INFINITE = 0x7c00; // the bits of a float16 that is infinite or not a number

const DEFAULTS = {
  ort: undefined,
  model: undefined,
  text: undefined,
  fromNothing: false,
  seed: 1,
  learningRate: 3e-3,
  weightDecay: 0,
  clip: 1,
  batch: 256,
  wordsPerStep: 35,
};
// The least and the most value, and whether it must be a whole number.
const RANGES = {
  seed: [0, 2 ** 32 - 1, true],
  learningRate: [0, 10],
  weightDecay: [0, 10],
  clip: [1e-6, 1e6],
  batch: [1, 65536, true],
  wordsPerStep: [1, 65536, true],
};

/**
 * Learns a text with AdamW, step by step. Created by `Trainer.load`.
 *
 * A loss that no network has that learns means that training has diverged, perhaps over several steps. Learning then
 * goes back to the last step whose loss was at most one nat per word above the first loss.
 *
 * `step` is the number of steps taken; `words` is the dictionary. With a fixed context, `interval` is the number of
 * steps of an epoch, and `best` the highest accuracy and the lowest loss that are possible; otherwise they are null.
 */
export class Trainer {
  #ort;
  #graph;
  #file; // the model file's bytes
  #text;
  #data;
  #options;
  #now; // where learning stands: steps taken, weights and moments, and the state, where it is carried
  #sound; // the last such place where training had not begun to diverge
  #firstLoss;
  #unknown; // the id of `<unk>`, or null
  #turns = Promise.resolve(); // the last call that was requested
  #released;
  #trainingWords; // the words of a model's training text and of this one, as text; undefined if unknown

  /**
   * - `graph`: a training graph (`nextword.train.onnx`): bytes, a Blob, a Response or a URL.
   * - `model`: a step graph of the same network in float16 (`nextword.onnx`). Learning starts from its words and
   *   weights; with `fromNothing` only its rules for splitting texts are used, the words are those of the text, and the
   *   weights are drawn as the train stage draws them.
   * - `text`: the text to learn.
   * - `seed`, `learningRate`, `weightDecay`, `clip`, `batch`, `wordsPerStep`: as in `params.yaml`.
   */
  static async load(graph, options) {
    const { ort, model, text, ...own } = { ...DEFAULTS, ...given("ArgumentError", "option", options, DEFAULTS) };
    for (const [name, [low, high, isWhole]] of Object.entries(RANGES)) {
      checkNumber("TrainingError", name, own[name], low, high, { isWhole });
    }
    const file = await TrainingFile.load(graph, ort);
    let base;
    try {
      const { name, bytes } = await fileOf(model);
      base = await Model.load({ name, bytes }, ort);
      return new Trainer(ort, file, { name, bytes, base }, text, own);
    } catch (error) {
      await file.release();
      throw error;
    } finally {
      await base?.release();
    }
  }

  constructor(ort, graph, { name, bytes, base }, text, options) {
    const stored = storedIn(bytes, graph, name);
    if (options.fromNothing && base.info.splitBy === "subwords") {
      const message = "uses subwords, which only `dvc repro` can learn; use a model of whole words";
      throw new NextwordError("ModelFileError", `${name} ${message}`);
    }
    const tokens = base.split(text);
    const { context } = graph;
    const words = options.fromNothing ? byFrequency(tokens) : base.info.dictionary;
    const places = new Map(words.map((word, id) => [word, id]));
    const ids = options.fromNothing ? tokens.map((word) => places.get(word)) : base.dictionary.encode(tokens);
    if (!options.fromNothing && ids.every((id) => id === base.dictionary.unknown)) {
      throw new NextwordError("PromptError", `${name} knows no word of the text; use a model of the text's language`);
    }
    this.#data = dataOf(ids, context, options, !graph.zeroState(1).size);
    this.#ort = ort;
    this.#graph = graph;
    this.#file = bytes;
    this.#text = text;
    this.#options = options;
    this.#unknown = options.fromNothing ? null : base.dictionary.unknown;
    this.words = words;
    const { trainingWords } = base;
    if (trainingWords) {
      for (const { word } of base.dictionary.spelt(tokens)) trainingWords.add(word);
      this.#trainingWords = trainingWords.text;
    }
    this.interval = this.#data.interval ?? null;
    this.best = this.#data.best ?? null;
    const weights = options.fromNothing ? drawn(graph, options.seed, words.length) : stored;
    if (options.fromNothing && context === null) expect(weights, ids, words.length);
    this.#begin({ step: 0, values: graph.begin(weights), state: null });
  }

  /** Sets where learning stands; it never goes back to before that. */
  #begin(place) {
    this.#now = place;
    this.#sound = place;
    this.#firstLoss = null;
  }

  /** The number of steps taken. */
  get step() {
    return this.#now.step;
  }

  /** Takes a step; returns the loss before it, and the norm of the gradients. */
  learn() {
    return this.#inTurn(() => this.#learn());
  }

  async #learn() {
    const now = this.#now;
    const number = now.step + 1;
    const { begins, ...batch } = this.#data.batch(now.step);
    const before = (!begins && now.state) || this.#graph.zeroState(batch.ids.length);
    const { loss, gradientNorm, values, state } = await this.#graph.step(batch, before, now.values, { number, ...this.#options });
    if (!(loss < EXPLODED) || !Number.isFinite(gradientNorm)) {
      this.#now = this.#sound;
      throw new NextwordError(
        "TrainingError",
        `training has diverged at step ${number}: loss ${general(loss, 4)}, gradient norm ` +
          `${general(gradientNorm, 4)}; lower the learning rate`,
      );
    }
    this.#firstLoss ??= loss;
    if (loss <= this.#firstLoss + WORSE) this.#sound = now;
    this.#now = { step: number, values, state };
    return { loss, gradientNorm };
  }

  /** The number of weights. */
  get size() {
    return [...this.weights.values()].reduce((sum, { values }) => sum + values.length, 0);
  }

  /** The weights by name, `{ shape, values }`. */
  get weights() {
    const { weights } = this.#graph;
    return new Map([...weights.keys()].map((name) => [name, { shape: [...this.#now.values.get(name).dims], values: this.#now.values.get(name).data }]));
  }

  /** The model with the current weights, rounded to float16: the bytes of a file that `Generator.load` takes. */
  file() {
    return this.#inTurn(() => this.#written());
  }

  async #written() {
    const tensors = new Map();
    for (const [name, stored] of this.#graph.stored) {
      const { shape, values } = stored.join(this.weights);
      const halves = toHalves(values);
      if (halves.some((bits) => (bits & INFINITE) === INFINITE)) {
        throw new NextwordError("TrainingError", "a weight is larger than float16 can hold; lower the learning rate");
      }
      tensors.set(name, { shape, bytes: new Uint8Array(halves.buffer) });
    }
    const properties = { metrics: "{}", corpus_sha256: await sha256(new TextEncoder().encode(this.#text)) };
    if (this.#trainingWords) properties.training_words = this.#trainingWords;
    if (this.#options.fromNothing) Object.assign(properties, { dictionary: JSON.stringify(this.words), unknown: "null" });
    return rewritten(this.#file, { tensors, properties, words: this.words.length });
  }

  /**
   * With a fixed context, the loss and the accuracy over all windows, with the weights rounded as in `file`. `<unk>` is
   * never a right answer.
   */
  measure() {
    return this.#inTurn(() => this.#measured());
  }

  async #measured() {
    if (this.#graph.context === null) {
      const message = "only a model with a fixed context can be measured; score a text with Generator.load(file) instead";
      throw new NextwordError("TrainingError", message);
    }
    const model = await Model.load({ name: "the model", bytes: await this.#written() }, this.#ort);
    try {
      return await measured(model, this.#data, this.#unknown);
    } finally {
      await model.release();
    }
  }

  /** The state of learning as bytes, from which `resume` continues in a new trainer, here or in Python. */
  checkpoint() {
    return this.#inTurn(() => this.#saved());
  }

  async #saved() {
    const array = ({ dims, data }) => ({ type: this.#graph.type.numpy, shape: [...dims], data });
    const named = (start, tensors) => [...tensors].map(([name, tensor]) => [start + name, array(tensor)]);
    const state = this.#graph.context === null ? (this.#now.state ?? []) : [];
    return npz({
      format: FORMAT,
      trainer: await this.#identity(),
      step: { type: "<i8", shape: [], data: BigInt64Array.of(BigInt(this.step)) },
      ...Object.fromEntries([...named(VALUE, this.#now.values), ...named(STATE, state)]),
    });
  }

  /**
   * Continues from a checkpoint, bit for bit. The trainer must have been created with the same files, text, `batch`,
   * `wordsPerStep` and `seed`.
   */
  resume(bytes) {
    return this.#inTurn(() => this.#resume(bytes));
  }

  async #resume(bytes) {
    const damaged = () => new NextwordError("TrainingError", "these bytes are not a checkpoint, or only part of one");
    let arrays;
    try {
      arrays = arraysOf(bytesOf(bytes));
    } catch {
      throw damaged();
    }
    const format = arrays.get("format");
    if (typeof format !== "string") throw damaged();
    if (format !== FORMAT) {
      const message = `the checkpoint has format ${format.slice(0, 40)}; this version reads ${FORMAT}`;
      throw new NextwordError("TrainingError", message);
    }
    if (arrays.get("trainer") !== (await this.#identity())) {
      const message = "the checkpoint belongs to other files, another text or other settings; give the trainer the same ones";
      throw new NextwordError("TrainingError", message);
    }
    const { type, context } = this.#graph;
    const taken = (start, tensors) =>
      [...tensors].map(([name, { dims }]) => {
        const found = arrays.get(start + name);
        const fits = found?.type === type.numpy && isSame(found.shape, [...dims]) && found.data.every(Number.isFinite);
        if (!fits) throw damaged();
        return [name, new this.#ort.Tensor(type.name, found.data, found.shape)];
      });
    const step = arrays.get("step");
    if (step?.type !== "<i8" || step.data.length !== 1 || step.data[0] < 0n) throw damaged();
    const isCarried = context === null && step.data[0] > 0n;
    const values = taken(VALUE, this.#now.values);
    const state = isCarried ? taken(STATE, this.#graph.zeroState(this.#options.batch)) : [];
    this.#begin({ step: Number(step.data[0]), values: new Map(values), state: isCarried ? new Map(state) : null });
  }

  /** Frees the memory once all earlier calls are done. */
  release() {
    this.#released ??= this.#turns.then(() => this.#graph.release());
    return this.#released;
  }

  /** Runs `act` after all earlier calls. */
  async #inTurn(act) {
    if (this.#released) throw new NextwordError("ReleasedError", "the trainer has been released; load it again");
    const done = this.#turns.then(act);
    this.#turns = done.catch(() => {});
    return done;
  }

  /**
   * Identifies what a checkpoint belongs to: a digest of the files, the text and the settings that decide what is read.
   */
  async #identity() {
    const { fromNothing, batch, wordsPerStep, seed } = this.#options;
    const utf8 = new TextEncoder();
    const files = [await this.#graph.digest(), await sha256(this.#file), await sha256(utf8.encode(this.#text))];
    return sha256(utf8.encode([...files, Number(fromNothing), batch, wordsPerStep, seed].join(" ")));
  }
}

/** A text cut into steps. */
function dataOf(ids, context, { batch, wordsPerStep, seed }, isPadded) {
  const data =
    context === null ? Streams.of(ids, batch, wordsPerStep, seed) : Windows.of(ids, context, batch, seed, isPadded);
  if (data) return data;
  const least = context === null ? batch * (2 * wordsPerStep + 1) : context + 1;
  const found = ids.length === 1 ? "1 word" : `${ids.length.toLocaleString("en-US")} words`;
  throw new NextwordError("TrainingError", `the text has ${found}; learning needs at least ${least.toLocaleString("en-US")}`);
}
