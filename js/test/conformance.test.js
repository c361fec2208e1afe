// The tables that all languages must agree on, written by Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { DynamicEvaluation } from "../learning.js";
import { Generator, Keyboard, NextwordError, clusters, draw, join, metadataOf, split, uniform } from "../nextword.js";
import { half } from "../nextword/half.js";
import { WordFilter } from "../nextword/word-filter.js";
import { SubwordDictionary } from "../nextword/subwords.js";
import { UNICODE } from "../nextword/unicode.js";

const HERE = new URL("../../tests/conformance/", import.meta.url);
const table = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, HERE), "utf8"));
const bytesIn = (name) => new Uint8Array(readFileSync(new URL(name, HERE)));
const load = (name) => Generator.load(readFileSync(new URL(`${name}.onnx`, HERE)), { ort });
const loadLearning = (name) => {
  return DynamicEvaluation.load(bytesIn(`${name}.train.onnx`), { ort, model: bytesIn(`${name}.onnx`) });
};
const camel = (text) => text.replace(/_([a-z\d])/g, (_, letter) => letter.toUpperCase());
const inCamel = (knobs) => Object.fromEntries(Object.entries(knobs).map(([name, value]) => [camel(name), value]));
const near = (found, expected, tolerance) =>
  assert.ok(Math.abs(found - expected) <= tolerance * Math.abs(expected), `${found} is not near ${expected}`);

const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64"));
const suggests = (found, expected) => {
  assert.deepEqual(found.map(({ word }) => word), expected.map(([word]) => word));
  found.forEach(({ probability }, place) => near(probability, expected[place][1], 1e-3));
};
const inCache = ([cacheSize, cacheWeight, cacheFlatness]) => ({ cacheSize, cacheWeight, cacheFlatness });

async function check(wanted, ask, compare) {
  if (!wanted.error) return compare(await ask(), wanted.result);
  await assert.rejects(async () => ask(), (error) => {
    assert.ok(error instanceof NextwordError);
    assert.equal(error.name, wanted.error);
    assert.equal(error.message, wanted.error === "SamplingError" ? camel(wanted.message) : wanted.message);
    return true;
  });
}

test("words are split and joined as in Python", () => {
  for (const { text, split_by, lowercase, line_ends, words, joined } of table("words")) {
    assert.deepEqual(split(text, split_by, lowercase, line_ends), words);
    assert.equal(join(words, split_by, line_ends), joined);
  }
});

test("filters of words have the same words as in Python", () => {
  for (const { words, filter: text, has } of table("word_filters")) {
    const filter = WordFilter.from(text);
    assert.deepEqual(Object.fromEntries(Object.keys(has).map((word) => [word, filter.has(word)])), has);
    for (const word of words) filter.add(word);
    assert.equal(filter.text, text);
    for (const word of Object.keys(has)) filter.add(word);
    assert.ok(Object.keys(has).every((word) => filter.has(word)));
  }
  for (const bad of ["", "AAAA", "not base64", btoa("\0".repeat(24)), " " + btoa("\0".repeat(8))]) {
    assert.equal(WordFilter.from(bad), null);
  }
});

test("clusters are those of Python, and of Intl where it has the same Unicode", () => {
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
  const isSame = process.versions.unicode === UNICODE;
  for (const { text, clusters: expected } of table("clusters")) {
    assert.deepEqual(clusters(text), expected);
    if (isSame) assert.deepEqual(Array.from(segmenter.segment(text), ({ segment }) => segment), expected);
  }
});

test("marked words are cut into the same subwords as in Python, and make up the same words", () => {
  const dictionary = new SubwordDictionary(JSON.parse(metadataOf(bytesIn("subwords.onnx")).dictionary));
  for (const { words, spelt } of table("subwords").split) assert.deepEqual(dictionary.spelt(words), spelt);
});

test("the same number draws the same word", () => {
  const cases = table("sampling");
  for (const { seed, step, number } of cases.uniform) assert.equal(uniform(seed, step), number);
  for (const { logits, number, temperature, top_k, top_p, id } of cases.draws) {
    assert.equal(draw(Float32Array.from(logits), number, temperature, top_k, top_p), id);
  }
});

