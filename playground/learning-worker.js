// The training, in a worker: step by step; between steps it answers the page.
import { Generator, NextwordError } from "./vendor/nextword.js";
import { Explainer } from "./vendor/nextword/explanation.js";
import { safetensors } from "./vendor/nextword/learning/safetensors.js";
import { Trainer } from "./vendor/nextword/learning/trainer.js";
import { Work, ort } from "./training-work.js";

const WORDS = 24; // of a continuation
const WITHIN = 0.01; // nats: learning is done when the loss comes this close to the lowest possible, as in params.yaml

let trainer = null;
let prompt = "";

const work = new Work({ answer, step });

async function answer({ begin, go, one, speed, after, take }) {
  if (begin) await load(begin);
  if (speed !== undefined) work.pause = speed;
  if (go !== undefined && trainer) work.go(go);
  if (one && trainer) await step();
  if (after !== undefined) {
    prompt = after;
    if (trainer) await write();
  }
  if (take && trainer) postMessage({ file: await trainer.file() });
}

async function load({ name, text, ...options }) {
  work.go(false);
  await trainer?.release();
  trainer = null;
  const [graph, model] = ["train.onnx", "onnx"].map((end) => new URL(`./vendor/${name}.${end}`, import.meta.url).href);
  trainer = await Trainer.load(graph, { ort, model, text, fromNothing: true, ...options });
  postMessage({ ready: { words: trainer.words.length, weights: trainer.size, possible: trainer.best.accuracy } });
}

async function step() {
  const { loss } = await trainer.learn();
  const found = { step: trainer.step, loss };
  if (trainer.step % trainer.interval === 0) {
    const { accuracy, loss: measured } = await trainer.measure();
    found.accuracy = accuracy;
    found.isDone = measured <= trainer.best.loss + WITHIN;
  }
  postMessage({ stepped: found });
  if (found.accuracy !== undefined) await write();
  if (found.isDone) work.go(false, { sum: await sum() });
}

/** The checksum of the weights as the train stage writes them. */
async function sum() {
  const digest = await crypto.subtle.digest("SHA-256", safetensors(trainer.weights));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Writes on after the prompt, and sends what the units do while the model reads it. */
async function write() {
  const file = await trainer.file();
  const explainer = await Explainer.load(file, { ort });
  const generator = await Generator.load(file, { ort });
  try {
    const words = explainer.words(explainer.split(prompt));
    const text = trainer.step ? await generator.generate(prompt, WORDS) : null;
    const { first, steps } = explainer.read(words);
    const columns = [];
    for await (const { layers } of steps) columns.push(layers);
    postMessage({ written: { step: trainer.step, text, words: words.slice(first).map(({ word }) => word), columns } });
  } catch (error) {
    if (!(error instanceof NextwordError)) throw error;
    postMessage({ unread: error.message });
  } finally {
    await generator.release();
    await explainer.release();
  }
}
