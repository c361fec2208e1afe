/** A text field → suggestions and corrections, and what to insert where: Python's `keyboard.keyboard`. */

import { normalise } from "../characters.js";
import { NextwordError, checkedText, given, grouped, quoted } from "../errors.js";
import { LEARNER, MODEL } from "../model.js";
import { SubwordDictionary } from "../subwords.js";
import { capitalised, folded, inCaseOf } from "./capitals.js";
import { Corrections, POOL, totalOf } from "./corrections.js";
import { languageOf } from "./languages.js";
import { Layout } from "./layouts.js";
import { Mixture } from "./mixture.js";
import { LONGEST } from "./personal.js";
import { restore, save } from "./saving.js";
import { TextField, beginsSentence } from "./text-field.js";
import { Uses } from "./uses.js";

const MOST_SUGGESTIONS = 100;

const READ = 512; // words read of a text that arrives at once
const TYPED = 3; // cost in nats of suggesting the text as typed, if it is unknown

/** A word as it is compared with others; a lone surrogate becomes U+FFFD. */
const normalised = (word) => normalise(checkedText(word, "the word").toWellFormed());

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
  #uses;
  #corrections;
  #ready; // once what was saved is restored
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
    this.#uses = new Uses(field, this.#mixture);
    const restoreRest = saved !== undefined && saved !== null ? restore(saved, this.#mixture) : () => {};
    this.#ready = Promise.resolve(restoreRest()).then(() => this.#mixture.restart());
    this.#ready.catch(() => {}); // each call reports the error
    this.#turns = this.#ready.catch(() => {});
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
      return this.#update(checkedText(waiting.text).toWellFormed());
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
      this.#uses.commit();
      await this.#mixture.keep();
      this.#corrections.clear();
    });
  }

  /** The words that were learned, and how often each was sent. */
  get learned() {
    return Object.fromEntries(this.#personal.learned);
  }

  /** The words that are never suggested. */
  get blocked() {
    return this.#personal.blocked;
  }

  /** Forgets that a word was ever learned or kept or, whatever its capitals, blocked. */
  forget(word) {
    return this.#inTurn(() => {
      this.#personal.forget(normalised(word));
      this.#corrections.clear();
    });
  }

  /**
   * Never suggests a word again, nor corrects another to it, whatever its capitals. If the user writes it, it is not
   * corrected either, nor learned.
   */
  block(word) {
    return this.#inTurn(() => {
      const normal = normalised(word);
      const { length } = [...normal];
      if (!length || length > LONGEST) {
        throw new NextwordError("KeyboardError", `a blocked word has 1 to ${LONGEST} characters; got ${grouped(length)}`);
      }
      this.#personal.block(normal);
      this.#corrections.clear();
    });
  }

  /** What was learned, blocked, kept and adapted, and the last 500 words for the cache; `saved` of another keyboard. */
  save() {
    return this.#inTurn(() => save(this.#mixture));
  }

  /**
   * P(word | the finished words before the cursor). Over all strings, these add up to 1; for a model in lower case, over
   * all in lower case.
   */
  probability(word) {
    return this.#inTurn(() =>
      this.#mixture.probability(normalised(word), this.#mixture.expected()),
    );
  }

  /** Runs `act` after all earlier calls. */
  #inTurn(act) {
    this.#waiting = null;
    const done = this.#turns.then(async () => {
      await this.#ready;
      for (const { model } of this.#mixture.languages) model.checkUse();
      return act();
    });
    this.#turns = done.catch(() => {});
    return done;
  }

  async #update(text) {
    const { gone, fresh } = this.#field.update(text);
    this.#uses.compare(text);
    if (!gone.length && !fresh.length) return;
    const { words } = this.#field;
    const kept = words.length - fresh.length;
    this.#uses.remove(kept);
    if (gone.length && this.#mixture.canTakeBack(gone.length, kept + gone.length)) {
      await this.#mixture.takeBack(gone.length);
    } else if (gone.length) {
      await this.#mixture.restart();
      for (const word of words.slice(Math.max(kept - READ, 0), kept)) await this.#mixture.read(word, false);
    }
    if (fresh.length > READ) await this.#mixture.restart();
    for (const word of fresh.slice(-READ)) await this.#mixture.read(word);
    this.#uses.add(kept);
    this.#corrections.update();
  }

  async #suggest(n) {
    const { typed, surfaces } = this.#field;
    const expected = this.#mixture.expected();
    const isName = this.#field.isName(surfaces.length);
    const found = await this.#mixture.candidates(typed, expected, Math.max(POOL, 4 * n), false, isName);
    if (typed && !this.#isKnown(typed) && !this.#personal.isBlocked(typed)) {
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

  #isKnown(word) {
    return this.#personal.has(word) || this.#mixture.has(word);
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
