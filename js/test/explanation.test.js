// Why a model expects what it expects: compared with Python's table, and with the graph's own logits and states.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator } from "../nextword.js";
import { Explainer } from "../nextword/explanation.js";
import { gradientFlow } from "../nextword/gradient-flow.js";
import { MODEL } from "../nextword/model.js";
import { Network } from "../nextword/network.js";

const HERE = new URL("../../tests/conformance/", import.meta.url);
const bytesIn = (name) => new Uint8Array(readFileSync(new URL(`${name}.onnx`, HERE)));
const load = (name) => Explainer.load(bytesIn(name), { ort });
const table = JSON.parse(readFileSync(new URL("explanation.json", HERE), "utf8"));

/** What Python's `explain` returns, in its order. */
async function explain(explainer, text) {
  const found = explainer.words(explainer.split(text));
  const [next] = await explainer.likeliest(found, 1);
  const logProbability = await explainer.logProbability(found, next.path);
  const lost = [];
  for (const place of found.keys()) {
    lost.push(logProbability - (await explainer.logProbability(found.toSpliced(place, 1), next.path)));
  }
  const { first, steps } = explainer.read(found);
  const columns = [];
  for await (const { layers } of steps) columns.push(layers);
  return {
    words: found.map(({ word }) => word),
    nextWord: next.word,
    logProbability,
    lost,
    read: found.length - first,
    columns,
  };
}

function near(found, expected, tolerance, what) {
  assert.equal(found.length, expected.length, what);
  found.forEach((value, place) => assert.ok(Math.abs(value - expected[place]) <= tolerance, `${what} ${place}: ${value}`));
}

for (const { model, text, words, next_word, log_probability, lost, read, layers } of table) {
  test(`the ${model} model is explained as in Python`, async () => {
    const explainer = await load(model);
    const found = await explain(explainer, text);
    assert.deepEqual([found.words, found.nextWord], [words, next_word]);
    // The results of a graph in int8 depend on the CPU, in the third digit.
    const tolerance = explainer.info.weights === "int8" ? 0.1 : 1e-4;
    near([found.logProbability, ...found.lost], [log_probability, ...lost], tolerance, "nats");
    assert.ok(explainer.showsUnits);
    if (!layers.length) return; // Python shows no layers that carry no state
    assert.equal(found.read, read);
    for (const [number, layer] of layers.entries()) {
      for (const [place, values] of found.columns.entries()) {
        assert.deepEqual(Object.keys(values[number]), Object.keys(layer));
        for (const [name, expected] of Object.entries(layer)) near(values[number][name], expected[place], 1e-5, name);
      }
    }
  });
}

/** Pseudo-random whole numbers, the same each time. */
function drawing(seed) {
  let number = seed;
  return (below) => (number = (number * 48271) % 2147483647) % below;
}

for (const { model } of table.filter(({ model }) => !model.endsWith("int8"))) {
  test(`the units of the ${model} model give the graph's own logits and states, whatever they read`, async () => {
    const generator = await Generator.load(bytesIn(model), { ort });
    const { context, dictionary } = generator.info;
    const network = new Network(bytesIn(model));
    const next = drawing(7);
    for (let text = 0; text < 20; text++) {
      const ids = Array.from({ length: 1 + next(context ?? 12) }, () => next(dictionary.length));
      const layers = network.isRecurrent
        ? ids.reduce((before, id) => network.step(id, before), null)
        : network.window(ids);
      const { logits, state } = await generator[MODEL].run(ids, generator[MODEL].zero());
      near(network.logits(layers), logits, 1e-3, "logit");
      for (const [name, values] of Object.entries(state)) {
        near(layers.flatMap((layer) => [...layer[name]]), values, 1e-4, name);
      }
    }
  });
}

