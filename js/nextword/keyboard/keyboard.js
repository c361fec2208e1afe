/** A text field → suggestions and corrections, and what to insert where: Python's `keyboard.keyboard`. */

import { normalise } from "../characters.js";
import { NextwordError, checkedText, given, quoted } from "../errors.js";
import { LEARNER, MODEL } from "../model.js";
import { SubwordDictionary } from "../subwords.js";
import { capitalised, folded, inCaseOf, uncapitalised } from "./capitals.js";
import { Corrections, POOL, totalOf } from "./corrections.js";
import { languageOf } from "./languages.js";
import { Layout } from "./layouts.js";
import { Mixture } from "./mixture.js";
import { restore, save } from "./saving.js";
import { TextField, beginsSentence, isWord } from "./text-field.js";

const MOST_SUGGESTIONS = 100;

const READ = 512; // words read of a text that arrives at once
const TYPED = 3; // cost in nats of suggesting the text as typed, if it is unknown

const normalised = (word) => normalise(checkedText(word, "the word"));

const DEFAULTS = Object.freeze({ layout: "qwerty", punctuation: true, adapts: true, saved: undefined });

/**
 * Suggests and corrects words in a text field, and learns from what is sent. Created by `Generator.keyboard`, or for
 * several languages at once by `Keyboard.of`. Calls take effect in the order in which they are made.
 */
export class Keyboard {
  #lowercase;
  #field;
  #mixture;
  #personal;
  #used = []; // for each word of the text, what may be learned from it
  #committed = 0; // words of the text that have been learned
  #corrections;
  #turns;
  #waiting = null; // an update that has not begun, with no later call after it

  /** A keyboard of several languages at once; their weights follow what is written. */
  static of(generators, options = {}) {
    const { layout, punctuation, adapts, saved } = {
      ...DEFAULTS,
      ...given("ArgumentError", "option", options, DEFAULTS),
    };
    const models = Array.isArray(generators) ? generators.map((generator) => generator?.[MODEL]) : [undefined];
    if (!models.length) throw new NextwordError("KeyboardError", "a keyboard needs a model; give at least one");
    if (!models.every(Boolean)) throw new NextwordError("ArgumentError", "generators must be an array of generators");
    for (const model of models) model.checkUse();
    const rules = new Set(models.map(({ info }) => [wordsOf(info.splitBy), info.lowercase, info.lineEnds].join()));
    if (rules.size > 1) {
      throw new NextwordError(
        "KeyboardError",
        "the models of a keyboard must split texts in the same way; their split_by, lowercase or line_ends differ",
      );
    }
    if (!adapts && generators.some((one) => one[LEARNER])) {
      throw new NextwordError("KeyboardError", "a keyboard that does not adapt does not learn; give its generator instead");
    }
    const keys = new Layout(layout);
    const languages = generators.map((one) => languageOf(one, adapts, keys, punctuation));
    return new Keyboard(languages, keys, fieldOf(models), saved);
  }

  constructor(languages, layout, field, saved) {
    if (!(layout instanceof Layout)) {
      throw new NextwordError("ArgumentError", "create a keyboard with generator.keyboard() or Keyboard.of(generators)");
    }
    const { info } = languages[0].model;
    this.#lowercase = info.lowercase;
    this.#field = field;
    this.#mixture = new Mixture(languages, layout);
    this.#personal = this.#mixture.personal;
    this.#corrections = new Corrections(field, this.#mixture);
    const weights = saved !== undefined && saved !== null ? restore(saved, this.#mixture) : () => {};
    this.#turns = Promise.resolve(weights()).then(() => this.#mixture.restart());
    this.#turns.catch(() => {}); // the next call reports the error
  }

  /**
   * Takes the text before the cursor after any change: typed, deleted, pasted, cursor moved. What it shares with the
   * last one is not read again. Of a text that arrives at once, the last 512 words are read; of several texts that
   * wait, only the last is read.
   */
  update(textBeforeCursor) {
    if (this.#waiting && typeof textBeforeCursor === "string") {
      this.#waiting.text = textBeforeCursor;
      return this.#waiting.done;
    }
    const waiting = { text: textBeforeCursor };
    waiting.done = this.#inTurn(() => {
      if (this.#waiting === waiting) this.#waiting = null;
      return this.#update(checkedText(waiting.text));
    });
    this.#waiting = waiting;
    return waiting.done;
  }

