/**
 * How far back a loss reaches: Python's `nextword.evaluate.gradient_flow`, from the weights of a model file. Where the
 * gradient vanishes, nothing can be learned from words that far back (Hochreiter 1991).
 */

import { sigmoid, sums, timesRows } from "./network.js";
import { logSoftmax } from "./sampling.js";

/** By operator: the gradients within a layer, from that of its state after a word. */
const BACKWARD = { LSTM: lstm, GRU: gru, RNN: rnn };

/**
 * The norm of the gradient of a word's loss with respect to the state k words before, over all layers, in nats.
 *
 * - `network`: a recurrent `Network`.
 * - `windows`: `[{ ids, following }]`, of the same length; each is read from the zero state, and its loss is that of the
 *   following word.
 *
 * Returns the means over the windows by the part of the state, `hidden` and for an LSTM `cell`, from k = 0 on. Each part
 * counts for its direct effect only: `cell` for what it carries along, `hidden` for what the gates read.
 */
export function gradientFlow(network, windows) {
  const total = {};
  for (const window of windows) {
    for (const [part, norms] of Object.entries(flowOf(network, window))) {
      total[part] ??= new Float64Array(norms.length);
      norms.forEach((norm, back) => (total[part][back] += norm / windows.length));
    }
  }
  return total;
}

function flowOf(network, { ids, following }) {
  const read = trace(network, ids);
  const top = network.back(ofLogits(network.logits(read.at(-1).map(({ after }) => after)), following));
  const nothing = () => ({ hidden: new Float64Array(network.hidden), cell: new Float64Array(network.hidden) });
  let state = network.layers.map(nothing); // the gradient of each layer's state after the word at hand
  state.at(-1).hidden = top;
  const parts = Object.hasOwn(read[0][0].after, "cell") ? ["hidden", "cell"] : ["hidden"];
  const norms = Object.fromEntries(parts.map((part) => [part, new Float64Array(ids.length)]));
  for (let back = 0; back < ids.length; back++) {
    for (const part of parts) norms[part][back] = Math.hypot(...state.flatMap((layer) => [...layer[part]]));
    state = before(network, read[ids.length - 1 - back], state);
  }
  return norms;
}

/** The gradient of each layer's state before a word, from that of its state after it. */
function before(network, layers, state) {
  const found = [];
  let fromAbove = new Float64Array(network.hidden);
  for (let number = layers.length - 1; number >= 0; number--) {
    const { operator, ofInput, ofState } = network.layers[number];
    const hidden = state[number].hidden.map((value, unit) => value + fromAbove[unit]);
    const { x, h, carried, cell } = BACKWARD[operator](layers[number], hidden, state[number].cell);
    found[number] = { hidden: timesRows(h, ofState).map((value, unit) => value + carried[unit]), cell };
    fromAbove = timesRows(x, ofInput);
  }
  return found;
}

/** Reads a text from the zero state: for each word and layer what it added up, and its values before and after. */
function trace(network, ids) {
  let layers = null;
  return ids.map((id) => {
    const states = layers ?? network.layers.map(() => network.zero());
    layers = network.step(id, layers);
    return layers.map((after, number) => {
      const values = number ? layers[number - 1].hidden : network.vector(id);
      const [x, h] = sums(network.layers[number], values, states[number].hidden);
      return { x, h, before: states[number], after };
    });
  });
}

function ofLogits(logits, following) {
  const found = Float64Array.from(logSoftmax(Float32Array.from(logits)), Math.exp);
  found[following] -= 1;
  return found;
}

// ── equations ───────────────────────────────────────────────────────────────────────────────────
// Each returns the gradients of the sums `x` and `h`, of the hidden state before as far as it is carried along, and of
// the cell state before.

function lstm({ x, h, before, after }, hidden, cell) {
  const size = hidden.length;
  const [sums, carried] = [new Float64Array(4 * size), new Float64Array(size)];
  const ofCell = new Float64Array(size);
  for (let unit = 0; unit < size; unit++) {
    const [input, output, forget] = [after.input[unit], after.output[unit], after.forget[unit]];
    const candidate = Math.tanh(x[3 * size + unit] + h[3 * size + unit]); // ONNX's order: i, o, f, c
    const squashed = Math.tanh(after.cell[unit]);
    const now = cell[unit] + hidden[unit] * output * (1 - squashed ** 2);
    sums[unit] = now * candidate * input * (1 - input);
    sums[size + unit] = hidden[unit] * squashed * output * (1 - output);
    sums[2 * size + unit] = now * before.cell[unit] * forget * (1 - forget);
    sums[3 * size + unit] = now * input * (1 - candidate ** 2);
    ofCell[unit] = now * forget;
  }
  return { x: sums, h: sums, carried, cell: ofCell };
}

function gru({ x, h, before, after }, hidden, cell) {
  const size = hidden.length;
  const [ofX, ofH, carried] = [new Float64Array(3 * size), new Float64Array(3 * size), new Float64Array(size)];
  for (let unit = 0; unit < size; unit++) {
    const [r, n] = [size + unit, 2 * size + unit]; // ONNX's order: z, r, h, which is n
    const [update, reset] = [after.update[unit], sigmoid(x[r] + h[r])];
    const candidate = Math.tanh(x[n] + reset * h[n]);
    const ofCandidate = hidden[unit] * (1 - update) * (1 - candidate ** 2);
    ofX[unit] = ofH[unit] = hidden[unit] * (before.hidden[unit] - candidate) * update * (1 - update);
    ofX[r] = ofH[r] = ofCandidate * h[n] * reset * (1 - reset);
    ofX[n] = ofCandidate;
    ofH[n] = ofCandidate * reset;
    carried[unit] = hidden[unit] * update;
  }
  return { x: ofX, h: ofH, carried, cell };
}

function rnn({ after }, hidden, cell) {
  const sums = hidden.map((value, unit) => value * (1 - after.hidden[unit] ** 2));
  return { x: sums, h: sums, carried: new Float64Array(hidden.length), cell };
}
