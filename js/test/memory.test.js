// The memory that a model takes is freed. WebAssembly's memory only ever grows, so its size shows the most that was
// needed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator } from "../nextword.js";

// onnxruntime creates its memory when it is first used.
const memories = [];
const { Memory } = WebAssembly;
WebAssembly.Memory = function (...given) {
  memories.push(new Memory(...given));
  return memories.at(-1);
};
const megabytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength / 2 ** 20, 0);

/** A model of more than a megabyte: its metadata has one extra value, which onnxruntime keeps. */
function largeModel() {
  const whole = readFileSync(new URL("../../tests/conformance/quibble.onnx", import.meta.url));
  const length = (number) => [number % 128 | 128, (number >> 7) % 128 | 128, number >> 14]; // a varint of 3 bytes
  const value = Buffer.alloc(2 ** 20, "x");
  const entry = Buffer.concat([Uint8Array.of(10, 1, 122, 18, ...length(value.length)), value]); // key "z", value
  return Buffer.concat([whole, Uint8Array.of(114, ...length(entry.length)), entry]);
}

test("fifty models, loaded and released one after the other, take the memory of one", async () => {
  const bytes = largeModel();
  const load = async () => {
    const generator = await Generator.load(bytes, { ort });
    await generator.generate("the mouse", 3);
    return generator;
  };
  await (await load()).release();
  const first = megabytes();
  for (let number = 1; number < 50; number++) await (await load()).release();
  assert.ok(first > 0 && megabytes() - first < 10, `${first} MB grow to ${megabytes()} MB`);
  for (let number = 0; number < 20; number++) await load();
  assert.ok(megabytes() - first > 10, `kept models would be seen: ${first} MB, then ${megabytes()} MB`);
});
