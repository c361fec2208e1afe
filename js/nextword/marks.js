/**
 * Marked words, whose first character says whether there is a blank before them, and subwords, the parts of them that
 * are entries of a dictionary. Python's `nextword.text.marks`; its docstring has the rules.
 */

import { BLANK, CLASSES, EXTENDING, word } from "./characters.js";

export const BLANK_MARK = "▁";
export const GLUE_MARK = "‿";
/** The bytes of UTF-8, each as an entry of a dictionary. */
export const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);

const REPLACEMENT = "\ufffd"; // for bytes that are not a character

const BYTE = /^<0x([0-9A-F]{2})>$/;
const BLANKS = new RegExp(`[${BLANK}]+`, "gu");
const UNSPACED = new RegExp(`^[${CLASSES.unspaced}]`, "u");
const RUN = `[${CLASSES.unspaced}][${CLASSES.unspaced}${EXTENDING}]*`;
// Finds the marked words of a text with single blanks; a blank stands in for the mark.
const MARKED = new RegExp(` (?=[${CLASSES.unspaced}])|${RUN}| ?(?:${word("spacedLetter")})`, "gu");

/** The marked words of a text in normal form, or of one of its lines if line ends count. */
export function splitMarked(line) {
  let text = line.replaceAll(BLANKS, " ");
  if (text.endsWith(" ")) text = text.slice(0, -1);
  if (!text) return [];
  if (text[0] !== " " && !isUnspaced(text)) text = ` ${text}`;
  return text.match(MARKED).map((found) => {
    if (found[0] === " ") return BLANK_MARK + found.slice(1);
    return isUnspaced(found) ? found : GLUE_MARK + found;
  });
}

export const isMark = (character) => character === BLANK_MARK || character === GLUE_MARK;

/** Whether a text begins with a letter of a script that has no blanks between words. */
export const isUnspaced = (text) => UNSPACED.test(text);

/** Whether a subword is the first of a word. */
export const beginsWord = (entry) => isMark(entry[0]) || isUnspaced(entry);

/** The byte that a subword stands for; `null` if it stands for itself. */
export function byteOf(entry) {
  const found = BYTE.exec(entry);
  return found ? parseInt(found[1], 16) : null;
}

/** The text of some bytes, without a last character that is incomplete. */
const decoded = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes), { stream: true });

/** Turns marked words or subwords into text, one at a time. */
export class Unmarker {
  #isAtStart = true;
  #isAfterBlank = true;
  #hasBlank = false; // a blank was read, and is written before what follows
  #bytes = []; // of a character that is not complete

  /** Takes the next entry; returns the text that it adds. A character spelt by bytes is added with its last byte. */
  push(entry) {
    const byte = byteOf(entry);
    if (byte !== null) return this.#write(this.#decode(byte));
    const rest = this.#bytes.length ? REPLACEMENT : ""; // of a character that was never completed
    this.#bytes = [];
    const written = this.#write(rest);
    if (!isMark(entry[0])) return written + this.#write(entry);
    this.#hasBlank ||= entry[0] === BLANK_MARK;
    return written + this.#write(entry.slice(1));
  }

  /** The text ends in a blank or a line end, so the next word adds none. */
  afterBlank() {
    this.#isAtStart = false;
    this.#isAfterBlank = true;
    this.#hasBlank = false;
  }

  /** An independent one that continues from here. */
  copy() {
    const other = new Unmarker();
    other.#isAtStart = this.#isAtStart;
    other.#isAfterBlank = this.#isAfterBlank;
    other.#hasBlank = this.#hasBlank;
    other.#bytes = [...this.#bytes];
    return other;
  }

  /** The text that one more byte completes, or shows to be invalid. */
  #decode(byte) {
    const text = decoded([...this.#bytes, byte]);
    if (!text) this.#bytes.push(byte);
    else this.#bytes = decoded([byte]) ? [] : [byte]; // it may begin the next character
    return text;
  }

  #write(text) {
    if (!text) return "";
    const isTakenForGranted = this.#isAfterBlank && !(this.#isAtStart && isUnspaced(text));
    const blank = this.#hasBlank && !isTakenForGranted ? " " : "";
    this.#isAtStart = this.#isAfterBlank = this.#hasBlank = false;
    return blank + text;
  }
}
