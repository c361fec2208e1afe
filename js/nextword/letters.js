/**
 * How words are spelt: the probability of the letters of a word that the dictionary lacks. Python's
 * `nextword.text.letters`.
 */

const [START, END] = ["\x02", "\x03"]; // put before and after each word
const CHARACTERS = 0x110000; // the size of Unicode's code space
const DISCOUNT = 0.75;

/** A letter n-gram with interpolated Kneser-Ney smoothing; Python's docstring has the formula. */
export class LetterModel {
  #before;
  #followers = new Map(); // by history: how often each letter follows it
  #totals = new Map();

  /** `words`: each given once; `order`: the length of the longest n-gram. */
  constructor(words, order) {
    this.#before = order - 1;
    let longest = new Map();
    for (const word of words) {
      for (const [letter, history] of this.#grams(word)) this.#count(history.join(""), letter, longest, history);
    }
    for (let length = order - 1; length > 0; length--) {
      const shorter = new Map();
      for (const [name, history] of longest) {
        const rest = history.slice(1);
        for (const letter of this.#followers.get(name).keys()) this.#count(rest.join(""), letter, shorter, rest);
      }
      longest = shorter;
    }
    for (const [history, counts] of this.#followers) {
      this.#totals.set(history, [...counts.values()].reduce((sum, count) => sum + count, 0));
    }
  }

  /** ln P of the letters of a word and of its end, in nats. */
  logProbability(word) {
    let sum = 0;
    for (const [letter, history] of this.#grams(word)) sum += Math.log(this.#probability(letter, history));
    return sum;
  }

  /** The probability that a word is one of these, each given once. */
  total(words) {
    const known = new Map();
    let total = 0;
    for (const word of words) {
      let found = 1;
      for (const [letter, history] of this.#grams(word)) {
        const gram = history.join("") + letter;
        if (!known.has(gram)) known.set(gram, this.#probability(letter, history));
        found *= known.get(gram);
      }
      total += found;
    }
    return total;
  }

  /** Each letter of a word, and its end, with the letters before it. */
  *#grams(word) {
    const letters = [...Array(this.#before).fill(START), ...word, END];
    for (let place = this.#before; place < letters.length; place++) {
      yield [letters[place], letters.slice(place - this.#before, place)];
    }
  }

  #count(name, letter, histories, history) {
    histories.set(name, history);
    let counts = this.#followers.get(name);
    if (!counts) this.#followers.set(name, (counts = new Map()));
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }

  #probability(letter, history) {
    let found = 1 / CHARACTERS;
    for (let start = history.length; start >= 0; start--) {
      const name = history.slice(start).join("");
      const followers = this.#followers.get(name);
      if (!followers) break;
      const given = Math.max((followers.get(letter) ?? 0) - DISCOUNT, 0);
      found = (given + DISCOUNT * followers.size * found) / this.#totals.get(name);
    }
    return found;
  }
}
