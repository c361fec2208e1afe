/** Words and weights to begin with, where a text is learned from nothing, as in the prepare and train stages. */

import { elements } from "../inspection.js";
import { Random } from "./random.js";

/** The words of a text by descending frequency, ties by first appearance. */
export function byFrequency(tokens) {
  const counts = new Map();
  for (const word of tokens) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1]).map(([word]) => word);
}

/** Weights as the train stage draws them before the first step. */
export function drawn({ weights, initial }, seed, words) {
  const random = new Random(seed);
  const found = new Map();
  for (const [name, bound] of initial) {
    const shape = weights.get(name).map((size) => size ?? words);
    const count = elements(shape);
    found.set(name, { shape, values: bound === null ? random.normal(count) : random.uniform(-bound, bound, count) });
  }
  return found;
}

/** Sets the bias of the logits so that each word is expected as often as it occurs. */
export function expect(weights, ids, words) {
  const counts = new Float64Array(words);
  for (const id of ids) counts[id] += 1;
  weights.get("logits.bias").values.set(counts.map((count) => Math.log(count / ids.length)));
}
