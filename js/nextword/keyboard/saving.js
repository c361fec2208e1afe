/** What a keyboard has learned ⇄ bytes: JSON in UTF-8, the same in Python and JavaScript. */

import { NextwordError, bytesOf, quoted } from "../errors.js";
import { half, toHalves } from "../half.js";
import { LONGEST, MOST_WORDS, longerThan } from "./personal.js";

const FORMAT = "nextword-keyboard/1";
const MOST_BYTES = 64_000_000;
const MOST_BIAS = 1000;
const MOST_SEEN = 1e9; // words
const MOST_COUNT = 2 ** 31 - 1;

/**
 * What was learned, and the last 500 words in the cache, but not the text otherwise. It holds words, not ids, so it
 * outlives a model file, except for the cache and what weights have learned.
 */
export async function save({ personal, languages, weights }) {
  const [learned, cached] = await Promise.all([weightsOf, cacheOf].map((of) => Promise.all(languages.map(of))));
  const kept = {
    format: FORMAT,
    learned: Object.fromEntries(personal.learned),
    blocked: personal.blocked,
    kept: [...personal.kept.keys()],
    recent: personal.recent,
    languages: languages.map((language, place) => ({
      weight: Number(weights[place].toFixed(9)),
      seen: language.adaptation.seen,
      expected: language.adaptation.foreseen,
      bias: language.adaptation.savedBias(),
      ...cached[place],
      ...learned[place],
    })),
  };
  return new TextEncoder().encode(JSON.stringify(kept));
}

/**
 * Restores what `save` has written into a new keyboard; nothing changes if the bytes are from anything else. Returns a
 * function to be called before anything is read: it restores the cache and the learned weights, if they belong to the
 * same files.
 */
export function restore(bytes, mixture) {
  const saved = parsed(bytes);
  const { languages, personal } = mixture;
  if (saved.languages.length !== languages.length) {
    throw new NextwordError(
      "KeyboardError",
      `this was saved by a keyboard of ${saved.languages.length} languages; this one has ${languages.length}`,
    );
  }
  const learned = saved.languages.map((one, place) => learnedOf(languages[place], one.learned_weights));
  const cached = saved.languages.map(({ cache }) => decoded(cache));
  for (const word of saved.blocked) personal.block(word);
  // A newer file's dictionary may have words that an older one lacked.
  personal.remember(Object.entries(saved.learned).filter(([word]) => !mixture.has(word)));
  personal.recall(saved.recent ?? []);
  for (const typed of saved.kept) personal.keep(typed);
  saved.languages.forEach(({ seen, expected, bias }, place) => {
    const { adaptation } = languages[place];
    Object.assign(adaptation, { seen, foreseen: expected });
    adaptation.restoreBias(bias);
  });
  const total = saved.languages.reduce((sum, { weight }) => sum + weight, 0);
  mixture.start(saved.languages.map(({ weight }) => weight / total));
  return async () => {
    for (const [place, language] of languages.entries()) {
      for (const { features, word } of await cachedOf(language, cached[place])) {
        language.adaptation.cache.remember(features, word);
      }
      if (learned[place]) await learnWeights(language, learned[place]);
    }
  };
}

/** What the cache holds, if anything. */
async function cacheOf(language) {
  const pairs = language.adaptation.cache.last;
  const file = pairs.length ? await fileOf(language) : null;
  if (file === null) return {};
  const features = base64(toHalves(pairs.flatMap(({ features }) => [...features])));
  return { cache: { file, entries: pairs.map(({ word }) => word), features } };
}

/** What `cacheOf` returned, if anything, in numbers. */
function decoded(saved) {
  if (!saved || saved.file === undefined) return null;
  const { file, entries } = saved;
  const isId = (id) => Number.isInteger(id) && id >= 0;
  if (!Array.isArray(entries) || !entries.length || !entries.every(isId)) throw damaged();
  const values = Float32Array.from(halves(saved.features), half);
  if (values.length % entries.length || !values.every((value) => Math.abs(value) < 2 ** 16)) throw damaged();
  return { file, entries, values };
}

