/**
 * The text before a cursor → finished words, the one being typed, and what to insert where: Python's
 * `keyboard.text_field`. Places and lengths are in UTF-16 code units, as in a text field.
 */

import { BLANK, normalise } from "../characters.js";
import { isUnspaced } from "../marks.js";
import { surfaceOf } from "../subwords.js";
import { END_OF_LINE, HAS_LETTER, Joiner, LINE_END, split } from "../words.js";
import { isCapitalised } from "./capitals.js";

const INSIDE_WORDS = new Set("'’-‐"); // a word may go on after these: don', well-
const SENTENCE_ENDS = [".", "!", "?", "…", "।", "。", "！", "？"];
const GLANCE = 100; // words to look back for open quotes
const IS_LINE_END = new RegExp(`^(?:${LINE_END})$`, "u");
const ENDS_IN_INK = new RegExp(`[^${BLANK}]$`, "u");

/**
 * Follows a text as it is typed, deleted and pasted into; only what changed is split again.
 *
 * `subwords` is the dictionary, where a model knows subwords; `splitBy` is then `words`, and the words are marked. In a
 * script without blanks each subword is a finished word, with a mark only if there is a blank before it.
 */
export class TextField {
  #splitBy;
  #lowercase;
  #lineEnds;
  #subwords;
  #run;
  #joiner = null; // after the finished words
  #runs = []; // { begins, before }: where each independently split run begins, and how many words come before it

  constructor({ splitBy, lowercase, lineEnds, subwords = null }) {
    this.#splitBy = splitBy;
    this.#lowercase = lowercase;
    this.#lineEnds = lineEnds;
    this.#subwords = subwords;
    const lineEnd = lineEnds ? `${LINE_END}|` : "";
    const blanks = splitBy === "characters" ? `[${BLANK}]+|` : subwords ? `[${BLANK}]?` : "";
    this.#run = new RegExp(`${lineEnd}${blanks}[^${BLANK}]+`, "gu");
    this.text = ""; // before the cursor
    this.words = []; // the finished ones, as a model reads them
    this.surfaces = []; // the same as the user wrote them
    this.typed = ""; // the unfinished one as written, or ""
  }

  /** Takes the text now before the cursor; returns the finished words removed from the end, and those added there. */
  update(text) {
    const common = commonBeginning(text, this.text);
    let start = 0;
    let kept = 0;
    while (this.#runs.length) {
      const { begins, before } = this.#runs.pop();
      if (begins < common) {
        // It may go on now.
        [start, kept] = [begins, before];
        break;
      }
    }
    const old = this.words.splice(kept);
    this.surfaces.length = kept;
    [this.text, this.typed] = [text, ""];
    this.#run.lastIndex = start;
    for (let run = this.#run.exec(text); run; run = this.#run.exec(text)) {
      this.#runs.push({ begins: run.index, before: this.words.length });
      this.#add(run[0], this.#run.lastIndex === text.length);
    }
    let same = 0;
    while (same < old.length && old[same] === this.words[kept + same]) same++;
    const [gone, fresh] = [old.slice(same), this.words.slice(kept + same)];
    if (gone.length || fresh.length) this.#joiner = null;
    return { gone, fresh };
  }

  /**
   * A finished word with the text from it to the cursor, and what comes after the word; null if the word cannot be
   * found as it was written, since Unicode has another form for it.
   */
  after(number) {
    const { begins, before } = this.#runs.findLast((run) => run.before <= number);
    let start = begins;
    for (const token of this.surfaces.slice(before, number + 1)) {
      const found = this.text.indexOf(token, start);
      if (found < 0) return null;
      start = found + token.length;
    }
    return { whole: this.text.slice(start - this.surfaces[number].length), rest: this.text.slice(start) };
  }

  /** Whether a word was written with a capital that only a name needs; the unfinished one has the number `words.length`. */
  isName(number) {
    const { surfaces, typed } = this;
    return !this.#lowercase && isCapitalOfName(surfaces[number] ?? typed, surfaces[number - 1]);
  }

