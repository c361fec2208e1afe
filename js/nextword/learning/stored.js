/** Weights as a network has them ⇄ as a step graph stores them: Python's `nextword.runtime.learning.stored`. */

import { NextwordError } from "../errors.js";
import { half } from "../half.js";
import { isSame } from "../inspection.js";
import { OnnxFile } from "../onnx-file.js";

/**
 * How a tensor of a step graph is made of weights: their `names`, concatenated in this order; the order of their
 * `gates`, if any; and whether the matrix `isTransposed`. A weight is `{ shape, values }`, row by row.
 */
export class Stored {
  #names;
  #gates;
  #isTransposed;

  constructor([names, gates = [], isTransposed = false]) {
    this.#names = names;
    this.#gates = gates;
    this.#isTransposed = isTransposed;
  }

  /** The stored tensor. */
  join(weights) {
    const parts = this.#names.map((name) => reordered(weights.get(name), this.#gates));
    const [first] = parts;
    const values = new first.values.constructor(parts.length * first.values.length);
    parts.forEach((part, place) => values.set(part.values, place * first.values.length));
    let found = { shape: [parts.length * first.shape[0], ...first.shape.slice(1)], values };
    if (this.#isTransposed) found = transposed(found);
    return this.#gates.length ? { shape: [1, ...found.shape], values: found.values } : found;
  }

  /** The weights in a tensor, as pairs of name and weight. */
  part({ shape, values }) {
    const whole = this.#gates.length ? { shape: shape.slice(1), values } : { shape, values };
    const found = this.#isTransposed ? transposed(whole) : whole;
    const rows = found.shape[0] / this.#names.length;
    const size = found.values.length / this.#names.length;
    const order = this.#gates.map((_, gate) => this.#gates.indexOf(gate));
    return this.#names.map((name, place) => {
      const part = found.values.subarray(place * size, (place + 1) * size);
      return [name, reordered({ shape: [rows, ...found.shape.slice(1)], values: part }, order)];
    });
  }
}

/** A weight of equal parts, one per gate, in another order. */
function reordered({ shape, values }, order) {
  if (!order.length) return { shape, values };
  const size = values.length / order.length;
  const found = new values.constructor(values.length);
  order.forEach((gate, place) => found.set(values.subarray(gate * size, (gate + 1) * size), place * size));
  return { shape, values: found };
}

function transposed({ shape: [rows, columns], values }) {
  const found = new values.constructor(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) found[column * rows + row] = values[row * columns + column];
  }
  return { shape: [columns, rows], values: found };
}

/** The weights that a step graph stores in float16, as pairs of name and weight. */
export function storedIn(bytes, { stored, weights }, name) {
  const tensors = new OnnxFile(bytes).tensors();
  const foreign = () => {
    const message = `${name} and the training graph belong to different networks; use nextword.onnx and `;
    return new NextwordError("ModelFileError", `${message}nextword.train.onnx from the same \`dvc repro\``);
  };
  const found = new Map();
  for (const [tensor, one] of stored) {
    const own = tensors.get(tensor);
    if (own?.type.name !== "float16") throw foreign();
    const values = Float64Array.from(new Uint16Array(own.bytes.slice().buffer), half);
    for (const [weight, part] of one.part({ shape: own.shape, values })) found.set(weight, part);
  }
  const words = found.get("logits.bias")?.shape[0];
  for (const [weight, shape] of weights) {
    const expected = shape.map((size) => size ?? words);
    if (!isSame(found.get(weight)?.shape ?? [], expected)) throw foreign();
  }
  // In the order of the training graph.
  return new Map([...weights.keys()].map((weight) => [weight, found.get(weight)]));
}
