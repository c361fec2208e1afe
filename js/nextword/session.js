/** A text that grows a word at a time, as with a keyboard: Python's `nextword.runtime.session`. */

import { MOST_FORGOTTEN, NeuralCache } from "./cache.js";
import { after } from "./completion.js";
import { NextwordError, bytesOf, checkCount, checkNumber, given, kind } from "./errors.js";
import { isSame } from "./inspection.js";
import { BLANK_MARK, GLUE_MARK } from "./marks.js";
import { arraysOf, npz } from "./npz.js";
import { logSoftmax } from "./sampling.js";
import { BEGINS_IN_BLANK, END_OF_LINE, Joiner } from "./words.js";

const [SESSION_FORMAT, LEARNING_FORMAT] = ["nextword-session/2", "nextword-session/3"];
const STATE = "state."; // prefix of the names under which the parts of a state are saved
const [LEARNED, BLOCK_STATE] = ["learned.", "block_state."]; // prefixes of what a session has learned
const MOST_CACHED = 1_000_000; // words that a cache remembers

const CACHE_DEFAULTS = Object.freeze({ cacheSize: 0, cacheWeight: 0, cacheFlatness: 0.3 });

/** The settings of a cache, checked: one that is out of range or has no effect is an error. */
export function checkedCache(options) {
  const settings = { ...CACHE_DEFAULTS, ...given("SamplingError", "option", options, CACHE_DEFAULTS) };
  const { cacheSize, cacheWeight, cacheFlatness } = settings;
  checkCount("cacheSize", cacheSize, MOST_CACHED, 0, "SamplingError");
  checkNumber("SamplingError", "cacheWeight", cacheWeight, 0, 1, { isBelow: true });
  checkNumber("SamplingError", "cacheFlatness", cacheFlatness, 0, 1000);
  if (Boolean(cacheSize) !== Boolean(cacheWeight)) {
    throw new NextwordError("SamplingError", "cacheSize and cacheWeight have no effect without each other; give both");
  }
  return { size: cacheSize, weight: cacheWeight, flatness: cacheFlatness };
}

/**
 * Reads a text word by word, and suggests what comes next; created by `Generator.session` or `resume`.
 *
 * For each of the last words it keeps `{ ids, last, state, gaveWay, learned }`: its entries, what was read up to it,
 * what the entries read overwrote in the cache, and what a model that learns had learned. What was expected after it, a
 * number for each entry of the dictionary, is computed again when a word is undone.
 */
export class Session {
  #model;
  #learner; // what changes the model's weights, or null
  #reader;
  #cache;
  // One more than can be undone, since a word is read again from where the one before ended. Oldest first, with null
  // before the first word; empty where the session was resumed.
  #past = [];
  #now = null;
  #expected = null;
  #next = null; // kept while suggestions for the same place are requested
  #resumed = null; // what was expected where the session was resumed
  #turns = Promise.resolve();

  constructor(model, cache, learner = null) {
    this.#model = model;
    this.#learner = learner;
    this.#reader = model.reader();
    this.#cache = new NeuralCache(cache, model.features);
  }

  /**
   * Reads one word or more; none if one is unknown. A punctuation mark that is fed by itself belongs to the word before
   * or after it, as in written text.
   */
  feed(text) {
    return this.#inTurn(async () => {
      const words = this.#model.split(text);
      if (this.#now && words[0].startsWith(BLANK_MARK) && !BEGINS_IN_BLANK.test(text)) {
        words[0] = joined(this.#model.dictionary.shown(this.#now.ids), words[0]);
      }
      for (const { ids } of this.#model.dictionary.spelt(words)) {
        const gaveWay = [];
        for (const [place, id] of this.#model.dictionary.shortened(ids).entries()) {
          if (this.#expected) gaveWay.push(this.#cache.remember(this.#expected.features, id));
          await this.#learner?.note(id, this.#reader.carried, place === 0);
          const { logits, features } = await this.#reader.read([id]);
          this.#expected = { logits, features };
        }
        this.#past.push(this.#now);
        if (this.#past.length > MOST_FORGOTTEN + 1) this.#past.shift();
        const { last, state } = this.#reader;
        this.#now = { ids, last, state, gaveWay, learned: this.#learner?.learned };
        this.#next = null;
      }
    });
  }

  /** Undoes the last word fed, and returns it. */
  undo() {
    return this.#inTurn(async () => {
      if (!this.#now) throw new NextwordError("SessionError", "there is no word to undo");
      const before = this.#past.at(-1);
      const isFirst = this.#past.length === 1 && before && before !== this.#resumed?.now;
      if (!this.#past.length || isFirst) {
        throw new NextwordError(
          "SessionError",
          `no more words can be undone; a session remembers only the last ${MOST_FORGOTTEN} words`,
        );
      }
      const { ids, gaveWay } = this.#now;
      if (this.#learner) this.#learner.learned = before?.learned ?? this.#learner.nothing;
      this.#expected = await this.#readAgain(before, this.#past.at(-2) ?? null);
      this.#past.pop();
      this.#now = before;
      this.#next = null;
      for (const remembered of gaveWay.reverse()) this.#cache.forget(remembered);
      return this.#model.dictionary.shown(ids);
    });
  }

  /** What was expected at a moment; this takes the reader back there. */
  async #readAgain(moment, before) {
    this.#reader = this.#model.reader();
    if (!moment) return null;
    const isResumed = moment === this.#resumed?.now;
    const { last, state } = (isResumed ? moment : before) ?? this.#reader;
    Object.assign(this.#reader, { last, state });
    if (isResumed) return this.#resumed.expected;
    let expected;
    for (const id of this.#model.dictionary.shortened(moment.ids)) expected = await this.#reader.read([id]);
    return { logits: expected.logits, features: expected.features };
  }

  /** The likeliest next words that begin with `prefix`: `[{ word, probability }]`. */
  suggest(n = 3, prefix = "") {
    return this.#inTurn(() => {
      const { logits, features } = this.#known();
      if (!this.#next) {
        const mixed = this.#cache.count && Float32Array.from(this.#cache.mix(logSoftmax(logits), features));
        this.#next = after(this.#model, this.#reader, mixed || logits, this.#cache);
      }
      return this.#next.best(n, prefix);
    });
  }

