// The models, in a worker: the page stays responsive however long they compute.
import * as ort from "./vendor/ort.wasm.min.mjs";
import { Generator, Keyboard, NextwordError } from "./vendor/nextword.js";

ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more threads need headers that a plain file server does not send

const generators = []; // one or two
let keyboards = []; // the user's own, and the second model's if the two are shown side by side
let layout = "qwerty";
let isTogether = true; // whether two models are languages of one keyboard
const writing = new Map(); // by the number of a request: what ends its stream

/** Creates the keyboards again; what the user's own has learned stays. */
async function renew() {
  const saved = await keyboards[0]?.save();
  const groups = isTogether ? [generators] : generators.map((generator) => [generator]);
  keyboards = groups.map((group, place) => {
    return Keyboard.of(group, { layout, saved: place || !saved ? undefined : forLanguages(saved, group.length) });
  });
}

/**
 * What a keyboard has saved, for one with another number of languages: the words, but no adaptation. Anything else is
 * left for the library to refuse.
 */
function forLanguages(saved, count) {
  const kept = parsed(saved);
  const languages = kept?.languages;
  if (!Array.isArray(languages) || languages.length === 0 || languages.length === count) return saved;
  const language = { weight: 1 / count, seen: 0, expected: 0, bias: {} };
  return new TextEncoder().encode(JSON.stringify({ ...kept, languages: Array(count).fill(language) }));
}

/** What JSON in UTF-8 says; null if it is anything else. */
function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

/** How a model splits texts; `subwords` and `words` count as the same. */
const rules = ({ info }) => [info.splitBy.replace("subwords", "words"), info.lowercase, info.lineEnds].join();

/** Whether the models can be languages of one keyboard. */
const canBeTogether = () => new Set(generators.map(rules)).size === 1;

/** What the page shows of the models. */
const state = () => ({
  infos: generators.map(({ info }) => info),
  isTogether,
  canBeTogether: canBeTogether(),
});

const words = () => ({ learned: keyboards[0].learned, blocked: keyboards[0].blocked });

const answers = {
  /** Loads a model in a place, 0 or 1; the memory of the previous one is freed. */
  async load(place, source) {
    const loaded = await Generator.load(source, { ort });
    for (const controller of writing.values()) controller.abort();
    const [before] = generators.splice(place, 1, loaded);
    isTogether = canBeTogether();
    await renew();
    await before?.release();
    return state();
  },

  /** Removes the second model. */
  async remove() {
    const [before] = generators.splice(1, 1);
    isTogether = true;
    await renew();
    await before?.release();
    return state();
  },

  async set(settings) {
    layout = settings.layout ?? layout;
    isTogether = settings.isTogether ?? isTogether;
    await renew();
    return state();
  },

  /** What may come at the end of the text, by each keyboard, and what its last word should become. */
  async type(text, n) {
    const found = [];
    for (const keyboard of keyboards) {
      await keyboard.update(text);
      found.push(await keyboard.suggest(n));
    }
    return { suggestions: found, correction: await keyboards[0].correction() };
  },

  words,

  async commit(text) {
    await keyboards[0].update(text);
    await keyboards[0].commit();
    return words();
  },

  async forget(word) {
    await keyboards[0].forget(word);
    return words();
  },

  async block(word) {
    await keyboards[0].block(word);
    return words();
  },

  save: () => keyboards[0].save(),

  /** Restores what a keyboard has saved, in place of what this one knows; nothing changes if it is damaged. */
  async restore(saved) {
    const group = isTogether ? generators : generators.slice(0, 1);
    const restored = Keyboard.of(group, { layout, saved: forLanguages(saved, group.length) });
    await restored.update(""); // a damaged cache is reported by a call, not when the keyboard is created
    keyboards[0] = restored;
    return words();
  },

  /** Posts each piece as it comes. */
  async stream(text, words, sampling, post, signal) {
    for await (const piece of generators[0].stream(text, words, sampling, { signal })) post({ piece });
  },
};

let turn = Promise.resolve(); // everything except streams runs in the order of the requests

addEventListener("message", async ({ data: { number, ask, given } }) => {
  const post = (answer) => postMessage({ number, ...answer });
  if (ask === "stop") return writing.get(given[0])?.abort();
  const controller = new AbortController();
  try {
    let done;
    if (ask === "stream") {
      writing.set(number, controller);
      done = answers.stream(...given, post, controller.signal);
    } else {
      done = turn.then(() => answers[ask](...given));
      turn = done.catch(() => {});
    }
    post({ result: await done });
  } catch (error) {
    // Only the message of an error would arrive; an aborted stream is not an error.
    if (controller.signal.aborted) post({});
    else if (error instanceof NextwordError) post({ error: { ...error, name: error.name, message: error.message } });
    else post({ fault: String(error?.stack ?? error) });
  } finally {
    writing.delete(number);
  }
});
