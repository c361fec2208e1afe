// Learning on the device, with tables written by Python.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { toHalves } from "../nextword/half.js";
import { Random } from "../nextword/learning/random.js";
import { safetensors } from "../nextword/learning/safetensors.js";
import { Trainer } from "../nextword/learning/trainer.js";
import { Generator } from "../nextword.js";

const HERE = new URL("../../tests/conformance/", import.meta.url);
const table = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, HERE), "utf8"));
const bytesOf = (name) => readFileSync(new URL(`${name}.onnx`, HERE));

const load = (model, text, options = {}) =>
  Trainer.load(bytesOf(`${model}.train`), { ort, model: bytesOf(model), text, ...options });

test("random numbers are those of numpy", () => {
  for (const { seeds, below_35, uniform, normal, permutation } of table("random")) {
    const random = new Random(...seeds);
    assert.deepEqual(below_35.map(() => random.below(35)), below_35);
    assert.deepEqual([...new Random(...seeds).uniform(-0.5, 0.5, uniform.length)], uniform);
    assert.deepEqual(new Random(...seeds).permutation(permutation.length), permutation);
    const drawn = new Random(...seeds).normal(normal.length);
    normal.forEach((value, place) => assert.ok(Math.abs(drawn[place] - value) < 1e-12, `${drawn[place]} ${value}`));
  }
});

