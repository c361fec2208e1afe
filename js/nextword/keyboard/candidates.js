/**
 * What was typed → how far each word of a list is from it: Python's `keyboard.candidates`, a noisy channel over all
 * words at once. The cost of a word is −ln P(typed | word) in tenths of a nat.
 */

import { folded } from "./capitals.js";
import { areVowels } from "./layouts.js";

// Costs in tenths of a nat, fitted on real misspellings.
const [SUBSTITUTED, SUBSTITUTED_VOWEL, SUBSTITUTED_NEIGHBOUR, OTHER_CASE] = [41, 25, 23, 5];
const [EXTRA, EXTRA_NEIGHBOUR, EXTRA_DOUBLED] = [35, 31, 27];
const [MISSING, MISSING_DOUBLED] = [16, 9];
const TRANSPOSED = 15;
export const AT_FIRST_LETTER = 11; // added there
export const MOST = 120; // a word that costs this much is no candidate; twice that and a little more fit into 8 bits

export const NAT = 10; // the costs of typing are in units of 1 / NAT nats
export const MODEL = 0.75; // weight of a word's log-probability against the cost of typing it
const [FAR, FOR_WORDS] = [7, 16]; // nats, for each started batch of this many requested words
const SLIPPED = 15; // extra cost of a beginning with any slip in it
const SLIPS_PER_TEN = 12; // weight of slips in a beginning, in tenths
const REST = 3; // cost of a word that goes on, for each letter typed after the third
const [SHORT, SLIPPED_SHORT] = [3, 10]; // typed letters at which a whole word with slips costs this much more

const REACH = 3; // letters that the typed text may be ahead of a word, or behind it
const WIDTH = 2 * REACH + 1;
const LONGEST = 40; // letters of a word that count
const NO_LETTER = 0; // before and after a word
const NOWHERE = -1; // the code of a letter that the words lack

/**
 * The candidates of a list of words, each of which is compared.
 *
 * Row i of the table, `(words, WIDTH)`, holds the cost of the first j letters of each word given the first i typed
 * letters, for j from i − 3 to i + 3. Backspace drops it.
 */
export class WordTable {
  #layout;
  #atFirstLetter; // extra cost of an error in the first letter
  #codes = new Map(); // of letters
  #alphabet = [""];
  #letters; // (words, stride): letter j of a word is at j + REACH, so that each band is one slice
  #stride;
  #lengths;
  #longest = 0;
  #typed = [];
  #rows;
  #wholes = []; // the costs of whole words for the letters of each row, computed on request
  #substitutions = new Map();

