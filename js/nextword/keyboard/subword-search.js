/**
 * The words that the user may mean, where a model knows subwords: searched best first. Like `word-search`, except that a
 * beginning need not agree with what was typed: it costs what the slips between the two cost. Python's
 * `keyboard.subword_search`.
 */

import { MOST_SUBWORDS } from "../entries.js";
import { Heap, compared } from "../heap.js";
import { LINE_END } from "../subwords.js";
import { END_OF_LINE } from "../words.js";
import { MODEL, MOST, NAT, margin } from "./candidates.js";
import { begunCost } from "./entry-costs.js";

const AT_ONCE = 4; // nodes visited in one round
const ROUNDS = 2; // of one search
const FOR_A_ROUND = 16; // requested words per additional round
const MOST_CHILDREN = 16; // of a node that are considered

const A_TENTH = Math.fround(1 / NAT); // in 32 bits, as all scores here and in Python

/** Whether one is visited before another. */
function isBefore(one, other) {
  if (one.child.score !== other.child.score) return one.child.score > other.child.score;
  return compared(one.path, other.path) < 0;
}

const isBetter = (one, other) => one.score > other.score || (one.score === other.score && one.id < other.id);

/**
 * A search for the `n` words of `tree` with the best scores:
 *
 *     score = 0.75 ln P(word) − cost of typing it, or ln P(word) if nothing was typed
 *
 * `typed` is "" for any next word, and `isWhole` says whether it is a whole word; `fits`, whether a word can be a
 * candidate. Neither the number of nodes visited nor the result depends on what earlier searches left in memory.
 */
export class SubwordSearch {
  #tree;
  #costs;
  #n;
  #typed;
  #letters;
  #isWhole;
  #fits;
  #weight;
  #margin;
  // `{ child, number, path, siblings }`, each the best of its siblings not yet visited.
  #open = new Heap(isBefore);
  #scores = new Map();
  #worst = -Infinity;
  #best = new Heap((one, other) => one < other); // the scores of the best n words, the least first

  constructor(tree, costs, n, typed, isWhole, fits) {
    this.#tree = tree;
    this.#costs = costs;
    this.#n = n;
    this.#typed = typed;
    this.#letters = [...typed].length;
    this.#isWhole = isWhole;
    this.#fits = fits;
    this.#weight = typed ? MODEL : 1;
    this.#margin = margin(n);
    costs.type(typed);
  }

  /** The words found. `missing` returns nodes that will be needed anyway, and are expanded along the way. */
  async run(missing) {
    const nothing = { ends: [[0, 0]], beyond: this.#typed ? MOST : 0 };
    this.#addChildren({ path: [], surface: "", logProbability: 0 }, nothing, this.#tree.root);
    for (let round = 0; round < ROUNDS + Math.floor(this.#n / FOR_A_ROUND); round++) {
      const nodes = this.#bestOpen();
      if (!nodes.length) break;
      const found = new Map(nodes.map(({ node }) => [node.name, this.#tree.known(node.name)]));
      const unknown = new Map(nodes.filter(({ node }) => !found.get(node.name)).map(({ node }) => [node.name, node]));
      if (unknown.size) {
        for (const node of missing()) if (!found.get(node.name)) unknown.set(node.name, node);
        const expanded = await this.#tree.expand([...unknown.values()]);
        [...unknown.keys()].forEach((name, place) => found.set(name, expanded[place]));
      }
      for (const { node, covered } of nodes) this.#visit(node, covered, found.get(node.name));
    }
    const near = [...this.#scores].filter(([, score]) => score >= this.#worst);
    const best = near.sort(([word, score], [other, another]) => another - score || (word < other ? -1 : 1));
    return best.slice(0, this.#n).map(([word]) => word);
  }

  #bestOpen() {
    const nodes = [];
    const { dictionary, surfaces } = this.#tree.entries;
    while (nodes.length < AT_ONCE && this.#open.first?.child.score > this.#worst) {
      const { child, number, path, siblings } = this.#open.pop();
      this.#push(siblings, number + 1);
      if (!dictionary.isSplit(path)) continue;
      const surface = siblings.surface + surfaces[child.id];
      const { covered: before, after } = siblings;
      const covered = this.#typed ? this.#costs.covered(path.length === 1, child.place, before, this.#isWhole) : before;
      const node = { path, name: path.join(), surface, logProbability: child.logProbability, before: after };
      nodes.push({ node, covered });
    }
    return nodes;
  }

  #visit(node, covered, continuation) {
    if (node.surface) this.#add(node.surface, node.logProbability + continuation.end, covered);
    if (node.path.length < MOST_SUBWORDS) this.#addChildren(node, covered, continuation);
  }

  #add(word, logProbability, { ends, beyond }) {
    let cost = begunCost(this.#letters, beyond);
    for (const [end, own] of ends) if (end === this.#letters) cost = Math.min(cost, own);
    const score = this.#weight * logProbability - cost / NAT;
    const before = this.#scores.get(word);
    if (cost >= MOST || score <= before || !this.#fits(word)) return;
    this.#scores.set(word, score);
    this.#worst = Math.max(this.#worst, score - this.#margin);
    if (before !== undefined) return;
    this.#best.push(score);
    if (this.#best.length > this.#n) this.#best.pop();
    if (this.#best.length === this.#n) this.#worst = Math.max(this.#worst, this.#best.first);
  }

  /** Opens the nodes that may follow a node, and adds the words that end there. */
  #addChildren({ path, surface, logProbability }, covered, { values, after }) {
    const { entries } = this.#tree;
    const { ids, costs } = this.#typed ? this.#costs.after(!path.length, covered, this.#isWhole) : this.#all(path, surface);
    const before = Math.fround(logProbability);
    const weight = Math.fround(this.#weight);
    const best = [];
    for (let place = 0; place < ids.length; place++) {
      if (costs && costs[place] >= MOST) continue;
      const id = ids[place];
      const value = Math.fround(values[id] + before);
      const cost = costs ? Math.fround(costs[place] * A_TENTH) : 0;
      const score = Math.fround(Math.fround(weight * value) - cost);
      if (score <= this.#worst) continue;
      const child = { score, id, place, logProbability: value };
      if (best.length === MOST_CHILDREN && !isBetter(child, best[MOST_CHILDREN - 1])) continue;
      let at = best.length;
      while (at && isBetter(child, best[at - 1])) at--;
      best.splice(at, 0, child);
      if (best.length > MOST_CHILDREN) best.pop();
    }
    for (const { id, logProbability: value } of best) {
      if (!entries.isWhole[id]) continue;
      const word = surface + entries.surfaces[id];
      this.#add(word === LINE_END ? END_OF_LINE : word, value, covered);
    }
    const children = best.filter(({ id }) => !entries.isWhole[id]);
    this.#push({ path, surface, covered, children, after }, 0);
  }

  /** The entries that may follow where nothing was typed. */
  #all(path, surface) {
    const { first, later, afterMark } = this.#tree.entries;
    const following = !path.length ? first : surface ? later : afterMark;
    return { ids: following.agreeing("").covering, costs: null };
  }

  #push(siblings, number) {
    const child = siblings.children[number];
    if (child?.score > this.#worst) this.#open.push({ child, number, path: [...siblings.path, child.id], siblings });
  }
}