  /** The session as bytes, as Python saves it; the history for `undo` is not saved. */
  save() {
    return this.#inTurn(async () => {
      const expected = this.#known();
      const { ids, last, state } = this.#now;
      const { settings, places, ring, count } = this.#cache;
      const { features, info, states } = this.#model;
      const cached = new Float32Array(places * features);
      ring.forEach((one, place) => cached.set(one.features, place * features));
      const floats = (data, shape) => ({ type: "<f4", shape, data });
      const whole = (numbers, shape) => ({ type: "<i8", shape, data: BigInt64Array.from(numbers, BigInt) });
      const { size, weight, flatness } = settings;
      const named = (start, parts) =>
        states.map(({ name, type, shape }) => [start + name, { type: type.numpy, shape, data: parts[name] }]);
      return npz({
        format: this.#learner ? LEARNING_FORMAT : SESSION_FORMAT,
        model: await this.#model.digest(),
        word: whole([ids.at(-1)], []),
        last: whole(last, [1, last.length]),
        logits: floats(expected.logits, [1, expected.logits.length]),
        features: floats(expected.features, [1, features]),
        cache: { type: "<f8", shape: [3], data: Float64Array.of(size, weight, flatness) },
        cache_features: floats(cached, [places, features]),
        cache_words: whole(Array.from({ length: places }, (_, place) => ring[place]?.word ?? 0), [places]),
        cache_count: whole([count], []),
        ...(ids.length > 1 && { subwords: whole(ids, [ids.length]) }), // older files lack it
        ...Object.fromEntries(info.context === null ? named(STATE, state) : []),
        ...(this.#learner && (await this.#learnedArrays(named, whole))),
      });
    });
  }

  /** What was learned, as it is saved. */
  async #learnedArrays(named, whole) {
    const { values, ids, state } = this.#now.learned;
    return {
      training_graph: await this.#learner.digest(),
      learning_rate: { type: "<f8", shape: [], data: Float64Array.of(this.#learner.learningRate) },
      block: whole(ids, [ids.length]),
      ...Object.fromEntries([...values].map(([name, one]) => [LEARNED + name, { type: "<f4", shape: one.shape, data: one.values }])),
      ...Object.fromEntries(state ? named(BLOCK_STATE, state) : []),
    };
  }

  static async restore(model, bytes, learner = null) {
    const data = bytesOf(bytes);
    if (!data) throw new NextwordError("SessionError", `a saved session must be bytes; got ${kind(bytes)}`);
    let arrays;
    try {
      arrays = arraysOf(data);
    } catch {
      throw notSaved();
    }
    const format = arrays.get("format");
    if (typeof format !== "string") throw notSaved();
    if (![SESSION_FORMAT, LEARNING_FORMAT].includes(format)) {
      throw new NextwordError(
        "SessionError",
        `the session has format ${format.slice(0, 40)}; this version reads ${SESSION_FORMAT} and ${LEARNING_FORMAT}`,
      );
    }
    if (arrays.get("model") !== (await model.digest())) {
      throw new NextwordError("SessionError", "the session was saved with another model file; load that one");
    }
    if (format === LEARNING_FORMAT) await checkLearner(arrays, learner);
    const { info, dictionary, features, states } = model;
    const size = BigInt(dictionary.words.length);
    const isWord = (id) => id >= 0n && id < size;
    const isNumber = (number) => typeof number === "bigint" || Number.isFinite(number);
    const take = (name, type, shape, isGood = isNumber) => {
      const found = arrays.get(name);
      if (found?.type !== type || !isSame(found.shape, shape) || !found.data.every(isGood)) throw notSaved();
      return found.data;
    };
    let ids = take("word", "<i8", [], isWord);
    if (arrays.has("subwords")) ids = take("subwords", "<i8", [arrays.get("subwords").data?.length], isWord);
    if (!ids.length) throw notSaved();
    // A fixed context reads its last words again.
    const length = info.context === null ? 0 : (arrays.get("last")?.shape?.[1] ?? 0);
    const last = Array.from(take("last", "<i8", [1, length], isWord), Number);
    if (info.context !== null && (length < 1 || length > info.context)) throw notSaved();
    const session = new Session(model, cacheOf(take("cache", "<f8", [3])), learner);
    const { places } = session.#cache;
    const [count] = take("cache_count", "<i8", [], (number) => number >= 0n && number < 2n ** 53n);
    const rows = take("cache_features", "<f4", [places, features]);
    const words = take("cache_words", "<i8", [places], isWord);
    if (!places && count) throw notSaved();
    const expected = {
      logits: take("logits", "<f4", [1, dictionary.words.length]),
      features: take("features", "<f4", [1, features]),
    };
    const carried = info.context === null ? states : [];
    const state = carried.length
      ? Object.fromEntries(carried.map(({ name, type, shape }) => [name, take(STATE + name, type.numpy, shape)]))
      : session.#reader.state;
    session.#cache.count = Number(count);
    session.#cache.ring = Array.from({ length: Math.min(places, Number(count)) }, (_, place) => ({
      features: rows.slice(place * features, (place + 1) * features),
      word: Number(words[place]),
    }));
    Object.assign(session.#reader, { last, state });
    if (format === LEARNING_FORMAT) {
      const block = take("block", "<i8", [arrays.get("block")?.data?.length], isWord);
      if (!block.length || block.length > learner.most) throw notSaved();
      const values = [...learner.nothing.values].map(([name, { shape }]) => {
        return [name, { shape, values: take(LEARNED + name, "<f4", shape) }];
      });
      const isThere = states.some(({ name }) => arrays.has(BLOCK_STATE + name));
      const before = states.map(({ name, type, shape }) => [name, isThere && take(BLOCK_STATE + name, type.numpy, shape)]);
      learner.learned = {
        values: new Map(values),
        ids: Array.from(block, Number),
        state: isThere ? Object.fromEntries(before) : null,
      };
    }
    session.#now = { ids: Array.from(ids, Number), last, state, gaveWay: [], learned: learner?.learned };
    session.#expected = expected;
    session.#resumed = { now: session.#now, expected };
    return session;
  }

  /** What is expected after the last word. */
  #known() {
    if (!this.#expected) throw new NextwordError("PromptError", "nothing has been read yet; feed at least one word");
    return this.#expected;
  }

  /** Runs `act` after all earlier calls. */
  #inTurn(act) {
    const done = this.#turns.then(() => {
      this.#model.checkUse();
      return act();
    });
    this.#turns = done.catch(() => {});
    return done;
  }
}

/** A marked word, without the blank before it where none is written after `previous`. */
function joined(previous, marked) {
  if (previous === END_OF_LINE) return marked;
  const joiner = new Joiner("words");
  for (const word of ["a", previous]) joiner.push(word);
  return joiner.push(marked.slice(1)).startsWith(" ") ? marked : GLUE_MARK + marked.slice(1);
}

const notSaved = () => new NextwordError("SessionError", "these bytes are not a saved session, or only part of one");

/** Refuses a session that was learning with another training graph, or if there is no learner here. */
async function checkLearner(arrays, learner) {
  const refuse = (message) => {
    throw new NextwordError("SessionError", message);
  };
  if (!learner) refuse("the session was learning while it read; resume it with DynamicEvaluation");
  if (arrays.get("training_graph") !== (await learner.digest())) {
    refuse("the session was saved with another training graph; give that one");
  }
  const rate = arrays.get("learning_rate")?.data?.[0];
  if (rate !== learner.learningRate) refuse(`the session was saved with a learningRate of ${rate}; give the same`);
}

function cacheOf([cacheSize, cacheWeight, cacheFlatness]) {
  try {
    return checkedCache({ cacheSize, cacheWeight, cacheFlatness });
  } catch {
    throw notSaved();
  }
}

