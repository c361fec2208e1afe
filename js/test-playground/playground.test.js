// The page in a real Chromium, served as any file server would.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
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

async function open({ isEmptied, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
  const opened = await context.newPage();
  opened.on("request", (request) => requests.push(request.url()));
  opened.on("pageerror", (error) => problems.push(String(error)));
  opened.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await opened.goto(address);
  await opened.waitForSelector("[data-ready]", { timeout: 60_000 });
  if (isEmptied ?? true) await opened.fill("#text", "");
  return opened;
}

beforeEach(async () => {
  await page?.context().close();
  page = await open();
});

const value = () => page.inputValue("#text");
const type = (typed) => page.locator("#text").pressSequentially(typed);
const caretTo = (place) => page.locator("#text").evaluate((text, to) => text.setSelectionRange(to, to), place);
const first = (word) => page.waitForFunction((to) => document.querySelector("#suggestions button")?.textContent === to, word);
const says = (id, part) => page.waitForFunction(([at, to]) => document.querySelector(at).textContent.includes(to), [id, part]);
const becomes = (text) => page.waitForFunction((to) => document.querySelector("#text").value === to, text);

/** The path of what the keyboard exports. */
async function exported() {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export")]);
  return download.path();
}

/** Loads a model of the conformance tables in a place. */
async function put(name, file = "#file") {
  await page.setInputFiles(file, fileURLToPath(new URL(name, MODELS)));
  await page.waitForFunction((to) => document.querySelector("#model").textContent.includes(to), `${name}:`);
}

test("three suggestions follow each key, and Tab takes the first", async () => {
  await type("the old mo");
  await first("mouse");
  await page.keyboard.press("Tab");
  assert.equal(await value(), "the old mouse ");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
});

test("a suggestion is taken by a tap, or by Alt and its number, and undone by Ctrl+Z", async () => {
  await type("long ago , ");
  await first("the");
  await page.locator("#suggestions button").first().click();
  assert.equal(await value(), "long ago , the ");
  await first("mice");
  await page.keyboard.press("Alt+1");
  assert.equal(await value(), "long ago , the mice ");
  await page.keyboard.press("Control+z");
  assert.equal(await value(), "long ago , the ");
  await page.keyboard.press("Control+z");
  assert.equal(await value(), "long ago , ");
  await type("x"); // what was restored is not selected
  assert.equal(await value(), "long ago , x");
});

test("suggestions are for the caret, even in the middle of a text", async () => {
  await page.fill("#text", "long ago , had a general council");
  await caretTo("long ago , ".length);
  await first("the");
  await page.keyboard.type("the mi");
  await first("mice");
  await page.keyboard.press("Tab");
  assert.equal(await value(), "long ago , the mice had a general council");
  await caretTo("long ago , the mi".length); // inside a word, all of it is replaced
  await first("mice");
  await page.keyboard.press("Tab");
  assert.equal(await value(), "long ago , the mice had a general council");
});

test("a suggestion that is taken before it is known is the one for the text as it has become", async () => {
  await page.fill("#text", "long ago , ");
  await first("the");
  await page.keyboard.type("the mi");
  await page.keyboard.press("Tab");
  await page.waitForFunction(() => document.querySelector("#text").value === "long ago , the mice ");
});

test("a model that knows subwords completes, corrects, learns and writes whole words", async () => {
  await put("subwords.onnx");
  await type("the cat bel");
  await first("bell");
  await page.keyboard.press("Tab");
  assert.equal(await value(), "the cat bell ");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
  await page.fill("#words", "3");
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#continue").textContent === "Continue");
  const { length } = "the cat bell ";
  await page.waitForFunction((to) => document.querySelector("#text").value.length > to, length);
  await page.fill("#text", "");
  await type("the mosue ");
  await becomes("the mouse ");
  await page.fill("#text", "the Kowalski ");
  await page.click("#learn");
  await page.waitForFunction(() => document.querySelector("#learned").textContent.includes("Kowalski"));
  await page.fill("#text", "");
  await type("the Ko");
  await first("Kowalski");
});

test("a mistyped word is corrected and underlined, and one key undoes that for good", async () => {
  await type("the old mosue ");
  await becomes("the old mouse ");
  assert.equal(await page.textContent("#mirror u"), "mouse");
  await says("#message", "“mosue” was corrected to “mouse”");
  await page.keyboard.press("Backspace");
  assert.equal(await value(), "the old mosue ");
  assert.equal(await page.locator("#mirror u").count(), 0);
  await type("and the mosue ");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
  assert.equal(await value(), "the old mosue and the mosue ");
});

test("a correction is undone by a tap or by Ctrl+Z, and none is made where it is not wanted", async () => {
  await type("the old mosue ");
  await becomes("the old mouse ");
  await page.click("text=Keep “mosue”");
  await becomes("the old mosue ");
  await page.fill("#text", "");
  await type("the old moues ");
  await becomes("the old mouse ");
  await page.keyboard.press("Control+z");
  await becomes("the old moues ");
  await page.fill("#text", "");
  await page.uncheck("#correct");
  await type("the old muose ");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
  assert.equal(await value(), "the old muose ");
});

test("after a correction, Backspace deletes a character if the caret was moved or anything was typed or taken since", async () => {
  const keys = async (...pressed) => {
    for (const key of pressed) await page.keyboard.press(key);
  };
  const correct = async (mistyped) => {
    await page.fill("#text", "");
    await type(`the old ${mistyped} `);
    await becomes("the old mouse ");
  };
  await correct("mosue");
  await caretTo("the ".length);
  await first("mice");
  await page.locator("#suggestions button").first().click();
  assert.equal(await value(), "the mice old mouse ");
  assert.equal(await page.textContent("#mirror u"), "mouse");
  await keys("Backspace");
  assert.equal(await value(), "the miceold mouse ");
  await correct("moues");
  await keys("Home", "ArrowRight", "ArrowRight", "ArrowRight", "Backspace");
  assert.equal(await value(), "th old mouse ");
  await correct("muose");
  await keys("ArrowLeft");
  await page.waitForFunction(() => document.querySelector("#message").textContent === "");
  await keys("ArrowRight", "Backspace");
  assert.equal(await value(), "the old mouse");
  await correct("mouze");
  await first("said");
  await keys("Tab", "Backspace");
  assert.equal(await value(), "the old mouse said");
  assert.equal(await page.textContent("#message"), "");
  await keys("Control+z", "Control+z");
  assert.equal(await value(), "the old mouse ");
});

test("the underline stays under the corrected word when the same word is put before it", async () => {
  await type("the mosue ");
  await becomes("the mouse ");
  await caretTo("the ".length);
  await page.keyboard.insertText("mouse ");
  assert.equal(await value(), "the mouse mouse ");
  const before = await page.locator("#mirror").evaluate((mirror) => mirror.firstChild.textContent);
  assert.equal(before, "the mouse ");
});

test("learned words are listed, suggested, exported, forgotten, and imported again", async () => {
  await type("the Kowalski said ");
  await page.click("#learn");
  await says("#learned", "Kowalski");
  await type("the Kow");
  await first("Kowalski");
  const path = await exported();
  assert.equal(JSON.parse(readFileSync(path, "utf8")).learned.Kowalski, 1);
  await page.getByRole("button", { name: "Forget Kowalski" }).click();
  await page.waitForFunction(() => !document.querySelector("#learned").textContent.includes("Kowalski"));
  await page.setInputFiles("#import", path);
  await says("#learned", "Kowalski");
  await page.setInputFiles("#import", { name: "x.json", mimeType: "", buffer: Buffer.from("{}") });
  await says("#words-message", "not a saved keyboard");
});

test("words, blocked words and what is never corrected can be imported from a keyboard of another number of models", async () => {
  const saved = { format: "nextword-keyboard/1", learned: { Kowalski: 2 }, blocked: ["mouse"], kept: ["mosue"] };
  const language = { weight: 0.5, seen: 1, expected: 0.5, bias: {} };
  const importOf = async (count) => {
    const buffer = Buffer.from(JSON.stringify({ ...saved, languages: Array(count).fill(language) }));
    const name = `${count}.json`;
    await page.setInputFiles("#import", { name, mimeType: "application/json", buffer });
    await says("#words-message", `${name} has been imported.`);
    const { learned, blocked, kept, languages } = JSON.parse(readFileSync(await exported(), "utf8"));
    assert.deepEqual([learned, blocked, kept], [{ Kowalski: 2 }, ["mouse"], ["mosue"]]);
    return languages.length;
  };
  await put("gru.onnx");
  assert.equal(await importOf(2), 1);
  assert.match(await page.textContent("#learned"), /Kowalski/);
  assert.match(await page.textContent("#blocked"), /mouse/);
  await put("quibble.onnx", "#file-2");
  assert.equal(await importOf(1), 2);
});

test("a damaged file is refused beside its button, and what the keyboard knew stays", async () => {
  await type("the Kowalski said ");
  await page.click("#learn");
  await says("#learned", "Kowalski");
  const saved = JSON.parse(readFileSync(await exported(), "utf8"));
  saved.languages[0].cache.features = saved.languages[0].cache.features.slice(4);
  saved.learned = { Nowak: 1 };
  const buffer = Buffer.from(JSON.stringify(saved));
  await page.setInputFiles("#import", { name: "damaged.json", mimeType: "application/json", buffer });
  await says("#words-message", "not a saved keyboard, or only part of one");
  assert.match(await page.textContent("#learned"), /^Kowalski/);
  await type("the Kow");
  await first("Kowalski");
  assert.equal(await page.textContent("#message"), "");
});

test("a blocked word is not suggested until it is allowed again", async () => {
  await page.fill("#block", "mouse");
  await page.getByRole("button", { name: "Block", exact: true }).click();
  await says("#blocked", "mouse");
  await type("the old mou");
  await page.waitForFunction(() => document.querySelectorAll("#chart li").length > 1);
  assert.ok(!(await page.locator("#chart").textContent()).includes("mouse"));
  await page.getByRole("button", { name: "Allow mouse" }).click();
  await first("mouse");
});

test("a word that cannot be blocked is refused beside the button, and the keyboard works on", async () => {
  const block = page.getByRole("button", { name: "Block", exact: true });
  await block.click();
  await says("#block-message", "1 to 64 characters; got 0");
  await page.fill("#block", "m".repeat(65));
  await block.click();
  await says("#block-message", "1 to 64 characters; got 65");
  assert.equal((await page.inputValue("#block")).length, 65);
  assert.equal(await page.locator("#blocked li").count(), 0);
  await page.fill("#block", "mouse");
  await block.click();
  await says("#block-message", "“mouse” will never be suggested.");
  assert.equal(await page.inputValue("#block"), "");
  await page.selectOption("#layout", "dvorak");
  await type("the old mou");
  await page.waitForFunction(() => document.querySelectorAll("#chart li").length > 1);
  assert.ok(!(await page.locator("#chart").textContent()).includes("mouse"));
  assert.equal(await page.textContent("#file-message"), "");
});

test("the layout decides what a slip was meant to be, and what was learned stays", async () => {
  await type("the Kowalski said ");
  await page.click("#learn");
  await page.selectOption("#layout", "dvorak");
  await says("#learned", "Kowalski");
  await type("the Kow");
  await first("Kowalski");
});

test("two models are two languages of one keyboard, or are shown side by side", async () => {
  await put("gru.onnx");
  await put("quibble.onnx", "#file-2");
  assert.ok(await page.isChecked("#together"));
  assert.ok(await page.isHidden("#chart-2"));
  await page.check("#apart");
  await page.waitForFunction(() => document.querySelectorAll("#chart-2 li").length > 2);
  assert.equal(await page.textContent("#chart-2-name"), "quibble.onnx");
  await put("unbounded.onnx", "#file-2"); // in lower case
  assert.ok(await page.isDisabled("#together"));
  await page.click("#remove");
  await page.waitForFunction(() => document.querySelector("#second").hidden);
});

test("at ten keys a second in 5,000 words no key is lost, and suggestions follow each soon after", async () => {
  const before = "some said this and some said that ".repeat(625);
  await page.fill("#text", before);
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
  await page.locator("#text").focus();
  await caretTo(before.length);
  const typed = "but at last a young mouse got up";
  await page.keyboard.type(typed, { delay: 100 });
  assert.equal(await value(), before + typed);
  await first("up");
});

test("Escape returns Tab to moving the focus", async () => {
  await type("long ago ,");
  await page.waitForFunction(() => document.querySelector("#suggestions button")?.textContent === "the");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await value(), "long ago ,");
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

test("the page stays responsive while the model writes, and the text is cleared at once", async () => {
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

test("a model that is replaced while it writes does not continue the text", async () => {
  await type("long ago ,");
  await page.fill("#words", "1000");
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#text").value.length > 40);
  await put("gru.onnx");
  await page.waitForFunction(() => document.querySelector("#continue").textContent === "Continue");
  const written = await value();
  await page.waitForTimeout(200);
  assert.equal(await value(), written);
});

test("a number of words that is out of range is refused beside its field", async () => {
  const input = page.getByRole("spinbutton", { name: "Words to add" });
  for (const number of ["1001", "0", "", "1.5"]) {
    await input.fill(number);
    await page.click("#continue");
    await says("#message", "words to add must be a whole number from 1 to 1,000");
    assert.equal(await input.getAttribute("aria-invalid"), "true");
  }
  assert.equal(await value(), "");
});

test("no suggestions are shown while it writes", async () => {
  await type("long ago ,");
  await first("the");
  await page.fill("#words", "1000");
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#text").value.length > 40);
  assert.equal(await page.locator("#suggestions button, #chart li").count(), 0);
  await page.click("#continue");
  await page.waitForSelector("#suggestions button");
});

test("the page opens with a text, its suggestions and its chart", async () => {
  const shown = await open({ isEmptied: false });
  await shown.waitForFunction(() => document.querySelector("#suggestions button")?.textContent === "had");
  assert.equal(await shown.inputValue("#text"), "long ago , the mice ");
  assert.ok((await shown.locator("#chart li").count()) > 0);
  await shown.context().close();
});

test("the chart shows probabilities that a screen reader can read, and none that is zero", async () => {
  await page.fill("#text", "the cat . ");
  await page.waitForFunction(() => /some|by/.test(document.querySelector("#suggestions").textContent));
  const rows = await page.getByRole("list", { name: /likeliest next words and/ }).getByRole("listitem").allTextContents();
  assert.match(rows[0], /^(some|by) \d+(\.\d)?%$/);
  assert.deepEqual(rows.filter((row) => / 0%$/.test(row)), []);
});

test("suggestions are read out once typing pauses", async () => {
  await type("long ago ,");
  await says("#read-out", "Suggestions: the, ");
  assert.equal(await page.getAttribute("#read-out", "aria-live"), "polite");
});

test("the user's own file replaces the model, and a wrong one is refused beside its button", async () => {
  await put("unbounded.onnx");
  assert.match(await page.textContent("#model"), /2 × 8 LSTM, knows 20 words, reads every word before/);
  await type("The mo");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
  await page.setInputFiles("#file", { name: "x.onnx", mimeType: "", buffer: Buffer.from("hello") });
  await says("#file-message", "not an ONNX model");
  assert.match(await page.textContent("#model"), /unbounded\.onnx/);
});

test("the page works offline after the first load", async () => {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(async () => (await caches.keys()).length === 1 && navigator.serviceWorker.controller);
  await page.context().setOffline(true);
  await page.reload();
  await page.waitForSelector("[data-ready]");
  await page.fill("#text", "");
  await type("long ago ,");
  await page.waitForFunction(() => document.querySelector("#suggestions button")?.textContent === "the");
});

test("nothing leaves the page, and nothing goes wrong in it", () => {
  assert.ok(requests.length > 50);
  assert.deepEqual(requests.filter((url) => !url.startsWith(address) && !url.startsWith("blob:")), []);
  assert.deepEqual(problems.filter((problem) => !problem.includes("ERR_INTERNET_DISCONNECTED")), []);
});

test("it fits a phone, in dark mode", async () => {
  for (const [name, options] of Object.entries({
    light: {},
    dark: { colorScheme: "dark" },
    phone: { viewport: { width: 360, height: 800 }, isMobile: true, hasTouch: true },
    "phone with its keyboard": { viewport: { width: 360, height: 380 }, isMobile: true, hasTouch: true },
  })) {
    const shown = await open(options);
    await shown.locator("#text").pressSequentially("the cat . ");
    await shown.waitForFunction(() => document.querySelectorAll("#chart li").length > 1);
    const overflow = await shown.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name}: ${overflow} pixels too wide`);
    const { y, height } = await shown.locator("#suggestions").boundingBox();
    assert.ok(y >= 0 && y + height <= shown.viewportSize().height, `${name}: suggestions are out of sight`);
    if (process.env.SCREENSHOTS) {
      await shown.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
    }
    await shown.context().close();
  }
});

test("edges of controls have a contrast of at least 3 to 1, in light and dark mode", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const shown = await open({ colorScheme });
    const ratios = await shown.evaluate(() => {
      const luminance = (color) => {
        const [red, green, blue] = color.match(/[\d.]+/g).map((value) => {
          const share = value / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const ratio = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      const panel = luminance(getComputedStyle(document.querySelector("section")).backgroundColor);
      const controls = [...document.querySelectorAll("textarea, select, button, .button, input:not([type=range], .visually-hidden)")];
      return controls.map((control) => [control.id, ratio(luminance(getComputedStyle(control).borderTopColor), panel)]);
    });
    assert.deepEqual(ratios.filter(([, contrast]) => contrast < 3), []);
    await shown.context().close();
  }
});

test("without JavaScript the page says what it needs", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const shown = await context.newPage();
  await shown.goto(address);
  assert.match(await shown.textContent("noscript"), /needs JavaScript/);
  await context.close();
});
