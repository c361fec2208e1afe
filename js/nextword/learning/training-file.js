/** A training graph that is ready to run: Python's `nextword.runtime.learning.training_file`. */

import { NextwordError, fileOf } from "../errors.js";
import { elements } from "../inspection.js";
import { unloadable } from "../model.js";
import { OnnxFile, utf8 } from "../onnx-file.js";
import { sha256 } from "../sha256.js";
import { inTurn } from "../turns.js";
import { Stored } from "./stored.js";

const FORMAT = "nextword-training/1";
const MOMENTS = ["first_moment.", "second_moment."]; // prefixes of the names of a weight's moments
const SILENT = { logSeverityLevel: 4 };

/**
 * Takes one step of the optimiser at a time, in stock onnxruntime.
 *
 * - `properties`: its metadata.
 * - `context`: the words that it reads, or null.
 * - `type`: that of its numbers.
 * - `weights`: by name, the shape of each, null for the size of the dictionary.
 * - `initial`: by name, the bound of each weight's first values, null if they are normally distributed.
 * - `stored`: by name, how a step graph stores them.
 */
export class TrainingFile {
  #ort;
  #session;
  #bytes;
  #states; // names and shapes, null for the batch
  #changed; // the names of what a step changes

  /** Loads a file written by the export stage. */
  static async load(source, ort) {
    const { name, bytes } = await fileOf(source);
    const bad = (message, cause) => new NextwordError("ModelFileError", `${name} ${message}`, { cause });
    let parts;
    try {
      const file = new OnnxFile(bytes);
      const pairs = file.properties().map(([key, value]) => [key, utf8(value)]);
      parts = { properties: Object.fromEntries(pairs), inputs: file.inputs(), outputs: file.outputs() };
    } catch (error) {
      throw bad("is not an ONNX model; copy or export it again", error);
    }
    const { format = "" } = parts.properties;
    if (!format.startsWith("nextword-training/")) {
      throw bad("is not a training graph; specify one, such as nextword.train.onnx");
    }
    if (format !== FORMAT) throw bad(`has ${format.slice(0, 40)}, which this version cannot read; install a newer nextword`);
    let found;
    try {
      found = new TrainingFile(ort, parts);
    } catch (error) {
      throw bad("has damaged metadata; export it again", error);
    }
    found.#bytes = bytes;
    try {
      found.#session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, ...SILENT });
    } catch (error) {
      throw bad(unloadable(error, ort), error);
    }
    return found;
  }

  constructor(ort, { properties, inputs, outputs }) {
    this.#ort = ort;
    this.properties = properties;
    this.context = JSON.parse(properties.context);
    this.initial = new Map(Object.entries(JSON.parse(properties.initial)));
    this.stored = new Map(Object.entries(JSON.parse(properties.stored)).map(([name, own]) => [name, new Stored(own)]));
    this.weights = new Map([...this.initial.keys()].map((name) => [name, inputs.get(name).shape]));
    this.type = inputs.get([...this.weights.keys()][0]).type;
    const isState = (name) =>
      !this.weights.has(name) && outputs.has(`next_${name}`) && !MOMENTS.some((start) => name.startsWith(start));
    this.#states = [...inputs].filter(([name]) => isState(name)).map(([name, { shape }]) => ({ name, shape }));
    const all = [...this.weights.keys()].flatMap((name) => ["", ...MOMENTS].map((start) => start + name));
    this.#changed = all.filter((name) => outputs.has(`next_${name}`));
  }

  /** Weights, by name `{ shape, values }`, and their moments before the first step. */
  begin(weights) {
    const { Numbers } = this.type;
    const found = new Map();
    for (const name of this.weights.keys()) {
      const { shape, values } = weights.get(name);
      found.set(name, this.#tensor(Numbers.from(values), shape));
      for (const start of MOMENTS) {
        if (this.#changed.includes(start + name)) found.set(start + name, this.#tensor(new Numbers(values.length), shape));
      }
    }
    return found;
  }

  /** The SHA-256 of the file. */
  digest() {
    return sha256(this.#bytes);
  }

  /** Weights, by name `{ shape, values }`, as onnxruntime holds them. */
  tensors(weights) {
    return [...weights].map(([name, { shape, values }]) => [name, this.#tensor(this.type.Numbers.from(values), shape)]);
  }

  /** The state of one text, from its parts by name as a step graph returns them. */
  stateOf(state) {
    const parts = this.#states.map(({ name, shape }) => {
      const sized = shape.map((size) => size ?? 1);
      return [name, this.#tensor(this.type.Numbers.from(state[name]), sized)];
    });
    return new Map(parts);
  }

  /** The state before the first word of a batch of texts. */
  zeroState(texts) {
    const parts = this.#states.map(({ name, shape }) => {
      const sized = shape.map((size) => size ?? texts);
      return [name, this.#tensor(new this.type.Numbers(elements(sized)), sized)];
    });
    return new Map(parts);
  }

  /**
   * A step of the optimiser; its arguments are not changed. Returns the loss before the step in nats per word, the norm
   * of all gradients before clipping, the state after the last word, and the values after the step.
   *
   * - `ids`: the words of each text; `following`: the words that follow the last of them.
   * - `values`: weights and moments.
   * - `number`: counts from 1.
   */
  async step({ ids, following }, state, values, { number, learningRate, weightDecay = 0, clip = 1, adamw = true }) {
    const { Tensor } = this.#ort;
    const words = (rows) => new Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
    const scalar = (value) => new Tensor("float64", [value], []);
    const feeds = {
      ids: words(ids),
      following: words(following),
      step: new Tensor("int64", [BigInt(number)], []),
      adamw: new Tensor("bool", [adamw], []),
      learning_rate: scalar(learningRate),
      weight_decay: scalar(weightDecay),
      clip: scalar(clip),
      ...Object.fromEntries(state),
      ...Object.fromEntries(values),
    };
    const found = await inTurn(this.#ort, () => this.#session.run(feeds, SILENT));
    const after = (names) => names.map((name) => [name, found[`next_${name}`]]);
    return {
      loss: found.loss.data[0],
      gradientNorm: found.gradient_norm.data[0],
      state: new Map(after(this.#states.map(({ name }) => name))),
      values: new Map([...values, ...after(this.#changed)]),
    };
  }

  release() {
    return this.#session.release();
  }

  #tensor(values, shape) {
    return new this.#ort.Tensor(this.type.name, values, shape);
  }
}
