/**
 * nextword: continue texts with a model from one .onnx file, as the Python package does.
 *
 * It runs on onnxruntime-web (browsers and Node) or onnxruntime-node, whichever is passed to `Generator.load`. The
 * modules mirror those of the Python package; those that do not depend on this one are in the folder `nextword`. The
 * public API is in `nextword.d.ts`.
 */

import { clusters } from "./nextword/characters.js";
import { suggest } from "./nextword/completion.js";
import { amount } from "./nextword/dictionary.js";
import { draftOf } from "./nextword/drafts.js";
import {
  NextwordError,
  UnknownWordError,
  checkCount,
  checkedStrings,
  checkedText,
  fileOf,
  given,
} from "./nextword/errors.js";
import { evaluate } from "./nextword/evaluation.js";
import { perplexity } from "./nextword/figures.js";
import { Keyboard } from "./nextword/keyboard/keyboard.js";
import { MODEL, Model, metadataOf } from "./nextword/model.js";
import { PRIME, Sampler, StopStrings, checkedSampling, draw, logSoftmax, uniform } from "./nextword/sampling.js";
import { Session, checkedCache } from "./nextword/session.js";
import { eventLoop } from "./nextword/turns.js";
import { ENDS_IN_BLANK, Joiner, join, split } from "./nextword/words.js";

export { Keyboard, NextwordError, UnknownWordError, clusters, draw, join, metadataOf, split, uniform };

const MOST_WORDS = 1_000_000;
const MOST_SAMPLES = 1_024;

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
      throw new NextwordError("ArgumentError", "create a generator with Generator.load(source, { ort })");
    }
    this.#model = model;
    this.info = model.info;
  }

  get [MODEL]() {
    return this.#model;
  }

  /** Frees the model's memory; later calls throw a `ReleasedError`. */
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

  /** The continuation piece by piece, as it comes. Errors that can be known beforehand are thrown at once. */
  stream(prompt, words = 32, sampling = {}, options = {}) {
    return this.#continue(prompt, words, checkedSampling(sampling), options);
  }

  /** Several continuations; number i is what `generate` gives with the seed + i. */
  async samples(prompt, n, words = 32, sampling = {}, options = {}) {
    const knobs = checkedSampling(sampling);
    checkCount("words", words, MOST_WORDS);
    checkCount("samples", n, MOST_SAMPLES);
    if (n > 1 && !knobs.temperature) {
      throw new NextwordError(
        "SamplingError",
        "without a temperature above 0, all samples are the same; set one",
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
    return suggest(this.#model, prompt, n);
  }

  /** How likely a text is, word by word. */
  async score(text) {
    return (await this.scoreAll([checkedText(text)]))[0];
  }

  /** How likely each of several texts is. */
  async scoreAll(texts) {
    this.#model.checkUse();
    const context = this.info.context ?? 1;
    const { dictionary } = this.#model;
    const read = checkedStrings("PromptError", "texts", texts).map((text) => dictionary.spelt(this.#model.split(text)));
    const starts = read.map((words) => firstScored(words, context, dictionary.unit));
    const scores = [];
    for (const [place, words] of read.entries()) scores.push(await this.#score(words, starts[place], context));
    return scores;
  }

  /** A text that grows word by word, as with a keyboard. */
  session(options = {}) {
    this.#model.checkUse();
    return new Session(this.#model, checkedCache(options));
  }

  /** Resumes a session written by `Session.save`, here or in Python. */
  async resume(bytes) {
    this.#model.checkUse();
    return Session.restore(this.#model, bytes);
  }

  /** Suggestions, corrections and learning for a text field; of several languages: `Keyboard.of`. */
  keyboard(options = {}) {
    return Keyboard.of([this], options);
  }

  /** How good the model is on a text; the options are those of `session`. */
  async evaluate(text, options = {}) {
    this.#model.checkUse();
    return evaluate(this.#model, text, checkedCache(options));
  }

  /** The score of the words from index `first` on. */
  async #score(words, first, context) {
    const reader = this.#model.reader();
    const ids = words.flatMap(({ ids }) => ids);
    const found = []; // ln P of each entry after the context
    let { logits } = await reader.read(ids.slice(0, context));
    for (let place = context; place < ids.length; place++) {
      found.push(logSoftmax(logits)[ids[place]]);
      if (place + 1 < ids.length) ({ logits } = await reader.read([ids[place]]));
    }
    let end = found.length - words.slice(first).reduce((sum, { ids }) => sum + ids.length, 0);
    const perWord = words.slice(first).map(({ word, ids }) => {
      const parts = found.slice(end, (end += ids.length));
      return { word, logProbability: parts.reduce((sum, value) => sum + value, 0) };
    });
    const total = perWord.reduce((sum, { logProbability }) => sum + logProbability, 0);
    return { logProbability: total, perplexity: perplexity(-total / perWord.length), perWord };
  }

  /** Checks everything that can be known beforehand, then writes. */
  #continue(prompt, words, knobs, options) {
    this.#model.checkUse();
    const { signal } = given("ArgumentError", "option", options, { signal: undefined });
    if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
      throw new NextwordError("ArgumentError", "signal must be an AbortSignal");
    }
    checkCount("words", words, MOST_WORDS);
    const tokens = this.#model.split(prompt);
    const ids = this.#model.dictionary.encode(tokens);
    const { words: entries, unit } = this.#model.dictionary;
    if (knobs.topK > entries.length) {
      const size = `${entries.length} ${unit}`;
      throw new NextwordError("SamplingError", `topK ${knobs.topK} has no effect with ${size}; leave it out`);
    }
    const draft = draftOf(this.#model, ids, knobs);
    return this.#pieces(prompt, tokens, ids, words, knobs, draft, signal);
  }

  async *#pieces(prompt, tokens, ids, words, knobs, draft, signal) {
    const joiner = new Joiner(this.info.splitBy, this.info.lineEnds);
    for (const token of tokens) joiner.push(token);
    if (ENDS_IN_BLANK.test(prompt)) joiner.afterBlank();
    const reader = this.#model.reader();
    const sampler = new Sampler(knobs, draft);
    const stop = new StopStrings(knobs.stop);
    let read = this.#model.dictionary.shortened(ids);
    while (draft.words < words) {
      signal?.throwIfAborted();
      const { logits } = await reader.read(read);
      const id = sampler.pick(logits);
      const word = draft.take(id);
      if (word) {
        const pieces = word.map((part) => joiner.push(this.#model.dictionary.words[part]));
        yield stop.push(pieces.join(""), draft.words > knobs.minWords);
        if (stop.found) return;
      }
      read = [id];
      await eventLoop();
    }
    if (stop.rest()) yield stop.rest();
  }
}

/** The index of the first word that has a full context before it. */
function firstScored(words, context, unit) {
  let length = 0;
  for (const [number, { ids }] of words.entries()) {
    if (length >= context) return number;
    length += ids.length;
  }
  const after = context > 1 && unit === "subwords" ? " subwords, so give more" : `, so give at least ${context + 1}`;
  throw new NextwordError(
    "PromptError",
    `the text has ${amount(words.length, "words")}; the model scores a word after ${context}${after}`,
  );
}
