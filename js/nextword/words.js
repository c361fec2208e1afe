/** Text ⇄ words: splitting a text into words, and joining words the way people write: Python's `nextword.text.words`. */

import { NextwordError } from "./errors.js";

// What Python's str.split takes as blanks; JavaScript's \s differs.
export const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANKS = new RegExp(`[${BLANK}]+`, "gu");
export const ENDS_IN_BLANK = new RegExp(`[${BLANK}]$`, "u");
export const BLANK_IN_LINE = BLANK.replace("\\t-\\r", "\\t\\v-\\r");
const BESIDE_LINE_END = new RegExp(`[${BLANK_IN_LINE}]*\\n[${BLANK_IN_LINE}]*`, "gu");
const LETTERS = "[\\p{L}\\p{M}\\p{N}_]+";
const INSIDE = "(?:['’‐\\-\\u200c\\u200d]|(?<=\\p{Nd})[.,:](?=\\p{Nd}))";
const OTHER = `[^${BLANK}][\\p{M}\\u200d]*`;
const CLUSTER = `${OTHER}(?:(?<=\\u200d)${OTHER})*`;
const WORD = new RegExp(`${LETTERS}(?:${INSIDE}${LETTERS})*|${CLUSTER}`, "gu");
const CHARACTER = new RegExp(` |${CLUSTER}`, "gu");
export const END_OF_LINE = "<eos>";

const CLOSING = new Set(".,;:!?%…)]}»”’।");
const OPENING = new Set("([{«“‘„¿¡$£");
const STRAIGHT_QUOTES = new Set("\"'");
const FULL_WIDTH = new Set("，。、；：？！…）」』】》（「『【《");
const BEGINS_APART = /^[\p{M}\u200c\u200d]/u;
const ENDS_ZERO_WIDTH = /[\u200c\u200d]$/u;

/** Text in Unicode's NFC, lower-cased on request, so that equal words are equal strings. */
export const normalise = (text, lowercase = false) => (lowercase ? text.toLowerCase() : text).normalize("NFC");

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

/** Joins words one at a time, as a generator makes them. */
export class Joiner {
  #splitBy;
  #lineEnds;
  #previous = "";
  #glueNext = true; // nothing stands before the first word
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
      const apart = BEGINS_APART.test(word) || ENDS_ZERO_WIDTH.test(this.#previous);
      glue = (glue || closes) && !apart;
    }
    const piece = glue || !this.#previous ? word : ` ${word}`;
    this.#previous = word;
    return piece;
  }

  /** Another one that goes on from here. */
  copy() {
    const other = new Joiner(this.#splitBy, this.#lineEnds);
    other.#previous = this.#previous;
    other.#glueNext = this.#glueNext;
    other.#openQuotes = new Set(this.#openQuotes);
    return other;
  }

  /** A blank stands in the text, so that the next word brings none. */
  afterBlank() {
    this.#previous = "";
  }
}
