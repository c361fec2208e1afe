// The page's side of the worker that runs the models: a request becomes a message, its answer a promise.
import { NextwordError, UnknownWordError } from "./vendor/nextword.js";

const waiting = new Map(); // by number: the handlers of the answer, and of pieces that come before it
let asked = 0;
let worker; // created at the first request, so that the service worker is active before it

function start() {
  const started = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data: { number, piece, result, error, fault } }) => {
    const { take, resolve, reject } = waiting.get(number);
    if (piece !== undefined) return take(piece);
    waiting.delete(number);
    if (fault) reject(new Error(fault));
    else if (!error) resolve(result);
    else if (error.name === "UnknownWordError") reject(new UnknownWordError(error.word, error.neighbours));
    else reject(new NextwordError(error.name, error.message));
  });
  started.addEventListener("error", ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message || "the worker could not be started"));
    waiting.clear();
  });
  return started;
}

function send(ask, given, take) {
  worker ??= start();
  const number = ++asked;
  const answer = new Promise((resolve, reject) => waiting.set(number, { take, resolve, reject }));
  worker.postMessage({ number, ask, given });
  return { number, answer };
}

const asking = (ask) => (...given) => send(ask, given).answer;

/** `load(place, source)` loads a model, a file or a URL, in a place, 0 or 1; returns the models that there are now. */
export const load = asking("load");
/** Removes the second model. */
export const remove = asking("remove");
/** Sets `layout`, or `isTogether`: whether two models are languages of one keyboard. */
export const set = asking("set");
/** `type(text, n)`: each keyboard's suggestions at the end of the text, and a correction. */
export const type = asking("type");
/** The learned and blocked words; `commit(text)`, `forget(word)` and `block(word)` return them too. */
export const words = asking("words");
export const commit = asking("commit");
export const forget = asking("forget");
export const block = asking("block");
/** What the keyboard has learned, as bytes; `restore(bytes)` restores it. */
export const save = asking("save");
export const restore = asking("restore");

/**
 * Continues a text, as `Generator.stream` does; `take` gets each piece. `done` settles at the end; `stop` ends it
 * early, and no piece comes after that.
 */
export function stream(text, words, sampling, take) {
  let isStopped = false;
  const { number, answer } = send("stream", [text, words, sampling], (piece) => isStopped || take(piece));
  const stop = () => {
    isStopped = true;
    worker.postMessage({ ask: "stop", given: [number] });
  };
  return { done: answer, stop };
}
