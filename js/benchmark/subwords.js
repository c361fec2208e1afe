// Measures a keystroke with a model that knows subwords, in Chromium, as JSON: milliseconds (mean, median and 95th
// percentile) of a session's `suggest(3, beginning)` while a text is typed, and of `feed` for a finished word. `node
// benchmark/subwords.js MODEL.onnx TEXT [WORDS]` types the first WORDS words of the text, 200 by default.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch, serve } from "../test-playground/browser.js";

const [model, text, count = "200"] = process.argv.slice(2);
const words = readFileSync(text, "utf8").split(/\s+/).filter(Boolean).slice(0, Number(count));
const directory = mkdtempSync(join(tmpdir(), "nextword-"));
const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

mkdirSync(join(directory, "nextword"));
cpSync(here("nextword"), join(directory, "nextword"), { recursive: true });
copyFileSync(here("nextword.js"), join(directory, "nextword.js"));
copyFileSync(model, join(directory, "model.onnx"));
for (const name of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
  copyFileSync(here(`node_modules/onnxruntime-web/dist/${name}`), join(directory, name));
}
writeFileSync(join(directory, "index.html"), "<!doctype html><title>subwords</title>");

const server = await serve(directory);
const browser = await launch();
try {
  const page = await (await browser.newContext()).newPage();
  await page.goto(server.address);
  const found = await page.evaluate(async (typed) => {
    const { Generator } = await import("./nextword.js");
    const ort = await import("./ort.wasm.min.mjs");
    ort.env.wasm.numThreads = 1;
    const session = (await Generator.load("model.onnx", { ort })).session();
    const keys = [];
    const fed = [];
    const timed = async (times, act) => {
      const start = performance.now();
      await act();
      times.push(performance.now() - start);
    };
    for (const [place, word] of typed.entries()) {
      for (let length = 0; place && length < word.length; length++) {
        await timed(keys, () => session.suggest(3, word.slice(0, length)));
      }
      await timed(fed, () => session.feed(word));
    }
    const figures = (times) => {
      times.sort((one, other) => one - other);
      const at = (share) => Number(times[Math.floor(share * times.length)].toFixed(2));
      const mean = Number((times.reduce((sum, time) => sum + time, 0) / times.length).toFixed(2));
      return { count: times.length, mean, median: at(0.5), percentile95: at(0.95) };
    };
    return { keystroke: figures(keys), word: figures(fed) };
  }, words);
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
  server.close();
  rmSync(directory, { recursive: true });
}
