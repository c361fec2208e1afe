/**
 * nextword: continue texts with a model from one .onnx file, as the Python package does.
 *
 * It runs on onnxruntime-web (browsers and Node) or onnxruntime-node, whichever is passed to
 * `Generator.load`. The modules are those of the Python package; those that do not need this one are in the
 * folder `nextword`. `nextword.d.ts` has what is public.
 */

import { Dictionary, completion } from "./nextword/dictionary.js";
import {
  NextwordError,
  UnknownWordError,
  checkCount,
  checkedStrings,
  checkedText,
  fileOf,
  given,
  quoted,
} from "./nextword/errors.js";
import { BadFileError, elements, inspect, isSame, propertiesOf } from "./nextword/inspection.js";
import { PRIME, Sampler, StopStrings, checkedSampling, draw, logSoftmax, uniform } from "./nextword/sampling.js";
import { Session, checkedCache } from "./nextword/session.js";
import { ENDS_IN_BLANK, Joiner, clusters, join, split } from "./nextword/words.js";

export { NextwordError, UnknownWordError, clusters, draw, join, split, uniform };

const MOST_WORDS = 1_000_000;
const MOST_SAMPLES = 1_024;

// ── model ───────────────────────────────────────────────────────────────────────────────────────

/** A `ModelFileError` whose message begins with the name of the file. */
const bad = (name, message, cause) => new NextwordError("ModelFileError", `${name} ${message}`, { cause });

/** Reads a file's bytes; throws a `ModelFileError` for what it refuses. */
function readingOf(name, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof BadFileError ? bad(name, error.message) : error;
  }
}

/** The `metadata_props` of an ONNX file, which onnxruntime does not show to JavaScript. */
export const metadataOf = (bytes) => readingOf("the file", () => propertiesOf(bytes));

// What onnxruntime says about an operator that it does not know.
const LACKING = /implementation for (\w+)|(\w+)\(-?\d+\) is not a registered function\/op|No Op registered for (\w+)/;

const SILENT = { logSeverityLevel: 4 }; // what goes wrong is thrown, and said once

/** A step graph that is ready to run. */
class Model {
  #ort;
  #name;
  #inference;
  #outputs;
  #givesFeatures;
  #sha256;
  #running = new Set();
  #released;

  /** Loads a file, and reads a word by way of trial. */
  static async load({ name, bytes }, ort) {
    const model = new Model(ort, name, readingOf(name, () => inspect(bytes)));
    // Begun here, since the bytes are not kept. Pages that are not secure have no digests.
    model.#sha256 = globalThis.crypto.subtle?.digest("SHA-256", bytes);
    const version = `onnxruntime ${ort.env?.versions?.common ?? ""}`.trim();
    try {
      model.#inference = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, ...SILENT });
    } catch (error) {
      const lacking = LACKING.exec(error?.message ?? error)?.slice(1).find(Boolean);
      const message = lacking
        ? `needs the operator ${lacking}, which ${version} lacks; install a newer onnxruntime`
        : `cannot be loaded by ${version}: damaged, or of another kind; copy or export it again`;
      throw bad(name, message, error);
    }
    try {
      await model.run([0], model.zero()); // whether it can be run at all
    } catch (error) {
      await model.release();
      throw error;
    }
    return model;
  }

