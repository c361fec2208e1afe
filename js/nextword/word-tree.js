/**
 * The words that may come next, where a model knows subwords: a tree of beginnings, searched best first. Python's
 * `nextword.runtime.word_tree`.
 */

import { MOST_SUBWORDS } from "./entries.js";
import { logSoftmax } from "./sampling.js";
import { Search } from "./word-search.js";

const [AT_ONCE, MOST_AT_ONCE] = [8, 64]; // nodes that one run of the model expands
const RUNS = 10; // of the model in one search, at least
const FOR_A_RUN = 16; // words that are asked for and cost one more
const CHILDREN = 64; // of a node that are looked at
const REMEMBERED = 1024; // nodes of which is known what follows

/**
 * The words that may follow a text, which is `{ last, state, place }` as of `Model.readEach`; `logits` are those
 * after it; `cache` mixes what is expected later in the word, and `bias` is added to the logits there.
 *
 * A node is the beginning of a word: `{ path, name, surface, logProbability, before }`, the ids of its subwords, the
 * same as a string, its letters, and the text without its last subword. Of each that was expanded it keeps
 * `{ values, end, after }`: the log-probabilities of the next subword, ln P(a new word begins), and the text.
 */
export class WordTree {
  #model;
  #cache;
  #bias;
  #known = new Map(); // by the name of a node: what follows it
  #children = new Map(); // by that and the rest of what was typed

  constructor(model, text, logits, { cache = null, bias = null } = {}) {
    this.#model = model;
    this.#cache = cache;
    this.#bias = bias;
    this.entries = model.entries;
    this.root = { values: Float32Array.from(logSoftmax(logits)), end: 0, after: text };
  }

  /**
   * The `n` likeliest words that begin with `typed`, best first, fewer if there are no more, each `{ word, path,
   * logProbability }` of the word and of its ending there; and `beginning`, ln P(the next word begins with `typed`),
   * as far as it was searched.
   */
  async search(n, typed = "") {
    if (typed.length > MOST_SUBWORDS * this.entries.longest) return { words: [], beginning: -Infinity };
    const search = new Search(this, n, typed);
    for (let run = 0; run < RUNS + Math.floor(n / FOR_A_RUN); run++) {
      const nodes = search.bestOpen(Math.min(Math.max(AT_ONCE, n), MOST_AT_ONCE));
      if (!nodes.length) break;
      const found = await this.expand(nodes);
      nodes.forEach((node, place) => search.visit(node, found[place]));
    }
    for (let run = 0; run < RUNS; run++) {
      const nodes = search.otherSpellings();
      if (!nodes.length) break;
      await this.expand(nodes.slice(0, MOST_AT_ONCE));
    }
    return { words: search.found, beginning: search.beginning };
  }

  /** What follows the node of a name, if it was computed before. */
  known(name) {
    return this.#known.get(name);
  }

  /** What follows some nodes, computed at once. */
  async expand(nodes) {
    // Where a fixed context is not yet full, only texts of the same length are read at once.
    const groups = new Map();
    for (const node of nodes) {
      const { length } = node.before.last;
      groups.set(length, [...(groups.get(length) ?? []), node]);
    }
    if (this.#known.size + nodes.length > REMEMBERED) {
      this.#known.clear();
      this.#children.clear();
    }
    for (const group of groups.values()) {
      const read = await this.#model.readEach(group.map(({ before }) => before), group.map(({ path }) => path.at(-1)));
      group.forEach(({ name }, place) => this.#known.set(name, this.#continuation(read, place)));
    }
    return nodes.map(({ name }) => this.#known.get(name));
  }

  /** The likeliest entries that go on with a node and agree with the rest of what was typed. */
  children({ name }, following, rest, values) {
    const key = `${name} ${rest}`;
    let found = this.#children.get(key);
    if (!found) {
      if (this.#children.size >= 4 * REMEMBERED) this.#children.clear();
      this.#children.set(key, (found = childrenOf(this.entries, following, rest, values)));
    }
    return found;
  }

  #continuation({ logits, features, texts }, place) {
    const { length } = this.root.values;
    let values = logits.subarray(place * length, (place + 1) * length);
    this.#bias?.forEach((change, id) => (values[id] += change));
    let end = toLogProbabilities(values, this.entries.dictionary.begins);
    if (this.#cache?.count) {
      const size = this.#model.features;
      const mixed = this.#cache.mix(Float64Array.from(values), features.subarray(place * size, (place + 1) * size));
      values = Float32Array.from(mixed);
      end = sumOfExp(values, this.entries.beginning);
    }
    return { values, end: Math.log(Math.max(end, 1e-30)), after: texts[place] };
  }
}

/**
 * The likeliest children of a node, `{ id, value }` with the log-probability given the node, by falling value, equals by
 * rising id: `open`, those that may go on; `whole`, those that are whole words; and `typed`, ln P(the next entry is
 * one that covers the rest of what was typed).
 */
function childrenOf({ isWhole }, following, rest, values) {
  const { covering, shorter } = following.agreeing(rest);
  const best = [];
  for (const ids of rest ? [covering, shorter] : [covering]) {
    for (const id of ids) {
      const value = values[id];
      if (best.length === CHILDREN && value <= best[CHILDREN - 1].value) continue;
      const isAfter = (other) => other.value < value || (other.value === value && other.id > id);
      let place = best.length;
      while (place && isAfter(best[place - 1])) place--;
      best.splice(place, 0, { id, value });
      if (best.length > CHILDREN) best.pop();
    }
  }
  return {
    open: best.filter(({ id }) => !isWhole[id]),
    whole: best.filter(({ id }) => isWhole[id]),
    typed: rest ? Math.log(Math.max(sumOfExp(values, covering), 1e-38)) : 0,
  };
}

/** Turns logits into log-probabilities, in place; gives P(a new word begins). */
function toLogProbabilities(logits, begins) {
  let largest = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id] > largest) largest = logits[id];
  let total = 0;
  let beginning = 0;
  for (let id = 0; id < logits.length; id++) {
    const weight = Math.exp(logits[id] - largest);
    total += weight;
    if (begins[id]) beginning += weight;
  }
  const logarithm = largest + Math.log(total);
  for (let id = 0; id < logits.length; id++) logits[id] -= logarithm;
  return beginning / total;
}

function sumOfExp(values, ids) {
  let sum = 0;
  for (let place = 0; place < ids.length; place++) sum += Math.exp(values[ids[place]]);
  return sum;
}
