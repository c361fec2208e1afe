/**
 * The words that may come next, where a model knows subwords: a tree of beginnings, searched best first. Python's
 * `nextword.runtime.word_tree`.
 */

import { MOST_SUBWORDS } from "./entries.js";
import { logSoftmax } from "./sampling.js";
import { LINE_END } from "./subwords.js";
import { END_OF_LINE } from "./words.js";

const AT_ONCE = 8; // nodes that one run of the model expands, at least
const RUNS = 10; // of the model in one search
const CHILDREN = 64; // of a node that are looked at
const REMEMBERED = 1024; // nodes of which is known what follows

/**
 * The words that may follow a text, which is `{ last, state, place }` as of `Model.readEach`; `logits` are those
 * after it, and `cache` mixes what is expected later in the word.
 *
 * A node is the beginning of a word: `{ path, name, surface, logProbability, before }`, the ids of its subwords, the
 * same as a string, its letters, and the text without its last subword. Of each that was expanded it keeps
 * `{ values, end, after }`: the log-probabilities of the next subword, ln P(a new word begins), and the text.
 */
export class WordTree {
  #model;
  #cache;
  #known = new Map(); // by the name of a node: what follows it
  #children = new Map(); // by that and the rest of what was typed

  constructor(model, text, logits, cache = null) {
    this.#model = model;
    this.#cache = cache;
    this.entries = model.entries;
    this.root = { values: Float32Array.from(logSoftmax(logits)), end: 0, after: text };
  }

  /**
   * The `n` likeliest words that begin with `typed`, best first, fewer if there are no more, each `{ word, path,
   * logProbability }` of the word and of its ending there; and `beginning`, ln P(the next word begins with `typed`),
   * as far as it was searched.
   */
  async search(n, typed = "") {
    const search = new Search(this, n, typed);
    for (let run = 0; run < RUNS; run++) {
      const nodes = search.bestOpen(Math.max(AT_ONCE, n));
      if (!nodes.length) break;
      const found = await this.expand(nodes);
      nodes.forEach((node, place) => search.visit(node, found[place]));
    }
    return { words: search.found, beginning: search.beginning };
  }

