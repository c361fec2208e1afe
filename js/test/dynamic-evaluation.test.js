// Sessions that learn while they read, and trainers that stop and continue, with tables written by Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { DynamicEvaluation, Trainer } from "../learning.js";
import { Generator, Keyboard } from "../nextword.js";

const HERE = new URL("../../tests/conformance/", import.meta.url);
const table = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, HERE), "utf8"));
const bytesOf = (name) => readFileSync(new URL(`${name}.onnx`, HERE));
const load = (model, options = {}) => DynamicEvaluation.load(bytesOf(`${model}.train`), { ort, model: bytesOf(model), ...options });
const rejects = (ask, name, message) => assert.rejects(async () => ask(), { name, message });
const isLike = (found, expected, tolerance = 1e-4) => {
  assert.deepEqual(found.map(({ word }) => word), expected.map(([word]) => word));
  found.forEach(({ probability }, place) => assert.ok(Math.abs(probability - expected[place][1]) < tolerance * expected[place][1]));
};

for (const { model, cache: [cacheSize, cacheWeight], text, saved, suggest } of table("dynamic_evaluation")) {
  test(`a session of ${model} learns as in Python, and resumes what Python has saved`, async () => {
    const dynamic = await load(model);
    const session = dynamic.session({ cacheSize, cacheWeight });
    await session.feed(text + text);
    isLike(await session.suggest(5), suggest);
    const resumed = await dynamic.resume(Buffer.from(saved, "base64"));
    await resumed.feed(text);
    isLike(await resumed.suggest(5), suggest);
    await dynamic.release();
  });

  test(`what a session of ${model} has learned is undone and saved along with its words`, async () => {
    const dynamic = await load(model);
    const session = dynamic.session({ cacheSize, cacheWeight });
    const other = dynamic.session({ cacheSize, cacheWeight }); // learns something else at the same time
    await session.feed(text);
    const before = await session.suggest(9);
    const bytes = await session.save();
    await Promise.all([session.feed("the mouse ran , ".repeat(25)), other.feed("said . ".repeat(50))]);
    const later = await session.suggest(9);
    assert.notDeepEqual(later, before);
    for (let number = 0; number < 100; number++) await session.undo();
    assert.deepEqual(await session.suggest(9), before);
    const resumed = await dynamic.resume(bytes);
    assert.deepEqual(await resumed.suggest(9), before);
    await resumed.feed("the mouse ran , ".repeat(25));
    assert.deepEqual(await resumed.suggest(9), later);
    await dynamic.release();
  });
}

for (const { model, text, saved, restored } of table("learning_keyboards")) {
  test(`a keyboard of ${model} learns as in Python, and restores what Python has saved`, async () => {
    const dynamic = await load(model);
    const keyboard = dynamic.keyboard();
    await keyboard.update(text + text);
    await keyboard.commit();
    const bytes = await keyboard.save();
    const own = JSON.parse(new TextDecoder().decode(bytes));
    const floats = (base64) => [...new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer)];
    const [{ learned_weights: expected }] = saved.languages;
    const [{ learned_weights: found }] = own.languages;
    assert.deepEqual(found.files, expected.files);
    assert.deepEqual(Object.keys(found.values), Object.keys(expected.values));
    for (const [name, value] of Object.entries(found.values)) {
      const wanted = floats(expected.values[name]);
      const largest = Math.max(...wanted.map(Math.abs));
      assert.ok(largest > 0, name);
      floats(value).forEach((one, place) => assert.ok(Math.abs(one - wanted[place]) < 1e-3 * largest, name));
    }
    for (const kept of [bytes, Buffer.from(JSON.stringify(saved))]) {
      const again = dynamic.keyboard({ saved: kept });
      await again.update(`${text}the m`);
      isLike(await again.suggest(5), restored.map(({ word, probability }) => [word, probability]), 1e-3);
    }
    await dynamic.release();
  });

  test(`what a keyboard of ${model} has learned is removed along with its words, and can be left out`, async () => {
    const dynamic = await load(model);
    const generator = await Generator.load(bytesOf(model), { ort });
    const keyboard = dynamic.keyboard();
    await keyboard.update(text);
    const before = await keyboard.suggest(5);
    await keyboard.update(`${text}${"the mouse ran , ".repeat(15)}`);
    const later = await keyboard.suggest(5);
    await keyboard.update(text);
    assert.deepEqual(await keyboard.suggest(5), before);
    const still = generator.keyboard();
    await still.update(`${text}${"the mouse ran , ".repeat(15)}`);
    assert.notDeepEqual(await still.suggest(5), later);
    await keyboard.commit();
    const bytes = await keyboard.save();
    const without = generator.keyboard({ saved: bytes });
    await without.update("the ");
    assert.equal((await without.suggest(5)).length, 5);
    const cut = JSON.parse(new TextDecoder().decode(bytes));
    const { values } = cut.languages[0].learned_weights;
    const [[name, whole]] = Object.entries(values);
    values[name] = "AAAA";
    await rejects(() => dynamic.keyboard({ saved: Buffer.from(JSON.stringify(cut)) }).suggest(), "KeyboardError", /not a saved keyboard/);
    values[name] = whole;
    cut.languages[0].learned_weights.files[0] = "of another file";
    assert.equal((await dynamic.keyboard({ saved: Buffer.from(JSON.stringify(cut)) }).suggest(5)).length, 5);
    await rejects(() => dynamic.keyboard({ adapts: false }), "KeyboardError", /does not learn/);
    const two = Keyboard.of([dynamic, generator]);
    await two.update(text);
    assert.equal((await two.suggest(5)).length, 5);
    await dynamic.release();
  });
}