  constructor(words, layout, atFirstLetter = AT_FIRST_LETTER) {
    this.words = words;
    this.#layout = layout;
    this.#atFirstLetter = atFirstLetter;
    const spelt = words.map((word) => [...word].slice(0, LONGEST));
    this.#alphabet.push(...[...new Set(spelt.flat())].sort());
    this.#alphabet.forEach((letter, code) => code && this.#codes.set(letter, code));
    this.#lengths = Uint8Array.from(spelt, ({ length }) => length);
    this.#longest = this.#lengths.reduce((one, other) => Math.max(one, other), 0);
    this.#stride = this.#longest + 3 * REACH + 3;
    this.#letters = new (this.#alphabet.length <= 256 ? Uint8Array : Uint16Array)(words.length * this.#stride);
    spelt.forEach((letters, number) => {
      const start = number * this.#stride + REACH + 1;
      letters.forEach((letter, place) => (this.#letters[start + place] = this.#codes.get(letter)));
    });
    const first = new Uint8Array(words.length * WIDTH).fill(MOST);
    for (let place = REACH; place < first.length; place += WIDTH) first[place] = 0;
    this.#addMissing(first);
    this.#rows = [first];
  }

  /** A table of the same words with nothing typed yet. */
  another() {
    const other = new WordTable([], this.#layout, this.#atFirstLetter);
    other.words = this.words;
    other.#codes = this.#codes;
    other.#alphabet = this.#alphabet;
    other.#letters = this.#letters;
    other.#stride = this.#stride;
    other.#lengths = this.#lengths;
    other.#longest = this.#longest;
    other.#rows = this.#rows.slice(0, 1);
    other.#substitutions = this.#substitutions;
    return other;
  }

  /** Looks up what has been typed; what it shares with the last call is not computed again. */
  type(typed) {
    // This many letters are too many for any word.
    const letters = [...typed.slice(0, 2 * (this.#longest + REACH + 1))].slice(0, this.#longest + REACH + 1);
    let common = 0;
    while (common < letters.length && letters[common] === this.#typed[common]) common++;
    this.#rows.length = common + 1;
    this.#wholes.length = Math.min(this.#wholes.length, common + 1);
    this.#typed.length = common;
    for (const letter of letters.slice(common)) {
      this.#rows.push(this.#nextRow(letter));
      this.#typed.push(letter);
    }
  }

  /** The cost of each word's best beginning, and of the whole word; at most `MOST`. */
  costs() {
    const row = this.#rows.at(-1);
    const beginnings = new Uint8Array(this.words.length);
    for (let number = 0, cell = 0; number < beginnings.length; number++, cell += WIDTH) {
      let least = row[cell];
      for (let place = 1; place < WIDTH; place++) if (row[cell + place] < least) least = row[cell + place];
      beginnings[number] = least;
    }
    return { beginnings, wholes: this.#whole(this.#typed.length) };
  }

  /** The cost of each whole word for each number of typed letters, none to all. */
  wholeCosts() {
    return this.#rows.map((_, letters) => this.#whole(letters));
  }

  /** The cost of each whole word for this many typed letters. */
  #whole(letters) {
    if (!this.#wholes[letters]) {
      const row = this.#rows[letters];
      const found = new Uint8Array(this.words.length).fill(MOST);
      for (let number = 0, cell = 0; number < found.length; number++, cell += WIDTH) {
        const last = REACH + this.#lengths[number] - letters;
        if (this.#lengths[number] && last >= 0 && last < WIDTH) found[number] = row[cell + last];
      }
      this.#wholes[letters] = found;
    }
    return this.#wholes[letters];
  }

  /** The row after one more letter, word by word. */
  #nextRow(letter) {
    const i = this.#rows.length;
    const before = this.#rows[i - 1];
    const twoBefore = i > 1 ? this.#rows[i - 2] : before;
    const { instead, extra } = this.#costsOf(letter, i === 1);
    const transposed = TRANSPOSED + (i === 2 ? this.#atFirstLetter : 0);
    const previous = i > 1 ? (this.#codes.get(this.#typed.at(-1)) ?? NOWHERE) : NOWHERE;
    const code = this.#codes.get(letter) ?? NOWHERE;
    const letters = this.#letters;
    const row = new Uint8Array(before.length);
    for (let cell = 0, start = i; cell < row.length; cell += WIDTH, start += this.#stride) {
      let one = letters[start];
      for (let place = 0; place < WIDTH; place++) {
        const next = letters[start + place + 1];
        let cost = before[cell + place] + instead[one];
        if (place < WIDTH - 1) {
          // An extra letter is a slip next to the letter before it or after it.
          const tooMany = before[cell + place + 1] + (extra[one] < extra[next] ? extra[one] : extra[next]);
          if (tooMany < cost) cost = tooMany;
        }
        if (one === previous && letters[start + place - 1] === code) {
          const swapped = twoBefore[cell + place] + transposed;
          if (swapped < cost) cost = swapped;
        }
        row[cell + place] = cost < MOST ? cost : MOST;
        one = next;
      }
    }
    this.#addMissing(row, i);
    return row;
  }

  /** Accounts for letters of the word that were not typed. */
  #addMissing(row, i = 0) {
    const letters = this.#letters;
    for (let cell = 0, start = i; cell < row.length; cell += WIDTH, start += this.#stride) {
      for (let place = 1; place < WIDTH; place++) {
        const one = letters[start + place];
        if (one === NO_LETTER) continue;
        let cost = row[cell + place - 1] + (one === letters[start + place - 1] ? MISSING_DOUBLED : MISSING);
        if (i + place === REACH + 1) cost += this.#atFirstLetter;
        if (cost < row[cell + place]) row[cell + place] = cost;
      }
    }
  }

  /** The cost of typing a letter instead of each letter of the alphabet, and next to it. */
  #costsOf(letter, isFirst) {
    const name = letter + isFirst;
    if (!this.#substitutions.has(name)) {
      const lower = folded(letter);
      const more = isFirst ? this.#atFirstLetter : 0;
      const instead = new Uint8Array(this.#alphabet.length).fill(SUBSTITUTED + more);
      const extra = new Uint8Array(this.#alphabet.length).fill(EXTRA + more);
      this.#alphabet.forEach((other, code) => {
        const folds = folded(other);
        if (folds === lower) {
          instead[code] = other === letter ? 0 : OTHER_CASE;
          extra[code] = EXTRA_DOUBLED + more;
        } else if (this.#layout.areBeside(lower, folds)) {
          instead[code] = SUBSTITUTED_NEIGHBOUR + more;
          extra[code] = EXTRA_NEIGHBOUR + more;
        } else if (areVowels(lower, folds)) {
          instead[code] = SUBSTITUTED_VOWEL + more;
        }
      });
      instead[NO_LETTER] = MOST;
      extra[NO_LETTER] = EXTRA + more;
      this.#substitutions.set(name, { instead, extra });
    }
    return this.#substitutions.get(name);
  }
}

/**
 * The words of a table with the best scores minus the cost of typing them, and that cost: a map. `scoreOf` takes the
 * number of a word; `isWhole` is whether a whole word was typed.
 */
export function best(table, scoreOf, typed, most, isWhole) {
  if (typed) table.type(typed);
  const { beginnings, wholes } = typed ? table.costs() : {};
  const letters = [...typed].length;
  const found = []; // { score, id, cost }, best first
  for (let id = 0; id < table.words.length; id++) {
    let cost = 0;
    if (typed) {
      if ((isWhole ? wholes[id] : Math.min(beginnings[id], wholes[id])) >= MOST) continue;
      cost = isWhole ? wholes[id] : either(letters, beginnings[id], wholes[id]);
    }
    const score = scoreOf(id) - cost / NAT;
    if (score === -Infinity || (found.length === most && score <= found.at(-1).score)) continue;
    let place = found.length;
    while (place > 0 && found[place - 1].score < score) place--;
    found.splice(place, 0, { score, id, cost });
    if (found.length > most) found.pop();
  }
  return new Map(found.map(({ id, cost }) => [table.words[id], cost]));
}

/**
 * The cost of a word if this many of its letters were typed, or if all of it was mistyped. While little is typed, a
 * beginning without a slip is likelier than a slip.
 */
export function either(letters, beginning, whole) {
  return Math.min(begun(letters, beginning), letters === SHORT && whole ? whole + SLIPPED_SHORT : whole);
}

/** How many nats behind the best of `most` requested words another is not worth running the model for. */
export const margin = (most) => FAR * Math.ceil(most / FOR_WORDS);

/** The cost of a word of which this many letters were typed. */
export function begun(letters, beginning) {
  const slips = beginning ? SLIPPED : 0;
  return Math.floor((beginning * SLIPS_PER_TEN) / 10) + slips + REST * Math.max(letters - SHORT, 0);
}
