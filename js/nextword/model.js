/** A .onnx file → something that can be run: Python's `nextword.runtime.model_file` and `reader`. */

import { Entries } from "./entries.js";
import { NextwordError, checkedText } from "./errors.js";
import { BadFileError, elements, inspect, isSame, propertiesOf } from "./inspection.js";
import { dictionaryOf } from "./subwords.js";
import { inTurn } from "./turns.js";
import { WordFilter } from "./word-filter.js";
import { split } from "./words.js";

/** Under this key, a generator gives the library, and nobody else, access to its model. */
export const MODEL = Symbol("model");
/** Under this key, a `DynamicEvaluation` gives the library a learner for one text. */
export const LEARNER = Symbol("learner");

/** A `ModelFileError` whose message begins with the name of the file. */
const bad = (name, message, cause) => new NextwordError("ModelFileError", `${name} ${message}`, { cause });

/** Runs a function that reads a file's bytes; its `BadFileError` becomes a `ModelFileError`. */
function readingOf(name, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof BadFileError ? bad(name, error.message) : error;
  }
}

/** The `metadata_props` of an ONNX file, which onnxruntime does not expose to JavaScript. */
export const metadataOf = (bytes) => readingOf("the file", () => propertiesOf(bytes));

// What onnxruntime says about an operator that it does not know.
const LACKING = /implementation for (\w+)|(\w+)\(-?\d+\) is not a registered function\/op|No Op registered for (\w+)/;
// What it says about a version of ONNX's format or operators that it does not know.
const NEWER = /Unsupported model IR version|Opset \d+ is under development/;

const SILENT = { logSeverityLevel: 4 }; // errors are thrown, and need not be logged too

/** What is wrong with a file that onnxruntime does not load, from its error. */
export function unloadable(error, ort) {
  const version = `onnxruntime ${ort.env?.versions?.common ?? ""}`.trim();
  const said = error?.message ?? error;
  const lacking = LACKING.exec(said)?.slice(1).find(Boolean);
  if (lacking) return `needs the operator ${lacking}, which ${version} lacks; install a newer onnxruntime`;
  if (NEWER.test(said)) return `has a newer version of ONNX than ${version} knows; install a newer onnxruntime`;
  return `cannot be loaded by ${version}: damaged, or not a supported model; copy or export it again`;
}

/** A step graph that is ready to run. */
export class Model {
  #ort;
  #name;
  #inference;
  #outputs;
  #givesFeatures;
  #sha256;
  #running = new Set();
  #released;
  #entries;
  #about; // what the file says about itself

  /** Loads a file, and reads one word to check that it runs. */
  static async load({ name, bytes }, ort) {
    const model = new Model(ort, name, readingOf(name, () => inspect(bytes)));
    // Started here, since the bytes are not kept. Pages that are not secure cannot compute digests.
    model.#sha256 = globalThis.crypto.subtle?.digest("SHA-256", bytes);
    try {
      model.#inference = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, ...SILENT });
    } catch (error) {
      throw bad(name, unloadable(error, ort), error);
    }
    try {
      await model.run([0], model.zero()); // whether it can be run at all
    } catch (error) {
      await model.release();
      throw error;
    }
    return model;
  }

  constructor(ort, name, about) {
    const { info, states, outputs } = about;
    this.#about = about;
    this.#ort = ort;
    this.#name = name;
    this.info = info;
    this.dictionary = dictionaryOf(info.dictionary, info.unknown, info.splitBy);
    // `shape` is for one text; a batch extends it along `axis`.
    this.states = states.map(({ shape, ...part }) => {
      return { ...part, shape: shape.map((size) => size ?? 1), axis: shape.indexOf(null) };
    });
    const size = outputs.get("features")?.shape[1] ?? 0;
    this.#givesFeatures = size > 0;
    this.#outputs = ["logits", ...states.map(({ name }) => `next_${name}`), ...(size ? ["features"] : [])];
    // In older files the state `hidden` serves instead, if it is one of layers.
    const hidden = outputs.get("next_hidden")?.shape ?? [];
    const isOfLayers = hidden.length === 3 && hidden[0] === info.layers && hidden[2] === info.hidden;
    this.features = size || (isOfLayers ? info.hidden : 0);
  }

