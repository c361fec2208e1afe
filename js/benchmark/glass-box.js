// Measures the glass box in Chromium while a text is typed at 25 keys a second, as JSON: frames per second; and the
// milliseconds (median, 95th percentile, largest) of a frame, and from the key that ends a word to its column. `make
// vendor` assembles the page. `node benchmark/glass-box.js MODEL.onnx TEXT [WORDS]` types the first WORDS words of the
// text, 100 by default.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { launch, serve } from "../test-playground/browser.js";

const BETWEEN_KEYS = 40; // milliseconds
const [model, text, count = "100"] = process.argv.slice(2);
const words = readFileSync(text, "utf8").split(/\s+/).filter(Boolean).slice(0, Number(count));

const server = await serve(fileURLToPath(new URL("../../playground/", import.meta.url)));
const browser = await launch();
try {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 1200 } })).newPage();
  await page.goto(`${server.address}glass-box.html`);
  await page.waitForSelector("[data-ready]");
  await page.fill("#text", "");
  await page.setInputFiles("#file", model);
  await page.waitForFunction((name) => document.querySelector("#model").textContent.startsWith(name), model.split("/").at(-1));
  await page.evaluate(() => {
    const found = (window.found = { frames: [], columns: [] });
    const next = (time) => {
      found.frames.push(time);
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
    let typed = 0;
    document.querySelector("#text").addEventListener("input", () => (typed ||= performance.now()));
    // The number under the cursor belongs to the newest column.
    new MutationObserver(() => {
      if (typed) found.columns.push(performance.now() - typed);
      typed = 0;
    }).observe(document.querySelector("#number"), { childList: true });
    document.querySelector("#text").addEventListener("keydown", ({ key }) => {
      if (key !== " ") typed = 0;
    });
  });
  await page.locator("#text").focus();
  const at = async () => (await page.evaluate(() => window.found.frames.length)) - 1;
  const first = await at();
  await page.keyboard.type(`${words.join(" ")} `, { delay: BETWEEN_KEYS });
  const last = await at();
  const { frames, columns } = await page.evaluate(() => window.found);
  const typed = frames.slice(first, last + 1);
  const intervals = typed.slice(1).map((time, place) => time - typed[place]);
  const figures = (times) => {
    times.sort((one, other) => one - other);
    const of = (share) => Number(times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(1));
    return { median: of(0.5), percentile95: of(0.95), largest: of(1) };
  };
  const perSecond = Number(((1000 * intervals.length) / (typed.at(-1) - typed[0])).toFixed(1));
  const shown = await page.locator("#words button").count();
  console.log(JSON.stringify({ words: shown, perSecond, frame: figures(intervals), column: figures(columns) }));
} finally {
  await browser.close();
  server.close();
}
