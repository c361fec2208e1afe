import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator, NextwordError, metadataOf } from "../nextword.js";

const HERE = new URL("../../tests/conformance/", import.meta.url);
const bytesOf = (name) => new Uint8Array(readFileSync(new URL(name, HERE)));
const generator = await Generator.load(bytesOf("fixed.onnx"), { ort });

const rejects = (ask, name, message) => assert.rejects(async () => ask(), { name, message });

test("a stream adds up to what generate gives", async () => {
  const pieces = [];
  for await (const piece of generator.stream("the mouse", 9, { temperature: 1, seed: 5 })) pieces.push(piece);
  assert.equal(pieces.length, 9);
  assert.equal(`the mouse${pieces.join("")}`, await generator.generate("the mouse", 9, { temperature: 1, seed: 5 }));
});

test("a model that knows subwords streams whole words, and knows every text", async () => {
  const spelling = await Generator.load(bytesOf("subwords.onnx"), { ort });
  const knobs = { temperature: 1, seed: 5 };
  for (const prompt of ["the mouze ", "zebra 日本\ud800"]) {
    const pieces = [];
    for await (const piece of spelling.stream(prompt, 9, knobs)) pieces.push(piece);
    assert.equal(pieces.length, 9);
    assert.equal(prompt + pieces.join(""), await spelling.generate(prompt, 9, knobs));
  }
  const { perWord, logProbability } = await spelling.score("the mouze, 世界");
  assert.deepEqual(perWord.map(({ word }) => word), ["mouze", ",", "世界"]);
  assert.ok(Math.abs(perWord.reduce((sum, one) => sum + one.logProbability, 0) - logProbability) < 1e-9);
});

/** A number as a protocol buffer writes it. */
const varint = (number) => (number < 128 ? [number] : [(number & 127) | 128, ...varint(number >> 7)]);

/** An ONNX file whose values have other names, which stand in its graph, there in nodes, inputs and outputs. */
function renamed(bytes, names, within = [[7], [1, 11, 12], []]) {
  let place = 0;
  const next = () => {
    let number = 0;
    for (let shift = 0, byte = 128; byte & 128; shift += 7) number |= ((byte = bytes[place++]) & 127) << shift;
    return number;
  };
  const found = [];
  while (place < bytes.length) {
    const [tag, number] = [next(), next()];
    if (tag % 8 === 0) {
      found.push(...varint(tag), ...varint(number));
      continue;
    }
    let part = bytes.subarray(place, (place += number));
    if (within[0].includes(tag >> 3)) part = renamed(part, names, within.slice(1));
    else if (within.length === 1) part = Buffer.from(names.get(String(Buffer.from(part))) ?? part);
    found.push(...varint(tag), ...varint(part.length), ...part);
  }
  return new Uint8Array(found);
}

test("a state may have any name", async () => {
  const bytes = bytesOf("quibble.onnx");
  const pairs = Object.entries({ trace: "__proto__", clock: "toString" });
  const names = new Map(pairs.flatMap(([old, name]) => [[old, name], [`next_${old}`, `next_${name}`]]));
  const [one, other] = await Promise.all([bytes, renamed(bytes, names)].map((file) => Generator.load(file, { ort })));
  const knobs = { temperature: 1, seed: 5 };
  assert.deepEqual(await other.samples("the mouse", 2, 9, knobs), await one.samples("the mouse", 2, 9, knobs));
  const [session, same] = [one.session(), other.session()];
  for (const each of [session, same]) await each.feed("the mouse");
  const resumed = await other.resume(await same.save());
  assert.deepEqual(await resumed.suggest(5), await session.suggest(5));
});

test("errors of a stream are thrown before the first piece", () => {
  assert.throws(() => generator.stream("the mouze"), { name: "UnknownWordError" });
  assert.throws(() => generator.stream("the", 0), { name: "CountError" });
});

