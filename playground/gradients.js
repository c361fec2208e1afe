// How far back it learns: three cells side by side, and how far back the loss of each reaches after every step.
import { drawFlow, drawProbabilities, raised } from "./flow-chart.js";
import { GateMap } from "./gate-map.js";
import { handOver } from "./offline.js";
import { number } from "./unit-drawing.js";
import { $, Training, describe, enable, say } from "./training-page.js";

const ASKED = {
  lines: "The probability of the language in those passages, which no network has learned. With eight languages, a guess is right in 12.5 %.",
  own: "The probability of the word that follows those passages, which are parts of the text.",
};
const NAMES = { rnn: "RNN", gru: "GRU", lstm: "LSTM" };

let training;
let distance = null; // words from a country to its language; null for the user's own text
let last = null; // what was measured last
let before = null; // the norms before the first step, by cell
let probabilities = {}; // by cell, after each step
const gates = new GateMap();

async function begin() {
  const { value } = $("source");
  distance = value === "own" ? null : Number(value);
  say("");
  [last, before, probabilities] = [null, null, {}];
  for (const id of ["flow", "probabilities"]) $(id).replaceChildren();
  $("numbers").tBodies[0].replaceChildren();
  $("learned-hint").textContent = distance === null ? ASKED.own : ASKED.lines;
  gates.clear();
  enable(false);
  if (value === "own" && !$("text").value.trim()) return describe("Paste a text to learn.");
  describe("Loading…");
  const text = value === "own" ? $("text").value : await (await fetch(`vendor/countries-${value}.txt`)).text();
  training.ask({ begin: { text, distance, learningRate: Number($("rate").value), seed: Number($("seed").value) } });
}

const takes = {
  ready({ words }) {
    describe(`Three networks of 32 units, ${words.toLocaleString("en")} different words`);
    enable(true);
    document.documentElement.dataset.ready = "true";
  },

  measured(found) {
    last = found;
    for (const [cell, { probability }] of Object.entries(found.cells)) (probabilities[cell] ??= []).push(probability);
    before ??= of("norms");
    show();
  },

  error() {
    if (!last) describe("Nothing to learn yet.");
  },
};

/** One value of each cell, by its name. */
const of = (what) => Object.fromEntries(Object.entries(last.cells).map(([cell, values]) => [cell, values[what]]));

function show() {
  const { step, cells, following, words } = last;
  $("step").textContent = step ? `After step ${step}` : "Before the first step";
  drawFlow($("flow"), of("norms"), step ? before : {}, distance === null ? null : distance - 1);
  drawProbabilities($("probabilities"), probabilities);
  const back = (distance ?? words.length) - 1;
  $("back").textContent = distance === null ? `${back} words back` : `at the country, ${back} words back`;
  $("right").textContent = distance === null ? "P of the right word" : "P of the right language";
  const rows = Object.entries(cells).map(([cell, { norms, probability }]) => {
    const values = [scientific(norms[0]), scientific(norms[back]), `${number(100 * probability, 1)} %`];
    const row = document.createElement("tr");
    row.append(Object.assign(document.createElement("th"), { scope: "row", className: cell, textContent: NAMES[cell] }));
    row.append(...values.map((textContent) => Object.assign(document.createElement("td"), { textContent })));
    return row;
  });
  $("numbers").tBodies[0].replaceChildren(...rows);
  gates.take(words, cells[$("cell").value].columns);
  $("gate-text").textContent = `“… ${words.slice(-3).join(" ")}”, which “${following}” follows.`;
  document.documentElement.dataset.step = step;
}

/** A number as a × 10ⁿ. */
function scientific(value) {
  const [digits, exponent] = value.toExponential(1).split("e").map(Number);
  return Math.abs(exponent) <= 1 ? number(value, 2) : `${number(digits, 1)} × 10${raised(exponent)}`;
}

// ── user actions ─────────────────────────────────────────────────────────────────────────────────

$("source").addEventListener("change", ({ target }) => {
  $("own").hidden = target.value !== "own";
  begin();
});
$("text").addEventListener("change", begin);
$("again").addEventListener("click", begin);
$("cell").addEventListener("change", () => last && show());

await handOver();
training = new Training("./gradients-worker.js", takes);
begin();
