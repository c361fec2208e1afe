/**
 * Characters of one version of Unicode, whatever the browser's: classes, clusters, normal form. Python's
 * `nextword.text.characters`.
 */

import { RUNS } from "./unicode.js";

const JOINER = "\\u200d";
const NATIONAL = "[\\u{1f1e6}-\\u{1f1ff}]"; // regional indicators: a pair is a flag
// Thai and Lao; Burmese; Khmer and its symbols; Burmese extensions. With Han and kana, these are the scripts written
// without blanks between words.
const UNSPACED_BLOCKS = [
  [0x0e00, 0x0eff],
  [0x1000, 0x109f],
  [0x1780, 0x17ff],
  [0x19e0, 0x19ff],
  [0xa9e0, 0xa9ff],
  [0xaa60, 0xaa7f],
];
// What Python's str.split treats as blanks; JavaScript's \s differs.
export const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const RANGES = Object.fromEntries(Object.entries(RUNS).map(([name, text]) => [name, ranges(text)]));
RANGES.unspaced = [...RANGES.ideograph, ...RANGES.katakana, ...common(RANGES.letter, UNSPACED_BLOCKS)];
RANGES.spacedLetter = RANGES.unspaced.reduce(without, RANGES.letter);
/** The characters of each class, as the contents of a character class in a regular expression. */
export const CLASSES = Object.fromEntries(Object.entries(RANGES).map(([name, runs]) => [name, listed(runs)]));
export const EXTENDING = CLASSES.extend + JOINER;
export const TIED = EXTENDING + CLASSES.spacing; // attached to the character before

/** The first and last character of each run of a class, parsed from its text. */
function ranges(text) {
  let end = 0;
  return text.split(" ").map((part) => {
    const [gap, more] = part.split("-").map((digits) => parseInt(digits, 36));
    const first = end + gap;
    end = first + (more ?? 0) + 1;
    return [first, end - 1];
  });
}

/** The intersection of two lists of runs. */
function common(runs, others) {
  return runs.flatMap(([first, last]) =>
    others.map(([low, high]) => [Math.max(first, low), Math.min(last, high)]).filter(([low, high]) => low <= high),
  );
}

/** Some runs without the characters from `low` to `high`. */
function without(runs, [low, high]) {
  return runs.flatMap(([first, last]) => {
    if (last < low || first > high) return [[first, last]];
    return [[first, low - 1], [high + 1, last]].filter(([first, last]) => first <= last);
  });
}

function listed(runs) {
  const code = (number) => `\\u{${number.toString(16)}}`;
  return runs.map(([first, last]) => (last > first ? `${code(first)}-${code(last)}` : code(first))).join("");
}

/** A regular expression for an extended grapheme cluster (UAX #29) that is not a control character. */
export function cluster(blank = "") {
  const { control, prepend, extend, pictograph, consonant, linker, leading, vowel, trailing } = CLASSES;
  // The Hangul syllables that end in a vowel; after each come the 27 that add a final consonant to it.
  const open = Array.from({ length: 399 }, (_, number) => String.fromCharCode(0xac00 + 28 * number)).join("");
  const closed = `(?![${open}])[\uac00-\ud7a3]`;
  const cores = [
    `${NATIONAL}{2}`,
    `[${pictograph}](?:[${extend}]*${JOINER}[${pictograph}])*`,
    `[${consonant}](?:(?:(?![${linker}\\u200c])[${EXTENDING}])*[${linker}](?:(?!\\u200c)[${EXTENDING}])*[${consonant}])*`,
    `[${leading}]*(?:[${open}][${vowel}]*|${closed}|[${vowel}]+)[${trailing}]*`,
    `[${leading}]+`,
    `[${trailing}]+`,
    `[^${control}${blank}]`,
  ];
  // Most characters are clusters by themselves; checking for these first is several times as fast.
  const special = [control, prepend, pictograph, consonant, leading, vowel, trailing].join("");
  const plain = `[^${special}\\uac00-\\ud7a3\\u{1f1e6}-\\u{1f1ff}${blank}]`;
  return `(?:${plain}|[${prepend}]*(?:${cores.join("|")}))[${TIED}]*`;
}

/** A regular expression for a word: a run of letters of a class with what may be inside a word, or else a cluster. */
export function word(letter) {
  const letters = `[${CLASSES[letter]}][${CLASSES[letter]}${EXTENDING}]*`;
  const inside = `(?:['’‐\\-]|[.,:](?<=[${CLASSES.digit}].)(?=[${CLASSES.digit}]))`;
  return `${letters}(?:${inside}${letters})*|(?![${BLANK}])(?:${cluster(BLANK)}|[^])`;
}

const CLUSTER = new RegExp(`\\r\\n|${cluster()}|[^]`, "gu");
const IN_ASCII = /[\0-\x7f]+/g;
const BARRIER = new RegExp(`([${CLASSES.barrier}])`, "u");

/** Unicode's NFC, lower-cased on request; characters newer than Unicode 14.0 stay as they are, as in Python. */
export function normalise(text, lowercase = false) {
  if (!lowercase && text.normalize("NFC") === text) return text;
  const different = [...new Set(text.replaceAll(IN_ASCII, ""))].join("");
  // Every other part is a character that stays as it is.
  const parts = BARRIER.test(different) ? text.split(BARRIER) : [text];
  return parts.map((part, place) => (place % 2 ? part : (lowercase ? part.toLowerCase() : part).normalize("NFC"))).join("");
}

/** What a reader sees as the characters of a text: its extended grapheme clusters (UAX #29). */
export function clusters(text) {
  return text.match(CLUSTER) ?? [];
}
