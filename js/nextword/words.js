/** Text ⇄ words: splitting a text into words, and joining words the way people write: Python's `nextword.text.words`. */

import { NextwordError } from "./errors.js";
import { RUNS } from "./unicode.js";

const JOINER = "\\u200d";
const NATIONAL = "[\\u{1f1e6}-\\u{1f1ff}]"; // regional indicators: two are a flag
// The runs of each class, as the contents of a regular expression's brackets.
const CLASSES = Object.fromEntries(Object.entries(RUNS).map(([name, text]) => [name, listed(text)]));
const EXTENDING = CLASSES.extend + JOINER;
const TIED = EXTENDING + CLASSES.spacing; // to the character before

function listed(text) {
  let end = 0;
  const code = (number) => `\\u{${number.toString(16)}}`;
  const run = (part) => {
    const [gap, more] = part.split("-").map((digits) => parseInt(digits, 36));
    const first = end + gap;
    end = first + (more ?? 0) + 1;
    return more ? `${code(first)}-${code(end - 1)}` : code(first);
  };
  return text.split(" ").map(run).join("");
}

/** A regular expression for an extended grapheme cluster (UAX #29) that is not a control character. */
function cluster(blank = "") {
  const { control, prepend, extend, pictograph, consonant, linker, leading, vowel, trailing } = CLASSES;
  // Syllables of Hangul that end in a vowel; each is followed by the 27 that end in a consonant after it.
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
  // Most characters are clusters by themselves; checking that first is several times as fast.
  const special = [control, prepend, pictograph, consonant, leading, vowel, trailing].join("");
  const plain = `[^${special}\\uac00-\\ud7a3\\u{1f1e6}-\\u{1f1ff}${blank}]`;
  return `(?:${plain}|[${prepend}]*(?:${cores.join("|")}))[${TIED}]*`;
}

// What Python's str.split takes as blanks; JavaScript's \s differs.
export const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANKS = new RegExp(`[${BLANK}]+`, "gu");
export const ENDS_IN_BLANK = new RegExp(`[${BLANK}]$`, "u");
const BLANK_IN_LINE = BLANK.replace("\\t-\\r", "\\t\\v\\f");
export const LINE_END = `[${BLANK_IN_LINE}]*(?:\\r\\n?|\\n)[${BLANK_IN_LINE}]*`; // with the blanks beside it
const BESIDE_LINE_END = new RegExp(LINE_END, "gu");
const LETTERS = `[${CLASSES.letter}][${CLASSES.letter}${EXTENDING}]*`;
const INSIDE = `(?:['’‐\\-]|[.,:](?<=[${CLASSES.digit}].)(?=[${CLASSES.digit}]))`;
const WORD = new RegExp(`${LETTERS}(?:${INSIDE}${LETTERS})*|(?![${BLANK}])(?:${cluster(BLANK)}|[^])`, "gu");
const CHARACTER = new RegExp(` |${cluster(" ")}|[^]`, "gu");
const CLUSTER = new RegExp(`\\r\\n|${cluster()}|[^]`, "gu");
const IN_ASCII = /[\0-\x7f]+/g;
const BARRIER = new RegExp(`([${CLASSES.barrier}])`, "u");
export const END_OF_LINE = "<eos>";

const CLOSING = new Set(".,;:!?%…)]}»”’।");
const OPENING = new Set("([{«“‘„¿¡$£");
const STRAIGHT_QUOTES = new Set("\"'");
const FULL_WIDTH = new Set("，。、；：？！…）」』】》（「『【《");
/** Matches a text with a letter or a digit in it. */
export const HAS_LETTER = new RegExp(`[${CLASSES.letter}${CLASSES.ideograph}]`, "u");
const BEGINS_APART = new RegExp(`^[${TIED}]`, "u");
const BEGINS_IN_IDEOGRAPH = new RegExp(`^[${CLASSES.ideograph}]`, "u");
const BEGINS_IN_KANA = new RegExp(`^[${CLASSES.katakana}]`, "u");
const ENDS_IN_KANA = new RegExp(`[${CLASSES.katakana}]$`, "u");

