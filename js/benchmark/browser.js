// Measures the playground in Chromium, as JSON: milliseconds from opening the page to the first suggestion, and
// milliseconds per word. `make vendor` assembles the page.
import { fileURLToPath } from "node:url";

import { launch, serve } from "../test-playground/browser.js";

const ROUNDS = 5;
const WORDS = 100;
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const server = await serve(fileURLToPath(new URL("../../playground/", import.meta.url)));
const browser = await launch();
const first = [];
const word = [];
for (let round = 0; round < ROUNDS; round++) {
  const page = await (await browser.newContext()).newPage();
  const start = performance.now();
  await page.goto(server.address);
  await page.waitForFunction(() => document.querySelectorAll("#suggestions button").length === 3);
  first.push(performance.now() - start);
  word.push(
    await page.evaluate(async (words) => {
      const { Generator } = await import("./vendor/nextword.js");
      const ort = await import("./vendor/ort.wasm.min.mjs");
      const generator = await Generator.load("vendor/nextword.int8.onnx", { ort });
      await generator.generate("long ago ,", 10);
      const start = performance.now();
      await generator.generate("long ago ,", words);
      return (performance.now() - start) / words;
    }, WORDS),
  );
  await page.context().close();
}
await browser.close();
server.close();
console.log(JSON.stringify({ firstSuggestion: median(first), word: median(word) }));
