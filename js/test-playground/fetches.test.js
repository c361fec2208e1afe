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

async function visit(context, path) {
  const page = await context.newPage();
  await page.goto(server.address + path);
  await page.waitForSelector("[data-ready]", { timeout: 60_000 });
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.close();
}

test("the models and the WASM are sent only once, for the first visit and later ones, on either page", async () => {
  const context = await browser.newContext();
  const sent = server.sent.length;
  for (const path of ["", "", "glass-box.html"]) await visit(context, path);
  const large = server.sent.slice(sent).filter((url) => /\.(wasm|onnx)$/.test(url));
  const learning = ["gradients-gru", "gradients-lstm", "gradients-rnn", "small"].flatMap((name) => [`${name}.onnx`, `${name}.train.onnx`]);
  const names = ["gates.onnx", "nextword.int8.onnx", "ort-wasm-simd-threaded.wasm", ...learning].sort();
  assert.deepEqual(large.sort(), names.map((name) => `/vendor/${name}`));
  await context.close();
});

test("after a visit to any page, all pages work offline", async () => {
  const pages = ["", "glass-box.html", "learning.html", "gradients.html"];
  for (const first of pages) {
    const context = await browser.newContext();
    await visit(context, first);
    await context.setOffline(true);
    for (const path of pages) await visit(context, path);
    await context.close();
  }
});