  /** The same model, run by another session. */
  runBy(inference) {
    const found = new Model(this.#ort, this.#name, this.#about);
    found.#inference = inference;
    found.#sha256 = this.#sha256;
    return found;
  }

  /** What the entries add to a text; only for a dictionary of subwords. */
  get entries() {
    return (this.#entries ??= new Entries(this.dictionary, this.trainingWords));
  }

  /** The words of the training text; null if the file does not say. */
  get trainingWords() {
    return WordFilter.from(this.#about.trainingWords);
  }

  /** The words of a text, by the file's rules. */
  split(text) {
    const { splitBy, lowercase, lineEnds } = this.info;
    const tokens = split(checkedText(text), splitBy, lowercase, lineEnds);
    if (!tokens.length) throw new NextwordError("PromptError", "the text has no words; give at least one");
    return tokens;
  }

  /** The state before the first word: its parts by name. */
  zero() {
    return Object.fromEntries(this.states.map(({ name, type, shape }) => [name, new type.Numbers(elements(shape))]));
  }

  /** A reader at the beginning of a text. */
  reader() {
    return new Reader(this);
  }

  /**
   * Reads one more word of each of some texts of equal length. A text is `{ last, state, place }`: what was read of it,
   * and its place in the batch of that state. Returns the texts after the word, and the logits and features of all.
   */
  async readEach(texts, ids) {
    const { context, weights } = this.info;
    // Activations are quantised with one scale for everything read at once, so the figures of a text would otherwise
    // depend on the texts beside it.
    if (weights === "int8" && texts.length > 1) {
      const found = [];
      for (const [place, text] of texts.entries()) found.push(await this.readEach([text], [ids[place]]));
      const whole = (name) => joined(found.map((one) => one[name]));
      return { logits: whole("logits"), features: whole("features"), texts: found.flatMap(({ texts }) => texts) };
    }
    if (context === null) {
      const { state, ...expected } = await this.run(ids, this.#gathered(texts), ids.length);
      return { ...expected, texts: texts.map(({ last }, place) => ({ last, state, place })) };
    }
    const read = texts.map(({ last }, place) => [...last, ids[place]].slice(-context));
    const { logits, features } = await this.run(read.flat(), this.#gathered(texts), ids.length);
    return { logits, features, texts: texts.map(({ state, place }, at) => ({ last: read[at], state, place })) };
  }

  /** The states of several texts side by side. */
  #gathered(texts) {
    const gathered = ({ name, type, shape, axis }) => {
      const inner = elements(shape.slice(axis + 1));
      const outer = elements(shape.slice(0, axis));
      const found = new type.Numbers(outer * texts.length * inner);
      texts.forEach(({ state, place }, text) => {
        const among = state[name].length / outer / inner;
        for (let row = 0; row < outer; row++) {
          const start = (row * among + place) * inner;
          found.set(state[name].subarray(start, start + inner), (row * texts.length + text) * inner);
        }
      });
      return [name, found];
    };
    return Object.fromEntries(this.states.map(gathered));
  }

  /**
   * Reads words after a state. `ids` holds one text, or `batch` texts of equal length one after the other. Returns the
   * logits of the next word, the features, and the state after the last word.
   */
  async run(ids, state, batch = 1) {
    this.checkUse();
    const { Tensor } = this.#ort;
    const read = new Tensor("int64", BigInt64Array.from(ids, BigInt), [batch, ids.length / batch]);
    const sized = ({ shape, axis }) => shape.map((size, place) => (place === axis ? batch : size));
    const parts = this.states.map((part) => [part.name, new Tensor(part.type.name, state[part.name], sized(part))]);
    const feeds = Object.fromEntries([["ids", read], ...parts]); // a state may have any name, even __proto__
    const running = inTurn(this.#ort, () => this.#inference.run(feeds, this.#outputs, SILENT));
    this.#running.add(running);
    let found;
    try {
      found = await running;
    } catch (error) {
      throw this.#broken("cannot be run by onnxruntime", error);
    } finally {
      this.#running.delete(running);
    }
    const data = (name, shape, output = name) => {
      if (!isSame(found[output].dims, shape)) throw this.#broken(`outputs ${name} in a shape other than declared`);
      return found[output].data.slice();
    };
    const logits = data("logits", [batch, this.dictionary.words.length]);
    if (!areFinite(logits)) throw this.#broken("outputs logits that are not finite numbers");
    const next = Object.fromEntries(
      this.states.map((part) => [part.name, data(part.name, sized(part), `next_${part.name}`)]),
    );
    if (this.#givesFeatures) return { logits, features: data("features", [batch, this.features]), state: next };
    // In older files the logits are computed from the last layer's hidden state, or from a projection.
    const features = this.features ? next.hidden.slice(-this.features * batch) : new Float32Array();
    return { logits, features, state: next };
  }

  #broken(what, cause) {
    return bad(this.#name, `${what}; train and export it again`, cause);
  }

  /** The SHA-256 of the file, by which a session recognises it. */
  async digest() {
    if (!this.#sha256) {
      throw new NextwordError(
        "SessionError",
        "sessions can be saved and resumed only on secure pages (https or localhost)",
      );
    }
    return Array.from(new Uint8Array(await this.#sha256), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  checkUse() {
    if (this.#released) throw new NextwordError("ReleasedError", "the model has been released; load it again");
  }

  /** Frees its memory once pending reads are done. */
  release() {
    this.#released ??= Promise.allSettled(this.#running).then(() => this.#inference.release());
    return this.#released;
  }
}

/** A loop, which is several times as fast as `every`. */
function areFinite(numbers) {
  for (let place = 0; place < numbers.length; place++) if (!Number.isFinite(numbers[place])) return false;
  return true;
}

/** Some arrays, concatenated. */
function joined(parts) {
  const found = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) found.set(part, (end += part.length) - part.length);
  return found;
}

/** What a model has read so far: its state, or the last words of a fixed context. */
class Reader {
  #model;

  constructor(model) {
    this.#model = model;
    this.last = [];
    this.state = model.zero();
  }

  /** The state that the model carries from word to word; null for a fixed context. */
  get carried() {
    return this.#model.info.context === null ? this.state : null;
  }

  /** Reads more words; returns what comes next. `last` and `state` are never changed in place. */
  async read(ids) {
    const { context } = this.#model.info;
    if (context !== null) {
      this.last = [...this.last, ...ids].slice(-context);
      return this.#model.run(this.last, this.state);
    }
    let found;
    for (let start = 0; start < ids.length; start += 1024) {
      found = await this.#model.run(ids.slice(start, start + 1024), this.state);
      this.state = found.state;
    }
    return found;
  }
}
