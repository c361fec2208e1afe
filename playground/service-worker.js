// Keeps the page's own files, so that it works offline after the first load. Fresh files win while
// there is a network.
const CACHE = "nextword-playground";
const FILES = [
  "./",
  "chart.js",
  "curve.js",
  "field.js",
  "glass-box-worker.js",
  "glass-box.css",
  "glass-box.html",
  "glass-box.js",
  "heat-map.js",
  "icon.svg",
  "index.html",
  "learned.js",
  "learning-worker.js",
  "learning.css",
  "learning.html",
  "learning.js",
  "model.js",
  "offline.js",
  "personal.js",
  "playground.js",
  "style.css",
  "suggester.js",
  "unit-drawing.js",
  "unit-view.js",
  "vendor/gates.onnx",
  "vendor/nextword.js",
  ...[
    ...["characters", "completion", "dictionary", "drafts", "entries", "errors", "explanation", "half", "inspection"],
    ...["letters", "marks", "model", "network", "npz", "onnx-file", "sampling", "session", "subwords", "unicode", "word-search"],
    ...["word-tree", "words"],
    ...["candidates", "capitals", "keyboard", "language", "layouts", "mixture", "personal", "saving", "text-field"].map(
      (name) => `keyboard/${name}`,
    ),
    ...["random", "rewriting", "safetensors", "stored", "text", "trainer", "training-file"].map((name) => `learning/${name}`),
  ].map((name) => `vendor/nextword/${name}.js`),
  "vendor/nextword.int8.onnx",
  "vendor/small.onnx",
  "vendor/small.train.onnx",
  "vendor/story.json",
  "vendor/ort.wasm.min.mjs",
  "vendor/ort-wasm-simd-threaded.mjs",
  "vendor/ort-wasm-simd-threaded.wasm",
  "word-row.js",
  "worker.js",
];

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  event.respondWith(answer(event.request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  try {
    const response = await fetch(request, { headers: unlessStill(kept), cache: "no-store" });
    if (response.status === 304) return kept;
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

/** Headers that ask for a file only if it is no longer the one that is kept: 14 MB come once. */
function unlessStill(kept) {
  const tag = kept?.headers.get("ETag");
  const date = kept?.headers.get("Last-Modified");
  return { ...(tag && { "If-None-Match": tag }), ...(date && { "If-Modified-Since": date }) };
}
