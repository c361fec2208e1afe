/** A search for the likeliest words in a tree of beginnings, best first: Python's `nextword.runtime.word_search`. */

import { MOST_SUBWORDS } from "./entries.js";
import { Heap, compared } from "./heap.js";
import { logOfSum } from "./sampling.js";
import { LINE_END } from "./subwords.js";
import { END_OF_LINE } from "./words.js";

const NEGLIGIBLE = Math.log(0.01); // share of a word's probability

/** The open nodes of a search, and the words that it has found. */
export class Search {
  #tree;
  #n;
  #typed;
  #entries;
  // `{ id, place, logProbability, siblings }`, each the likeliest of its siblings that was not yet met.
  #open = new Heap(isBefore);
  #found = new Map();
  #counted = new Set(); // the names of what they were spelt by
  #best = new Map(); // the best n words that were found: ln P less their handicap
  #worst = -Infinity; // of these, if there are so many
  #beginning;

  constructor(tree, n, typed) {
    this.#tree = tree;
    this.#n = n;
    this.#typed = typed;
    this.#entries = tree.entries;
    this.#beginning = typed ? -Infinity : 0;
    this.#addChildren({ path: [], name: "", surface: "", logProbability: 0 }, this.#entries.first, tree.root);
  }

  /** The best words, best first. */
  get found() {
    const best = Array.from(this.#best.keys(), (word) => this.#found.get(word));
    const value = ({ word }) => this.#best.get(word);
    return best.sort((one, other) => value(other) - value(one) || compared(one.path, other.path));
  }

  /** ln P(the next word begins with what was typed), as far as it was searched. */
  get beginning() {
    // What was found may have come another way than the nodes that were opened.
    const found = Array.from(this.#best.keys(), (word) => this.#found.get(word).logProbability);
    return Math.max(this.#beginning, found.reduce(logOfSum, -Infinity));
  }

  /** The likeliest nodes of which is not known what follows, if they may lead to a better word. */
  bestOpen(most) {
    const nodes = [];
    while (nodes.length < most && this.#open.first?.logProbability > this.#worst) {
      const { id, place, logProbability, siblings } = this.#open.pop();
      this.#push(siblings, place + 1);
      const { parent } = siblings;
      const path = [...parent.path, id];
      // Other ways to spell a word have been read nowhere.
      if (!this.#entries.dictionary.isSplit(path)) continue;
      const surface = parent.surface + this.#entries.surfaces[id];
      const node = { path, name: path.join(), surface, logProbability, before: siblings.after };
      const known = this.#tree.known(node.name);
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

  /**
   * Adds the best words as they are spelt with another mark, unless that is much less likely; gives the nodes of which
   * has to be known what follows before all are added.
   */
  otherSpellings() {
    const nodes = [];
    for (const word of [...this.#best.keys()]) {
      const least = this.#found.get(word).logProbability + NEGLIGIBLE;
      for (const path of this.#entries.spellings(word)) {
        if (this.#counted.has(path.join())) continue;
        const node = this.#along(path, word, least);
        if (node) nodes.push(node);
      }
    }
    return nodes;
  }

  /**
   * Goes along a path, and adds the word at its end, unless that is less likely than `least`; gives the first node of
   * which is not known what follows.
   */
  #along(path, word, least) {
    let logProbability = 0;
    let continuation = this.#tree.root;
    for (const [place, id] of path.entries()) {
      logProbability += continuation.values[id];
      if (logProbability < least) return null;
      if (place === path.length - 1 && this.#entries.isWhole[id]) {
        this.#add(word, path, logProbability);
        return null;
      }
      const beginning = path.slice(0, place + 1);
      const name = beginning.join();
      const known = this.#tree.known(name);
      if (!known) return { path: beginning, name, surface: "", logProbability, before: continuation.after };
      continuation = known;
    }
    this.#add(word, path, logProbability + continuation.end);
    return null;
  }

  #addChildren(node, following, { values, after }) {
    const rest = this.#typed.slice(node.surface.length);
    const { open, whole, typed } = this.#tree.children(node, following, rest, values);
    if (rest) this.#beginning = logOfSum(this.#beginning, node.logProbability + typed);
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
    if (logProbability > this.#worst) this.#open.push({ id, place, logProbability, siblings });
  }

  #add(word, path, logProbability) {
    this.#counted.add(path.join());
    const before = this.#found.get(word);
    const total = before ? logOfSum(before.logProbability, logProbability) : logProbability;
    const likelier = before && before.logProbability >= logProbability ? before.path : path;
    this.#found.set(word, { word, path: likelier, logProbability: total });
    const value = total - this.#entries.handicap(word);
    if (value <= this.#worst && !this.#best.has(word)) return;
    this.#best.set(word, value);
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

/** Whether one is looked at before another. */
function isBefore(one, other) {
  if (one.logProbability !== other.logProbability) return one.logProbability > other.logProbability;
  return compared([...one.siblings.parent.path, one.id], [...other.siblings.parent.path, other.id]) < 0;
}
