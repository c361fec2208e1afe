/**
 * A model that keeps learning from the text that it reads, block by block: Python's
 * `nextword.runtime.learning.dynamic_evaluation`.
 */

import { NextwordError, checkNumber, fileOf, given } from "../errors.js";
import { evaluate } from "../evaluation.js";
import { Keyboard } from "../keyboard/keyboard.js";
import { LEARNER, MODEL, Model } from "../model.js";
import { OnnxFile } from "../onnx-file.js";
import { Session, checkedCache } from "../session.js";
import { Random } from "./random.js";
import { withInputs } from "./rewriting.js";
import { storedIn } from "./stored.js";
import { TrainingFile } from "./training-file.js";

const DEFAULTS = { ort: undefined, model: undefined, learningRate: 2 };
const BLOCK = 20; // words that a step learns from
const RANK = 4; // of the change that a matrix learns
const CLIP = 1; // the largest norm of the gradients
const MOST_RATE = 100;
const MOST_BLOCK = 1000; // subwords of a block, which a long word extends; words that long teach nothing
const SEED = 1;

/**
 * Creates sessions and keyboards whose model learns while it reads (Krause et al. 2018). Created by
 * `DynamicEvaluation.load`.
 */
export class DynamicEvaluation {
  #parts;

  /** `graph`: a training graph; `model`: a step graph of the same network in float16. */
  static async load(graph, options) {
    const { ort, model, learningRate } = { ...DEFAULTS, ...given("ArgumentError", "option", options, DEFAULTS) };
    checkNumber("TrainingError", "learningRate", learningRate, 0, MOST_RATE);
    if (!learningRate) throw new NextwordError("TrainingError", "with a learningRate of 0 nothing is learned");
    const { name, bytes } = await fileOf(model);
    const opened = [];
    try {
      const file = await TrainingFile.load(graph, ort);
      opened.push(file);
      const base = await Model.load({ name, bytes }, ort);
      opened.push(base);
      if (base.info.weights === "int8") {
        throw new NextwordError("ModelFileError", `${name} is in int8, which cannot learn; load nextword.onnx instead`);
      }
      const weights = storedIn(bytes, file, name);
      const casts = new Map(
        new OnnxFile(bytes)
          .nodes()
          .filter(({ operator, inputs }) => operator === "Cast" && file.stored.has(inputs[0]))
          .map(({ inputs: [from], outputs: [to] }) => [from, to]),
      );
      const inference = await ort.InferenceSession.create(withInputs(bytes, casts), { intraOpNumThreads: 1, logSeverityLevel: 4 });
      const stored = new Map([...file.stored].map(([tensor, one]) => [casts.get(tensor), one]));
      return new DynamicEvaluation({ ort, file, base, weights: asFloats(weights), inference, stored, learningRate });
    } catch (error) {
      await Promise.all(opened.map((one) => one.release()));
      throw error;
    }
  }

  constructor(parts) {
    this.#parts = { ...parts, projections: projectionsOf(parts.weights) };
  }

