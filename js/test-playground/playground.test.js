// The page in a real Chromium, served as any file server would.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, serve } from "./browser.js";

const MODELS = new URL("../../tests/conformance/", import.meta.url);
const STORY =
  "long ago , the mice had a general council to consider what measures they could take to outwit their common enemy";

let server, browser, page, address;
const requests = [];
const problems = [];

before(async () => {
  server = await serve(fileURLToPath(new URL("../../playground/", import.meta.url)));
  address = server.address;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
  const opened = await context.newPage();
  opened.on("request", (request) => requests.push(request.url()));
  opened.on("pageerror", (error) => problems.push(String(error)));
  opened.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await opened.goto(address);
  await opened.waitForSelector("[data-ready]", { timeout: 60_000 });
  return opened;
}

beforeEach(async () => {
  await page?.context().close();
  page = await open();
});

const suggestions = () => page.locator("#suggestions button").allTextContents();
const type = (typed) => page.locator("#text").pressSequentially(typed);

test("three suggestions follow each key, and Tab takes the first", async () => {
  await type("the old mo");
  await page.waitForFunction(() => document.querySelector("#suggestions button")?.textContent === "mouse");
  await page.keyboard.press("Tab");
  assert.equal(await page.inputValue("#text"), "the old mouse");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
});

test("a suggestion is taken by a tap", async () => {
  await type("long ago ,");
  await page.waitForFunction(() => document.querySelector("#suggestions button")?.textContent === "the");
  await page.locator("#suggestions button").first().click();
  assert.equal(await page.inputValue("#text"), "long ago , the");
});

test("Escape gives Tab back to the keyboard's order", async () => {
  await type("long ago ,");
  await page.waitForFunction(() => document.querySelector("#suggestions button")?.textContent === "the");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await page.inputValue("#text"), "long ago ,");
  assert.equal(await page.evaluate(() => document.activeElement.closest("#suggestions") !== null), true);
});

test("continue writes the story, word by word", async () => {
  await type("long ago ,");
  await page.fill("#words", "18");
  await page.click("#continue");
  await page.waitForFunction((story) => document.querySelector("#text").value === story, STORY);
  await page.waitForFunction(() => document.querySelector("#continue").textContent === "Continue");
});

test("continue can be stopped", async () => {
  await type("long ago ,");
  await page.fill("#words", "1000");
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#text").value.length > 40);
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#continue").textContent === "Continue");
  assert.ok((await page.inputValue("#text")).split(" ").length < 900);
});

test("the page hears its user while the model writes, and the text is cleared at once", async () => {
  await type("long ago ,");
  await page.fill("#words", "1000");
  const turns = await page.evaluate(async () => {
    let turns = 0;
    document.querySelector("#continue").click();
    while (document.querySelector("#text").value.length < 2000) {
      await new Promise((resolve) => setTimeout(resolve));
      turns++;
    }
    return turns;
  });
  assert.ok(turns > 50, `${turns} timers in the time of some 400 words`);
  assert.equal(page.workers().length, 1);
  await page.click("#clear");
  await page.waitForFunction(() => document.querySelector("#continue").textContent === "Continue");
  assert.equal(await page.inputValue("#text"), "");
});

test("the same seed draws the same words as Python", async () => {
  await type("long ago ,");
  const slide = (id, value) =>
    page.locator(id).evaluate((slider, to) => {
      slider.value = to;
      slider.dispatchEvent(new Event("input"));
    }, value);
  assert.ok(await page.locator("#top-k").isDisabled());
  await slide("#temperature", "2");
  await slide("#top-k", "5");
  assert.ok(await page.locator("#top-k").isEnabled());
  await page.fill("#seed", "7");
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#continue").textContent === "Continue");
  const python = execFileSync(
    fileURLToPath(new URL("../../.venv/bin/nextword", import.meta.url)),
    ["generate", "long ago ,", "--temperature", "2", "--top-k", "5", "--seed", "7", "--model"].concat(
      fileURLToPath(new URL("../../models/nextword.int8.onnx", import.meta.url)),
    ),
    { encoding: "utf8" },
  );
  assert.equal(await page.inputValue("#text"), python.trimEnd());
});

test("the chart shows probabilities that a screen reader can read", async () => {
  await type("the cat .");
  await page.waitForFunction(() => document.querySelectorAll("#chart li").length === 8);
  const rows = await page.getByRole("list", { name: /likeliest next words/ }).getByRole("listitem").allTextContents();
  assert.match(rows[0], /^some(49|50)(\.\d)?%$/);
  assert.match(rows[1], /^by4\d(\.\d)?%$/);
});

test("an unknown word is named, and its neighbours offered in its place", async () => {
  await type("the old mouze");
  await page.waitForFunction(() => document.querySelector("#message").textContent.includes("'mouze' is not"));
  assert.ok((await suggestions()).includes("mouse"));
  await page.locator("#suggestions button", { hasText: "mouse" }).click();
  assert.equal(await page.inputValue("#text"), "the old mouse");
});

test("a file of one's own takes the model's place, and a wrong one is refused", async () => {
  await page.setInputFiles("#file", fileURLToPath(new URL("unbounded.onnx", MODELS)));
  await page.waitForFunction(() => document.querySelector("#model").textContent.startsWith("unbounded.onnx"));
  assert.match(await page.textContent("#model"), /2 × 8 LSTM, knows 20 words, reads every word before/);
  await type("The mo");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 2);
  await page.setInputFiles("#file", { name: "x.onnx", mimeType: "", buffer: Buffer.from("hello") });
  await page.waitForFunction(() => document.querySelector("#message").textContent.includes("not an ONNX model"));
  assert.match(await page.textContent("#model"), /unbounded\.onnx/);
});

test("the page works offline after the first load", async () => {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(async () => (await caches.keys()).length === 1 && navigator.serviceWorker.controller);
  await page.context().setOffline(true);
  await page.reload();
  await page.waitForSelector("[data-ready]");
  await type("long ago ,");
  await page.waitForFunction(() => document.querySelector("#suggestions button")?.textContent === "the");
});

test("nothing leaves the page, and nothing goes wrong in it", () => {
  assert.ok(requests.length > 50);
  assert.deepEqual(requests.filter((url) => !url.startsWith(address) && !url.startsWith("blob:")), []);
  assert.deepEqual(problems.filter((problem) => !problem.includes("ERR_INTERNET_DISCONNECTED")), []);
});

test("it fits a phone, in the dark", async () => {
  for (const [name, options] of Object.entries({
    light: {},
    dark: { colorScheme: "dark" },
    phone: { viewport: { width: 360, height: 800 }, isMobile: true, hasTouch: true },
  })) {
    const shown = await open(options);
    await shown.locator("#text").pressSequentially("the cat .");
    await shown.waitForFunction(() => document.querySelectorAll("#chart li").length === 8);
    const overflow = await shown.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name}: ${overflow} pixels too wide`);
    if (process.env.SCREENSHOTS) {
      await shown.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
    }
    await shown.context().close();
  }
});
