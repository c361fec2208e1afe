// The glass box in a real Chromium, compared with Python's explanations.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { PHONE, Visits, checkWidth } from "./browser.js";

const MODELS = new URL("../../tests/conformance/", import.meta.url);
const explained = JSON.parse(readFileSync(new URL("explanation.json", MODELS), "utf8"));

let page;
const visits = new Visits("glass-box.html");

beforeEach(async () => {
  await page?.context().close();
  page = await visits.open();
});

const says = (id, part) => page.waitForFunction(([at, to]) => document.querySelector(at).textContent.includes(to), [id, part]);
const words = () => page.locator("#words button").allTextContents();
const press = async (...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
/** A number as the page writes it. */
const written = (value, digits) => value.toFixed(digits).replace("-", "−");

/** Loads a model of the conformance tables, and enters a text. */
async function put(name, text) {
  await page.setInputFiles("#file", fileURLToPath(new URL(`${name}.onnx`, MODELS)));
  await says("#model", `${name}.onnx:`);
  await page.fill("#text", text);
}

for (const name of ["lines", "gru", "explained_rnn", "fixed", "characters", "subwords", "explained_int8"]) {
  test(`the numbers under the cursor are Python's: ${name}`, async () => {
    const { text, words: read, layers, read: count } = explained.find(({ model }) => model === name);
    await put(name, text);
    await page.waitForFunction((length) => document.querySelectorAll("#words button").length === length, read.length);
    const layer = layers.at(-1);
    await says("#number", "unit 0");
    await page.locator("#map").focus();
    await press("End", "ArrowDown", "ArrowDown", "ArrowDown");
    for (const [part, values] of Object.entries(layer)) {
      await page.selectOption("#part", part);
      await says("#number", `unit 3: ${part}`);
      const last = await page.textContent("#number");
      assert.ok(last.endsWith(` ${written(values[count - 1][3], 3)}`), `${part}: ${last}`);
    }
    await page.selectOption("#layer", "0");
    await page.locator("#map").focus();
    await press("ArrowLeft", "ArrowUp");
    const [part, values] = Object.entries(layers[0]).at(-1);
    await says("#number", `unit 2: ${part}`);
    const before = await page.textContent("#number");
    assert.ok(before.endsWith(` ${written(values[count - 2][2], 3)}`), before);
    await says("#speech", before); // once the cursor rests
    assert.equal(await page.getAttribute("#speech", "aria-live"), "polite");
  });
}

test("the effect of leaving a word out is given in nats, as in Python, and the same key restores it", async () => {
  const { text, words: read, lost, next_word: next, log_probability: ln } = explained.find(({ model }) => model === "gru");
  await put("gru", text);
  const share = (100 * Math.exp(ln)).toFixed(1).replace(/\.0$/, "");
  await says("#chart li", `${next} ${share}%`);
  await page.locator("#words button").nth(1).click();
  await says("#chart-2-name", `Without “${read[1]}”`);
  await says("#change", `ln P(“${next}”) ${lost[1] < 0 ? "rises" : "falls"} by ${Math.abs(lost[1]).toFixed(2)} nats`);
  assert.ok((await page.locator("#chart-2 li").count()) > 1);
  assert.equal(await page.locator("#words [aria-pressed=true]").textContent(), read[1]);
  await page.locator("#map").focus();
  await press("Delete");
  assert.ok(await page.isHidden("#without"));
  await press("End", "Delete");
  await says("#change", `by ${Math.abs(lost.at(-1)).toFixed(2)} nats`);
});

test("the row of bars names the word that mattered most", async () => {
  await page.waitForFunction(() => document.querySelector("#lost").ariaLabel?.includes("most for “a”"));
});

test("the next word is shown for each word that the cursor moves to", async () => {
  await says("#chart li", "proposal");
  await page.locator("#words [tabindex='0']").focus();
  await press("ArrowLeft");
  await says("#chart-name", "After “had”");
  await press("Home");
  await says("#chart-name", "After “long”, word 1");
  await says("#chart li", "ago");
  await press("End");
  await says("#chart-name", "After the whole text");
  await says("#chart li", "proposal");
});

test("words appear as they are typed, and a half-typed one waits", async () => {
  await page.fill("#text", "");
  await page.waitForFunction(() => !document.querySelector("#words button, #chart li"));
  await page.locator("#text").pressSequentially("long ago, the mic");
  await says("#message", "“mic” will be read once it is a word");
  await page.waitForFunction(() => document.querySelectorAll("#words button").length === 4);
  assert.deepEqual(await words(), ["long", "ago", ",", "the"]);
  await page.locator("#text").pressSequentially("e");
  await says("#number", "“mice”, unit 17: forget gate");
  await says("#chart li", "had");
  await press("Backspace", "Backspace", "Backspace", "Backspace");
  await says("#number", "“the”");
  assert.deepEqual(await words(), ["long", "ago", ",", "the"]);
  await page.locator("#text").pressSequentially("mouze said");
  await says("#message", "“mouze” is not in the dictionary; nearest: mouse");
  assert.deepEqual(await words(), ["long", "ago", ",", "the"]);
});

test("the unit that the course describes forgets at a full stop", async () => {
  await page.locator("#words button", { hasText: /^\.$/ }).focus();
  await page.locator("#map").focus();
  assert.equal(await page.inputValue("#unit"), "17");
  const place = (await words()).indexOf(".");
  await press("Home", ...Array(place).fill("ArrowRight"));
  await says("#number", "“.”, unit 17: forget gate 0.0");
});

test("a unit can be followed by a click, a key or its number", async () => {
  await says("#number", "“a”");
  const { height } = await page.locator("#map").boundingBox();
  await page.locator("#map").click({ position: { x: 40, y: (height * 5.5) / 32 } });
  assert.equal(await page.inputValue("#unit"), "5");
  await press("PageDown", "Enter");
  assert.equal(await page.inputValue("#unit"), "21");
  await page.fill("#unit", "9");
  await says("#number", "unit 9:");
  assert.match(await page.getAttribute("#followed", "aria-label"), /Unit 9 /);
});

test("a word that is no longer read is marked as such", async () => {
  await put("fixed", "mice the mouse moon");
  await says("#nothing", "reads the last 3 words");
  await page.waitForFunction(() => document.querySelectorAll("#words button").length === 4);
  assert.deepEqual(await page.locator("#words .unread").allTextContents(), ["mice"]);
  await page.locator("#map").focus();
  await press("Home");
  await says("#number", "“mice” is no longer read");
});

test("a network without a state shows its layers, and an unknown cell shows what it expects", async () => {
  await put("feedforward", "mice the mouse moon");
  await says("#nothing", "No state is carried");
  await says("#number", "“moon”, unit 0: hidden layer");
  await put("quibble", "mice the mouse");
  await says("#nothing", "drop a nextword.onnx");
  await page.waitForFunction(() => document.querySelectorAll("#chart li").length > 2);
  assert.ok(await page.isHidden("#map"));
  await page.locator("#words button").first().click();
  await says("#change", "nats");
});

test("the story's large model shows 512 units of two layers", async () => {
  await page.selectOption("#source", "vendor/nextword.int8.onnx");
  await says("#model", "nextword.int8.onnx: 2 × 512 LSTM");
  await says("#number", "unit 0");
  assert.equal(await page.getAttribute("#map", "aria-label"), "forget gate of the 512 units of layer 2");
  await says("#chart li", "proposal");
});

test("a wrong file is refused, and the model stays", async () => {
  await page.setInputFiles("#file", { name: "x.onnx", mimeType: "", buffer: Buffer.from("hello") });
  await says("#file-message", "x.onnx is not an ONNX model");
  await says("#model", "gates.onnx: 1 × 32 LSTM");
  assert.equal(await page.inputValue("#source"), "vendor/gates.onnx");
  await page.locator("#text").pressSequentially("proposal ");
  await says("#number", "“proposal”");
});

test("the map is drawn: its colours differ, and change with the part shown", async () => {
  await says("#number", "“a”");
  const picture = () => page.locator("#map").evaluate((map) => map.toDataURL());
  const colors = await page.locator("#map").evaluate((map) => {
    const { data } = map.getContext("2d").getImageData(0, 0, map.width, map.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(colors > 50, `${colors} colours`);
  const forget = await picture();
  await page.selectOption("#part", "cell");
  await page.waitForFunction((before) => document.querySelector("#map").toDataURL() !== before, forget);
});

test("the glass box works offline after the first load", async () => {
  await page.waitForFunction(async () => (await caches.keys()).length === 1 && navigator.serviceWorker.controller);
  await page.context().setOffline(true);
  await page.reload();
  await page.waitForSelector("[data-ready]");
  await says("#chart li", "proposal");
});

test("it fits a phone, in dark mode, and one Tab skips all the words", async () => {
  for (const [name, options] of Object.entries({ light: {}, dark: { colorScheme: "dark" }, phone: PHONE })) {
    const shown = await visits.open(options);
    await shown.waitForSelector("[data-measured]");
    await checkWidth(shown);
    if (process.env.SCREENSHOTS) {
      await shown.screenshot({ path: `${process.env.SCREENSHOTS}/glass-box-${name}.png`, fullPage: true });
    }
    await shown.locator("#unit").focus();
    await shown.keyboard.press("Tab");
    assert.equal(await shown.evaluate(() => document.activeElement.parentElement.id), "words");
    await shown.keyboard.press("Tab");
    assert.equal(await shown.evaluate(() => document.activeElement.id), "map");
    await shown.context().close();
  }
});

test("no other host is contacted, and nothing goes wrong", () => visits.checkAll());