test("a text that is typed, changed and shortened is explained as if it had been read at once", async () => {
  for (const model of ["unbounded", "fixed", "feedforward"]) {
    const typed = await load(model);
    const next = drawing(3);
    const words = (ids) => ids.map((id) => ({ ids: [id] }));
    let ids = [];
    let columns = [];
    for (let change = 0; change < 40; change++) {
      const kept = ids.slice(0, next(ids.length + 1));
      ids = [...kept, ...Array.from({ length: 1 + next(2) }, () => next(15))];
      const { first, kept: known, steps } = typed.read(words(ids));
      columns.length = known;
      for await (const { place, layers } of steps) columns[place] = layers;
      const atOnce = await load(model);
      const whole = atOnce.read(words(ids));
      assert.equal(whole.first, first);
      for await (const { place, layers } of whole.steps) assert.deepEqual(columns[place], layers);
      assert.equal(columns.length, ids.length);
      for (const text of [ids, [...ids.slice(1), 1]]) {
        const [one, other] = [await typed.logProbability(words(text), [2]), await atOnce.logProbability(words(text), [2])];
        near([one], [other], 1e-4, "nats");
      }
      await atOnce.release();
    }
  }
});

test("one more word of an unbounded text costs one step", async () => {
  const explainer = await load("unbounded");
  const words = [1, 2, 3, 4, 5].map((id) => ({ ids: [id] }));
  for await (const _ of explainer.read(words.slice(0, 4)).steps);
  const { kept, steps } = explainer.read(words);
  const places = [];
  for await (const { place } of steps) places.push(place);
  assert.deepEqual([kept, places], [4, [4]]);
});

test("an unknown cell shows no units, but still what mattered", async () => {
  const explainer = await load("quibble");
  const found = await explain(explainer, "the mouse moon");
  assert.ok(!explainer.showsUnits);
  assert.deepEqual(found.columns, [[], [], []]);
  const generator = await Generator.load(bytesIn("quibble"), { ort });
  const [{ word, probability }] = await generator.suggest("the mouse moon ", 1);
  assert.equal(found.nextWord, word);
  assert.ok(Math.abs(Math.exp(found.logProbability) - probability) < 1e-5);
  const all = await generator.suggest("mouse moon ", generator.info.dictionary.length);
  const without = all.find((one) => one.word === word).probability;
  assert.ok(Math.abs(found.lost[0] - Math.log(probability / without)) < 1e-4);
});

/** A conformance model with some of its bytes replaced, each given as Latin-1. */
function replaced(model, old, put) {
  const text = Buffer.from(bytesIn(model)).toString("latin1");
  assert.ok(text.includes(old));
  return new Uint8Array(Buffer.from(text.replaceAll(old, put), "latin1"));
}

const LINEAR = "linear_before_reset\x18"; // an attribute's name, and the tag of its value
for (const [model, old, put, what] of [
  ["unbounded", "W_0", "w_0", "weights of other names"],
  ["explained_gru", "W_0", "w_0", "weights of other names"],
  ["explained_rnn", "W_0", "w_0", "weights of other names"],
  ["explained_gru", `${LINEAR}\x01`, `${LINEAR}\x00`, "another attribute"],
]) {
  test(`the ${model} model shows no units with ${what}`, async () => {
    const explainer = await Explainer.load(replaced(model, old, put), { ort });
    assert.ok(!explainer.showsUnits);
    assert.equal((await explain(explainer, "the mouse moon")).lost.length, 3);
  });
}

test("the unknown word is never among the likeliest", async () => {
  const explainer = await load("unbounded");
  const words = explainer.words(["the", "mouse"]);
  const { length } = explainer.dictionary.words;
  const found = await explainer.likeliest(words, 99);
  assert.equal(found.length, length - 1);
  assert.ok(!found.some(({ path }) => path[0] === explainer.info.unknown));
});

const flows = JSON.parse(readFileSync(new URL("gradient_flow.json", HERE), "utf8"));
for (const { model, ids, following, ...norms } of flows) {
  test(`the gradients of the ${model} model reach as far back as in Python`, () => {
    const network = new Network(bytesIn(model));
    const found = gradientFlow(network, ids.map((row, place) => ({ ids: row, following: following[place] })));
    for (const [part, values] of Object.entries(found)) near(values, norms[part], 1e-4, part);
    assert.equal("cell" in found, "cell" in norms);
  });
}
