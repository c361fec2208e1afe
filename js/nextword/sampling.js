/** Logits → words: Python's `nextword.runtime.sampling`, `draw` and `continuation`. */

import { NextwordError, checkNumber, checkedStrings, general, given } from "./errors.js";

export const PRIME = 2 ** 31 - 1;
const MODULUS = BigInt(PRIME);
const MOST_IDS = 2 ** 21;

/** A number from the open interval (0, 1), the same in every language for the same seed and step. */
export function uniform(seed, step) {
  const round = (value) => (1403580543n * ((value * value) % MODULUS) + 810728357n * value + 527612351n) % MODULUS;
  const value = round(round((round(BigInt(seed)) + BigInt(step)) % MODULUS));
  return (Number(value) + 0.5) / PRIME;
}

/** The ids of the `n` largest logits, largest first, equals by rising id. */
export function ranked(logits, n) {
  if (n === 1) {
    let best = 0;
    logits.forEach((logit, id) => {
      if (logit > logits[best]) best = id;
    });
    return [best];
  }
  // Logit and id become one whole number below 2⁵³, which sorts several times as fast. A float's bits rise with its
  // value once the sign bit is flipped, or all bits for negative floats; here they must fall. Adding 0 turns −0 into 0.
  const bits = new Uint32Array(Float32Array.from(logits, (logit) => logit + 0).buffer);
  const keys = Float64Array.from(bits, (value, id) => (value >>> 31 ? value : ~value & 0x7fffffff) * MOST_IDS + id);
  return Array.from(keys.sort().subarray(0, n), (key) => key % MOST_IDS);
}

export function logSoftmax(logits) {
  let largest = -Infinity;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  const logarithm = Math.log(sum);
  const found = new Float64Array(logits.length); // filled in a loop, several times as fast as `from`
  for (let id = 0; id < found.length; id++) found[id] = logits[id] - largest - logarithm;
  return found;
}

/** ln(exp(one) + exp(other)) */
export function logOfSum(one, other) {
  const [high, low] = one > other ? [one, other] : [other, one];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}

/** Draws a word as defined by Python's `nextword.runtime.draw`. */
export function draw(logits, number, temperature, topK = 0, topP = 1) {
  const order = ranked(logits, Math.min(topK || logits.length, logits.length));
  const warmth = Math.fround(temperature);
  const cumulated = new Float64Array(order.length);
  let sum = 0;
  order.forEach((id, place) => {
    sum += Math.exp((logits[id] - logits[order[0]]) / warmth);
    cumulated[place] = sum;
  });
  const nucleus = Math.fround(topP) * sum;
  let kept = 1;
  while (kept < order.length && cumulated[kept - 1] < nucleus) kept++;
  const target = number * cumulated[kept - 1];
  let place = 0;
  while (place < kept - 1 && cumulated[place] <= target) place++;
  return order[place];
}

const DEFAULTS = Object.freeze({
  temperature: 0,
  topK: 0,
  topP: 1,
  seed: null,
  repetitionPenalty: 1,
  repetitionWindow: null,
  noRepeatNgram: 0,
  banned: [],
  stop: [],
  minWords: 0,
});

const RANGES = {
  temperature: [0, 100],
  topK: [0, 2 ** 31 - 1],
  topP: [1e-6, 1],
  seed: [0, 2 ** 31 - 2],
  repetitionPenalty: [0.01, 100],
  repetitionWindow: [1, 1_000_000],
  noRepeatNgram: [0, 1_000],
  minWords: [0, 1_000_000],
};

const WHOLE = ["topK", "seed", "repetitionWindow", "noRepeatNgram", "minWords"];

/** All settings, checked: one that is unknown, out of range or without effect is an error. */
export function checkedSampling(sampling) {
  const fail = (message) => {
    throw new NextwordError("SamplingError", message);
  };
  const knobs = { ...DEFAULTS, ...given("SamplingError", "knob", sampling, DEFAULTS) };
  for (const [name, [low, high]] of Object.entries(RANGES)) {
    const value = knobs[name];
    if (value === null && DEFAULTS[name] === null) continue;
    checkNumber("SamplingError", name, value, low, high, { isWhole: WHOLE.includes(name) });
  }
  if (knobs.temperature > 0 && knobs.temperature < 1e-6) {
    fail(`temperature must be 0, or at least 1e-06; got ${general(knobs.temperature)}`);
  }
  for (const name of ["banned", "stop"]) knobs[name] = checkedStrings("SamplingError", name, knobs[name]);
  if (knobs.stop.includes("")) fail("stop has an empty string; leave it out");
  for (const [name, needed, isThere] of [
    ...["topK", "topP", "seed"].map((name) => [name, "a temperature above 0", knobs.temperature > 0]),
    ["repetitionWindow", "a repetitionPenalty", knobs.repetitionPenalty !== 1],
    ["minWords", "a stop", knobs.stop.length > 0],
  ]) {
    if (knobs[name] !== DEFAULTS[name] && !isThere) {
      fail(`${name} has no effect without ${needed}; add one, or leave ${name} out`);
    }
  }
  return knobs;
}

/** Picks the next entries of the dictionary for one text, from those that its draft allows. */
export class Sampler {
  #knobs;
  #draft;
  #seed;
  #step = 0;

  constructor(knobs, draft) {
    this.#knobs = knobs;
    this.#draft = draft;
    this.#seed = knobs.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] % PRIME;
  }

  pick(logits) {
    const knobs = this.#knobs;
    logits = logits.slice();
    if (knobs.repetitionPenalty !== 1) {
      const penalty = Math.fround(knobs.repetitionPenalty);
      for (const id of this.#draft.recent) logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
    }
    for (const ids of this.#draft.ruledOut) for (const id of ids) logits[id] = -Infinity;
    if (logits.every((logit) => logit === -Infinity)) {
      throw new NextwordError(
        "SamplingError",
        `no word is left after ${this.#draft.words} words; ban fewer words or raise noRepeatNgram`,
      );
    }
    const step = this.#step++;
    if (!knobs.temperature) return ranked(logits, 1)[0];
    return draw(logits, uniform(this.#seed, step), knobs.temperature, knobs.topK, knobs.topP);
  }
}

/** Finds the first of some strings in a text that arrives piece by piece. */
export class StopStrings {
  #strings;
  #held = "";
  found = false;

  constructor(strings) {
    this.#strings = strings;
  }

  push(piece, counts) {
    if (!counts) return piece;
    const text = this.#held + piece;
    const ends = this.#strings.map((string) => text.indexOf(string)).filter((end) => end >= 0);
    if (ends.length) {
      this.found = true;
      this.#held = "";
      return text.slice(0, Math.min(...ends));
    }
    const longest = Math.min(text.length, Math.max(0, ...this.#strings.map((string) => string.length - 1)));
    let length = longest;
    while (length && !this.#strings.some((string) => string.startsWith(text.slice(-length)))) length--;
    this.#held = text.slice(text.length - length);
    return text.slice(0, text.length - length);
  }

  rest() {
    return this.#held;
  }
}

