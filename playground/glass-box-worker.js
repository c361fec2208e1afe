// The glass box's model, in a worker: results come back word by word, and only the newest text counts.
import { MOST_WORDS } from "./heat-map.js";
import * as ort from "./vendor/ort.wasm.min.mjs";
import { NextwordError } from "./vendor/nextword.js";
import { Explainer } from "./vendor/nextword/explanation.js";
import { eventLoop } from "./vendor/nextword/turns.js";

ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more threads need headers that a plain file server does not send

const LIKELIEST = 8;
const MOST_LEFT_OUT = 64; // the most words whose effect is measured by leaving them out
const QUIET = 300; // milliseconds without a change before that is measured,
const TICK = 30; // and how often changes are checked for
const ENDS_IN_BLANK = /\s$/u;

let explainer = null;
let toLoad = null; // the newest file and the newest text that wait
let toRead = null;
const asked = []; // other requests that wait
let words = []; // of the text that was read
let next = null; // the likeliest word after it
let isWorking = false;

addEventListener("message", ({ data: { load, read, ...ask } }) => {
  if (load !== undefined) toLoad = load;
  else if (read !== undefined) toRead = read;
  else asked.push(ask);
  work();
});

async function work() {
  if (isWorking) return;
  isWorking = true;
  while (toLoad !== null || toRead !== null || asked.length) {
    const isFile = toLoad !== null;
    try {
      if (isFile) await loadNewest();
      else if (toRead !== null) await readNewest();
      else await answer(asked.shift());
    } catch (error) {
      if (error instanceof NextwordError) postMessage({ error: error.message, isFile });
      else postMessage({ fault: String(error?.stack ?? error) });
    }
  }
  isWorking = false;
}

async function loadNewest() {
  const { source, name } = toLoad;
  toLoad = null;
  const before = explainer;
  explainer = await Explainer.load(source, { ort });
  words = [];
  await before?.release();
  const { info, showsUnits } = explainer;
  postMessage({ loaded: { info: { ...info, dictionary: info.dictionary.length }, name, showsUnits } });
}

/** Reads the newest text, until a newer one arrives. */
async function readNewest() {
  const { text, turn } = toRead;
  toRead = null;
  if (!explainer) return;
  const post = (found) => postMessage({ turn, ...found });
  const { found, note } = readable(text);
  words = found;
  next = null;
  const { first, kept, steps } = explainer.read(words);
  const unread = unreadOf(words);
  post({ words: words.map(({ word }) => shown(word)), first, kept, unread, note });
  for await (const column of steps) {
    post({ column });
    if (await isOld()) return;
  }
  if (!words.length) return post({ expected: [] });
  const likeliest = await explainer.likeliest(words, LIKELIEST);
  post({ expected: rows(likeliest) });
  for (let waited = 0; waited < QUIET; waited += TICK) if (await isOld(TICK)) return;
  next = await nextOf(likeliest);
  const least = Math.max(unread, words.length - MOST_LEFT_OUT);
  for (let place = words.length - 1; place >= least && words.length > 1; place--) {
    post({ lost: { place, nats: next.before - (await explainer.logProbability(words.toSpliced(place, 1), next.path)) } });
    if (await isOld()) return;
  }
  post({ isDone: true });
}

/** The likeliest word after the text: as it is shown, its ids, and ln P of it as it is spelt there. */
async function nextOf([{ word, path }]) {
  return { word: shown(word), path, before: await explainer.logProbability(words, path) };
}

/** How many words at the beginning are too far back for the model's context. */
function unreadOf(words) {
  const { context } = explainer.info;
  let left = context ?? Infinity;
  return words.length - words.toReversed().filter(({ ids }) => (left -= ids.length) >= 0).length;
}

/** Lets messages arrive, and answers requests; returns whether the text is no longer the newest. */
async function isOld(milliseconds = 0) {
  await (milliseconds ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : eventLoop());
  while (asked.length && toLoad === null && toRead === null) await answer(asked.shift());
  return toLoad !== null || toRead !== null;
}

/** Posts what is expected after one of the words, or at the end without one of them. */
async function answer({ turn, after, without }) {
  if (after !== undefined && after < words.length) {
    postMessage({ turn, after, expected: rows(await explainer.likeliest(words.slice(0, after + 1), LIKELIEST)) });
  } else if (without < words.length && words.length > 1) {
    next ??= await nextOf(await explainer.likeliest(words, 1));
    const others = words.toSpliced(without, 1);
    const expected = rows(await explainer.likeliest(others, LIKELIEST));
    const after = await explainer.logProbability(others, next.path);
    postMessage({ turn, without, expected, next: { word: next.word, before: next.before, after } });
  }
}

const rows = (likeliest) =>
  likeliest.map(({ word, logProbability }) => ({ label: shown(word), probability: Math.exp(logProbability) }));

/** A word as it is shown. */
const shown = (word) => (word === "<eos>" ? "↵" : word.trim() || "␣");

/** The words of a text that can be read, and a note about the others. */
function readable(text) {
  const { dictionary, info } = explainer;
  let tokens = [];
  try {
    tokens = explainer.split(text);
  } catch (error) {
    if (error.name !== "PromptError") throw error; // there are no words yet
  }
  let note = "";
  if (dictionary.unit === "words" && info.splitBy !== "characters") {
    const isOpen = !ENDS_IN_BLANK.test(text) && tokens.length > 0;
    if (isOpen && !dictionary.has(tokens.at(-1))) {
      note = `“${tokens.pop()}” will be read once it is a word that the model knows.`;
    }
  }
  const allKnown = info.unknown !== null || dictionary.unit !== "words";
  const stranger = allKnown ? -1 : tokens.findIndex((word) => !dictionary.has(word));
  if (stranger >= 0) {
    const near = dictionary.neighbours(tokens[stranger]);
    const hint = near.length ? `; nearest: ${near.join(", ")}` : "";
    note = `“${tokens[stranger]}” is not in the dictionary${hint}. Only the text before it is read.`;
    tokens = tokens.slice(0, stranger);
  }
  const found = explainer.words(tokens);
  if (found.length > MOST_WORDS) note = `Only the first ${MOST_WORDS.toLocaleString("en")} words are read.`;
  return { found: found.slice(0, MOST_WORDS), note };
}