test("an error for an unknown word names its neighbours", async () => {
  await assert.rejects(generator.generate("the mouze"), (error) => {
    assert.deepEqual([error.word, error.neighbours], ["mouze", ["mouse"]]);
    return true;
  });
});

test("without a seed each text is different", async () => {
  const one = await generator.generate("the", 40, { temperature: 3 });
  assert.notEqual(one, await generator.generate("the", 40, { temperature: 3 }));
});

test("odd text is either continued or refused, never garbled", async () => {
  for (const odd of ["\ud800", "\u202ethe", "the\u0301", "\0"]) {
    await rejects(() => generator.generate(`the ${odd}`), "UnknownWordError", /is not in the dictionary/);
  }
  await rejects(() => generator.generate("\u2003\u00a0"), "PromptError", /no words; give at least one/);
  const long = "the mouse ".repeat(500_000);
  assert.equal((await generator.generate(long, 2)).slice(0, long.length), long);
});

test("errors for wrong settings say what is allowed", async () => {
  await rejects(() => generator.generate("the", 3, { topk: 3 }), "SamplingError", /there is no knob topk; use one of temperature, topK/);
  await rejects(() => generator.generate("the", 3, { temperature: NaN }), "SamplingError", /from 0 to 100; got NaN/);
  await rejects(() => generator.generate("the", 3, { temperature: 1, seed: 1.5 }), "SamplingError", /whole number; got 1.5/);
  await rejects(() => generator.generate("the", 1.5), "CountError", /words must be a whole number; got 1.5/);
});

test("undefined counts as left out, and a plain string as one", async () => {
  const left = { stop: undefined, banned: undefined, seed: undefined, temperature: undefined };
  assert.equal(await generator.generate("the mouse", 9, left), await generator.generate("the mouse", 9));
  const all = { temperature: 2, seed: 4 };
  assert.equal(
    await generator.generate("the", 9, { ...all, stop: "mouse", banned: "cat" }),
    await generator.generate("the", 9, { ...all, stop: ["mouse"], banned: ["cat"] }),
  );
});

test("arguments of the wrong type are refused by name", async () => {
  const { generate, samples, suggest, scoreAll } = Object.fromEntries(
    ["generate", "samples", "suggest", "scoreAll"].map((name) => [name, (...given) => () => generator[name](...given)]),
  );
  for (const text of [undefined, null, 3, ["the"], new Uint8Array(3)]) {
    await rejects(generate(text), "PromptError", /the text must be a string; got/);
    await rejects(suggest(text), "PromptError", /the text must be a string; got/);
  }
  await rejects(generate("the", "3"), "CountError", /words must be a number; got string/);
  await rejects(generate("the", 10n), "CountError", /words must be a number; got bigint/);
  await rejects(generate("the", 1e300), "CountError", /words must be from 1 to 1,000,000; got 1e\+300/);
  await rejects(suggest("the", true), "CountError", /n must be a number; got boolean/);
  await rejects(samples("the", 0, 3), "CountError", /samples must be from 1 to 1,024; got 0/);
  await rejects(scoreAll(["the mouse the cat", 3]), "PromptError", /texts must be strings; got number/);
  await rejects(generate("the", 3, null), "SamplingError", /knobs must be an object; got null/);
  for (const name of ["toString", "constructor", "__proto__"]) {
    const knobs = JSON.parse(`{ "${name}": 1 }`);
    await rejects(generate("the", 3, knobs), "SamplingError", new RegExp(`there is no knob ${name}; use one of temperature`));
  }
  await rejects(generate("the", 3, { temperature: "1" }), "SamplingError", /temperature must be a number; got string/);
  await rejects(generate("the", 3, { topK: null }), "SamplingError", /topK must be a number; got null/);
  await rejects(generate("the", 3, { stop: 3 }), "SamplingError", /stop must be strings; got number/);
  await rejects(generate("the", 3, { banned: [undefined] }), "SamplingError", /banned must be strings; got undefined/);
  await rejects(generate("the", 3, {}, { signal: 3 }), "ArgumentError", /signal must be an AbortSignal/);
  await rejects(() => generator.session({ size: 3 }), "SamplingError", /there is no option size; use one of cacheSize/);
  assert.throws(() => new Generator(), { name: "ArgumentError", message: /create a generator with Generator.load/ });
});

