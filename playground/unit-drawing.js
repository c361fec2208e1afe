// Draws the values of the units on canvases: the visible words, from left to right.
import { isGate } from "./heat-map.js";

export const WIDTH = 34; // of a column, as in the stylesheet
export const PART = 24; // height of a row of numbers
export const BARS = 64;
const MARGIN = 14; // above and below the bars, for their numbers
const LEAST = 0.05; // nats; less counts as nothing

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

/** A number with this many digits, and a typographic minus. */
export const number = (value, digits) => value.toFixed(digits).replace("-", "−");

// For each canvas, `sight` says what is visible, `{ from, to, start, width, word, leftOut }`: the visible words, where
// the first word of the text would be, the width in pixels, the word at the cursor, and the word left out.

/** Draws all units, `{ map, height, units, unit, followed }`: each `height` high, `unit` at the cursor. */
export function drawMap(canvas, sight, { map, height, units, unit, followed }) {
  const context = cleared(canvas);
  const { from, to, start, width, word } = sight;
  if (to > from) map.draw(context, from, to - from, start + from * WIDTH, WIDTH, height);
  context.strokeStyle = style("--accent");
  context.lineWidth = 1;
  context.strokeRect(-2, followed * height - 0.5, width + 4, height + 1);
  drawCursor(context, sight, units * height);
  context.lineWidth = 2;
  context.strokeStyle = style("--ink");
  context.strokeRect(start + word * WIDTH - 1, unit * height - 2, WIDTH + 2, height + 4);
}

/**
 * Draws the numbers of one unit: a row for each of `scales`, `[{ name, colors }]`. `values` holds the parts by name.
 */
export function drawNumbers(canvas, sight, values, unit, scales) {
  const context = cleared(canvas);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let place = sight.from; place < sight.to; place++) {
    if (!values[place]) continue;
    const left = sight.start + place * WIDTH;
    scales.forEach(({ name, colors }, row) => {
      const value = values[place][name][unit];
      const { back, front } = colors.css(value);
      context.fillStyle = back;
      context.fillRect(left, row * PART, WIDTH, PART - 1);
      context.fillStyle = front;
      const digits = isGate(name) || Math.abs(value) < 0.995 ? 2 : 1; // as many as fit
      const written = number(value, digits).replace(/^(−?)0/, "$1");
      context.fillText(written, left + WIDTH / 2, row * PART + PART / 2);
    });
  }
  drawCursor(context, sight, scales.length * PART);
}

/** Draws a bar for each word: by how many nats ln P of the next word falls without it. */
export function drawLost(canvas, sight, lost) {
  const context = cleared(canvas);
  const known = lost.filter((nats) => nats !== undefined);
  const [most, least] = [Math.max(0.1, ...known), Math.min(0, ...known)];
  const nat = (BARS - 2 * MARGIN) / (most - least);
  const zero = MARGIN + nat * most;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  for (let place = sight.from; place < sight.to; place++) {
    if (lost[place] === undefined) continue;
    const left = sight.start + place * WIDTH;
    const nats = Math.abs(lost[place]) < LEAST ? 0 : lost[place];
    const end = zero - nat * nats;
    context.fillStyle = style(nats < 0 ? "--warn" : "--accent");
    context.fillRect(left + 6, Math.min(zero, end), WIDTH - 12, Math.abs(end - zero));
    context.fillStyle = style("--ink");
    context.textBaseline = nats < 0 ? "top" : "bottom";
    context.fillText(nats ? number(nats, 1) : "0", left + WIDTH / 2, end + (nats < 0 ? 2 : -2));
  }
  context.fillStyle = style("--edge");
  context.fillRect(0, zero, sight.width, 1);
}

/** The cursor's column, and a line through the word left out. */
function drawCursor(context, { start, word, leftOut }, height) {
  context.lineWidth = 1;
  context.strokeStyle = style("--ink");
  context.strokeRect(start + word * WIDTH - 0.5, -2, WIDTH + 1, height + 4);
  if (leftOut === null) return;
  const left = start + leftOut * WIDTH;
  context.fillStyle = style("--panel");
  context.globalAlpha = 0.75;
  context.fillRect(left, 0, WIDTH, height);
  context.globalAlpha = 1;
  context.strokeStyle = style("--warn");
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(left + WIDTH / 2, 0);
  context.lineTo(left + WIDTH / 2, height);
  context.stroke();
}

function cleared(canvas) {
  const context = canvas.getContext("2d");
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}