test("a session that was not learning can start to", async () => {
  const [dynamic, generator] = await Promise.all([
    load("learning_streams"),
    Generator.load(bytesOf("learning_streams"), { ort }),
  ]);
  const alone = generator.session();
  await alone.feed("the mouse");
  const session = await dynamic.resume(await alone.save());
  assert.deepEqual(await session.suggest(5), await alone.suggest(5));
  for (const one of [session, alone]) await one.feed("the cat said . ".repeat(20));
  assert.notDeepEqual(await session.suggest(5), await alone.suggest(5));
  await Promise.all([dynamic.release(), generator.release()]);
});

test("a model that cannot learn, or a session saved by another, is refused in one line", async () => {
  const dynamic = await load("learning_streams");
  const session = dynamic.session();
  await session.feed("the mouse ran , the cat said . ".repeat(5));
  const bytes = await session.save();
  const generator = await Generator.load(bytesOf("learning_streams"), { ort });
  await rejects(() => generator.resume(bytes), "SessionError", /was learning while it read; resume it with DynamicEvaluation/);
  const faster = await load("learning_streams", { learningRate: 5 });
  await rejects(() => faster.resume(bytes), "SessionError", /learningRate of 2; give the same/);
  await rejects(() => dynamic.resume(bytes.slice(0, -40)), "SessionError", /not a saved session/);
  await rejects(() => dynamic.resume("bytes"), "SessionError", /a saved session must be bytes/);
  await rejects(() => load("learning_streams", { learningRate: 0 }), "TrainingError", /nothing is learned/);
  await rejects(() => load("learning_streams", { learningRate: -1 }), "TrainingError", /learningRate must be/);
  const files = (graph, model) => DynamicEvaluation.load(bytesOf(graph), { ort, model: bytesOf(model) });
  await rejects(() => files("learning_streams.train", "explained_int8"), "ModelFileError", /in int8, which cannot learn/);
  await rejects(() => files("learning_streams.train", "fixed"), "ModelFileError", /belong to different networks/);
  await Promise.all([dynamic.release(), faster.release(), generator.release()]);
});

test("files that do not belong together leave no session behind", async () => {
  let open = 0;
  const create = async (...given) => {
    const session = await ort.InferenceSession.create(...given);
    const release = session.release.bind(session);
    session.release = async () => {
      open--;
      await release();
    };
    open++;
    return session;
  };
  const counting = { ...ort, InferenceSession: { create } };
  for (const model of ["explained_int8", "fixed"]) {
    const options = { ort: counting, model: bytesOf(model) };
    await assert.rejects(DynamicEvaluation.load(bytesOf("learning_streams.train"), options), { name: "ModelFileError" });
    assert.equal(open, 0);
  }
});

for (const { model, text, settings, checkpoint, losses } of table("checkpoints")) {
  const { learning_rate: learningRate, weight_decay: weightDecay, words_per_step: wordsPerStep, ...rest } = settings;
  const trainerOf = (changes = {}) =>
    Trainer.load(bytesOf(`${model}.train`), {
      ...{ ort, model: bytesOf(model), text, learningRate, weightDecay, wordsPerStep, ...rest, ...changes },
    });

  test(`a trainer of ${model} continues from a checkpoint of Python, and from its own`, async () => {
    const trainer = await trainerOf();
    await trainer.resume(Buffer.from(checkpoint, "base64"));
    assert.equal(trainer.step, 5);
    const own = await trainer.checkpoint();
    for (const expected of losses) {
      const { loss } = await trainer.learn();
      assert.ok(Math.abs(loss - expected) < 1e-9 * expected, `${loss} ${expected}`);
    }
    const again = await trainerOf();
    await again.resume(own);
    for (const expected of losses) assert.ok(Math.abs((await again.learn()).loss - expected) < 1e-9 * expected);
    assert.deepEqual(again.weights, trainer.weights);
    await Promise.all([trainer.release(), again.release()]);
  });

  test(`a checkpoint that does not fit a trainer of ${model} is refused, and changes nothing`, async () => {
    const trainer = await trainerOf({ seed: 9 });
    const bytes = Buffer.from(checkpoint, "base64");
    await rejects(() => trainer.resume(bytes), "TrainingError", /another text or other settings/);
    for (const one of [bytes.subarray(0, 90), bytes.subarray(9), "bytes"]) {
      await rejects(() => trainer.resume(one), "TrainingError", /not a checkpoint/);
    }
    assert.equal(trainer.step, 0);
    await trainer.release();
  });
}
