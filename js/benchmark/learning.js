// Measures learning with the training graph in FOLDER, on one thread, as JSON. RUNTIME is `web` (WebAssembly) or
// `node`.
//
//     node benchmark/learning.js step RUNTIME FOLDER BATCH WORDS    CPU milliseconds of a step
//     node benchmark/learning.js learn RUNTIME FOLDER TEXT RATE     seconds and steps from nothing to the best possible
//
// The weights are those of the model file in FOLDER, except for `learn`, which draws them. A step reads BATCH streams
// of WORDS words, or with a fixed context BATCH windows.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { storedIn } from "../nextword/learning/stored.js";
import { TrainingFile } from "../nextword/learning/training-file.js";
import { Trainer } from "../learning.js";

const STEPS = 4;
const TURNS = 5;
const RATE = 1e-3;
const [what, runtime, folder, ...others] = process.argv.slice(2);

process.env.ORT_DISABLE_TELEMETRY = "1";
const node = createRequire(new URL("../../examples/node/package.json", import.meta.url));
const ort = runtime === "node" ? node("onnxruntime-node") : await import("onnxruntime-web");
const bytesOf = (name) => new Uint8Array(readFileSync(join(folder, name)));
const [graph, model] = ["nextword.train.onnx", "nextword.onnx"].map(bytesOf);

async function step(batch, words) {
  const file = await TrainingFile.load(graph, ort);
  const values = file.begin(storedIn(model, file, "the model"));
  const size = values.get("logits.bias").dims[0];
  const rows = (length) => Array.from({ length: batch }, () => Array.from({ length }, () => Math.floor(Math.random() * size)));
  const read = { ids: rows(file.context ?? words), following: rows(file.context === null ? words : 1) };
  const state = file.zeroState(batch);
  const times = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const before = process.cpuUsage();
    for (let number = 1; number <= STEPS; number++) await file.step(read, state, values, { number, learningRate: RATE });
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000 / STEPS);
  }
  return { milliseconds: times.sort((one, other) => one - other)[Math.floor(TURNS / 2)] };
}

async function learn(text, learningRate) {
  const start = performance.now();
  const options = { ort, model, text, fromNothing: true, learningRate, batch: 256 };
  const trainer = await Trainer.load(graph, options);
  for (;;) {
    const { loss } = await trainer.learn();
    // Measuring takes as long as a step, so it only pays once the loss is near the best possible.
    if (loss < trainer.best.loss + 0.3 && (await trainer.measure()).accuracy >= trainer.best.accuracy) break;
  }
  return { seconds: (performance.now() - start) / 1000, steps: trainer.step };
}

const found = what === "step" ? step(Number(others[0]), Number(others[1])) : learn(readFileSync(others[0], "utf8"), Number(others[1]));
console.log(JSON.stringify(await found));
