// Each page of the website in a real Chromium, opened as a file, with the network cut off.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join, relative } from "node:path";

import { launch, serve } from "../test-playground/browser.js";

const SITE = fileURLToPath(new URL("../../site/", import.meta.url));
const PAGES = readdirSync(SITE, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".html") && !path.startsWith("playground/")) // the playground has tests of its own
  .filter((path) => path !== "404.html") // its links only work on a server
  .sort();
const SCREENS = {
  wide: { viewport: { width: 1280, height: 900 } },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 800 }, isMobile: true, hasTouch: true },
  "phone, dark": { viewport: { width: 360, height: 800 }, isMobile: true, hasTouch: true, colorScheme: "dark" },
};

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** A page without a network, and the problems that occur in it. */
async function cutOff(screen) {
  const context = await browser.newContext({ ...screen, offline: true });
  const page = await context.newPage();
  const problems = [];
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) problems.push(`asked for ${request.url()}`);
  });
  page.on("requestfailed", (request) => {
    const why = request.failure().errorText; // a request that the next page cuts short has not failed
    if (why !== "net::ERR_ABORTED") problems.push(`${why}: ${request.url()}`);
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  const open = (path) => page.goto(pathToFileURL(join(SITE, path)).href, { waitUntil: "load" });
  return { page, problems, open, close: () => context.close() };
}

for (const [name, screen] of Object.entries(SCREENS)) {
  test(`each page is complete without a network: ${name}`, async () => {
    assert.ok(PAGES.length > 12);
    const { page, problems, open, close } = await cutOff(screen);
    for (const path of PAGES) {
      await open(path);
      const found = await page.evaluate(async () => {
        await document.fonts.ready;
        const pictures = [...document.images];
        return {
          tooWide: document.documentElement.scrollWidth - innerWidth,
          missing: pictures.filter((picture) => !picture.naturalWidth).map((picture) => picture.src),
          unset: document.querySelectorAll(".arithmatex:not(:has(.katex))").length,
          background: getComputedStyle(document.body).backgroundColor,
        };
      });
      assert.ok(found.tooWide <= 0, `${path} is ${found.tooWide} pixels too wide`);
      assert.deepEqual(found.missing, [], `${path}: pictures that are missing`);
      assert.equal(found.unset, 0, `${path}: formulas that are not set`);
      const light = Number(found.background.match(/\d+/)[0]) > 128;
      assert.equal(light, screen.colorScheme !== "dark", `${path} is ${found.background}`);
      if (process.env.SCREENSHOTS) {
        const file = `${relative(".", path).replaceAll("/", "+")}-${name.replaceAll(", ", "-")}.png`;
        await page.screenshot({ path: join(process.env.SCREENSHOTS, file), fullPage: true });
      }
    }
    assert.deepEqual(problems, []);
    await close();
  });
}

for (const [path, embedded, name] of [
  ["learn/gates", "glass-box.html", "wide"],
  ["learn/gates", "glass-box.html", "phone, dark"],
  ["learn/training", "learning.html", "wide"],
  ["learn/gradients", "gradients.html", "wide"],
]) {
  test(`${path} embeds ${embedded} when served by a server: ${name}`, async () => {
    const server = await serve(SITE);
    const page = await (await browser.newContext(SCREENS[name])).newPage();
    await page.goto(`${server.address}${PAGES.find((one) => one.startsWith(path))}`);
    const frame = page.frameLocator("[data-playground] iframe");
    await page.locator("[data-playground] iframe").scrollIntoViewIfNeeded();
    await frame.locator("[data-ready]").waitFor({ state: "attached", timeout: 60_000 });
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(tooWide <= 0, `${tooWide} pixels too wide`);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `embedded-${embedded}-${name}.png`) });
    await page.close();
    server.close();
  });
}

test("search finds a page without a network", async () => {
  const { page, problems, open, close } = await cutOff(SCREENS.wide);
  await open("index.html");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("Kneser-Ney", { delay: 20 });
  await page.locator("a", { hasText: "The memory of training and evaluation" }).last().waitFor();
  assert.deepEqual(problems, []);
  await close();
});
