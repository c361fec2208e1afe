/**
 * The network of a model file in plain JavaScript, computed from the weights stored in the file. onnxruntime does not
 * expose gates, so they are computed again here, by the equations of ONNX's operators LSTM, GRU and RNN, as in Python's
 * `nextword.runtime.explanation`.
 */

import { half } from "./half.js";
import { BadFileError } from "./inspection.js";
import { OnnxFile } from "./onnx-file.js";

// A row is summed in this many parts, which a CPU computes in parallel.
const PARTS = 4;

/** By operator: the projected input and state, the parts of the state → the gates, and the parts after the word. */
const EQUATIONS = { LSTM: lstm, GRU: gru, RNN: rnn };
const STATES = ["hidden", "cell"];

/**
 * Computes a network's layers, a word at a time.
 *
 * `layers`: of a recurrent network, each layer's `operator`, and its weights `ofInput`, `ofState` and `biases`.
 */
export class Network {
  #embedding;
  #logits;
  #bias;
  #projection = null;

  /**
   * `bytes`: a file that can be run. Throws a `BadFileError` if its weights are not where the export stage puts them.
   */
  constructor(bytes) {
    const file = new OnnxFile(bytes);
    const stored = file.tensors();
    const cells = file.nodes().map(operatorOf).filter((operator) => Object.hasOwn(EQUATIONS, operator));
    const isInteger = file.nodes().some(({ operator }) => operator.startsWith("DynamicQuantize"));
    this.isRecurrent = cells.length > 0;
    this.#embedding = matrix(stored, "embedding");
    this.layers = this.isRecurrent
      ? file.nodes().filter((node) => Object.hasOwn(EQUATIONS, operatorOf(node))).map((node, number) => {
          const isTransposed = node.operator !== operatorOf(node);
          const [ofInput, ofState] = ["W", "R"].map((name) => matrix(stored, `${name}_${number}`, isTransposed));
          const biases = matrix(stored, `B_${number}`).values;
          return { operator: operatorOf(node), ofInput, ofState, biases };
        })
      : feedForward(stored, isInteger);
    this.hidden = this.isRecurrent ? this.layers[0].ofState.columns : this.layers[0].ofInput.rows;
    if (has(stored, "projection")) this.#projection = matrix(stored, "projection", true);
    const isTied = !has(stored, "logits_weight") && !has(stored, "logits");
    const name = has(stored, "logits") ? "logits" : "logits_weight";
    this.#logits = isTied ? this.#embedding : matrix(stored, name, isInteger);
    this.#bias = matrix(stored, "logits_bias").values;
  }

