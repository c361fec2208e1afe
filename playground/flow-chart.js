// Two charts of several cells: how far back their losses reach, and how likely they hold the right word.
import { make } from "./svg.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [400, 260, 52, 12, 12, 38];
const [LEAST, MOST] = [-9, 1]; // powers of ten
const MARKS = { rnn: "\u25c6", gru: "\u25b2", lstm: "\u25cf" }; // as in the pictures of the course
const EVERY = 8; // words or steps between labels of the axis, at least

const height = (share) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
const power = (norm) => (Math.log10(Math.max(norm, 10 ** LEAST)) - LEAST) / (MOST - LEAST);
const line = (points) => points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/**
 * Draws the norms of each cell, `{ rnn: […], … }`, from k = 0 on, and faintly those `before` the first step; `distance`
 * is where the word stands that counts, `null` if there is none.
 */
export function drawFlow(svg, cells, before, distance) {
  const last = Object.values(cells)[0].length - 1;
  const x = (back) => LEFT + ((WIDTH - LEFT - RIGHT) * back) / Math.max(1, last);
  const path = (norms) => line([...norms].map((norm, back) => [x(back), height(power(norm))]));
  const parts = [];
  for (let exponent = LEAST; exponent <= MOST; exponent += 2) {
    const y = height(power(10 ** exponent));
    parts.push(make("path", { class: "grid", d: `M${LEFT} ${y}H${WIDTH - RIGHT}` }));
    parts.push(make("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, exponent ? `10${raised(exponent)}` : "1"));
  }
  if (distance !== null) {
    parts.push(make("path", { class: "mark", d: `M${x(distance)} ${TOP}V${HEIGHT - BOTTOM}` }));
    parts.push(make("text", { x: x(distance) + 4, y: TOP + 10 }, "the country"));
  }
  parts.push(...axis(x, last, "words back"));
  for (const [cell, norms] of Object.entries(before)) parts.push(make("path", { class: `${cell} before`, d: path(norms) }));
  for (const [cell, norms] of Object.entries(cells)) {
    parts.push(make("path", { class: cell, d: path(norms) }));
    const at = Math.round(last * 0.75);
    parts.push(make("text", { class: `${cell} point`, x: x(at), y: height(power(norms[at])) + 4 }, MARKS[cell]));
  }
  svg.replaceChildren(...parts);
}

/** Draws the probabilities of each cell, `{ rnn: […], … }`, from step 0 on. */
export function drawProbabilities(svg, cells) {
  const last = Math.max(10, Object.values(cells)[0].length - 1);
  const x = (step) => LEFT + ((WIDTH - LEFT - RIGHT) * step) / last;
  const parts = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(make("path", { class: "grid", d: `M${LEFT} ${height(share)}H${WIDTH - RIGHT}` }));
    parts.push(make("text", { x: LEFT - 6, y: height(share) + 4, "text-anchor": "end" }, `${100 * share} %`));
  }
  parts.push(...axis(x, last, "steps"));
  for (const [cell, values] of Object.entries(cells)) {
    parts.push(make("path", { class: cell, d: line(values.map((value, step) => [x(step), height(value)])) }));
    const [at, y] = [x(values.length - 1), height(values.at(-1)) + 4];
    parts.push(make("text", { class: `${cell} point`, x: at, y }, MARKS[cell]));
  }
  svg.replaceChildren(...parts);
}

function axis(x, last, name) {
  const every = Math.max(EVERY, 2 ** Math.ceil(Math.log2(last / 6)));
  const parts = [];
  for (let at = 0; at <= last; at += every) {
    parts.push(make("text", { x: x(at), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, String(at)));
  }
  parts.push(make("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, name));
  return parts;
}

/** A whole number as an exponent. */
export const raised = (exponent) => [...String(exponent)].map((one) => (one === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(one)])).join("");