/** The features and words of a decoded cache, if they belong to the same file. */
async function cachedOf({ adaptation: { cache }, dictionary, model }, saved) {
  if (!cache.places || !saved || saved.file !== (await fileOf({ model }))) return [];
  const { entries, values } = saved;
  const width = model.features;
  const fits = entries.length <= cache.settings.size && entries.every((id) => id < dictionary.words.length);
  if (!fits || values.length !== entries.length * width) throw damaged();
  return entries.map((word, place) => ({ word, features: values.slice(place * width, (place + 1) * width) }));
}

/** The SHA-256 of a model's file, to which its cache belongs; null on pages that are not secure. */
const fileOf = ({ model }) => (globalThis.crypto.subtle ? model.digest() : null);

/** What the weights of a model have learned, if they learn; words not yet learned from are left out. */
async function weightsOf(language) {
  const { learner } = language;
  if (!learner) return {};
  const values = [...learner.learned.values].map(([name, one]) => [name, base64(one.values)]);
  return { learned_weights: { files: await filesOf(language), values: Object.fromEntries(values) } };
}

/** What `weightsOf` returned, with the files it belongs to; null if nothing learns, or nothing was saved. */
function learnedOf({ learner }, saved) {
  if (!learner || saved === undefined || saved === null) return null;
  if (!Array.isArray(saved.files) || !isObject(saved.values)) throw damaged();
  const values = [...learner.nothing.values].map(([name, { shape }]) => [name, { shape, values: floats(saved.values[name] ?? "") }]);
  const isGood = (value) => Math.abs(value) <= MOST_BIAS;
  if (!values.every(([, one]) => one.values.every(isGood))) throw damaged();
  return { files: saved.files, values: new Map(values) };
}

/** Restores learned weights, if they belong to the same files. */
async function learnWeights(language, { files, values }) {
  if (files.join() !== (await filesOf(language)).join()) return;
  const { learner } = language;
  for (const [name, one] of learner.nothing.values) {
    if (values.get(name).values.length !== one.values.length) throw damaged();
  }
  learner.learned = { values, ids: [], state: null };
}

/** The SHA-256 of the files that the learned weights belong to. */
const filesOf = ({ model, learner }) => Promise.all([model.digest(), learner.digest()]);

function base64(numbers) {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** The inverse of `base64`, for float32 and for float16. */
const [floats, halves] = [Float32Array, Uint16Array].map((Numbers) => (text) => {
  try {
    return new Numbers(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
  } catch {
    throw damaged();
  }
});

const damaged = () => new NextwordError("KeyboardError", "these bytes are not a saved keyboard, or only part of one");

function parsed(given) {
  const bytes = bytesOf(given);
  if (!bytes || bytes.length > MOST_BYTES) throw damaged();
  let saved;
  try {
    saved = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw damaged();
  }
  if (!isObject(saved)) throw damaged();
  if (saved.format !== FORMAT) {
    if (typeof saved.format !== "string" || !saved.format.startsWith("nextword-keyboard/")) throw damaged();
    const format = [...quoted(saved.format)].slice(0, 40).join("");
    throw new NextwordError(
      "KeyboardError",
      `this was saved as ${format}, which this version cannot read; install a newer nextword`,
    );
  }
  const fits =
    areCounts(saved.learned) &&
    // Older keyboards did not save the recent uses.
    [saved.blocked, saved.kept, saved.recent ?? []].every(areWords) &&
    Array.isArray(saved.languages) &&
    saved.languages.length > 0 &&
    saved.languages.every(isLanguage);
  if (!fits) throw damaged();
  return saved;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isWord = (word) => typeof word === "string" && word.length > 0 && word.isWellFormed() && !longerThan(word, LONGEST);
const areWords = (words) => Array.isArray(words) && words.length <= MOST_WORDS && words.every(isWord);
const isBetween = (value, least, most) => Number.isFinite(value) && value >= least && value <= most;

const areCounts = (words) =>
  isObject(words) &&
  areWords(Object.keys(words)) &&
  Object.values(words).every((count) => Number.isInteger(count) && isBetween(count, 1, MOST_COUNT));

const isLanguage = (language) =>
  isObject(language) &&
  isBetween(language.weight, 1e-9, 1) &&
  isBetween(language.seen, 0, MOST_SEEN) &&
  isBetween(language.expected, 0, MOST_SEEN) &&
  isObject(language.bias) &&
  isObject(language.cache ?? {}) &&
  Object.values(language.bias).every((value) => isBetween(value, -MOST_BIAS, MOST_BIAS));
