// Caches the page's own files, so that it works offline after the first load. Fresh files are preferred while there is
// a network.
const CACHE = "nextword-playground";
const LIST = "vendor/files.txt"; // all files except the story's large models; written by `make vendor`

addEventListener("install", (event) => {
  event.waitUntil(keepAll());
});

addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  event.respondWith(answer(event.request));
});

async function keepAll() {
  const list = await (await fetch(LIST, { cache: "no-store" })).text();
  const cache = await caches.open(CACHE);
  await cache.addAll(["./", LIST, ...list.trim().split("\n")]);
}

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

/** Headers that request a file only if it differs from the cached one, so that 14 MB are sent only once. */
function unlessStill(kept) {
  const tag = kept?.headers.get("ETag");
  const date = kept?.headers.get("Last-Modified");
  return { ...(tag && { "If-None-Match": tag }), ...(date && { "If-Modified-Since": date }) };
}