/** Whether no blank is written between two words, as in Han and kana, which do not merge either. */
function areUnspaced(word, following) {
  if (BEGINS_IN_IDEOGRAPH.test(following)) return BEGINS_IN_IDEOGRAPH.test(word) || ENDS_IN_KANA.test(word);
  return BEGINS_IN_IDEOGRAPH.test(word) && BEGINS_IN_KANA.test(following);
}

/** Unicode's NFC, lower-cased on request; characters newer than Unicode 14.0 stay as they are, as in Python. */
export function normalise(text, lowercase = false) {
  if (!lowercase && text.normalize("NFC") === text) return text;
  const different = [...new Set(text.replaceAll(IN_ASCII, ""))].join("");
  // Every other part is a character that stays.
  const parts = BARRIER.test(different) ? text.split(BARRIER) : [text];
  return parts.map((part, place) => (place % 2 ? part : (lowercase ? part.toLowerCase() : part).normalize("NFC"))).join("");
}

/** What a reader sees as the characters of a text: its extended grapheme clusters (UAX #29). */
export function clusters(text) {
  return text.match(CLUSTER) ?? [];
}

/** Splits a text into words, as Python's `nextword.words.split`. */
export function split(text, splitBy, lowercase = false, lineEnds = false) {
  const normal = normalise(text, lowercase);
  if (!lineEnds) return splitLine(normal, splitBy);
  const lines = normal.replace(BESIDE_LINE_END, "\n").split("\n");
  return lines.flatMap((line, number) => [...(number ? [END_OF_LINE] : []), ...splitLine(line, splitBy)]);
}

function splitLine(text, splitBy) {
  if (splitBy === "whitespace") return text.split(BLANKS).filter(Boolean);
  if (splitBy === "words") return text.match(WORD) ?? [];
  if (splitBy === "characters") return text.replaceAll(BLANKS, " ").match(CHARACTER) ?? [];
  throw new NextwordError("ModelFileError", `split_by ${splitBy} is not known to this version; install a newer one`);
}

/** Joins words into a text, the inverse of `split` up to blanks. */
export function join(words, splitBy, lineEnds = false) {
  const joiner = new Joiner(splitBy, lineEnds);
  return words.map((word) => joiner.push(word)).join("");
}

export class Joiner {
  #splitBy;
  #lineEnds;
  #previous = "";
  #glueNext = true; // nothing comes before the first word
  #openQuotes = new Set();

  constructor(splitBy, lineEnds) {
    this.#splitBy = splitBy;
    this.#lineEnds = lineEnds;
  }

  /** Takes the next word; returns it with a blank before it if one belongs there. */
  push(word) {
    if (this.#lineEnds && word === END_OF_LINE) {
      this.afterBlank();
      return "\n";
    }
    if (this.#splitBy === "characters") return word;
    let glue = this.#glueNext;
    this.#glueNext = false;
    if (this.#splitBy === "words") {
      let closes = CLOSING.has(word) || FULL_WIDTH.has(word);
      this.#glueNext = OPENING.has(word) || FULL_WIDTH.has(word);
      if (STRAIGHT_QUOTES.has(word)) {
        closes = this.#openQuotes.has(word);
        this.#glueNext = !closes;
        if (closes) this.#openQuotes.delete(word);
        else this.#openQuotes.add(word);
      }
      glue = (glue || closes || areUnspaced(this.#previous, word)) && !BEGINS_APART.test(word);
    }
    const piece = glue || !this.#previous ? word : ` ${word}`;
    this.#previous = word;
    return piece;
  }

  /** An independent joiner that continues from here. */
  copy() {
    const other = new Joiner(this.#splitBy, this.#lineEnds);
    other.#previous = this.#previous;
    other.#glueNext = this.#glueNext;
    other.#openQuotes = new Set(this.#openQuotes);
    return other;
  }

  /** The text ends in a blank, so the next word adds none. */
  afterBlank() {
    this.#previous = "";
  }
}
