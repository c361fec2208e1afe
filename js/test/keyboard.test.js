import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator, Keyboard } from "../nextword.js";

const HERE = new URL("../../tests/conformance/", import.meta.url);
const load = (name) => Generator.load(readFileSync(new URL(`${name}.onnx`, HERE)), { ort });
const lines = await load("lines");
const unbounded = await load("unbounded");
const gru = await load("gru");
const quibble = await load("quibble");
const subwords = await load("subwords");

const put = (text, { replace, insert }) => text.slice(0, text.length - replace) + insert;
const words = (suggestions) => suggestions.map(({ word }) => word);

/** Pseudo-random numbers from 0 to below `most`, the same each time. */
function numbers(seed) {
  let state = seed;
  return (most) => {
    state = (state * 48271) % 2147483647;
    return state % most;
  };
}

test("suggestions depend on the text alone, not on how it was written", async () => {
  const pieces = ["the ", "cat ", "mouse, ", "mou", "teh ", "Kowalski ", "Kow", "\n", "(", "moon. ", "x", " ", "👍🏽", "世界", "e\u0301 "];
  for (let seed = 1; seed <= 25; seed++) {
    const next = numbers(seed * 7919);
    const make = () => [lines.keyboard(), Keyboard.of([gru, quibble]), subwords.keyboard()][seed % 3];
    const [keyboard, fresh] = [make(), make()];
    let text = "";
    for (let step = 0; step < 6; step++) {
      text = text.slice(0, next(text.length + 1)) + pieces[next(pieces.length)] + pieces[next(pieces.length)];
      await keyboard.update(text);
      await keyboard.suggest();
    }
    await fresh.update(text);
    assert.deepEqual(await keyboard.suggest(5), await fresh.suggest(5), JSON.stringify(text));
    assert.deepEqual(await keyboard.correction(), await fresh.correction());
  }
});

test("concurrent calls take effect in order, and of updates that wait only the last does", async () => {
  const [keyboard, fresh] = [lines.keyboard(), lines.keyboard()];
  const typed = [..."the cat mou"].map((_, place) => keyboard.update("the cat mou".slice(0, place + 1)));
  const early = keyboard.suggest(5);
  const other = keyboard.update("the cat (");
  const late = keyboard.suggest(5);
  assert.equal(typed[0], typed.at(-1));
  assert.notEqual(typed[0], other);
  await Promise.all([...typed, other]);
  await fresh.update("the cat mou");
  assert.deepEqual(await early, await fresh.suggest(5));
  await fresh.update("the cat (");
  assert.deepEqual(await late, await fresh.suggest(5));
});

test("a refused update does not stop the next", async () => {
  const keyboard = lines.keyboard();
  await assert.rejects(keyboard.update(3), { name: "PromptError", message: "the text must be a string; got number" });
  await assert.rejects(keyboard.suggest(0), { name: "CountError" });
  await assert.rejects(keyboard.block(), { name: "PromptError", message: "the word must be a string; got undefined" });
  await keyboard.update("the mou");
  assert.equal((await keyboard.suggest())[0].word, "mouse");
});

test("lengths are those of a text field, in UTF-16", async () => {
  const keyboard = lines.keyboard();
  const text = "👍🏽 𝓐 the 𝓐x";
  await keyboard.update(text);
  for (const suggestion of await keyboard.suggest(5)) {
    assert.equal(suggestion.replace, 3);
    assert.equal(put(text, suggestion), `👍🏽 𝓐 the ${suggestion.insert}`);
  }
  await keyboard.update("👍🏽 the 👍🏽 mosue, ");
  assert.equal(put("👍🏽 the 👍🏽 mosue, ", await keyboard.correction()), "👍🏽 the 👍🏽 mouse, ");
  await keyboard.update("abc \u0958"); // Unicode decomposes it
  assert.equal((await keyboard.suggest(1))[0].replace, 1);
});

test("a correction that was undone is never made again", async () => {
  const keyboard = lines.keyboard();
  for (const text of ["the mosue ", "the mouse ", "the mosue "]) {
    await keyboard.update(text);
    if (text === "the mosue ") await keyboard.correction();
  }
  assert.equal(await keyboard.correction(), null);
  const other = lines.keyboard({ saved: await keyboard.save() });
  await other.update("a mosue ");
  assert.equal(await other.correction(), null);
});

test("words are learned when the text is sent, and can be forgotten and blocked", async () => {
  const keyboard = unbounded.keyboard();
  await keyboard.update("The Kowalski ");
  assert.deepEqual(keyboard.learned, {});
  await keyboard.commit();
  await keyboard.commit();
  assert.deepEqual(keyboard.learned, { Kowalski: 1 });
  await keyboard.update("the ko");
  const [best] = await keyboard.suggest();
  assert.deepEqual([best.word, best.kind, best.insert], ["Kowalski", "learned", "Kowalski "]);
  await keyboard.forget("Kowalski");
  await keyboard.block("mouse");
  assert.deepEqual([keyboard.learned, keyboard.blocked], [{}, ["mouse"]]);
  await keyboard.update("the mou");
  assert.ok(!words(await keyboard.suggest(20)).includes("mouse"));
});