for (const model of ["fixed", "unbounded", "lines", "characters", "gru", "feedforward", "quibble", "subwords", "subwords_fixed"]) {
  test(`the ${model} model generates, suggests and scores as in Python`, async () => {
    const generator = await load(model);
    const cases = table(model);
    for (const one of cases.generate) {
      await check(one, () => generator.generate(one.prompt, one.words, inCamel(one.sampling)), assert.equal);
    }
    for (const one of cases.suggest) {
      await check(one, () => generator.suggest(one.prompt, one.n), suggests);
    }
    for (const one of cases.score) {
      await check(one, () => generator.score(one.text), (found, expected) => near(found.logProbability, expected, 1e-4));
    }
  });

  // An unknown cell has no text graph.
  if (model === "quibble") continue;
  test(`the ${model} text graph writes the same in one call`, async () => {
    const session = await ort.InferenceSession.create(readFileSync(new URL(`${model}.text.onnx`, HERE)));
    const scalar = (kind, value) => new ort.Tensor(kind, [kind === "int64" ? BigInt(value) : value], []);
    for (const { prompt, words, sampling, result, error } of table(model).generate) {
      const inGraph = ["temperature", "top_k", "top_p", "seed"];
      if (error === "SamplingError" || Object.keys(sampling).some((name) => !inGraph.includes(name))) continue;
      const { text } = await session.run({
        prompt: new ort.Tensor("string", [prompt], [1]),
        max_words: scalar("int64", words),
        temperature: scalar("float32", sampling.temperature ?? 0),
        top_k: scalar("int64", sampling.top_k ?? 0),
        top_p: scalar("float32", sampling.top_p ?? 1),
        seed: scalar("int64", sampling.seed ?? 0),
      });
      assert.equal(text.data[0], result ?? prompt);
    }
  });
}

test("errors have Python's messages", async () => {
  const generator = await load("fixed");
  const cases = table("errors");
  const asked = {
    score: ({ text }) => generator.score(text),
    suggest: ({ prompt }) => generator.suggest(prompt),
    generate: ({ sampling }) => generator.generate("the", 3, inCamel(sampling)),
    samples: ({ n, words }) => generator.samples("the", n, words),
    session: ({ cache }) => generator.session(inCache(cache)),
    layout: ({ layout }) => generator.keyboard({ layout }),
    saved: ({ saved }) => generator.keyboard({ saved: Buffer.from(saved) }),
    keyboard: ({ n }) => generator.keyboard().suggest(n),
  };
  assert.deepEqual(Object.keys(asked), Object.keys(cases));
  for (const [name, ask] of Object.entries(asked)) {
    for (const one of cases[name]) await check(one, () => ask(one), () => assert.fail());
  }
});

for (const { model, cache, text, undone, more, suggest, completed, saved } of table("sessions")) {
  test(`a session of ${model} with a cache of ${cache[0]} words is Python's, and so is its file`, async () => {
    const generator = await load(model);
    const fed = generator.session(inCache(cache));
    await fed.feed(text);
    for (const word of undone) assert.equal(await fed.undo(), word);
    if (more) await fed.feed(more);
    const resumed = await generator.resume(bytesOf(saved));
    for (const session of [fed, resumed]) {
      suggests(await session.suggest(5), suggest);
      suggests(await session.suggest(5, "m"), completed);
    }
    assert.deepEqual(await resumed.save(), bytesOf(saved));
    assert.equal((await fed.save()).length, bytesOf(saved).length);
  });
}

for (const one of table("evaluation")) {
  const { model, learns, cache, text } = one;
  const name = `${JSON.stringify(text.slice(0, 20))} (${text.length}) with a cache of ${cache[0]} words`;
  test(`the ${model} model is as good on ${name} as in Python`, async () => {
    const reader = await (learns ? loadLearning : load)(model);
    await check(one, () => reader.evaluate(text, inCache(cache)), (found, expected) => {
      const inJavaScript = inCamel(expected);
      assert.deepEqual(Object.keys(found), Object.keys(inJavaScript));
      // The third digit of what an int8 graph computes depends on the CPU.
      const tolerance = model.endsWith("int8") ? 0.05 : 1e-5;
      for (const [figure, value] of Object.entries(inJavaScript)) {
        assert.ok(Math.abs(found[figure] - value) <= tolerance * Math.max(1, value), `${figure}: ${found[figure]} ${value}`);
      }
    });
  });
}

