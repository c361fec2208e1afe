/**
 * The words that may come next, where a model knows subwords: a tree of beginnings, searched best first. Python's
 * `nextword.runtime.word_tree`.
 */

import { byteOf, isUnspaced } from "./marks.js";
import { logSoftmax } from "./sampling.js";
import { LINE_END, Surfaces, surfaceOf } from "./subwords.js";
import { END_OF_LINE } from "./words.js";

export const MOST_SUBWORDS = 32; // of a word; one that is longer ends there

const AT_ONCE = 8; // nodes that one run of the model expands, at least
const RUNS = 10; // of the model in one search
const CHILDREN = 64; // of a node that are looked at
const REMEMBERED = 1024; // nodes of which is known what follows

/** What the subwords of a dictionary add to a text, and what may follow what. */
export class Entries {
  constructor(dictionary) {
    this.dictionary = dictionary;
    const { words, begins } = dictionary;
    this.surfaces = words.map(surfaceOf);
    /** Whether an entry is a word that nothing is added to: one of a script without blanks, or `<eos>`. */
    this.isWhole = words.map((entry) => entry === END_OF_LINE || isUnspaced(entry));
    const written = words.map((_, id) => id).filter((id) => byteOf(words[id]) === null);
    /** The ids of the entries that begin a word. */
    this.beginning = Int32Array.from(words.keys()).filter((id) => begins[id]);
    const later = written.filter((id) => !begins[id]);
    this.first = new Surfaces(words, written.filter((id) => begins[id])); // at the beginning of a word
    this.later = new Surfaces(words, later); // in it
    const unspaced = written.filter((id) => isUnspaced(words[id]));
    this.afterMark = new Surfaces(words, [...later, ...unspaced]); // where there is only a mark so far
  }
}

/**
 * The words that may follow a text, which is `{ last, state, place }` as of `Model.readEach`; `logits` are those
 * after it. A node is the beginning of a word: `{ path, surface, logProbability, before }`, the ids of its subwords,
 * its letters, and the text without its last subword. Of each that was expanded it keeps `{ values, end, after }`:
 * the log-probabilities of the next subword, ln P(a new word begins), and the text.
 */
export class WordTree {
  #model;
  #known = new Map();

  constructor(model, entries, text, logits) {
    this.#model = model;
    this.entries = entries;
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
    return { words: search.words, beginning: search.beginning };
  }

  /** What follows a beginning, if it was computed before. */
  known(path) {
    return this.#known.get(path.join());
  }

  /** What follows some beginnings, computed at once. */
  async expand(nodes) {
    // Where a fixed context is not yet full, only texts of the same length are read at once.
    const groups = new Map();
    for (const node of nodes) {
      const { length } = node.before.last;
      groups.set(length, [...(groups.get(length) ?? []), node]);
    }
    if (this.#known.size + nodes.length > REMEMBERED) this.#known.clear();
    const found = new Map();
    for (const group of groups.values()) {
      const read = await this.#model.readEach(group.map(({ before }) => before), group.map(({ path }) => path.at(-1)));
      const size = this.root.values.length;
      group.forEach((node, place) => {
        const values = read.logits.subarray(place * size, (place + 1) * size);
        const continuation = { values, end: this.#normalise(values), after: read.texts[place] };
        this.#known.set(node.path.join(), continuation);
        found.set(node, continuation);
      });
    }
    return nodes.map((node) => found.get(node));
  }

  /** Turns logits into log-probabilities, in place; gives ln P(a new word begins). */
  #normalise(logits) {
    let largest = -Infinity;
    for (const logit of logits) if (logit > largest) largest = logit;
    let total = 0;
    for (let id = 0; id < logits.length; id++) total += Math.exp(logits[id] - largest);
    const logarithm = largest + Math.log(total);
    for (let id = 0; id < logits.length; id++) logits[id] -= logarithm;
    return Math.log(Math.max(sumOfExp(logits, this.entries.beginning), 1e-30));
  }
}

/** The open nodes of a search, and the words that it has found. */
class Search {
  #tree;
  #n;
  #typed;
  #entries;
  #open = []; // a heap, the likeliest node first
  #found = new Map();
  #worst = -Infinity; // of the best n words that were found

  constructor(tree, n, typed) {
    this.#tree = tree;
    this.#n = n;
    this.#typed = typed;
    this.#entries = tree.entries;
    this.beginning = typed ? -Infinity : 0;
    this.#addChildren([], "", 0, this.#entries.first, tree.root);
  }