test("a model is loaded from bytes of any kind, a Blob, a Response or a URL", async (context) => {
  const bytes = bytesOf("fixed.onnx");
  const padded = new Uint8Array(bytes.length + 3);
  padded.set(bytes, 3);
  const address = "https://example.org/nextword.onnx";
  context.mock.method(globalThis, "fetch", async (url) => {
    if (String(url) === address) return new Response(bytes);
    if (String(url).endsWith("missing")) return new Response("", { status: 404, statusText: "Not Found" });
    throw new TypeError("fetch failed");
  });
  for (const source of [
    ...[bytes.buffer, new DataView(padded.buffer, 3), padded.subarray(3), Buffer.from(bytes)],
    ...[new Blob([bytes]), new File([bytes], "m.onnx"), new Response(bytes), address, new URL(address)],
  ]) {
    assert.equal((await Generator.load(source, { ort })).info.context, 3);
  }
  const load = (source, options = { ort }) => () => Generator.load(source, options);
  await rejects(load(`${address}.missing`), "ModelFileError", `${address}.missing cannot be read: 404 Not Found`);
  await rejects(load("https://elsewhere"), "ModelFileError", "https://elsewhere cannot be read: fetch failed");
  await rejects(load(new File(["x"], "m.onnx")), "ModelFileError", /^m\.onnx is not an ONNX model/);
  for (const source of [undefined, null, 3, {}, [1, 2]]) {
    await rejects(load(source), "ModelFileError", /a model must be bytes, a Blob, a Response or a URL; got/);
  }
  for (const options of [undefined, {}, { ort: undefined }, { ort: {} }]) {
    await rejects(() => Generator.load(bytes, options), "ArgumentError", /ort must be the module onnxruntime-web or/);
  }
  await rejects(load(bytes, { ORT: ort }), "ArgumentError", /there is no option ORT; use one of ort/);
});

test("a stream lets the event loop run, and ends when it is aborted", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++);
  await generator.generate("the mouse", 2000);
  clearInterval(timer);
  assert.ok(turns > 5, `${turns} turns`);

  const pieces = [];
  const stream = generator.stream("the mouse", 1_000_000, {}, { signal: AbortSignal.timeout(20) });
  await assert.rejects(async () => {
    for await (const piece of stream) pieces.push(piece);
  }, { name: "TimeoutError" });
  assert.ok(pieces.length > 0 && pieces.length < 100_000);
  await assert.rejects(generator.generate("the", 3, {}, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("samples are what generate gives with successive seeds", async () => {
  const knobs = { temperature: 1.5, seed: 2 ** 31 - 3, topK: 9 };
  assert.deepEqual(await generator.samples("the mouse", 3, 9, knobs), [
    await generator.generate("the mouse", 9, knobs),
    await generator.generate("the mouse", 9, { ...knobs, seed: 2 ** 31 - 2 }),
    await generator.generate("the mouse", 9, { ...knobs, seed: 0 }),
  ]);
});

test("an evaluation agrees with predicting each word separately", async () => {
  const words = "the mouse , the cat . mice the mouse the cat , the mice the mouse".split(" ");
  const { words: count, perplexity, accuracy, top3Accuracy } = await generator.evaluate(words.join(" "));
  const ranks = [];
  for (let place = 3; place < words.length; place++) {
    const likeliest = await generator.suggest(`${words.slice(0, place).join(" ")} `, generator.info.dictionary.length);
    ranks.push(likeliest.findIndex(({ word }) => word === words[place]));
  }
  const share = (isCounted) => ranks.filter(isCounted).length / ranks.length;
  assert.equal(count, ranks.length);
  assert.equal(accuracy, share((rank) => rank === 0));
  assert.equal(top3Accuracy, share((rank) => rank < 3));
  assert.ok(Math.abs(perplexity - (await generator.score(words.join(" "))).perplexity) < 1e-5 * perplexity);
});

test("a text that cannot be evaluated is refused, and settings of the cache are checked", async () => {
  for (const text of [undefined, null, 3, ["the"], new Uint8Array(3)]) {
    await rejects(() => generator.evaluate(text), "PromptError", /the text must be a string; got/);
  }
  for (const text of ["", " \n", "the mouse the"]) {
    await rejects(() => generator.evaluate(text), "PromptError", /too few words to evaluate; give at least 4/);
  }
  await rejects(() => generator.evaluate("the mouze the cat"), "UnknownWordError", /nearest: mouse/);
  await rejects(() => generator.evaluate("the", { cacheSize: 5 }), "SamplingError", /have no effect without each other/);
  await rejects(() => generator.evaluate("the", { size: 5 }), "SamplingError", /there is no option size; use one of cacheSize/);
});

test("the event loop runs while a text is evaluated", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++);
  await generator.evaluate("the mouse . ".repeat(5_000));
  clearInterval(timer);
  assert.ok(turns > 5, `${turns} turns`);
});

