// Watch it learn: the page sends requests to the worker, and shows its results.
import { draw } from "./curve.js";
import { GateMap } from "./gate-map.js";
import { keep } from "./learned.js";
import { handOver } from "./offline.js";
import { $, Training, describe, enable, say } from "./training-page.js";

const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const MOST_WRITTEN = 50; // continuations that are shown
const SOURCES = { small: { name: "small", rate: 0.02 }, shipped: { name: "story", rate: 0.003 }, own: { name: "small", rate: 0.02 } };

let training;
let [asked, begun] = [{}, {}]; // what is to be learned, and what is: the source, the learning rate, the seed
let story; // the story's text, and the checksum of the weights that the train stage made from it
let points = [];
let possible = 1;
let isDone = false;
let file = null; // the address of the file that can be downloaded
const gates = new GateMap();

function begin() {
  const { value } = $("source");
  const { name } = SOURCES[value];
  const text = value === "own" ? $("text").value : story.text;
  say("");
  [points, isDone] = [[], false];
  $("written").replaceChildren();
  gates.clear();
  for (const id of ["download", "type", "sums"]) $(id).hidden = true;
  $("numbers").textContent = "No step yet.";
  enable(false);
  if (value === "own" && !text.trim()) return describe("Paste a text to learn.");
  describe("Loading…");
  const [learningRate, seed] = [Number($("rate").value), Number($("seed").value)];
  asked = { source: value, learningRate, seed };
  training.ask({ begin: { name, text, learningRate, seed } });
  training.ask({ after: $("prompt").value });
}

const takes = {
  ready({ words, weights, possible: best }) {
    [possible, begun] = [best, asked];
    describe(`${weights.toLocaleString("en")} weights, ${words.toLocaleString("en")} different words`);
    $("curve-caption").textContent =
      "Grey: loss in nats per word, left. Green: share of words predicted right, right; dashed: what is possible.";
    show();
    enable(true);
    document.documentElement.dataset.ready = "true";
  },

  stepped(found) {
    points.push(found);
    isDone = found.isDone ?? isDone;
    show();
  },

  written({ step, text, words, columns }) {
    $("prompt-message").textContent = "";
    $("gate-step").textContent = step ? `After step ${step}` : "Before the first step";
    gates.take(words, columns);
    if (text === null) return; // nothing was learned yet
    const item = document.createElement("li");
    const label = Object.assign(document.createElement("span"), { className: "step", textContent: `step ${step}` });
    item.append(label, ` ${text}`);
    $("written").prepend(item);
    while ($("written").children.length > MOST_WRITTEN) $("written").lastChild.remove();
    takeFile();
  },

  unread(message) {
    $("prompt-message").textContent = message;
    takeFile();
  },

  async file(bytes) {
    const made = new Blob([bytes], { type: "application/octet-stream" });
    if (file) URL.revokeObjectURL(file);
    file = URL.createObjectURL(made);
    Object.assign($("download"), { href: file, hidden: false });
    if (!globalThis.caches) return; // the page is not secure
    await keep(made);
    $("type").hidden = false;
  },

  isGoing(_, { sum }) {
    takeFile();
    if (sum) compare(sum);
    show();
  },

  error() {
    if (!points.length) describe("Nothing to learn yet.");
  },
};

/** Asks for the model's file once it rests. */
function takeFile() {
  if (!training.isGoing && points.length) training.ask({ take: true });
}

/** Shows the checksum of the weights beside the train stage's, for the shipped story only. */
function compare(sum) {
  const { source, learningRate, seed } = begun;
  if (source !== "shipped" || learningRate !== SOURCES.shipped.rate || seed !== 1) return;
  const isSame = sum === story.sum;
  $("verdict").textContent = isSame
    ? "These are the weights of dvc.lock, bit for bit: this browser made the same file as PyTorch."
    : "The weights differ from those of dvc.lock.";
  $("sum-here").textContent = sum;
  $("sum-there").textContent = story.sum;
  $("sums").hidden = false;
}

function show() {
  draw($("curve"), points, possible);
  const last = points.at(-1);
  if (!last) return;
  const measured = points.findLast(({ accuracy }) => accuracy !== undefined);
  const known = measured ? `, ${percent.format(measured.accuracy)} of words right (at best ${percent.format(possible)})` : "";
  const end = isDone ? ". It predicts as well as three words allow." : "";
  $("numbers").textContent = `Step ${last.step}: loss ${last.loss.toFixed(3)}${known}${end}`;
  document.documentElement.dataset.step = last.step;
}

// ── user actions ─────────────────────────────────────────────────────────────────────────────────

$("source").addEventListener("change", ({ target }) => {
  $("own").hidden = target.value !== "own";
  $("rate").value = SOURCES[target.value].rate;
  if (target.value === "own") $("prompt").value = $("text").value.split(/\s+/).slice(0, 3).join(" ");
  else $("prompt").value = "long ago ,";
  begin();
});
$("text").addEventListener("change", () => {
  $("prompt").value = $("text").value.trim().split(/\s+/).slice(0, 3).join(" ");
  begin();
});
$("again").addEventListener("click", begin);
$("prompt").addEventListener("input", ({ target }) => training.ask({ after: target.value }));

await handOver();
story = await (await fetch("vendor/story.json")).json();
training = new Training("./learning-worker.js", takes);
begin();