  /** The likeliest next words, or what the unfinished word before the cursor may become, best first. */
  suggest(n = 3) {
    return this.#inTurn(() => {
      if (!Number.isInteger(n) || n < 1 || n > MOST_SUGGESTIONS) {
        const got = typeof n === "string" ? quoted(n).slice(0, 40) : String(n).slice(0, 40);
        throw new NextwordError("CountError", `n must be a whole number from 1 to ${MOST_SUGGESTIONS}; got ${got}`);
      }
      return this.#suggest(n);
    });
  }

  /**
   * What the last finished word should become, if the evidence beats the word as it was typed; else null. Once a
   * correction was put into the text and undone, what was typed is never corrected again.
   */
  correction() {
    return this.#inTurn(() => this.#corrections.last());
  }

  /** Learns the new words of the text, which was sent, and keeps what was adapted to it. */
  commit() {
    return this.#inTurn(async () => {
      const last = this.#field.typed ? this.#newWord(this.#field.words.length) : null;
      if (last) this.#personal.use(last);
      this.#personal.learn();
      await this.#mixture.keep();
      this.#committed = this.#field.words.length;
      this.#corrections.clear();
    });
  }

  /** The words that were learned, and how often each was sent. */
  get learned() {
    return Object.fromEntries(this.#personal.learned);
  }

  /** The words that are never suggested. */
  get blocked() {
    return [...this.#personal.blocked];
  }

  /** Forgets that a word was ever learned, blocked or kept. */
  forget(word) {
    return this.#inTurn(() => {
      this.#personal.forget(normalised(word));
      this.#corrections.clear();
    });
  }

  /** Never suggests a word again, nor corrects another to it. */
  block(word) {
    return this.#inTurn(() => {
      this.#personal.block(normalised(word));
      this.#corrections.clear();
    });
  }

  /** What was learned, blocked, kept and adapted, and the last 500 words for the cache; `saved` of another keyboard. */
  save() {
    return this.#inTurn(() => save(this.#mixture));
  }

  /** P(word | the finished words before the cursor); over all strings, these add up to 1. */
  probability(word) {
    return this.#inTurn(() =>
      this.#mixture.probability(normalised(word), this.#mixture.expected()),
    );
  }

  /** Runs `act` after all earlier calls. */
  #inTurn(act) {
    this.#waiting = null;
    const done = this.#turns.then(() => {
      for (const { model } of this.#mixture.languages) model.checkUse();
      return act();
    });
    this.#turns = done.catch(() => {});
    return done;
  }

  async #update(text) {
    const { gone, fresh } = this.#field.update(text);
    if (!gone.length && !fresh.length) return;
    const { words } = this.#field;
    const kept = words.length - fresh.length;
    this.#forgetUses(kept);
    if (gone.length && this.#mixture.canTakeBack(gone.length, kept + gone.length)) {
      await this.#mixture.takeBack(gone.length);
    } else if (gone.length) {
      await this.#mixture.restart();
      for (const word of words.slice(Math.max(kept - READ, 0), kept)) await this.#mixture.read(word, false);
    }
    if (fresh.length > READ) await this.#mixture.restart();
    for (const word of fresh.slice(-READ)) await this.#mixture.read(word);
    for (let number = kept; number < words.length; number++) {
      const word = this.#newWord(number);
      this.#used.push(word);
      if (word) this.#personal.use(word);
    }
    this.#corrections.update();
  }

  async #suggest(n) {
    const { typed, surfaces } = this.#field;
    const expected = this.#mixture.expected();
    const isName = this.#field.isName(surfaces.length);
    const found = await this.#mixture.candidates(typed, expected, Math.max(POOL, 4 * n), false, isName);
    if (typed && !this.#isKnown(typed) && !this.#personal.blocked.has(typed)) {
      const { score, word } = await this.#mixture.asTyped(typed, expected);
      found.push({ score: score - TYPED, word });
      found.sort((one, other) => other.score - one.score);
    }
    const total = typed ? totalOf(found) : 1;
    const suggestions = new Map();
    for (const { score, word } of found) {
      const shown = this.#shown(word, typed);
      // A suggestion that differs from a better one only in its capitals wastes a place.
      const place = typed ? folded(shown) : shown;
      if (suggestions.has(place)) continue;
      suggestions.set(place, {
        word: this.#mixture.has(shown) ? shown : word,
        probability: Math.exp(score) / total,
        kind: this.#kind(word, typed),
        ...this.#field.insertion(shown),
      });
      if (suggestions.size === n) break;
    }
    return [...suggestions.values()];
  }

  /** Keeps the uses of only this many words; the others, if not sent, count as never written. */
  #forgetUses(kept) {
    for (const word of this.#used.slice(Math.max(kept, this.#committed))) if (word) this.#personal.unuse(word);
    this.#used.length = Math.min(this.#used.length, kept);
    this.#committed = Math.min(this.#committed, kept);
  }

  #isKnown(word) {
    return this.#personal.has(word) || this.#mixture.has(word);
  }

  /** The word with this number as it can be learned, null if there is nothing to learn. */
  #newWord(number) {
    const { surfaces, typed } = this.#field;
    const word = surfaces[number] ?? typed;
    if (!/\p{L}/u.test(word) || this.#mixture.has(word) || !isWord(word)) return null;
    // A sentence begins with a capital anyway; a model without capitals cannot say more.
    if (this.#lowercase && beginsSentence(surfaces[number - 1]) && !this.#personal.has(word)) return uncapitalised(word);
    return word;
  }

  /** A word with its capitals as in the text. */
  #shown(word, typed) {
    if (!typed && this.#lowercase && beginsSentence(this.#field.surfaces.at(-1))) return capitalised(word);
    return inCaseOf(word, typed);
  }

  #kind(word, typed) {
    if (typed && inCaseOf(word, typed) === typed) return "as typed";
    if (this.#personal.has(word) && !this.#mixture.has(word)) return "learned";
    if (!typed) return "prediction";
    return folded(word).startsWith(folded(typed)) ? "completion" : "correction";
  }
}

/** The way of splitting that gives the same words. */
const wordsOf = (splitBy) => (splitBy === "subwords" ? "words" : splitBy);

/** The text field that all models can read. */
function fieldOf(models) {
  const { splitBy, lowercase, lineEnds } = models[0].info;
  const subwords = models.map(({ dictionary }) => dictionary).find((one) => one instanceof SubwordDictionary);
  return new TextField({ splitBy: wordsOf(splitBy), lowercase, lineEnds, subwords });
}
