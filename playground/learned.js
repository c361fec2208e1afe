// The model that was trained on one page and is used for typing on another.
const CACHE = "nextword-learned";
const NAME = "learned.onnx";

/** Keeps a model file for the playground. */
export async function keep(file) {
  await (await caches.open(CACHE)).put(NAME, new Response(file));
}

/** The file that was kept, if any. */
export async function kept() {
  const answer = await (await caches.open(CACHE)).match(NAME);
  return answer && new File([await answer.blob()], NAME);
}