  /** A session that learns; the options are those of `Generator.session`. */
  session(options = {}) {
    const learner = new Learner(this.#parts);
    return new Session(learner.model, checkedCache(options), learner);
  }

  /** Resumes a session that was saved here or in Python; if it was not learning, it now starts to. */
  resume(bytes) {
    const learner = new Learner(this.#parts);
    return Session.restore(learner.model, bytes, learner);
  }

  /** How good the model is on a text from which it learns; the options are those of `Generator.evaluate`. */
  async evaluate(text, options = {}) {
    const learner = new Learner(this.#parts);
    return evaluate(learner.model, text, checkedCache(options), learner);
  }

  /** A keyboard that learns; the options are those of `Generator.keyboard`. */
  keyboard(options = {}) {
    return Keyboard.of([this], options);
  }

  get [MODEL]() {
    return this.#parts.base;
  }

  [LEARNER]() {
    return new Learner(this.#parts);
  }

  /** Frees the memory. */
  async release() {
    const { file, base, inference } = this.#parts;
    await Promise.all([file.release(), base.release(), inference.release()]);
  }
}

/**
 * The weights of one session or keyboard.
 *
 * `model` reads with the current weights. `learned` is `{ values, ids, state }`, of which nothing is changed in place:
 *
 * - `values`: by the name of a weight, B for a matrix W, which becomes W + B A, and what is added to a vector.
 * - `ids`: the words since the last step, preceded by those that predicted the first of them.
 * - `state`: before the first of `ids`, where it is carried.
 */
class Learner {
  #parts;
  #learned;
  #now; // the weights by the names of the network's parameters
  #values; // these and their moments, for the training graph
  #given; // these as the step graph takes them

  constructor(parts) {
    this.#parts = parts;
    const { base, file, weights, projections, inference, learningRate } = parts;
    this.learningRate = learningRate;
    this.most = this.#kept + MOST_BLOCK; // ids
    const values = [...weights].map(([name, { shape, values }]) => {
      const own = projections.has(name) ? [shape[0], RANK] : shape;
      return [name, { shape: own, values: new Float32Array(projections.has(name) ? own[0] * RANK : values.length) }];
    });
    this.nothing = { values: new Map(values), ids: [], state: null };
    this.#values = file.begin(weights);
    this.model = base.runBy({
      run: (feeds, ...others) => inference.run({ ...feeds, ...this.#given }, ...others),
      release: async () => {},
    });
    this.#learned = this.nothing;
    this.#put();
  }

  /** The number of words that predict the next one. */
  get #kept() {
    return this.#parts.file.context ?? 1;
  }

  /** The SHA-256 of the training graph. */
  digest() {
    return this.#parts.file.digest();
  }

  get learned() {
    return this.#learned;
  }

  set learned(learned) {
    const isOther = learned.values !== this.#learned.values;
    this.#learned = learned;
    if (isOther) this.#put();
  }

  /**
   * Must be called before the word `id` is read; learns from the words before it once they fill a block. `state` is
   * that of the reader; `mayLearn` is false within a word of several subwords, so that the word can be read again.
   */
  async note(id, state, mayLearn) {
    let { values, ids, state: before } = this.#learned;
    if (!ids.length) before = state;
    ids = [...ids, id];
    const isBlock = mayLearn && ids.length >= this.#kept + BLOCK;
    if (isBlock) values = await this.#step(ids, before);
    if (isBlock || ids.length > this.most) [ids, before] = [ids.slice(-this.#kept), state];
    this.learned = { values, ids, state: before };
  }

  /** Learns from the words since the last step, however few: the text ends here. */
  async learnRest() {
    let { values, ids, state } = this.#learned;
    if (ids.length > this.#kept) values = await this.#step(ids, state);
    this.learned = { values, ids: [], state: null };
  }

  /** Another text begins; what was learned stays. */
  startAgain() {
    this.#learned = { values: this.#learned.values, ids: [], state: null };
  }

  /** One step of gradient descent on words; its result is discarded if it diverges. */
  async #step(ids, state) {
    const { file, projections } = this.#parts;
    const { context } = file;
    const windows = context === null ? [ids.slice(0, -1)] : ids.slice(context).map((_, at) => ids.slice(at, at + context));
    const following = context === null ? [ids.slice(1)] : ids.slice(context).map((id) => [id]);
    const before = state && context === null ? file.stateOf(state) : file.zeroState(windows.length);
    const share = Math.min(following.flat().length / BLOCK, 1); // fewer words say less
    const rates = { number: 1, learningRate: this.learningRate * share, clip: CLIP, adamw: false };
    const found = await file.step({ ids: windows, following }, before, this.#values, rates);
    const { values } = this.#learned;
    if (!Number.isFinite(found.loss) || !Number.isFinite(found.gradientNorm)) return values;
    const learned = [...values].map(([name, own]) => {
      const change = difference(found.values.get(name).data, this.#now.get(name).values);
      return [name, { shape: own.shape, values: sum(own.values, projected(change, projections.get(name))) }];
    });
    return new Map(learned);
  }

  /** Sets the weights according to what was learned. */
  #put() {
    const { ort, file, weights, projections, stored } = this.#parts;
    const { values } = this.#learned;
    const all = [...weights].map(([name, { shape, values: fixed }]) => {
      const own = values.get(name).values;
      return [name, { shape, values: sum(fixed, expanded(own, projections.get(name))) }];
    });
    this.#now = new Map(all);
    this.#values = new Map([...this.#values, ...file.tensors(this.#now)]);
    const given = [...stored].map(([name, one]) => {
      const { shape, values: tensor } = one.join(this.#now);
      return [name, new ort.Tensor("float32", tensor, shape)];
    });
    this.#given = Object.fromEntries(given);
  }
}

/** The matrix A of each matrix: as many rows as the rank, its entries ±1 / √columns at random. */
function projectionsOf(weights) {
  const random = new Random(SEED);
  const found = new Map();
  for (const [name, { shape }] of weights) {
    if (shape.length !== 2) continue;
    const [, columns] = shape;
    const size = 1 / Math.sqrt(columns);
    const row = () => Float32Array.from({ length: columns }, () => (random.below(2) ? size : -size));
    found.set(name, Array.from({ length: RANK }, row));
  }
  return found;
}

const asFloats = (weights) =>
  new Map([...weights].map(([name, { shape, values }]) => [name, { shape, values: Float32Array.from(values) }]));

const difference = (one, other) => Float32Array.from(one, (value, place) => value - other[place]);
const sum = (one, other) => one.map((value, place) => value + other[place]);

/** A matrix times Aᵀ; without an A it is a vector, and stays as it is. */
function projected(matrix, projection) {
  if (!projection) return matrix;
  const columns = projection[0].length;
  const rows = matrix.length / columns;
  const found = new Float32Array(rows * RANK);
  for (let row = 0; row < rows; row++) {
    projection.forEach((signs, place) => {
      let total = 0;
      for (let column = 0; column < columns; column++) total += matrix[row * columns + column] * signs[column];
      found[row * RANK + place] = total;
    });
  }
  return found;
}

/** B times A; without an A, B is a vector, and stays as it is. */
function expanded(values, projection) {
  if (!projection) return values;
  const columns = projection[0].length;
  const rows = values.length / RANK;
  const found = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    projection.forEach((signs, place) => {
      const value = values[row * RANK + place];
      if (!value) return;
      for (let column = 0; column < columns; column++) found[row * columns + column] += value * signs[column];
    });
  }
  return found;
}