  /**
   * What to insert where so that `word` becomes the next word, or replaces the one being typed: how much before the
   * cursor to remove, and the text to put in its place, with the blanks that belong there, so that the next word can
   * follow.
   */
  insertion(word) {
    if (this.#subwords && isUnspaced(word)) return { replace: 0, insert: word };
    if (!this.#joiner) {
      this.#joiner = new Joiner(this.#splitBy, this.#lineEnds);
      for (const before of this.surfaces.slice(-GLANCE)) this.#joiner.push(before);
    }
    const joiner = this.#joiner.copy();
    const piece = joiner.push(word);
    const after = joiner.push("a").startsWith(" ") ? " " : "";
    if (this.typed) {
      const replace = this.#typedLength();
      return { replace, insert: (this.#wouldMelt(word, replace) ? " " : "") + word + after };
    }
    if (piece.startsWith(" ")) return { replace: 0, insert: (ENDS_IN_INK.test(this.text.slice(-2)) ? piece : word) + after };
    let blanks = 0;
    if (this.#splitBy !== "characters") while (this.text.at(-1 - blanks) === " ") blanks++;
    return { replace: blanks, insert: piece + after };
  }

  /** Whether a word in place of the last characters would merge with the word before them. */
  #wouldMelt(word, length) {
    const end = this.text.length - length;
    if (!ENDS_IN_INK.test(this.text.slice(Math.max(end - 2, 0), end))) return false;
    const pair = [...this.surfaces.slice(-1), word];
    return split(pair.join(""), this.#splitBy).join("\n") !== pair.join("\n");
  }

  /** How much of the text the unfinished word takes up, however Unicode writes it. */
  #typedLength() {
    const { begins } = this.#runs.at(-1);
    const { length } = this.typed;
    const is = (size) => normalise(this.text.slice(this.text.length - size)) === this.typed;
    const most = this.text.length - begins;
    for (let longer = length; longer <= most; longer++) if (is(longer)) return longer;
    for (let shorter = length - 1; shorter > 0; shorter--) if (is(shorter)) return shorter;
    return Math.min(length, most);
  }

  #add(run, isLast) {
    if (this.#lineEnds && IS_LINE_END.test(run)) {
      this.surfaces.push(END_OF_LINE);
      this.words.push(END_OF_LINE);
      return;
    }
    const marked = this.#subwords ? this.#splitMarked(run) : split(run, this.#splitBy).map((token) => ({ mark: "", token }));
    const tokens = marked.map(({ token }) => token);
    if (isLast) this.typed = this.#takeUnfinished(tokens);
    for (const { mark, token } of marked.slice(0, tokens.length)) {
      this.surfaces.push(token);
      this.words.push(mark + normalise(token, this.#lowercase));
    }
  }

  /** The words of a run, each with its mark. */
  #splitMarked(run) {
    return this.#subwords.inWords(split(run, "subwords")).map(({ word }) => {
      const token = surfaceOf(word);
      return { mark: word.slice(0, word.length - token.length), token };
    });
  }

  /** Removes the last word if more letters may follow it. */
  #takeUnfinished(tokens) {
    if (this.#splitBy === "whitespace") return tokens.pop();
    if (this.#splitBy === "characters") return "";
    const inside = INSIDE_WORDS.has(tokens.at(-1)) && tokens.length > 1 ? tokens.pop() : "";
    if (isWord(tokens.at(-1)) && !(this.#subwords && isUnspaced(tokens.at(-1)))) return tokens.pop() + inside;
    if (inside) tokens.push(inside);
    return "";
  }
}

/** Whether a token is a word or a number, not punctuation. */
export const isWord = (token) => HAS_LETTER.test(token) && token !== END_OF_LINE;

/** Whether the word after `before`, the last one, begins a sentence. */
export const beginsSentence = (before) =>
  before === undefined || before === END_OF_LINE || SENTENCE_ENDS.some((end) => before.endsWith(end));

/**
 * Whether what was typed after `before`, the last word, has a capital that only a name needs. Words written in capitals
 * throughout, and what follows punctuation other than a comma, have other reasons.
 */
const isCapitalOfName = (typed, before) =>
  isCapitalised(typed) && before !== undefined && (isWord(before) || before === ",");

/** The length of the common beginning of two strings. */
export function commonBeginning(one, other) {
  const most = Math.min(one.length, other.length);
  if (one.startsWith(other) || other.startsWith(one)) return most;
  let length = 0;
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length++;
  return length;
}
