// The page's end of the worker that runs the models: what is asked becomes a message, its answer a promise.
import { NextwordError, UnknownWordError } from "./vendor/nextword.js";

const waiting = new Map(); // by number: what takes the answer, and pieces that come before it
let asked = 0;
let worker; // made when it is first asked, so that the service worker can be there before

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
    for (const { reject } of waiting.values()) reject(new Error(message || "the worker cannot be started"));
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

/** `load(place, source)` puts a model, a file or an address, in a place, 0 or 1; gives what there is now. */
export const load = asking("load");
/** Takes the second model away. */
export const remove = asking("remove");
/** Sets `layout`, or `isTogether`: whether two models are languages of one keyboard. */
export const set = asking("set");
/** `type(text, n)`: the suggestions of each keyboard where the text ends, and a correction. */
export const type = asking("type");
/** The words that were learned and blocked; `commit(text)`, `forget(word)` and `block(word)` give them too. */
export const words = asking("words");
export const commit = asking("commit");
export const forget = asking("forget");
export const block = asking("block");
/** What the keyboard has learned, as bytes; `restore(bytes)` takes them. */
export const save = asking("save");
export const restore = asking("restore");

/**
 * Continues a text, as `Generator.stream` does; `take` gets each piece. `done` is settled at its end, and
 * `stop` ends it before: no piece comes after it.
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
