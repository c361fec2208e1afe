// The one-file example, with the files that it requests beside it.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, serve } from "./browser.js";

let browser, server;

before(async () => {
  const directory = mkdtempSync(join(tmpdir(), "nextword-"));
  const from = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const ort = "js/node_modules/onnxruntime-web/dist";
  for (const [path, name] of [
    ["examples/web/index.html", "index.html"],
    ["tests/conformance/fixed.text.onnx", "nextword.text.onnx"],
    ...["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map((name) => [
      `${ort}/${name}`,
      name,
    ]),
  ]) {
    cpSync(from(path), join(directory, name));
  }
  server = await serve(directory);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

test("the web example continues a text, and names an unknown word", async () => {
  const page = await browser.newPage();
  await page.goto(server.address);
  await page.waitForFunction(() => document.querySelector("#continue").onclick);
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#text").textContent.startsWith("long ago , "));
  assert.equal((await page.textContent("#text")).split(" ").length, 15);
  await page.fill("#prompt", "the mouze");
  await page.click("#continue");
  await page.waitForFunction(() => document.querySelector("#text").textContent === "not in the dictionary: mouze");
});
