/** Upper and lower case, as in Python's strings. */

const HAS_UPPER = /\p{Uppercase}/u;
const HAS_LOWER = /\p{Lowercase}/u;
const HAS_TITLE = /\p{Lt}/u;
const BEGINS_IN_UPPER = /^\p{Uppercase}/u;
const GEORGIAN = /^[ა-ჿ]/u; // has capitals only for whole words

/** A text in which upper and lower case are the same: Python's `str.casefold`. */
export function folded(text) {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  // Letter by letter, since a sigma at the end of a word has a form of its own.
  return Array.from(text, (letter) => (letter === "ı" ? letter : letter.toLowerCase().toUpperCase().toLowerCase())).join("");
}

/** Whether a word has letters in lower case and no others: Python's `str.islower`. */
export const isLower = (word) => HAS_LOWER.test(word) && !HAS_UPPER.test(word) && !HAS_TITLE.test(word);

/** Whether several letters are in upper case throughout. */
const isUpper = (typed) =>
  HAS_UPPER.test(typed) && !HAS_LOWER.test(typed) && !HAS_TITLE.test(typed) && [...typed].length > 1;

/** Whether it begins with a capital, and is not written in capitals throughout. */
export const isCapitalised = (typed) => BEGINS_IN_UPPER.test(typed) && !isUpper(typed);

/**
 * A word with the capitals of what was typed for it: `The` for `Th`, `THE` for `TH`. A word with capitals of its own
 * keeps them.
 */
export function inCaseOf(word, typed) {
  if (isUpper(typed)) return word.toUpperCase();
  return isLower(word) && BEGINS_IN_UPPER.test(typed) ? capitalised(word) : word;
}

/** A word as written at the start of a sentence. */
export function capitalised(word) {
  const [first = ""] = word;
  if (GEORGIAN.test(first)) return word;
  const [capital = "", ...more] = first.toUpperCase();
  return capital + more.join("").toLowerCase() + word.slice(first.length);
}

/** A word with its first letter in lower case. */
export function uncapitalised(word) {
  const [first = ""] = word;
  return first.toLowerCase() + word.slice(first.length);
}
