// Three networks that learn the same text side by side, in a worker, one for each cell.
import { Model } from "./vendor/nextword/model.js";
import { Network } from "./vendor/nextword/network.js";
import { gradientFlow } from "./vendor/nextword/gradient-flow.js";
import { Trainer } from "./vendor/nextword/learning/trainer.js";
import { Work, ort } from "./training-work.js";

const CELLS = ["rnn", "gru", "lstm"];
const PASSAGES = 8; // on which the gradient is measured
const LONGEST = 48; // words of a passage of the user's own text
const MOST_STREAMS = 32;
const [WORDS_PER_STEP, WORDS_PER_STREAM] = [64, 400];

let trainers = new Map();
let passages = []; // { ids, following }
let passage; // the one whose gates are shown, as { words, ids }
let shown = 0; // the words at its end that are shown

const work = new Work({ answer, step });

async function answer({ begin, go, one, speed }) {
  if (begin) await load(begin);
  if (speed !== undefined) work.pause = speed;
  if (go !== undefined && trainers.size) work.go(go);
  if (one && trainers.size) await step();
}

/** `distance`: how many words before a passage's end its country stands; `null` for a text of the user's own. */
async function load({ text, distance, ...options }) {
  work.go(false);
  for (const trainer of trainers.values()) await trainer.release();
  trainers = new Map();
  const lines = text.trim().split("\n");
  // The passages are made of lines that are not learned, two for each: only in a text that goes on is a state at home.
  const rest = distance === null ? [] : lines.splice(-2 * PASSAGES);
  const learned = lines.join("\n");
  const loaded = new Map();
  for (const cell of CELLS) {
    const at = (end) => new URL(`./vendor/gradients-${cell}.${end}`, import.meta.url).href;
    const words = await wordsOf(at("onnx"), learned);
    const batch = Math.max(1, Math.min(MOST_STREAMS, Math.floor(words.length / WORDS_PER_STREAM)));
    const sizes = { batch, wordsPerStep: WORDS_PER_STEP };
    loaded.set(cell, await Trainer.load(at("train.onnx"), { ort, model: at("onnx"), text: learned, fromNothing: true, ...sizes, ...options }));
    if (cell === CELLS[0]) choose(loaded.get(cell).words, distance === null ? inText(words) : inLines(rest), distance);
  }
  trainers = loaded;
  postMessage({ ready: { words: trainers.get(CELLS[0]).words.length } });
  await measure();
}

/** The words of a text, by the rules of a model file. */
async function wordsOf(source, text) {
  const model = await Model.load({ name: "the model", bytes: new Uint8Array(await (await fetch(source)).arrayBuffer()) }, ort);
  try {
    return model.split(text);
  } finally {
    await model.release();
  }
}

/** Passages that end where a language follows: all of a line but its last two words, and the line before. */
function inLines(lines) {
  const words = lines.map((line) => line.split(" "));
  return Array.from({ length: PASSAGES }, (_, pair) => [...words[2 * pair], ...words[2 * pair + 1].slice(0, -1)]);
}

/** Passages of a text, evenly spaced. */
function inText(words) {
  const length = Math.min(LONGEST, words.length - 1) + 1;
  const starts = Array.from({ length: PASSAGES }, (_, place) => Math.floor(((words.length - length) * place) / PASSAGES));
  return starts.map((start) => words.slice(start, start + length));
}

function choose(dictionary, found, distance) {
  const places = new Map(dictionary.map((word, id) => [word, id]));
  const ids = found.map((words) => words.map((word) => places.get(word)));
  passages = ids.map((row) => ({ ids: row.slice(0, -1), following: row.at(-1) }));
  passage = { words: found[0], ids: passages[0].ids };
  shown = distance ?? passage.ids.length;
}

async function step() {
  for (const [cell, trainer] of trainers) {
    try {
      await trainer.learn();
    } catch (error) {
      error.message = `${cell.toUpperCase()}: ${error.message}`;
      throw error;
    }
  }
  await measure();
}

/** Sends what each network does now. */
async function measure() {
  const cells = {};
  for (const [cell, trainer] of trainers) {
    const network = new Network(await trainer.file());
    const flow = gradientFlow(network, passages);
    const probability = passages.reduce((sum, one) => sum + likelihood(network, one), 0) / passages.length;
    cells[cell] = { norms: flow.hidden, probability, columns: columnsOf(network) };
  }
  const words = passage.words.slice(-shown - 1);
  postMessage({ measured: { step: trainers.get(CELLS[0]).step, cells, words: words.slice(0, -1), following: words.at(-1) } });
}

const read = (network, ids) => ids.reduce((before, id) => network.step(id, before), null);

/** P of the word that follows a passage. */
function likelihood(network, { ids, following }) {
  const logits = network.logits(read(network, ids));
  const most = logits.reduce((one, other) => Math.max(one, other));
  return Math.exp(logits[following] - most) / logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
}

/** The layers after each of the words that are shown. */
function columnsOf(network) {
  const { ids } = passage;
  const columns = [];
  let layers = read(network, ids.slice(0, -shown));
  for (const id of ids.slice(-shown)) columns.push((layers = network.step(id, layers)));
  return columns;
}
