import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator } from "../nextword.js";

const load = (name) => Generator.load(readFileSync(new URL(`../../tests/conformance/${name}.onnx`, import.meta.url)), { ort });
const rejects = (ask, name, message) => assert.rejects(async () => ask(), { name, message });
const CACHE = { cacheSize: 4, cacheWeight: 0.3 };

for (const model of ["fixed", "gru", "subwords"]) {
  const generator = await load(model);

  test(`a session of the ${model} model suggests what the whole text suggests`, async () => {
    const session = generator.session();
    for (const word of ["the", "mouse", "cat", "the"]) await session.feed(word);
    const expected = await generator.suggest("the mouse cat the ", 5);
    const found = await session.suggest(5);
    assert.deepEqual(found.map(({ word }) => word), expected.map(({ word }) => word));
    found.forEach(({ probability }, place) => assert.ok(Math.abs(probability - expected[place].probability) < 1e-5));
  });

  test(`after undo in a session of the ${model} model it is as if a word had never been fed`, async () => {
    for (const cache of [{}, CACHE]) {
      const session = generator.session(cache);
      await session.feed("the mouse the cat");
      const before = await session.suggest(9);
      await session.feed("mice , the");
      assert.deepEqual([await session.undo(), await session.undo(), await session.undo()], ["the", ",", "mice"]);
      assert.deepEqual(await session.suggest(9), before);
      const other = generator.session(cache);
      for (const one of [session, other]) await one.feed(one === other ? "the mouse the cat moon" : "moon");
      assert.deepEqual(await session.suggest(9), await other.suggest(9));
    }
  });

  test(`128 words of the ${model} model can be undone, and no more`, async () => {
    const session = generator.session(CACHE);
    await session.feed("the cat");
    const before = await session.suggest(9);
    await session.feed("mouse ".repeat(128));
    for (let number = 0; number < 128; number++) assert.equal(await session.undo(), "mouse");
    assert.deepEqual(await session.suggest(9), before);
    await rejects(() => session.undo(), "SessionError", /no more words can be undone; a session remembers only the last 128/);
    assert.deepEqual((await session.suggest(9))[0], before[0]);
    const short = generator.session();
    await short.feed("mouse ".repeat(128));
    for (let number = 0; number < 128; number++) await short.undo();
    await rejects(() => short.undo(), "SessionError", /there is no word to undo/);
    await rejects(() => short.suggest(), "PromptError", /feed at least one word/);
    await rejects(() => short.save(), "PromptError", /feed at least one word/);
  });

  test(`a saved session of the ${model} model continues bit for bit`, async () => {
    const session = generator.session(CACHE);
    await session.feed("the mouse the cat");
    const saved = await session.save();
    const resumed = await generator.resume(saved.buffer);
    await rejects(() => resumed.undo(), "SessionError", /no more words can be undone/);
    for (const one of [session, resumed]) await one.feed("mice , the");
    assert.deepEqual(await resumed.suggest(9), await session.suggest(9));
    assert.deepEqual(await resumed.save(), await session.save());
    for (let number = 0; number < 3; number++) await resumed.undo();
    assert.deepEqual(await resumed.suggest(9), await (await generator.resume(saved)).suggest(9));
  });
}

test("a word of several subwords is undone whole, and what it overwrote in the cache is restored", async () => {
  const generator = await load("subwords");
  const session = generator.session(CACHE);
  await session.feed("the mice 世界");
  const before = await session.suggest(9);
  const words = "mathematics ".repeat(100);
  await session.feed(words);
  for (let number = 0; number < 100; number++) assert.equal(await session.undo(), "mathematics");
  assert.deepEqual(await session.suggest(9), before);
  assert.deepEqual([await session.undo(), await session.undo()], ["世界", "mice"]);
});

test("words fed one by one to a model of subwords are read as they are written", async () => {
  const generator = await load("subwords");
  for (const [pieces, whole] of [
    [["the", ",", "cat"], "the, cat"],
    [["the", "(", "cat", ")", "."], "the (cat)."],
    [["the", " ,", "cat"], "the , cat"],
    [["the\n", ",", "cat"], "the\n, cat"],
  ]) {
    const [oneByOne, atOnce] = [generator.session(), generator.session()];
    for (const piece of pieces) await oneByOne.feed(piece);
    await atOnce.feed(whole);
    assert.deepEqual(await oneByOne.suggest(5), await atOnce.suggest(5), whole);
  }
});

