// The model, beside the page: however long it computes, the page goes on hearing its user.
import * as ort from "./vendor/ort.wasm.min.mjs";
import { Generator, NextwordError } from "./vendor/nextword.js";

ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more need headers that a plain file server does not send

let generator;
const writing = new Map(); // what ends a stream, by the number of its question

const answers = {
  /** Loads a model in place of the one before, whose memory is given back. */
  async load(source) {
    const loaded = await Generator.load(source, { ort });
    for (const controller of writing.values()) controller.abort();
    await generator?.release();
    generator = loaded;
    return generator.info;
  },

  suggest: (text, n) => generator.suggest(text, n),

  /** Posts each piece as it comes. */
  async stream(text, words, sampling, post, signal) {
    for await (const piece of generator.stream(text, words, sampling, { signal })) post({ piece });
  },
};

addEventListener("message", async ({ data: { number, ask, given } }) => {
  const post = (answer) => postMessage({ number, ...answer });
  if (ask === "stop") return writing.get(given[0])?.abort();
  const controller = new AbortController();
  if (ask === "stream") writing.set(number, controller);
  try {
    post({ result: await answers[ask](...given, post, controller.signal) });
  } catch (error) {
    // Of errors only the message would arrive, and what was aborted is none.
    if (controller.signal.aborted) post({});
    else if (error instanceof NextwordError) post({ error: { ...error, name: error.name, message: error.message } });
    else post({ fault: String(error?.stack ?? error) });
  } finally {
    writing.delete(number);
  }
});
