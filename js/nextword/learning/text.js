/**
 * What a model learns from, step by step: windows for a fixed context, streams for an unbounded one. Python's
 * `nextword.train.data`.
 */

import { Random } from "./random.js";

const NO_WORD = -1; // an id for a zero vector
const SHORTENED = 8; // one window in this many is read only in part, by a cell without a state

/**
 * Independent windows, in a new order each epoch. `isPadded`: whether some are read only in part, so that a cell
 * without a state learns what zero vectors before a short text mean.
 */
export class Windows {
  #ids;
  #context;
  #batch;
  #seed;
  #isPadded;
  #order = { epoch: -1 };

  /** Returns null for a text that is too short. */
  static of(ids, context, batch, seed, isPadded) {
    return ids.length > context ? new Windows(ids, context, batch, seed, isPadded) : null;
  }

  constructor(ids, context, batch, seed, isPadded) {
    this.#isPadded = isPadded && context > 1;
    this.#ids = ids;
    this.#context = context;
    this.#batch = batch;
    this.#seed = seed;
    /** The number of windows. */
    this.length = ids.length - context;
    /** Steps of an epoch. */
    this.interval = Math.ceil(this.length / batch);
  }

  /** The windows of a step; steps count from 0. */
  batch(step) {
    const epoch = Math.floor(step / this.interval);
    const place = step % this.interval;
    if (this.#order.epoch !== epoch) this.#order = { epoch, rows: new Random(this.#seed, epoch).permutation(this.length) };
    const rows = this.#order.rows.slice(place * this.#batch, (place + 1) * this.#batch);
    const following = rows.map((row) => [this.#following(row)]);
    return { ids: this.#padded(rows.map((row) => this.#window(row)), step), following, begins: true };
  }

  /** All windows in the order of the text, `count` at a time. */
  *inOrder(count) {
    for (let start = 0; start < this.length; start += count) {
      const rows = Array.from({ length: Math.min(count, this.length - start) }, (_, place) => start + place);
      yield { ids: rows.map((row) => this.#window(row)), following: rows.map((row) => this.#following(row)) };
    }
  }

  /**
   * The highest accuracy and the lowest loss that are possible: where the same words are followed by different ones, at
   * most one of these can be predicted right, and the best is to expect each as often as it occurs.
   */
  get best() {
    const followers = new Map();
    for (let row = 0; row < this.length; row++) {
      const [key, id] = [this.#window(row).join(), this.#following(row)];
      if (!followers.has(key)) followers.set(key, new Map());
      followers.get(key).set(id, (followers.get(key).get(id) ?? 0) + 1);
    }
    let [right, nats] = [0, 0];
    for (const counts of [...followers.values()].map((counts) => [...counts.values()])) {
      const total = counts.reduce((one, other) => one + other);
      right += Math.max(...counts);
      for (const count of counts) nats -= count * Math.log(count / total);
    }
    return { accuracy: right / this.length, loss: nats / this.length };
  }

  /** The windows of a step, some of which have zero vectors in place of their first words. */
  #padded(windows, step) {
    if (!this.#isPadded) return windows;
    const random = new Random(this.#seed, step, SHORTENED);
    const missing = windows.map(() => 1 + random.below(this.#context - 1));
    const areShort = windows.map(() => random.below(SHORTENED) === 0);
    return windows.map((words, row) => words.map((id, at) => (areShort[row] && at < missing[row] ? NO_WORD : id)));
  }

  #window(row) {
    return this.#ids.slice(row, row + this.#context);
  }

  #following(row) {
    return this.#ids[row + this.#context];
  }
}

/** The text as contiguous streams side by side, whose state is carried from step to step. */
export class Streams {
  #streams;
  #words;
  #seed;
  #steps; // of an epoch, wherever it begins

  /** Returns null for a text that is too short. */
  static of(ids, batch, words, seed) {
    const length = Math.floor(ids.length / batch);
    return length < 2 * words + 1 ? null : new Streams(ids, batch, words, seed);
  }

  constructor(ids, batch, words, seed) {
    const length = Math.floor(ids.length / batch);
    this.#streams = Array.from({ length: batch }, (_, number) => ids.slice(number * length, (number + 1) * length));
    this.#words = words;
    this.#seed = seed;
    this.#steps = Math.floor((length - words) / words);
  }

  /** The words of each stream that a step reads, and those that follow. */
  batch(step) {
    const epoch = Math.floor(step / this.#steps);
    const place = step % this.#steps;
    const start = new Random(this.#seed, epoch).below(this.#words) + place * this.#words;
    const part = (first) => this.#streams.map((stream) => stream.slice(first, first + this.#words));
    return { ids: part(start), following: part(start + 1), begins: place === 0 };
  }
}
