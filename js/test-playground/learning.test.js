// "Watch it learn" in a real Chromium.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import * as ort from "onnxruntime-web";

import { Generator } from "../nextword.js";
import { PHONE, Visits, checkWidth } from "./browser.js";

const RHYME = "one for the money , two for the show , three to get ready , and four to go . ".repeat(4);

let page;
const visits = new Visits("learning.html");

beforeEach(async () => {
  await page?.context().close();
  page = await visits.open();
});

const says = (id, part) =>
  page.waitForFunction(([at, to]) => document.querySelector(at).textContent.includes(to), [id, part], { timeout: 60_000 });

async function learnAll() {
  await page.click("#go");
  await says("#numbers", "It predicts as well as three words allow");
  await page.waitForSelector("#download:not([hidden])");
}

test("the story is learned to the end, downloaded, and typed with in the playground", async () => {
  await learnAll();
  assert.match(await page.textContent("#numbers"), /99\.0% of words right \(at best 99\.0%\)/);
  assert.match(await page.locator("#written li").first().textContent(), /long ago , the mice had a general council/);
  assert.equal(await page.textContent("#go"), "Start");
  assert.ok(await page.isHidden("#sums")); // these are not the weights of dvc.lock
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
  const generator = await Generator.load(readFileSync(await download.path()), { ort });
  assert.match(await generator.generate("the old mouse", 4), /^the old mouse said it is easy/);
  await generator.release();
  await page.waitForSelector("#type:not([hidden])");
  await page.click("#type");
  await says("#model", "learned.onnx:");
});

test("the user's own text is learned step by step, and again from the beginning", async () => {
  await page.selectOption("#source", "own");
  await says("#model", "Paste a text");
  assert.ok(await page.isDisabled("#go"));
  await page.fill("#text", RHYME);
  await page.locator("#text").blur();
  await says("#model", "15 different words");
  assert.equal(await page.inputValue("#prompt"), "one for the");
  await page.click("#one");
  await says("#numbers", "Step 1:");
  await page.click("#one");
  await says("#numbers", "Step 2:");
  await learnAll();
  await page.fill("#prompt", "three to get");
  await page.waitForFunction(() => document.querySelector("#written li").textContent.includes("three to get ready , and four to go"));
  await page.fill("#prompt", "nonsense");
  await says("#prompt-message", "is not in the dictionary");
  await page.click("#again");
  await says("#numbers", "No step yet");
  assert.equal(await page.locator("#written li").count(), 0);
});

const mean = async () => Number((await page.textContent("#gate-note")).match(/average (\d\.\d+)/)[1]);

test("the gates of either layer are shown before the first step and after each", async () => {
  await says("#gate-step", "Before the first step");
  assert.ok(Math.abs((await mean()) - 0.5) < 0.05, "random weights leave the gates half open");
  assert.ok(await page.isHidden("#download"));
  await page.click("#one");
  await says("#gate-step", "After step 1");
  await learnAll();
  await says("#gate-step", "After step 1");
  assert.ok((await mean()) > 0.7, "the forget gates have opened");
  assert.match(await page.getAttribute("#gate-map", "aria-label"), /forget gate of 128 units.*: long 0\.\d+, ago 0\.\d+, , 0\.\d+$/);
  const whole = await page.textContent("#gate-note");
  await page.selectOption("#gate-layer", "0");
  assert.notEqual(await page.textContent("#gate-note"), whole);
  await page.selectOption("#gate-part", "cell");
  assert.match(await page.textContent("#gate-note"), /−\d is orange, \+\d violet/);
});

test("the same seed gives the same steps, and another seed different ones", async () => {
  const losses = [];
  for (const seed of ["1", "1", "2"]) {
    await page.fill("#seed", seed);
    await page.click("#again");
    await says("#numbers", "No step yet");
    await page.waitForSelector("#one:enabled");
    await page.click("#one");
    await says("#numbers", "Step 1:");
    losses.push(await page.textContent("#numbers"));
  }
  assert.equal(losses[0], losses[1]);
  assert.notEqual(losses[0], losses[2]);
});

test("a failure to learn is reported in one line, and nothing is lost", async () => {
  await page.fill("#rate", "9");
  await page.click("#again");
  await page.waitForSelector("#go:enabled");
  await page.click("#go");
  await says("#message", "training has diverged");
  assert.equal(await page.textContent("#go"), "Start");
  await page.fill("#rate", "-1");
  await page.click("#again");
  await says("#message", "learningRate must be from 0 to 10; got -1");
  await page.selectOption("#source", "own");
  await page.fill("#text", "three words only");
  await page.locator("#text").blur();
  await says("#message", "the text has 3 words; learning needs at least 4");
});

test("on a phone nothing is wider than the screen", async () => {
  await page.context().close();
  page = await visits.open(PHONE);
  await page.click("#one");
  await page.waitForSelector("#download:not([hidden])");
  await checkWidth(page);
});

test("no other host is contacted, and nothing goes wrong", () => visits.checkAll());
