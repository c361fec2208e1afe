// The training, in a worker: step by step; between steps it answers the page.
import * as ort from "./vendor/ort.wasm.min.mjs";
import { Generator, NextwordError } from "./vendor/nextword.js";
import { safetensors } from "./vendor/nextword/learning/safetensors.js";
import { Trainer } from "./vendor/nextword/learning/trainer.js";

ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more threads need headers that a plain file server does not send

const WORDS = 24; // of a continuation
const WITHIN = 0.01; // nats: learning is done when the loss comes this close to the lowest possible, as in params.yaml

let trainer = null;
let prompt = "";
let isGoing = false;
let pause = 0; // milliseconds between steps
const asked = []; // requests that wait
let isWorking = false;

addEventListener("message", ({ data }) => {
  asked.push(data);
  work();
});

/** Takes steps and answers the page, one after the other. */
async function work() {
  if (isWorking) return;
  isWorking = true;
  while (asked.length || isGoing) {
    try {
      if (asked.length) await answer(asked.shift());
      else await step();
    } catch (error) {
      isGoing = false;
      if (error instanceof NextwordError) postMessage({ error: error.message });
      else postMessage({ fault: String(error?.stack ?? error) });
    }
    await new Promise((resolve) => setTimeout(resolve, isGoing ? pause : 0)); // so that messages can arrive
  }
  isWorking = false;
}

async function answer({ begin, go, one, speed, after, take }) {
  if (begin) await load(begin);
  if (speed !== undefined) pause = speed;
  if (go !== undefined && trainer) postMessage({ isGoing: (isGoing = go) });
  if (one && trainer) await step();
  if (after !== undefined) {
    prompt = after;
    if (trainer?.step) await write();
  }
  if (take && trainer) postMessage({ file: await trainer.file() });
}

async function load({ name, text, ...options }) {
  isGoing = false;
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
    if (found.isDone) isGoing = false;
  }
  postMessage({ stepped: found });
  if (found.accuracy !== undefined) await write();
  if (found.isDone) postMessage({ isGoing, sum: await sum() });
}

/** The checksum of the weights as the train stage writes them. */
async function sum() {
  const digest = await crypto.subtle.digest("SHA-256", safetensors(trainer.weights));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function write() {
  const generator = await Generator.load(await trainer.file(), { ort });
  try {
    const text = await generator.generate(prompt, WORDS);
    postMessage({ written: { step: trainer.step, text } });
  } catch (error) {
    if (!(error instanceof NextwordError)) throw error;
    postMessage({ unread: error.message });
  } finally {
    await generator.release();
  }
}
