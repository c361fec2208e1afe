// Measures a keystroke on a keyboard in Chromium, as JSON: milliseconds (median and 95th percentile) of `update` and
// `suggest(3)` after a text of 10 and of 5,000 words. `node benchmark/keyboard.js MODEL.onnx` takes any model.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch, serve } from "../test-playground/browser.js";

const TYPED = "some said this and others said that but at last a young one got up ";
const directory = mkdtempSync(join(tmpdir(), "nextword-"));
const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const model = process.argv[2] ?? here("../models/nextword.int8.onnx");

mkdirSync(join(directory, "nextword"));
cpSync(here("nextword"), join(directory, "nextword"), { recursive: true });
copyFileSync(here("nextword.js"), join(directory, "nextword.js"));
copyFileSync(model, join(directory, "model.onnx"));
for (const name of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
  copyFileSync(here(`node_modules/onnxruntime-web/dist/${name}`), join(directory, name));
}
writeFileSync(join(directory, "index.html"), "<!doctype html><title>keyboard</title>");

const server = await serve(directory);
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(server.address);
  const found = await page.evaluate(async (typed) => {
    const { Generator } = await import("./nextword.js");
    const ort = await import("./ort.wasm.min.mjs");
    ort.env.wasm.numThreads = 1;
    const generator = await Generator.load("model.onnx", { ort });
    const words = generator.info.dictionary.map((entry) => entry.replace("▁", "")).filter((word) => /^[a-z]+$/.test(word));
    const result = { words: generator.info.dictionary.length };
    for (const length of [10, 5000]) {
      const start = performance.now();
      const keyboard = generator.keyboard();
      const before = Array.from({ length }, (_, place) => words[(place * 7919) % Math.min(words.length, 2000)]).join(" ");
      await keyboard.update(`${before} `);
      const opened = performance.now() - start;
      const times = [];
      for (let round = 0; round < 5; round++) {
        for (let place = 1; place <= typed.length; place++) {
          const start = performance.now();
          await keyboard.update(`${before} ${typed.slice(0, place)}`);
          await keyboard.suggest(3);
          times.push(performance.now() - start);
        }
      }
      times.sort((one, other) => one - other);
      const at = (share) => Number(times[Math.floor(share * times.length)].toFixed(2));
      result[`after ${length} words`] = { opened: Math.round(opened), median: at(0.5), percentile95: at(0.95) };
    }
    return result;
  }, TYPED);
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
  server.close();
  rmSync(directory, { recursive: true });
}
