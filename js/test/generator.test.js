import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator, metadataOf } from "../nextword.js";

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

test("errors of a stream are thrown before the first piece", () => {
  assert.throws(() => generator.stream("the mouze"), { name: "UnknownWordError" });
  assert.throws(() => generator.stream("the", 0), { name: "CountError" });
});

test("an unknown word brings its neighbours", async () => {
  await assert.rejects(generator.generate("the mouze"), (error) => {
    assert.deepEqual([error.word, error.neighbours], ["mouze", ["mouse"]]);
    return true;
  });
});

test("without a seed each time is another", async () => {
  const one = await generator.generate("the", 40, { temperature: 3 });
  assert.notEqual(one, await generator.generate("the", 40, { temperature: 3 }));
});

test("odd text is answered or refused, never wrong", async () => {
  for (const odd of ["\ud800", "\u202ethe", "the\u0301", "\0"]) {
    await rejects(() => generator.generate(`the ${odd}`), "UnknownWordError", /is not in the dictionary/);
  }
  await rejects(() => generator.generate("\u2003\u00a0"), "PromptError", /no words; give at least one/);
  const long = "the mouse ".repeat(500_000);
  assert.equal((await generator.generate(long, 2)).slice(0, long.length), long);
});

test("knobs that are wrong say what is allowed", async () => {
  await rejects(() => generator.generate("the", 3, { topk: 3 }), "SamplingError", /topk is no knob; there are temperature, topK/);
  await rejects(() => generator.generate("the", 3, { temperature: NaN }), "SamplingError", /from 0 to 100; got NaN/);
  await rejects(() => generator.generate("the", 3, { temperature: 1, seed: 1.5 }), "SamplingError", /whole number; got 1.5/);
  await rejects(() => generator.generate("the", 1.5), "CountError", /words must be a whole number; got 1.5/);
});

test("the file says what it is", () => {
  assert.equal(generator.info.context, 3);
  assert.equal(generator.info.dictionary[3], "mouse");
  assert.equal(metadataOf(bytesOf("fixed.onnx")).format, "nextword/2");
});

test("a file of the format before, which gives out no features, writes what it wrote", async () => {
  const older = await Generator.load(bytesOf("format-1.onnx"), { ort });
  assert.equal(metadataOf(bytesOf("format-1.onnx")).format, "nextword/1");
  assert.equal(await older.generate("the mouse", 12), await generator.generate("the mouse", 12));
});

test("a file that cannot be loaded says why", async () => {
  const whole = bytesOf("fixed.onnx");
  const load = (bytes) => () => Generator.load(bytes, { ort });
  await rejects(load(new Uint8Array()), "ModelFileError", /not a nextword model/);
  await rejects(load(whole.slice(0, 900)), "ModelFileError", /not an ONNX model, or not all of it/);
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
