/**
 * Text ⇄ words: splitting a text into words, and joining words the way people write. Python's `nextword.text.words`.
 */

import { BLANK, CLASSES, TIED, cluster, normalise, word } from "./characters.js";
import { NextwordError } from "./errors.js";
import { Unmarker, splitMarked } from "./marks.js";

const BLANKS = new RegExp(`[${BLANK}]+`, "gu");
export const BEGINS_IN_BLANK = new RegExp(`^[${BLANK}]`, "u");
export const ENDS_IN_BLANK = new RegExp(`[${BLANK}]$`, "u");
const BLANK_IN_LINE = BLANK.replace("\\t-\\r", "\\t\\v\\f");
export const LINE_END = `[${BLANK_IN_LINE}]*(?:\\r\\n?|\\n)[${BLANK_IN_LINE}]*`; // with the blanks beside it
const BESIDE_LINE_END = new RegExp(LINE_END, "gu");
const WORD = new RegExp(word("letter"), "gu");
const CHARACTER = new RegExp(` |${cluster(" ")}|[^]`, "gu");
export const END_OF_LINE = "<eos>";

const CLOSING = new Set(".,;:!?%…)]}»”’।");
const OPENING = new Set("([{«“‘„¿¡$£");
const STRAIGHT_QUOTES = new Set("\"'");
const FULL_WIDTH = new Set("，。、；：？！…）」』】》（「『【《");
/** Matches a text that contains a letter or a digit. */
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

/** Splits a text into words, like Python's `nextword.text.words.split`. */
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
  if (splitBy === "subwords") return splitMarked(text);
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
  #unmarker;

  constructor(splitBy, lineEnds) {
    this.#splitBy = splitBy;
    this.#lineEnds = lineEnds;
    this.#unmarker = splitBy === "subwords" ? new Unmarker() : null;
  }

  /** Takes the next word; returns it with a blank before it if one belongs there. */
  push(word) {
    if (this.#lineEnds && word === END_OF_LINE) {
      this.afterBlank();
      return "\n";
    }
    if (this.#unmarker) return this.#unmarker.push(word);
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
    other.#unmarker = this.#unmarker?.copy() ?? null;
    return other;
  }

  /** The text ends in a blank, so the next word adds none. */
  afterBlank() {
    this.#previous = "";
    this.#unmarker?.afterBlank();
  }
}