test("names of properties that every object has are words like any other", async () => {
  const keyboard = lines.keyboard();
  await keyboard.update("the __proto__ constructor ");
  await keyboard.commit();
  assert.deepEqual(Object.entries(keyboard.learned).sort(), [["__proto__", 1], ["constructor", 1]]);
  const other = lines.keyboard({ saved: await keyboard.save() });
  assert.deepEqual(other.learned, keyboard.learned);
});

test("the probabilities of all words and of new ones add up to one", async () => {
  const keyboard = unbounded.keyboard();
  await keyboard.update("the mouse the ");
  let known = 0;
  for (const word of unbounded.info.dictionary) if (word !== "<unk>") known += await keyboard.probability(word);
  const fresh = await keyboard.probability("Kowalski");
  assert.ok(known < 1 && fresh > 0 && known + fresh < 1, `${known} + ${fresh}`);
});

test("a long text that arrives at once is followed", async () => {
  const keyboard = lines.keyboard();
  await keyboard.update("the cat , mouse . ".repeat(500));
  assert.ok((await keyboard.suggest()).every(({ probability }) => probability > 0));
  const text = "the cat , mouse . ".repeat(100);
  const fresh = lines.keyboard({ adapts: false });
  const still = lines.keyboard({ adapts: false });
  await still.update("the cat , mouse . ".repeat(500));
  await still.update(`${text}mo`); // far back
  await fresh.update(`${text}mo`);
  assert.deepEqual(words(await still.suggest()), words(await fresh.suggest()));
});

test("with a model that knows subwords, every word has a probability, and an emoji has one by its bytes", async () => {
  const keyboard = subwords.keyboard();
  await keyboard.update("the mouse the ");
  for (const word of ["mouse", "themathematics", "Kowalski", "👍🏽", "世"]) {
    const found = await keyboard.probability(word);
    assert.ok(found > 0 && found < 1, word);
  }
  assert.ok((await keyboard.suggest(20)).every(({ word }) => !word.includes("👍")));
  await keyboard.update("the mosue 👍🏽 ");
  assert.equal(put("the mosue 👍🏽 ", await keyboard.correction()), "the mouse 👍🏽 ");
  await keyboard.update(`the ${"x".repeat(10_000)}`);
  assert.ok((await keyboard.suggest()).length > 0);
});

test("wrong settings are refused by name", async () => {
  assert.throws(() => lines.keyboard({ layouts: "qwerty" }), { name: "ArgumentError", message: /there is no option layouts/ });
  assert.throws(() => Keyboard.of([lines, {}]), { name: "ArgumentError", message: /generators/ });
  assert.throws(() => Keyboard.of(lines), { name: "ArgumentError", message: /generators/ });
  assert.throws(() => Keyboard.of([]), { name: "KeyboardError", message: /at least one/ });
  assert.throws(() => Keyboard.of([lines, unbounded]), { name: "KeyboardError", message: /lowercase/ });
  assert.throws(() => new Keyboard(), { name: "ArgumentError" });
  for (const saved of ["text", 1, new Uint8Array([255])]) {
    assert.throws(() => lines.keyboard({ saved }), { name: "KeyboardError", message: /not a saved keyboard/ });
  }
});

test("a blocked word that is newer than Unicode 14.0 stays as it is, as in Python", async () => {
  const keyboard = unbounded.keyboard();
  const word = "a\u{1E4EF}\u0327"; // two marks, which later versions of Unicode order otherwise
  assert.notEqual(word.normalize("NFC"), word);
  await keyboard.block(word);
  assert.deepEqual(keyboard.blocked, [word]);
});

test("a keyboard of a released model throws a ReleasedError", async () => {
  const generator = await load("lines");
  const keyboard = generator.keyboard();
  const asked = [keyboard.update("the "), keyboard.suggest()];
  await Promise.all(asked);
  await generator.release();
  for (const ask of [() => keyboard.update("the c"), () => keyboard.suggest(), () => keyboard.save(), () => generator.keyboard()]) {
    await assert.rejects(async () => ask(), { name: "ReleasedError" });
  }
});

test("a damaged cache is refused, but not that of another model", async () => {
  const keyboard = lines.keyboard();
  await keyboard.update("the bell . ");
  const saved = JSON.parse(new TextDecoder().decode(await keyboard.save()));
  const [{ cache }] = saved.languages;
  const restored = () => lines.keyboard({ saved: Buffer.from(JSON.stringify(saved)) });
  for (const change of [{ entries: [-1] }, { entries: ["the"] }, { entries: Array(501).fill(0) }, { features: "AAAA" }, { features: "é" }]) {
    saved.languages[0].cache = { ...cache, ...change };
    await assert.rejects(async () => restored().update("the "), { name: "KeyboardError", message: /not a saved keyboard/ });
  }
  saved.languages[0].cache = { ...cache, file: "another" };
  assert.ok(!("cache" in JSON.parse(new TextDecoder().decode(await restored().save())).languages[0]));
});
