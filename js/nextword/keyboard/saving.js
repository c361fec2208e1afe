/** What a keyboard has learned ⇄ bytes: JSON in UTF-8, the same in Python and JavaScript. */

import { NextwordError, bytesOf, quoted } from "../errors.js";
import { LONGEST, MOST_WORDS, longerThan } from "./personal.js";

const FORMAT = "nextword-keyboard/1";
const MOST_BYTES = 64_000_000;
const LEAST_BIAS = 1e-3; // is saved
const MOST_BIAS = 1000;
const MOST_COUNT = 2 ** 31 - 1;

/** What was learned, without the text itself. Words stand for ids, so that it outlives a model file. */
export function save({ personal, languages, weights }) {
  const kept = {
    format: FORMAT,
    learned: Object.fromEntries(personal.learned),
    blocked: [...personal.blocked],
    kept: [...personal.kept],
    recent: personal.recent,
    languages: languages.map((language, place) => ({
      weight: weights[place],
      seen: language.seen,
      expected: language.foreseen,
      bias: biasOf(language),
    })),
  };
  return new TextEncoder().encode(JSON.stringify(kept));
}

/** Puts what `save` has written into a new keyboard; of bytes that are none of these nothing. */
export function restore(bytes, mixture) {
  const saved = parsed(bytes);
  const { languages, personal } = mixture;
  if (saved.languages.length !== languages.length) {
    throw new NextwordError(
      "KeyboardError",
      `this was saved by a keyboard of ${saved.languages.length} languages; this one has ${languages.length}`,
    );
  }
  personal.remember(Object.entries(saved.learned));
  personal.recall(saved.recent ?? []);
  for (const word of saved.blocked) personal.block(word);
  for (const typed of saved.kept) personal.keep(typed);
  saved.languages.forEach(({ seen, expected, bias }, place) => {
    const language = languages[place];
    language.seen = seen;
    language.foreseen = expected;
    for (const [word, value] of Object.entries(bias)) {
      if (language.knows(word)) language.bias[language.idOf(word)] = value;
    }
  });
  const total = saved.languages.reduce((sum, { weight }) => sum + weight, 0);
  mixture.weights = saved.languages.map(({ weight }) => weight / total);
}

function biasOf({ bias, scale, dictionary }) {
  const entries = [];
  bias.forEach((value, id) => {
    const whole = value * scale;
    if (Math.abs(whole) >= LEAST_BIAS) entries.push([dictionary.words[id], Number(whole.toFixed(4))]);
  });
  return Object.fromEntries(entries);
}

function parsed(given) {
  const damaged = new NextwordError("KeyboardError", "these bytes are not what a keyboard has saved, or not all of it");
  const bytes = bytesOf(given);
  if (!bytes || bytes.length > MOST_BYTES) throw damaged;
  let saved;
  try {
    saved = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw damaged;
  }
  if (!isObject(saved)) throw damaged;
  if (saved.format !== FORMAT) {
    if (typeof saved.format !== "string" || !saved.format.startsWith("nextword-keyboard/")) throw damaged;
    const format = [...quoted(saved.format)].slice(0, 40).join("");
    throw new NextwordError(
      "KeyboardError",
      `this was saved as ${format}, which this version cannot read; install a newer nextword`,
    );
  }
  const fits =
    areCounts(saved.learned) &&
    // Older keyboards did not save which words were used last.
    [saved.blocked, saved.kept, saved.recent ?? []].every(areWords) &&
    Array.isArray(saved.languages) &&
    saved.languages.length > 0 &&
    saved.languages.every(isLanguage);
  if (!fits) throw damaged;
  return saved;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isWord = (word) => typeof word === "string" && word.length > 0 && !longerThan(word, LONGEST);
const areWords = (words) => Array.isArray(words) && words.length <= MOST_WORDS && words.every(isWord);
const isBetween = (value, least, most) => Number.isFinite(value) && value >= least && value <= most;

const areCounts = (words) =>
  isObject(words) &&
  areWords(Object.keys(words)) &&
  Object.values(words).every((count) => Number.isInteger(count) && isBetween(count, 1, MOST_COUNT));

const isLanguage = (language) =>
  isObject(language) &&
  isBetween(language.weight, 1e-9, 1) &&
  isBetween(language.seen, 0, Infinity) &&
  isBetween(language.expected, 0, Infinity) &&
  isObject(language.bias) &&
  Object.values(language.bias).every((value) => isBetween(value, -MOST_BIAS, MOST_BIAS));