test("of an endless word only the last subwords are read, but all are undone", async () => {
  const generator = await load("subwords");
  const [one, other] = [`the ${"e".repeat(700)}`, `the ${"s".repeat(100)}${"e".repeat(600)}`];
  assert.deepEqual(await generator.suggest(`${one} `), await generator.suggest(`${other} `));
  assert.equal((await generator.generate(one, 5)).slice(one.length), (await generator.generate(other, 5)).slice(other.length));
  const sessions = [generator.session(), generator.session()];
  await sessions[0].feed(one);
  await sessions[1].feed(other);
  assert.deepEqual(await sessions[0].suggest(), await sessions[1].suggest());
  assert.equal(await sessions[0].undo(), "e".repeat(700));
  assert.deepEqual(await sessions[0].suggest(), await generator.suggest("the "));
});

test("after any last word a resumed session reads on as the original", async () => {
  const generator = await load("subwords");
  for (const text of ["the “", "the mouses (", "the 世"]) {
    for (const more of ["mouse", ",", "世"]) {
      const session = generator.session();
      await session.feed(text);
      const resumed = await generator.resume(await session.save());
      for (const one of [session, resumed]) await one.feed(more);
      assert.deepEqual(await resumed.suggest(5), await session.suggest(5), text + more);
    }
  }
});

test("suggestions with subwords are the same whether requested key by key or at once", async () => {
  const generator = await load("subwords");
  const [slow, quick] = [generator.session(), generator.session()];
  for (const session of [slow, quick]) await session.feed("the cat");
  for (const typed of ["", "m", "mo"]) await slow.suggest(3, typed);
  const [found, expected] = [await slow.suggest(3, "mou"), await quick.suggest(3, "mou")];
  assert.deepEqual(found.map(({ word }) => word), expected.map(({ word }) => word));
  found.forEach(({ word, probability }, place) => {
    assert.ok(word.startsWith("mou") && Math.abs(probability - expected[place].probability) < 1e-5);
  });
});

test("calls of a session take effect in the order in which they are made", async () => {
  const session = (await load("gru")).session();
  const [, first, , taken, last] = await Promise.all([
    session.feed("the mouse"),
    session.suggest(5),
    session.feed("cat the"),
    session.undo(),
    session.suggest(5),
  ]);
  const other = (await load("gru")).session();
  await other.feed("the mouse");
  assert.deepEqual(first, await other.suggest(5));
  await other.feed("cat");
  assert.equal(taken, "the");
  assert.deepEqual(last, await other.suggest(5));
});

test("an error leaves a session as it was", async () => {
  const session = (await load("gru")).session();
  await session.feed("the");
  const before = await session.suggest(9);
  await rejects(() => session.feed("cat mouze"), "UnknownWordError", /nearest: mouse/);
  await rejects(() => session.feed(3), "PromptError", /the text must be a string; got number/);
  await rejects(() => session.suggest(3, 4), "PromptError", /prefix must be a string; got number/);
  await rejects(() => session.suggest(0), "CountError", /n must be from 1/);
  await rejects(() => session.suggest(3, "zz"), "UnknownWordError", /'zz' is not in the dictionary/);
  assert.deepEqual(await session.suggest(9), before);
});

test("bytes that are not a saved session of this file are refused", async () => {
  const [generator, other] = [await load("gru"), await load("quibble")];
  const session = generator.session(CACHE);
  await session.feed("the mouse the cat");
  const saved = await session.save();
  const damaged = [new Uint8Array(), new TextEncoder().encode("hello"), saved.slice(0, -40), saved.slice(0, 50)];
  for (let place = 0; place < saved.length; place += 151) {
    damaged.push(saved.map((byte, at) => (at === place ? byte ^ 255 : byte)));
  }
  for (const bytes of damaged) {
    // Some bytes do not matter; then the session is the one that was saved.
    const found = await generator.resume(bytes).catch((error) => {
      assert.equal(error.name, "SessionError");
      return session;
    });
    assert.deepEqual(await found.suggest(5), await session.suggest(5));
  }
  await rejects(() => generator.resume(damaged[1]), "SessionError", /these bytes are not a saved session, or only part of one/);
  await rejects(() => generator.resume("text"), "SessionError", /a saved session must be bytes; got string/);
  await rejects(() => other.resume(saved), "SessionError", /saved with another model file; load that one/);
});