  /** The best words, best first. */
  get words() {
    const all = [...this.#found.values()];
    return all.sort((one, other) => other.logProbability - one.logProbability).slice(0, this.#n);
  }

  /** The likeliest nodes of which is not known what follows, if they may lead to a better word. */
  bestOpen(most) {
    const nodes = [];
    while (this.#open.length && nodes.length < most && this.#open[0].logProbability > this.#worst) {
      const node = popped(this.#open);
      // Other ways to spell a word have been read nowhere.
      if (!this.#entries.dictionary.isSplit(node.path)) continue;
      const known = this.#tree.known(node.path);
      if (known) this.visit(node, known);
      else nodes.push(node);
    }
    return nodes;
  }

  /** Adds the word that a node is, and what it may become. */
  visit({ path, surface, logProbability }, continuation) {
    if (surface && surface.startsWith(this.#typed)) this.#add(surface, path, logProbability + continuation.end);
    if (path.length >= MOST_SUBWORDS) return;
    const following = surface ? this.#entries.later : this.#entries.afterMark;
    this.#addChildren(path, surface, logProbability, following, continuation);
  }

  #addChildren(path, surface, logProbability, following, { values, after }) {
    const rest = this.#typed.slice(surface.length);
    const { covering, shorter } = following.agreeing(rest);
    if (rest && covering.length) {
      const mass = Math.log(Math.max(sumOfExp(values, covering), 1e-38));
      this.beginning = logOfSum(this.beginning, logProbability + mass);
    }
    const least = this.#worst - logProbability;
    let best = [];
    for (const ids of [covering, shorter]) for (const id of ids) if (values[id] > least) best.push(id);
    if (best.length > CHILDREN) {
      const bar = Float32Array.from(best, (id) => values[id]).sort().at(-CHILDREN);
      best = best.filter((id) => values[id] >= bar).slice(0, CHILDREN);
    }
    for (const id of best) {
      const child = [...path, id];
      const written = surface + this.#entries.surfaces[id];
      const value = values[id] + logProbability;
      if (!this.#entries.isWhole[id]) {
        push(this.#open, { path: child, surface: written, logProbability: value, before: after });
      } else if (written.startsWith(this.#typed)) {
        this.#add(written === LINE_END ? END_OF_LINE : written, child, value);
      }
    }
  }

  #add(word, path, logProbability) {
    const before = this.#found.get(word);
    if (before) {
      const likelier = before.logProbability >= logProbability ? before.path : path;
      logProbability = logOfSum(before.logProbability, logProbability);
      path = likelier;
    }
    this.#found.set(word, { word, path, logProbability });
    if (this.#found.size < this.#n || logProbability <= this.#worst) return;
    const all = Float64Array.from(this.#found.values(), (one) => one.logProbability);
    this.#worst = all.sort()[all.length - this.#n];
  }
}

function sumOfExp(values, ids) {
  let sum = 0;
  for (let place = 0; place < ids.length; place++) sum += Math.exp(values[ids[place]]);
  return sum;
}

/** ln(exp(one) + exp(other)) */
function logOfSum(one, other) {
  const higher = Math.max(one, other);
  return higher === -Infinity ? higher : higher + Math.log1p(Math.exp(Math.min(one, other) - higher));
}

/** Whether a node comes before another: likelier, or as likely with smaller ids. */
function isBefore(one, other) {
  if (one.logProbability !== other.logProbability) return one.logProbability > other.logProbability;
  const place = one.path.findIndex((id, at) => id !== other.path[at]);
  return one.path[place] < other.path[place];
}

/** Puts a node into a heap. */
function push(heap, node) {
  let place = heap.length;
  for (let above = (place - 1) >> 1; place && isBefore(node, heap[above]); above = (place - 1) >> 1) {
    heap[place] = heap[above];
    place = above;
  }
  heap[place] = node;
}

/** Takes the first node out of a heap. */
function popped(heap) {
  const first = heap[0];
  const node = heap.pop();
  if (!heap.length) return first;
  let place = 0;
  for (let below = 1; below < heap.length; below = 2 * place + 1) {
    if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below++;
    if (!isBefore(heap[below], node)) break;
    heap[place] = heap[below];
    place = below;
  }
  heap[place] = node;
  return first;
}