  constructor(ort, name, { info, states, outputs }) {
    this.#ort = ort;
    this.#name = name;
    this.info = info;
    this.dictionary = new Dictionary(info.dictionary, info.unknown);
    // One text is read at a time, so the axis of the batch has the size 1.
    this.states = states.map((part) => ({ ...part, shape: part.shape.map((size) => size ?? 1) }));
    const size = outputs.get("features")?.shape[1] ?? 0;
    this.#givesFeatures = size > 0;
    this.#outputs = ["logits", ...states.map(({ name }) => `next_${name}`), ...(size ? ["features"] : [])];
    // In older files the state `hidden` serves, if it is one of layers.
    const hidden = outputs.get("next_hidden")?.shape ?? [];
    const isOfLayers = hidden.length === 3 && hidden[0] === info.layers && hidden[2] === info.hidden;
    this.features = size || (isOfLayers ? info.hidden : 0);
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

  /** What reads a text, from its beginning. */
  reader() {
    return new Reader(this);
  }

  /** Reads words after a state; gives the logits of the next word, the features, and the state then. */
  async run(ids, state) {
    this.checkUse();
    const { Tensor } = this.#ort;
    const feeds = { ids: new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]) };
    for (const { name, type, shape } of this.states) feeds[name] = new Tensor(type.name, state[name], shape);
    const running = this.#inference.run(feeds, this.#outputs, SILENT);
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
      if (!isSame(found[output].dims, shape)) throw this.#broken(`gives ${name} of another shape than it says`);
      return found[output].data.slice();
    };
    const logits = data("logits", [1, this.dictionary.words.length]);
    if (!logits.every(Number.isFinite)) throw this.#broken("gives logits that are not finite numbers");
    const next = Object.fromEntries(this.states.map(({ name, shape }) => [name, data(name, shape, `next_${name}`)]));
    if (this.#givesFeatures) return { logits, features: data("features", [1, this.features]), state: next };
    // In older files the logits are computed from the last layer's hidden state, or from a projection.
    const features = this.features ? next.hidden.slice(-this.features) : new Float32Array();
    return { logits, features, state: next };
  }

  #broken(what, cause) {
    return bad(this.#name, `${what}; train and export it again`, cause);
  }

  /** The SHA-256 of the file, by which a session knows it again. */
  async digest() {
    if (!this.#sha256) {
      throw new NextwordError(
        "SessionError",
        "a session is saved and resumed on secure pages only: https, or localhost",
      );
    }
    return Array.from(new Uint8Array(await this.#sha256), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  checkUse() {
    if (this.#released) throw new NextwordError("ReleasedError", "the model was released; load it again");
  }

  /** Gives its memory back, once the words that are being read are. */
  release() {
    this.#released ??= Promise.allSettled(this.#running).then(() => this.#inference.release());
    return this.#released;
  }
}

/** What a model has read so far: its state, or the last words of a fixed context. */
class Reader {
  #model;

  constructor(model) {
    this.#model = model;
    this.last = [];
    this.state = model.zero();
  }

  /** Reads more words; returns what comes next. Nothing in `last` and `state` is changed in place. */
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

// ── generator ───────────────────────────────────────────────────────────────────────────────────

/** Continues texts with a model from one file. */
export class Generator {
  #model;

  /**
   * Loads a step graph (`nextword.onnx`, `nextword.int8.onnx`).
   *
   * `source` is the file as bytes, a Blob or a Response, or a URL that `fetch` can read; `ort` is the
   * module onnxruntime-web or onnxruntime-node.
   */
  static async load(source, options = {}) {
    const { ort } = given("ArgumentError", "option", options, { ort: undefined });
    if (typeof ort?.InferenceSession?.create !== "function" || typeof ort.Tensor !== "function") {
      throw new NextwordError(
        "ArgumentError",
        "ort must be the module onnxruntime-web or onnxruntime-node: Generator.load(source, { ort })",
      );
    }
    return new Generator(await Model.load(await fileOf(source), ort));
  }

  constructor(model) {
    if (!(model instanceof Model)) {
      throw new NextwordError("ArgumentError", "a generator is made by Generator.load(source, { ort })");
    }
    this.#model = model;
    this.info = model.info;
  }

  /** Gives the memory of the model back; what is asked later is a `ReleasedError`. */
  release() {
    return this.#model.release();
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.release();
  }

  /** The prompt as it was given, and its continuation. */
  async generate(prompt, words = 32, sampling = {}, options = {}) {
    let text = prompt;
    for await (const piece of this.stream(prompt, words, sampling, options)) text += piece;
    return text;
  }

  /** The continuation piece by piece, as it comes. Errors are thrown at once. */
  stream(prompt, words = 32, sampling = {}, options = {}) {
    return this.#continue(prompt, words, checkedSampling(sampling), options);
  }

  /** Several continuations; the one at place i is what `generate` gives with the seed + i. */
  async samples(prompt, n, words = 32, sampling = {}, options = {}) {
    const knobs = checkedSampling(sampling);
    checkCount("words", words, MOST_WORDS);
    checkCount("samples", n, MOST_SAMPLES);
    if (n > 1 && !knobs.temperature) {
      throw new NextwordError(
        "SamplingError",
        "several samples are all the same without a temperature above 0; add one",
      );
    }
    const texts = [];
    for (let place = 0; place < n; place++) {
      const seed = knobs.seed === null ? null : (knobs.seed + place) % PRIME;
      let text = prompt;
      for await (const piece of this.#continue(prompt, words, { ...knobs, seed }, options)) text += piece;
      texts.push(text);
    }
    return texts;
  }

  /** The likeliest next words, or completions of a half-typed last one: `[{ word, probability }]`. */
  async suggest(prompt, n = 3) {
    this.#model.checkUse();
    const { dictionary } = this.#model;
    const tokens = this.#model.split(prompt);
    let prefix = "";
    if (!ENDS_IN_BLANK.test(prompt) && dictionary.isHalfTyped(tokens.at(-1))) {
      prefix = tokens.pop();
      if (!tokens.length) {
        throw new NextwordError(
          "PromptError",
          `${quoted(prefix)} is a half-typed word; give at least one whole word before it`,
        );
      }
    }
    const context = dictionary.encode(tokens);
    const complete = completion(dictionary, n, prefix);
    return complete((await this.#model.reader().read(context)).logits);
  }

  /** How likely a text is, word by word. */
  async score(text) {
    return (await this.scoreAll([checkedText(text)]))[0];
  }

  /** How likely each of several texts is. */
  async scoreAll(texts) {
    this.#model.checkUse();
    const context = this.info.context ?? 1;
    const read = checkedStrings("PromptError", "texts", texts).map((text) => {
      const tokens = this.#model.split(text);
      return { tokens, ids: this.#model.dictionary.encode(tokens) };
    });
    for (const { ids } of read) {
      if (ids.length <= context) {
        throw new NextwordError(
          "PromptError",
          `the text has ${ids.length} words; the model scores a word after ${context}, so give at least ${context + 1}`,
        );
      }
    }
    const scores = [];
    for (const { tokens, ids } of read) scores.push(await this.#score(tokens, ids, context));
    return scores;
  }

  /** A text that grows word by word, as under a keyboard. */
  session(options = {}) {
    this.#model.checkUse();
    return new Session(this.#model, checkedCache(options));
  }

  /** Goes on with a session that `Session.save` has written, here or in Python. */
  async resume(bytes) {
    this.#model.checkUse();
    return Session.restore(this.#model, bytes);
  }

  async #score(tokens, ids, context) {
    const reader = this.#model.reader();
    const perWord = [];
    let total = 0;
    let { logits } = await reader.read(ids.slice(0, context));
    for (let place = context; place < ids.length; place++) {
      const logProbability = logSoftmax(logits)[ids[place]];
      total += logProbability;
      perWord.push({ word: tokens[place], logProbability });
      if (place + 1 < ids.length) ({ logits } = await reader.read([ids[place]]));
    }
    return { logProbability: total, perplexity: Math.exp(-total / perWord.length), perWord };
  }

  /** Checks what can be known beforehand, and then writes. */
  #continue(prompt, words, knobs, options) {
    this.#model.checkUse();
    const { signal } = given("ArgumentError", "option", options, { signal: undefined });
    if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
      throw new NextwordError("ArgumentError", "signal must be an AbortSignal");
    }
    checkCount("words", words, MOST_WORDS);
    const tokens = this.#model.split(prompt);
    const ids = this.#model.dictionary.encode(tokens);
    const size = this.#model.dictionary.words.length;
    if (knobs.topK > size) {
      throw new NextwordError("SamplingError", `topK ${knobs.topK} has no effect with ${size} words; leave it out`);
    }
    const sampler = new Sampler(knobs, this.#ruledOut(knobs.banned), ids);
    return this.#pieces(prompt, tokens, ids, words, knobs, sampler, signal);
  }

  #ruledOut(banned) {
    const { dictionary } = this.#model;
    const ids = new Set(dictionary.unknown === null ? [] : [dictionary.unknown]);
    for (const word of banned) {
      const tokens = this.#model.split(word);
      if (tokens.length > 1) {
        throw new NextwordError("SamplingError", `${quoted(word)} is ${tokens.length} words; ban one at a time`);
      }
      if (!dictionary.has(tokens[0])) throw new UnknownWordError(tokens[0], dictionary.neighbours(tokens[0]));
      ids.add(dictionary.encode(tokens)[0]);
    }
    return ids;
  }

  async *#pieces(prompt, tokens, ids, words, knobs, sampler, signal) {
    const joiner = new Joiner(this.info.splitBy, this.info.lineEnds);
    for (const token of tokens) joiner.push(token);
    if (ENDS_IN_BLANK.test(prompt)) joiner.afterBlank();
    const reader = this.#model.reader();
    const stop = new StopStrings(knobs.stop);
    let read = ids;
    for (let number = 0; number < words; number++) {
      signal?.throwIfAborted();
      const { logits } = await reader.read(read);
      const id = sampler.pick(logits);
      const piece = joiner.push(this.#model.dictionary.words[id]);
      yield stop.push(piece, number >= knobs.minWords);
      if (stop.found) return;
      read = [id];
      await eventLoop();
    }
    if (stop.rest()) yield stop.rest();
  }
}

/**
 * Lets the event loop turn, so that input is heard and a page is painted while words are written:
 * onnxruntime's WebAssembly computes within the promises' own queue, before any event.
 */
function eventLoop() {
  if (globalThis.setImmediate) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

