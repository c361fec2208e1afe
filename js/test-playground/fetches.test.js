// What the page costs its visitors: each file comes over the network once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, serve } from "./browser.js";

let server, browser;

before(async () => {
  server = await serve(fileURLToPath(new URL("../../playground/", import.meta.url)));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

test("the models and the WASM are sent once, for the first visit and the next, on either page", async () => {
  const context = await browser.newContext();
  for (const path of ["", "", "glass-box.html"]) {
    const page = await context.newPage();
    await page.goto(server.address + path);
    await page.waitForSelector("[data-ready]", { timeout: 60_000 });
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    await page.close();
  }
  const large = server.sent.filter((url) => /\.(wasm|onnx)$/.test(url)).sort();
  const wasm = "/vendor/ort-wasm-simd-threaded.wasm";
  assert.deepEqual(large, ["/vendor/gates.onnx", "/vendor/nextword.int8.onnx", wasm]);
});
