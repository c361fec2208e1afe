// A file server and a Chromium for the tests of the pages.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** Serves a directory on a free port of this machine, at `address`; `sent` lists the paths that were sent whole. */
export async function serve(directory) {
  const sent = [];
  const server = createServer((request, response) => {
    const path = join(directory, request.url === "/" ? "index.html" : new URL(request.url, "http://x").pathname);
    const file = statSync(path, { throwIfNoEntry: false });
    if (!file?.isFile()) return response.writeHead(404).end();
    const tag = `"${file.size}-${file.mtimeMs}"`;
    if (request.headers["if-none-match"] === tag) return response.writeHead(304).end();
    sent.push(request.url);
    response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream", ETag: tag });
    createReadStream(path).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, sent, close: () => server.close() };
}

/** Starts this machine's Chromium. */
export function launch() {
  return chromium.launch({
    executablePath: chromiumPath(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
  });
}

export const PHONE = { viewport: { width: 360, height: 800 }, isMobile: true, hasTouch: true };

/** Visits to one page of the playground, in all tests of a file. */
export class Visits {
  #path;
  #ready; // the selector of what is there when the page is ready
  #server;
  #browser;
  #requests = [];
  #problems = [];

  constructor(path, ready = "[data-ready]") {
    this.#path = path;
    this.#ready = ready;
    before(async () => {
      this.#server = await serve(fileURLToPath(new URL("../../playground/", import.meta.url)));
      this.#browser = await launch();
    });
    after(async () => {
      await this.#browser?.close();
      this.#server?.close();
    });
  }

  /** Opens the page in a browser of its own. */
  async open(options = {}) {
    const context = await this.#browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
    const page = await context.newPage();
    page.on("request", (request) => this.#requests.push(request.url()));
    page.on("pageerror", (error) => this.#problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && this.#problems.push(message.text()));
    await page.goto(this.#server.address + this.#path);
    await page.waitForSelector(this.#ready, { timeout: 60_000 });
    return page;
  }

  /** Fails if another host was contacted, or something went wrong other than by being offline. */
  checkAll() {
    assert.ok(this.#requests.length > 50);
    const isOwn = (url) => url.startsWith(this.#server.address) || url.startsWith("blob:");
    assert.deepEqual(this.#requests.filter((url) => !isOwn(url)), []);
    assert.deepEqual(this.#problems.filter((problem) => !problem.includes("ERR_INTERNET_DISCONNECTED")), []);
  }
}

/** Fails if a page is wider than its screen. */
export async function checkWidth(page) {
  const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(width <= inner, `${width} > ${inner}`);
}

/** The path of Chromium. */
export function chromiumPath() {
  for (const name of [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"]) {
    try {
      if (name) return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // try the next one
    }
  }
  throw new Error("no Chromium is found; install it, or say where it is: CHROMIUM=/path/to/chromium");
}