  /**
   * Reads a word; `before` is what this returned for the previous word, `null` at the beginning. Returns the gates and
   * the state of each layer by name, each with a number for each unit.
   */
  step(id, before) {
    let values = row(this.#embedding, id);
    return this.layers.map((layer, number) => {
      const state = before?.[number] ?? this.zero();
      const [x, h] = sums(layer, values, state.hidden);
      const found = EQUATIONS[layer.operator](x, h, state);
      values = found.hidden;
      return found;
    });
  }

  /** The state of a layer before the first word. */
  zero() {
    return Object.fromEntries(STATES.map((name) => [name, new Float32Array(this.hidden)]));
  }

  /** The vector of a word. */
  vector(id) {
    return row(this.#embedding, id);
  }

  /** The values of the layers of a feed-forward network for the last words of a text. */
  window(ids) {
    const { columns } = this.#embedding;
    let values = new Float32Array(this.layers[0].ofInput.columns); // zero vectors before the first word
    const last = ids.slice(-Math.floor(values.length / columns));
    const start = values.length - columns * last.length;
    last.forEach((id, place) => values.set(row(this.#embedding, id), start + columns * place));
    return this.layers.map(({ ofInput, biases }) => {
      const summed = times(ofInput, values);
      values = Float32Array.from(summed, (value, unit) => Math.tanh(value + biases[unit]));
      return { hidden: values };
    });
  }

  /** The logits of the next word, from what `step` or `window` returned. */
  logits(layers) {
    const { hidden } = layers.at(-1);
    const features = this.#projection ? times(this.#projection, hidden) : hidden;
    return times(this.#logits, features).map((value, id) => value + this.#bias[id]);
  }

  /** The gradient with respect to the hidden state of the last layer, from that with respect to the logits. */
  back(ofLogits) {
    const ofFeatures = timesRows(ofLogits, this.#logits);
    return this.#projection ? timesRows(ofFeatures, this.#projection) : ofFeatures;
  }
}

/** What a layer adds up for each gate and unit: from the values that it reads, and from its hidden state. */
export function sums({ ofInput, ofState, biases }, values, hidden) {
  const [x, h] = [times(ofInput, values), times(ofState, hidden)];
  for (let place = 0; place < x.length; place++) {
    x[place] += biases[place];
    h[place] += biases[x.length + place];
  }
  return [x, h];
}

const operatorOf = ({ operator }) => operator.replace(/^DynamicQuantize/, "");

function feedForward(stored, isInteger) {
  const layers = [];
  for (let number = 0; has(stored, `W_${number}`); number++) {
    const ofInput = matrix(stored, `W_${number}`, isInteger);
    layers.push({ ofInput, biases: matrix(stored, `B_${number}`).values });
  }
  if (!layers.length) throw notOurs();
  return layers;
}

const notOurs = () => new BadFileError("has weights that cannot be identified");

// ── equations ───────────────────────────────────────────────────────────────────────────────────

export const sigmoid = (x) => (1 + Math.tanh(x / 2)) / 2;

function lstm(x, h, before) {
  const size = before.hidden.length;
  const [forget, input, output, cell, hidden] = Array.from({ length: 5 }, () => new Float32Array(size));
  for (let unit = 0; unit < size; unit++) {
    const [i, o, f, c] = [0, 1, 2, 3].map((gate) => x[gate * size + unit] + h[gate * size + unit]); // ONNX's order
    forget[unit] = sigmoid(f);
    input[unit] = sigmoid(i);
    output[unit] = sigmoid(o);
    cell[unit] = sigmoid(f) * before.cell[unit] + sigmoid(i) * Math.tanh(c);
    hidden[unit] = sigmoid(o) * Math.tanh(cell[unit]);
  }
  return { forget, input, output, cell, hidden };
}

function gru(x, h, before) {
  const size = before.hidden.length;
  const [update, reset, hidden] = Array.from({ length: 3 }, () => new Float32Array(size));
  for (let unit = 0; unit < size; unit++) {
    const [r, n] = [size + unit, 2 * size + unit]; // ONNX's order: z, r, h, which is n
    update[unit] = sigmoid(x[unit] + h[unit]);
    reset[unit] = sigmoid(x[r] + h[r]);
    hidden[unit] = (1 - update[unit]) * Math.tanh(x[n] + reset[unit] * h[n]) + update[unit] * before.hidden[unit];
  }
  return { update, reset, hidden };
}

function rnn(x, h) {
  return { hidden: Float32Array.from(x, (value, unit) => Math.tanh(value + h[unit])) };
}

// ── weights ─────────────────────────────────────────────────────────────────────────────────────

const KINDS = ["_int8", "_float16", ""]; // suffixes of a weight's name, by how the export stage stores it

const has = (stored, name) => KINDS.some((kind) => stored.has(name + kind));

/**
 * A weight as the export stage stores it: in float16, in float32, or in int8 with one scale per row. Returns `{ rows,
 * columns, values }`, the values row by row.
 */
function matrix(stored, name, isTransposed = false) {
  const kind = KINDS.find((kind) => stored.has(name + kind));
  if (kind === undefined) throw notOurs();
  const { type, shape, bytes } = stored.get(name + kind);
  const [rows, columns] = [1, ...shape].slice(-2); // a vector is one row; a layer has one direction
  const found = { rows, columns, values: floats(type, bytes) };
  if (!found.values) throw notOurs();
  const whole = isTransposed ? transposed(found) : found;
  if (kind !== "_int8") return whole;
  const scales = stored.get(`${name}_scales`);
  const factors = scales && floats(scales.type, scales.bytes);
  if (!factors) throw notOurs();
  for (let place = 0; place < whole.values.length; place++) {
    whole.values[place] *= factors[Math.floor(place / whole.columns)];
  }
  return whole;
}

function transposed({ rows, columns, values }) {
  const found = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) found[column * rows + row] = values[row * columns + column];
  }
  return { rows: columns, columns: rows, values: found };
}

let halves; // the float32 of each float16, computed when first needed

/** Stored numbers as float32; `null` for a type that no weight has. */
function floats({ name }, bytes) {
  const own = bytes.slice().buffer; // a copy, since numbers must be aligned
  if (name === "float32") return new Float32Array(own);
  if (name === "int8") return Float32Array.from(new Int8Array(own));
  if (name !== "float16") return null;
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => half(bits));
  const stored = new Uint16Array(own);
  const found = new Float32Array(stored.length);
  for (let place = 0; place < found.length; place++) found[place] = halves[stored[place]];
  return found;
}

const row = ({ columns, values }, number) => values.subarray(number * columns, (number + 1) * columns);

/** A vector times a matrix. */
export function timesRows(vector, { rows, columns, values }) {
  const found = new Float64Array(columns);
  for (let row = 0, place = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, place++) found[column] += vector[row] * values[place];
  }
  return found;
}

/** A matrix times a vector. */
function times({ rows, columns, values }, vector) {
  const found = new Float64Array(rows);
  const whole = columns - (columns % PARTS);
  for (let row = 0, place = 0; row < rows; row++) {
    let [one, two, three, four] = [0, 0, 0, 0];
    let column = 0;
    for (; column < whole; column += PARTS, place += PARTS) {
      one += values[place] * vector[column];
      two += values[place + 1] * vector[column + 1];
      three += values[place + 2] * vector[column + 2];
      four += values[place + 3] * vector[column + 3];
    }
    for (; column < columns; column++, place++) one += values[place] * vector[column];
    found[row] = one + two + three + four;
  }
  return found;
}