  /** What follows a node, if it was computed before. */
  known({ name }) {
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
    toLogProbabilities(values);
    if (this.#cache?.count) {
      const size = this.#model.features;
      const mixed = this.#cache.mix(Float64Array.from(values), features.subarray(place * size, (place + 1) * size));
      values = Float32Array.from(mixed);
    }
    const end = Math.log(Math.max(sumOfExp(values, this.entries.beginning), 1e-30));
    return { values, end, after: texts[place] };
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
  for (const ids of [covering, shorter]) {
    for (const id of ids) {
      const value = values[id];
      if (best.length === CHILDREN && value <= best[CHILDREN - 1].value) continue;
      let place = best.length;
      while (place && (best[place - 1].value < value || (best[place - 1].value === value && best[place - 1].id > id))) place--;
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

/** The open nodes of a search, and the words that it has found. */
class Search {
  #tree;
  #n;
  #typed;
  #entries;
  // A heap, the likeliest first: `{ id, place, logProbability, siblings }`, each the likeliest of its siblings that was
  // not yet met.
  #open = [];
  #found = new Map();
  #best = new Map(); // the likeliest n words that were found, and how likely
  #worst = -Infinity; // of these, if there are so many

  constructor(tree, n, typed) {
    this.#tree = tree;
    this.#n = n;
    this.#typed = typed;
    this.#entries = tree.entries;
    this.beginning = typed ? -Infinity : 0;
    this.#addChildren({ path: [], name: "", surface: "", logProbability: 0 }, this.#entries.first, tree.root);
  }

  /** The best words, best first. */
  get found() {
    const best = Array.from(this.#best.keys(), (word) => this.#found.get(word));
    return best.sort((one, other) => other.logProbability - one.logProbability || compared(one.path, other.path));
  }

  /** The likeliest nodes of which is not known what follows, if they may lead to a better word. */
  bestOpen(most) {
    const nodes = [];
    while (this.#open.length && nodes.length < most && this.#open[0].logProbability > this.#worst) {
      const { id, place, logProbability, siblings } = popped(this.#open);
      this.#push(siblings, place + 1);
      const { parent } = siblings;
      const path = [...parent.path, id];
      // Other ways to spell a word have been read nowhere.
      if (!this.#entries.dictionary.isSplit(path)) continue;
      const surface = parent.surface + this.#entries.surfaces[id];
      const node = { path, name: path.join(), surface, logProbability, before: siblings.after };
      const known = this.#tree.known(node);
      if (known) this.visit(node, known);
      else nodes.push(node);
    }
    return nodes;
  }

  /** Adds the word that a node is, and what it may become. */
  visit(node, continuation) {
    const { path, surface, logProbability } = node;
    if (surface && surface.startsWith(this.#typed)) this.#add(surface, path, logProbability + continuation.end);
    if (path.length >= MOST_SUBWORDS) return;
    this.#addChildren(node, surface ? this.#entries.later : this.#entries.afterMark, continuation);
  }

  #addChildren(node, following, { values, after }) {
    const rest = this.#typed.slice(node.surface.length);
    const { open, whole, typed } = this.#tree.children(node, following, rest, values);
    if (rest) this.beginning = logOfSum(this.beginning, node.logProbability + typed);
    for (const { id, value } of whole) {
      const word = node.surface + this.#entries.surfaces[id];
      if (!word.startsWith(this.#typed)) continue;
      this.#add(word === LINE_END ? END_OF_LINE : word, [...node.path, id], node.logProbability + value);
    }
    this.#push({ parent: node, children: open, after }, 0);
  }

  /** Opens the child at some place, if it may lead to a better word. */
  #push(siblings, place) {
    if (place >= siblings.children.length) return;
    const { id, value } = siblings.children[place];
    const logProbability = value + siblings.parent.logProbability;
    if (logProbability > this.#worst) push(this.#open, { id, place, logProbability, siblings });
  }

  #add(word, path, logProbability) {
    const before = this.#found.get(word);
    const total = before ? logOfSum(before.logProbability, logProbability) : logProbability;
    const likelier = before && before.logProbability >= logProbability ? before.path : path;
    this.#found.set(word, { word, path: likelier, logProbability: total });
    if (total <= this.#worst && !this.#best.has(word)) return;
    this.#best.set(word, total);
    if (this.#best.size > this.#n) this.#best.delete(leastOf(this.#best)[0]);
    if (this.#best.size === this.#n) this.#worst = leastOf(this.#best)[1];
  }
}

/** The first entry of a map whose value is the least. */
function leastOf(map) {
  let least = null;
  for (const pair of map) if (!least || pair[1] < least[1]) least = pair;
  return least;
}

/** Turns logits into log-probabilities, in place. */
function toLogProbabilities(logits) {
  let largest = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id] > largest) largest = logits[id];
  let total = 0;
  for (let id = 0; id < logits.length; id++) total += Math.exp(logits[id] - largest);
  const logarithm = largest + Math.log(total);
  for (let id = 0; id < logits.length; id++) logits[id] -= logarithm;
}

function sumOfExp(values, ids) {
  let sum = 0;
  for (let place = 0; place < ids.length; place++) sum += Math.exp(values[ids[place]]);
  return sum;
}

/** ln(exp(one) + exp(other)) */
function logOfSum(one, other) {
  const [high, low] = one > other ? [one, other] : [other, one];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}

/** Which of two paths has smaller ids where they part: below 0 for the first. */
function compared(one, other) {
  const place = one.findIndex((id, at) => id !== other[at]);
  return place < 0 ? 0 : one[place] - other[place];
}

/** Whether one comes out of a heap before another. */
function isBefore(one, other) {
  if (one.logProbability !== other.logProbability) return one.logProbability > other.logProbability;
  return compared([...one.siblings.parent.path, one.id], [...other.siblings.parent.path, other.id]) < 0;
}

/** Puts something into a heap. */
function push(heap, added) {
  let place = heap.length;
  for (let above = (place - 1) >> 1; place && isBefore(added, heap[above]); above = (place - 1) >> 1) {
    heap[place] = heap[above];
    place = above;
  }
  heap[place] = added;
}

/** Takes the first out of a heap. */
function popped(heap) {
  const first = heap[0];
  const last = heap.pop();
  if (!heap.length) return first;
  let place = 0;
  for (let below = 1; below < heap.length; below = 2 * place + 1) {
    if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below++;
    if (!isBefore(heap[below], last)) break;
    heap[place] = heap[below];
    place = below;
  }
  heap[place] = last;
  return first;
}