test("several texts get the scores that each gets alone", async () => {
  const texts = ["the mouse the cat", "the cat , the mouse", "mice the mouse the"];
  assert.deepEqual(await generator.scoreAll(texts), await Promise.all(texts.map((text) => generator.score(text))));
});

test("a released model throws a ReleasedError", async () => {
  const released = await Generator.load(bytesOf("unbounded.onnx"), { ort });
  const session = released.session();
  await session.feed("the");
  const going = released.stream("the mouse", 100);
  await going.next();
  const reading = released.suggest("the mouse the cat");
  await Promise.all([released.release(), released.release(), released[Symbol.asyncDispose]()]);
  assert.equal((await reading).length, 3);
  const message = /the model has been released; load it again/;
  await rejects(() => going.next(), "ReleasedError", message);
  await rejects(() => released.generate("the"), "ReleasedError", message);
  await rejects(() => released.evaluate("the mouse"), "ReleasedError", message);
  await rejects(() => session.suggest(), "ReleasedError", message);
});

test("a file says what it is", () => {
  assert.equal(generator.info.context, 3);
  assert.equal(generator.info.dictionary[3], "mouse");
  assert.equal(metadataOf(bytesOf("fixed.onnx")).format, "nextword/2");
});

test("a file of the previous format, which does not output features, still writes the same text", async () => {
  const older = await Generator.load(bytesOf("format-1.onnx"), { ort });
  assert.equal(metadataOf(bytesOf("format-1.onnx")).format, "nextword/1");
  assert.equal(await older.generate("the mouse", 12), await generator.generate("the mouse", 12));
});

test("a file that cannot be loaded says why", async () => {
  const whole = bytesOf("fixed.onnx");
  const load = (bytes) => () => Generator.load(bytes, { ort });
  await rejects(load(new Uint8Array()), "ModelFileError", /is empty; copy or export it again/);
  await rejects(load(whole.slice(0, 900)), "ModelFileError", /not an ONNX model: damaged, cut short/);
  await rejects(load(new TextEncoder().encode("hello")), "ModelFileError", /not an ONNX model/);
  await rejects(load(bytesOf("fixed.text.onnx")), "ModelFileError", /is a text graph.*load the step graph/);
  for (let length = 0; length < whole.length; length += 97) {
    await assert.rejects(load(whole.slice(0, length)), { name: "ModelFileError" });
  }
  const other = whole.slice();
  const at = new TextDecoder("latin1").decode(whole).indexOf("nextword/2");
  other[at + 9] = "7".charCodeAt(0);
  await rejects(load(other), "ModelFileError", /the file has nextword\/7, which this version cannot read; install a newer nextword/);
});