test("numbers are rounded to float16, ties to even", () => {
  const cases = [
    ...[[0, 0], [-0, 0x8000], [1, 0x3c00], [-2, 0xc000], [65504, 0x7bff], [65519, 0x7bff], [65520, 0x7c00], [-1e9, 0xfc00]],
    ...[[1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [1 + 2 ** -11 + 2 ** -20, 0x3c01], [2 ** -24, 1], [2 ** -25, 0]],
    ...[[1.5 * 2 ** -24, 2], [2 ** -14, 0x0400], [2 ** -14 - 2 ** -25, 0x0400], [2 ** -14 - 2 ** -24, 0x03ff]],
  ];
  for (const [number, bits] of cases) assert.equal(toHalves([number])[0], bits, String(number));
});

for (const { model, text, from_nothing: fromNothing, settings, dictionary, losses, sha256 } of table("learning")) {
  const { learning_rate: learningRate, weight_decay: weightDecay, words_per_step: wordsPerStep, ...rest } = settings;
  test(`the weights equal Python's, bit for bit: ${model}, from ${fromNothing ? "nothing" : "a model"}`, async () => {
    const trainer = await load(model, text, { fromNothing, learningRate, weightDecay, wordsPerStep, ...rest });
    assert.deepEqual(trainer.words, dictionary);
    for (const expected of losses) {
      const { loss } = await trainer.learn();
      assert.ok(Math.abs(loss - expected) < 1e-9 * expected, `${loss} ${expected}`);
    }
    assert.equal(trainer.step, losses.length);
    assert.equal(createHash("sha256").update(safetensors(trainer.weights)).digest("hex"), sha256);
    const generator = await Generator.load(await trainer.file(), { ort });
    assert.deepEqual(generator.info.dictionary, dictionary);
    await generator.generate("the mouse", 4);
    await Promise.all([generator.release(), trainer.release()]);
  });
}

test("errors say what is wrong", async () => {
  const text = "the mouse ran . ".repeat(9);
  const refused = (asked, name, message) => assert.rejects(asked, (error) => error.name === name && message.test(error.message));
  await refused(load("learning_windows", "the mouse"), "TrainingError", /has 2 words; learning needs at least 4/);
  await refused(load("learning_windows", ""), "PromptError", /no words/);
  await refused(load("learning_streams", "xyzzy plugh ".repeat(50), { batch: 1 }), "PromptError", /knows no word of the text; use/);
  await refused(load("learning_windows", text, { learningRate: -1 }), "TrainingError", /learningRate must be from 0 to 10/);
  await refused(load("learning_windows", text, { rate: 1 }), "ArgumentError", /there is no option rate/);
  const files = (graph, model) => Trainer.load(bytesOf(graph), { ort, model: bytesOf(model), text });
  await refused(files("fixed", "fixed"), "ModelFileError", /is not a training graph/);
  await refused(files("learning_windows.train", "fixed"), "ModelFileError", /belong to different networks/);
});

for (const [model, learningRate] of [["learning_streams", 10], ["learning_windows", 3]]) {
  test(`learning that diverges goes back to weights that had not begun to: ${model}`, async () => {
    const text = "the mouse , the cat . some moon long ago . ".repeat(9);
    const trainer = await load(model, text, { learningRate, batch: 2, wordsPerStep: 5 });
    const before = [];
    const goOn = async () => {
      for (let step = 0; step < 50; step++) {
        before.push(trainer.weights);
        await trainer.learn();
      }
    };
    await assert.rejects(goOn(), /diverged at step \d+: .*lower the learning rate/);
    assert.ok(trainer.step < before.length - 1);
    assert.deepEqual(trainer.weights, before[trainer.step]);
    const generators = await Promise.all([await trainer.file(), bytesOf(model)].map((file) => Generator.load(file, { ort })));
    const [mine, first] = await Promise.all(generators.map((generator) => generator.score(text)));
    assert.ok(mine.perplexity < 4 * first.perplexity, `${mine.perplexity} ${first.perplexity}`);
    await Promise.all([trainer, ...generators].map((one) => one.release()));
  });
}

const TEXT = "the mouse , the cat . some moon long ago . ".repeat(9);
const SMALL = { batch: 2, wordsPerStep: 5 };

test("overlapping calls run one after another", async () => {
  const [one, other] = await Promise.all([1, 2].map(() => load("learning_streams", TEXT, SMALL)));
  const calls = [one.learn(), one.learn(), one.checkpoint(), one.learn(), one.file(), one.release()];
  const [, , saved, , file] = await Promise.all(calls);
  await other.resume(saved);
  assert.equal(other.step, 2);
  await other.learn();
  assert.deepEqual(other.weights, one.weights);
  assert.deepEqual(await other.file(), file);
  await other.release();
});

test("calls that cannot be answered are refused in one line", async () => {
  const trainer = await load("learning_streams", TEXT, SMALL);
  await assert.rejects(trainer.measure(), { name: "TrainingError", message: /^only a model with a fixed context can be/ });
  await trainer.release();
  for (const call of ["learn", "file", "measure", "checkpoint", "resume"]) {
    await assert.rejects(trainer[call](), { name: "ReleasedError", message: "the trainer has been released; load it again" });
  }
});

test("weights that float16 cannot hold are not written", async () => {
  const trainer = await load("learning_windows", TEXT, SMALL);
  trainer.weights.get("logits.bias").values[0] = 65520;
  await assert.rejects(trainer.file(), { name: "TrainingError", message: /^a weight is larger than float16 can hold/ });
  await trainer.release();
});

test("a trainer that cannot be loaded frees its training graph", async () => {
  let open = 0;
  const counted = async (...given) => {
    const session = await ort.InferenceSession.create(...given);
    open += 1;
    const release = async () => {
      open -= 1;
      await session.release();
    };
    return { run: (...feeds) => session.run(...feeds), release, inputNames: session.inputNames, outputNames: session.outputNames };
  };
  const counting = { ...ort, Tensor: ort.Tensor, InferenceSession: { create: counted } };
  for (const [model, text] of [[bytesOf("fixed"), TEXT], [bytesOf("learning_streams"), ""], [new Uint8Array(3), TEXT]]) {
    await assert.rejects(Trainer.load(bytesOf("learning_streams.train"), { ort: counting, model, text }));
    assert.equal(open, 0);
  }
});

test("<unk> is never a right answer", async () => {
  const trainer = await load("learning_windows", "xyzzy plugh twisty maze little passages ".repeat(20) + "the", { ...SMALL, learningRate: 0.05 });
  for (let step = 0; step < 60; step++) await trainer.learn();
  const { loss, accuracy } = await trainer.measure();
  assert.ok(loss < 1, String(loss));
  assert.ok(accuracy < 0.02, String(accuracy));
  await trainer.release();
});
