// A file server and a Chromium for the tests of the pages.
import { execFileSync } from "node:child_process";
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
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