for (const { model, prompt, more, generate, suggest, score, session, undone } of table("cells")) {
  test(`${model} writes and expects what it does in Python, and reads alike in every way`, async () => {
    const generator = await load(`cells/${model}`);
    // The third digit of what an int8 graph computes depends on the CPU.
    const tolerance = model.endsWith("int8") ? 0.05 : 1e-4;
    const size = suggest.length;
    const expects = (found, expected) => {
      const wanted = new Map(expected);
      assert.equal(found.length, wanted.size);
      for (const { word, probability } of found) {
        assert.ok(Math.abs(probability - wanted.get(word)) < tolerance, `${word}: ${probability} ${wanted.get(word)}`);
      }
    };
    for (const { sampling, text } of generate) {
      assert.equal(await generator.generate(prompt, 12, inCamel(sampling)), text);
    }
    const atOnce = await generator.suggest(prompt, size);
    expects(atOnce, suggest);
    near((await generator.score(prompt + more)).logProbability, score, tolerance);
    const fed = generator.session({ cacheSize: 3, cacheWeight: 0.25 });
    await fed.feed(prompt + more);
    expects(await fed.suggest(size), session);
    for (let word = 0; word < 2; word++) await fed.undo();
    const resumed = await generator.resume(await fed.save());
    for (const one of [fed, resumed]) expects(await one.suggest(size), undone);
    const typed = generator.session();
    for (const word of prompt.trim().split(" ")) await typed.feed(word);
    const byWord = await typed.suggest(size);
    if (/^lstm.*int8$/.test(model)) assert.deepEqual(byWord, atOnce);
    else expects(byWord, suggest);
    const knobs = { temperature: 1.5, seed: 7 };
    const samples = await generator.samples(prompt, 3, 12, knobs);
    for (const [place, text] of samples.entries()) {
      assert.equal(text, await generator.generate(prompt, 12, { ...knobs, seed: knobs.seed + place }));
    }
  });
}

/** Compares suggestions with a table's, probabilities to 3 digits. */
const offers = (found, expected) => {
  const rest = ({ probability, ...others }) => others;
  assert.deepEqual(found.map(rest), expected.map(rest));
  found.forEach(({ probability }, place) => near(probability, expected[place].probability, 1e-3));
};

const halves = (text) => Array.from(new Uint16Array(new Uint8Array(Buffer.from(text, "base64")).buffer), half);

for (const { models, settings, steps, saved, restored } of table("keyboard")) {
  test(`a keyboard of ${models.join(" and ")} suggests the same as Python's, and saves the same file`, async () => {
    const generators = await Promise.all(models.map(load));
    const keyboard = Keyboard.of(generators, settings);
    for (const { do: what, text, suggestions, correction, learned, blocked } of steps) {
      await keyboard[what](text);
      offers(await keyboard.suggest(5), suggestions);
      offers([await keyboard.correction()].filter(Boolean), [correction].filter(Boolean));
      assert.deepEqual([keyboard.learned, keyboard.blocked], [learned, blocked]);
    }
    const { languages, ...words } = JSON.parse(new TextDecoder().decode(await keyboard.save()));
    const { format, learned, blocked, kept, recent } = saved;
    assert.deepEqual(words, { format, learned, blocked, kept, recent });
    languages.forEach(({ bias, cache, ...numbers }, place) => {
      const { bias: wanted, cache: wantedCache, ...others } = saved.languages[place];
      const { features = "", ...entries } = cache ?? {};
      const { features: wantedFeatures = "", ...wantedEntries } = wantedCache ?? {};
      assert.deepEqual(entries, wantedEntries);
      const [own, python] = [features, wantedFeatures].map(halves);
      assert.equal(own.length, python.length);
      own.forEach((value, at) => assert.ok(Math.abs(value - python[at]) <= 2e-3 * Math.abs(python[at]) + 1e-4));
      assert.deepEqual(Object.keys(bias), Object.keys(wanted));
      for (const [word, value] of Object.entries(bias)) assert.ok(Math.abs(value - wanted[word]) <= 2e-3, word);
      for (const [name, value] of Object.entries(numbers)) near(value, others[name], 1e-3);
    });
    const again = Keyboard.of(generators, { ...settings, saved: Buffer.from(JSON.stringify(saved)) });
    assert.deepEqual(JSON.parse(new TextDecoder().decode(await again.save())), saved);
    await again.update("the m");
    offers(await again.suggest(5), restored);
  });
}

test("a bad file is refused with the same message as in Python", async () => {
  for (const { name, base, splices, error, message } of table("bad_files")) {
    const whole = readFileSync(new URL(base, HERE));
    const parts = [];
    let place = 0;
    for (const [start, end, inserted] of splices) {
      parts.push(whole.subarray(place, start), bytesOf(inserted));
      place = end;
    }
    const bytes = Buffer.concat([...parts, whole.subarray(place)]);
    await assert.rejects(Generator.load(bytes, { ort }), (found) => {
      assert.equal(found.name, error, name);
      // Some versions of onnxruntime notice by themselves that a graph does not return what it declares.
      const isSeen = message.startsWith("outputs") && found.message.startsWith("the file cannot be loaded");
      assert.ok(isSeen || found.message.startsWith(`the file ${message}`), `${name}: ${found.message}`);
      return true;
    });
  }
});
