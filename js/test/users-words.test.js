/** What a keyboard keeps of its user: blocked words, undone corrections, words that were sent. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator } from "../nextword.js";

const HERE = new URL("../../tests/conformance/", import.meta.url);
const load = (name) => Generator.load(readFileSync(new URL(`${name}.onnx`, HERE)), { ort });
const lines = await load("lines");
const subwords = await load("subwords");

const put = (text, { replace, insert }) => text.slice(0, text.length - replace) + insert;
const parsed = async (keyboard) => JSON.parse(new TextDecoder().decode(await keyboard.save()));
const bytes = (saved) => Buffer.from(JSON.stringify(saved));

/** All words that would be put into the text, in lower case. */
async function offered(keyboard, text) {
  await keyboard.update(text);
  const found = [...(await keyboard.suggest(100)), await keyboard.correction()];
  return new Set(found.filter(Boolean).map(({ insert }) => insert.trim().toLowerCase()));
}

test("a word is blocked whatever its capitals, until it is forgotten", async () => {
  for (const generator of [lines, subwords]) {
    const keyboard = generator.keyboard();
    for (const text of ["the ", "the mou", "Mou", "MOU", "the mosue "]) {
      assert.ok((await offered(keyboard, text)).has("mouse"), text);
      await keyboard.block("Mouse");
      assert.ok(!(await offered(keyboard, text)).has("mouse"), text);
      await keyboard.forget("mouse");
    }
  }
});

test("a blocked word that is written is neither corrected nor learned", async () => {
  const keyboard = lines.keyboard();
  await keyboard.update("the Zorbik ");
  await keyboard.commit();
  for (const word of ["mouse", "zorbik"]) {
    await keyboard.block(word);
    await keyboard.update(`the ${word} `);
    assert.equal(await keyboard.correction(), null);
    await keyboard.commit();
    await keyboard.update("");
  }
  assert.deepEqual(keyboard.learned, {});
  assert.ok(!(await offered(keyboard, "the zor")).has("zorbik"));
  for (const [word, message] of [["", /1 to 64 characters; got 0/], ["x".repeat(1065), /got 1,065/]]) {
    await assert.rejects(keyboard.block(word), { name: "KeyboardError", message });
  }
});

test("corrections that are undone one after the other are never made again", async () => {
  const keyboard = lines.keyboard();
  const first = "the teh ";
  await keyboard.update(first);
  const corrected = put(first, await keyboard.correction());
  await keyboard.update(corrected);
  const second = `${corrected}mosue `;
  await keyboard.update(second);
  const both = put(second, await keyboard.correction());
  for (const text of [both, second, corrected, first]) await keyboard.update(text);
  assert.equal(await keyboard.correction(), null);
  await keyboard.update("the mosue ");
  assert.equal(await keyboard.correction(), null);
});

test("a word that is sent before it is finished counts once", async () => {
  const keyboard = lines.keyboard();
  await keyboard.update("the zorbik");
  for (let time = 0; time < 3; time++) await keyboard.commit();
  await keyboard.update("the zorbik ");
  await keyboard.commit();
  assert.deepEqual(keyboard.learned, { zorbik: 1 });
  for (const text of ["", "the zorbik"]) await keyboard.update(text);
  await keyboard.commit();
  assert.deepEqual(keyboard.learned, { zorbik: 2 });
});

test("a keyboard loads whatever it saves, and nothing that is damaged", async () => {
  const keyboard = lines.keyboard();
  await keyboard.block("\ud800");
  await keyboard.update("the \ud800x and ");
  await keyboard.commit();
  const saved = await parsed(keyboard);
  assert.deepEqual(await parsed(lines.keyboard({ saved: bytes(saved) })), saved);
  const [language] = saved.languages;
  const damaged = [
    { learned: { "\ud800x": 1 } },
    { languages: [{ ...language, cache: { ...language.cache, features: "####" } }] },
    { languages: [{ ...language, seen: 1e300 }] },
  ];
  for (const change of damaged) {
    assert.throws(() => lines.keyboard({ saved: bytes({ ...saved, ...change }) }), { name: "KeyboardError" });
  }
});

test("each call of a keyboard whose saved cache is too short reports it", async () => {
  const keyboard = lines.keyboard();
  await keyboard.update("the mouse ");
  const saved = await parsed(keyboard);
  saved.languages[0].cache.features = Buffer.from(new Uint16Array(2).buffer).toString("base64");
  const restored = lines.keyboard({ saved: bytes(saved) });
  for (const call of ["suggest", "save", "commit"]) {
    await assert.rejects(restored[call](), { name: "KeyboardError", message: /not a saved keyboard/ });
  }
});

test("no word is meant by very many letters", async () => {
  for (const generator of [lines, subwords]) {
    const keyboard = generator.keyboard();
    await keyboard.update(`the ${"x".repeat(40_000)}`);
    assert.deepEqual((await keyboard.suggest()).map(({ kind, replace }) => [kind, replace]), [["as typed", 40_000]]);
  }
});
