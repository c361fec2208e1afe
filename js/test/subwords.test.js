import assert from "node:assert/strict";
import { test } from "node:test";

import { join, split } from "../nextword.js";
import { BYTES } from "../nextword/marks.js";
import { SubwordDictionary, isInventory } from "../nextword/subwords.js";

const ENTRIES = ["<eos>", "▁the", "▁mo", "▁mouse", "us", "use", "s", "e", "‿,", "‿.", "t", "世", "世界", "▁t"];
const dictionary = new SubwordDictionary([...ENTRIES, ...BYTES, "▁", "‿"]);
const entriesOf = (ids) => ids.map((id) => dictionary.words[id]);
const pieces = (word) => entriesOf(dictionary.split(word));

test("a dictionary of subwords knows any text, and restores it", () => {
  const characters = [..."themouse ,.世界日▁‿\n<>0x4é😀", "\ud800"];
  let number = 1;
  const next = (below) => (number = (number * 48271) % 2147483647) % below;
  for (let text = 0; text < 500; text++) {
    const drawn = Array.from({ length: next(20) }, () => characters[next(characters.length)]).join("");
    for (const lineEnds of [false, true]) {
      const marked = split(drawn, "subwords", false, lineEnds);
      const written = join(entriesOf(dictionary.encode(marked)), "subwords", lineEnds);
      assert.equal(written, new TextDecoder().decode(new TextEncoder().encode(join(marked, "subwords", lineEnds))));
    }
  }
});

test("the longest entry is always taken", () => {
  assert.deepEqual(pieces("▁mouses"), ["▁mouse", "s"]);
  assert.deepEqual(pieces("▁mous"), ["▁mo", "us"]);
  assert.deepEqual(pieces("世界世"), ["世界", "世"]);
});

test("a character without an entry is spelt by its bytes, and so is a mark inside a word", () => {
  assert.deepEqual(pieces("▁mé"), ["▁", "<0x6D>", "<0xC3>", "<0xA9>"]);
  assert.deepEqual(pieces("世日"), ["世", "‿", "<0xE6>", "<0x97>", "<0xA5>"]);
  assert.deepEqual(pieces("‿▁"), ["‿", "<0xE2>", "<0x96>", "<0x81>"]);
});

test("a blank before a script without blanks is part of the word after it", () => {
  const found = dictionary.spelt(split("the 世界世 日, the", "subwords"));
  assert.deepEqual(found.map(({ word }) => word), ["the", "世界", "世", "日", ",", "the"]);
  assert.deepEqual(entriesOf(found[1].ids), ["▁", "世界"]);
});

test("a word is split only into its longest matches", () => {
  const ids = (entries) => entries.map((entry) => dictionary.words.indexOf(entry));
  assert.ok(dictionary.isSplit(ids(["▁mouse", "s"])));
  assert.ok(!dictionary.isSplit(ids(["▁mo", "use"])));
});

test("an inventory has every byte and both marks", () => {
  assert.ok(isInventory(dictionary.words));
  assert.ok(!isInventory(dictionary.words.slice(0, -1)));
  assert.ok(!isInventory([...dictionary.words, "a▁"]));
});

test("the bytes of a character are written once they are complete, or replaced if they never are", () => {
  assert.equal(join(["▁a", "▁", "<0xE6>", "<0x97>", "<0xA5>", "b"], "subwords"), "a 日b");
  assert.equal(join(["▁a", "<0xE6>", "‿b"], "subwords"), "a\ufffdb");
  assert.equal(join(["▁a", "<0xE6>", "<0xE6>", "<0x97>", "<0xA5>"], "subwords"), "a\ufffd日");
});
