/** A text field → suggestions and corrections, and what to put where: Python's `keyboard.keyboard`. */

import { NextwordError, checkedText, given, quoted } from "../errors.js";
import { LEARNER, MODEL } from "../model.js";
import { SubwordDictionary } from "../subwords.js";
import { capitalised, folded, inCaseOf, uncapitalised } from "./capitals.js";
import { languageOf } from "./languages.js";
import { Layout } from "./layouts.js";
import { Mixture } from "./mixture.js";
import { restore, save } from "./saving.js";
import { TextField, beginsSentence, isWord } from "./text-field.js";

const MOST_SUGGESTIONS = 100;

const READ = 512; // words of a text that comes at once that are read
const POOL = 16; // candidates of each language that are looked at closely, at least
const KNOWN = 4; // nats that the evidence against a known word must weigh more
const TYPED = 3; // nats that a suggestion of what stands there already costs, if nothing knows it

const DEFAULTS = Object.freeze({ layout: "qwerty", punctuation: true, adapts: true, saved: undefined });

/**
 * Suggests and corrects words in a text field, and learns from what is sent. Made by `Generator.keyboard`, or
 * for several languages at once by `Keyboard.of`. What is asked is done in the order in which it was asked.
 */
export class Keyboard {
  #lowercase;
  #field;
  #mixture;
  #personal;
  #used = []; // for each word of the text, what the user may be taught by it
  #committed = 0; // words of the text that are learned
  #correction; // of the last word, once it is known
  #offered = null; // a word's number, as typed, as corrected
  #isTaken = false; // whether the correction that was offered stands in the text
  #turns;
  #waiting = null; // an update that nothing was asked after, and that has not begun

  /** A keyboard of several languages at once; how much each counts follows what is written. */
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
      throw new NextwordError("ArgumentError", "a keyboard is made by generator.keyboard(), or by Keyboard.of(generators)");
    }
    const { info } = languages[0].model;
    this.#lowercase = info.lowercase;
    this.#field = field;
    this.#mixture = new Mixture(languages, layout);
    this.#personal = this.#mixture.personal;
    const weights = saved !== undefined && saved !== null ? restore(saved, this.#mixture) : () => {};
    this.#turns = Promise.resolve(weights()).then(() => this.#mixture.restart());
    this.#turns.catch(() => {}); // what comes next says it
  }

  /**
   * Takes the text before the cursor, whatever has happened: typed, deleted, pasted, cursor moved. What it has
   * in common with the last one is not read again. Of a text that comes at once, the last 512 words are read;
   * of several that wait, only the last text.
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
   * What the last finished word should become, if the evidence beats the word as it was typed; else null. Once
   * a correction was put into the text and taken back, what was typed is never corrected again.
   */
  correction() {
    return this.#inTurn(async () => {
      if (this.#correction === undefined) this.#correction = await this.#findCorrection();
      return this.#correction;
    });
  }

  /** The text was sent: its new words are learned, and what was adapted to it stays. */
  commit() {
    return this.#inTurn(async () => {
      const last = this.#field.typed ? this.#newWord(this.#field.words.length) : null;
      if (last) this.#personal.use(last);
      this.#personal.learn();
      for (const language of this.#mixture.languages) await language.keep();
      this.#committed = this.#field.words.length;
      this.#correction = undefined;
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

  /** It is as if a word had never been learned, blocked or kept. */
  forget(word) {
    return this.#inTurn(() => {
      this.#personal.forget(checkedText(word, "the word").normalize("NFC"));
      this.#correction = undefined;
    });
  }

  /** Never suggests a word, nor corrects another to it. */
  block(word) {
    return this.#inTurn(() => {
      this.#personal.block(checkedText(word, "the word").normalize("NFC"));
      this.#correction = undefined;
    });
  }

  /** What was learned, blocked, kept and adapted to, but not the text: `saved` of another keyboard. */
  save() {
    return this.#inTurn(() => save(this.#mixture));
  }

  /** P(word | the finished words before the cursor); over all strings, it adds up to 1. */
  probability(word) {
    return this.#inTurn(() =>
      this.#mixture.probability(checkedText(word, "the word").normalize("NFC"), this.#mixture.expected()),
    );
  }

  /** Does what is asked once all is done that was asked before. */
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
    this.#correction = undefined;
    this.#noticeWhetherTaken();
  }

  async #suggest(n) {
    const { typed } = this.#field;
    const expected = this.#mixture.expected();
    const found = await this.#mixture.candidates(typed, expected, Math.max(POOL, 4 * n));
    if (typed && !this.#isKnown(typed) && !this.#personal.blocked.has(typed)) {
      const { score, word } = await this.#mixture.asTyped(typed, expected);
      found.push({ score: score - TYPED, word });
      found.sort((one, other) => other.score - one.score);
    }
    const total = typed ? totalOf(found) : 1;
    const suggestions = new Map();
    for (const { score, word } of found) {
      const shown = this.#shown(word, typed);
      // Beside a better one, another that differs in its capitals is a place lost.
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

  /** Only so many words of the text stay; what was not sent of the others was never written. */
  #forgetUses(kept) {
    for (const word of this.#used.slice(Math.max(kept, this.#committed))) if (word) this.#personal.unuse(word);
    this.#used.length = Math.min(this.#used.length, kept);
    this.#committed = Math.min(this.#committed, kept);
  }

  #isKnown(word) {
    return this.#personal.has(word) || this.#mixture.has(word);
  }

  #isEstablished(word) {
    return this.#personal.isEstablished(word) || this.#mixture.has(word);
  }

  /** The word with this number as it can be learned, null if there is nothing to learn of it. */
  #newWord(number) {
    const { surfaces, typed } = this.#field;
    const word = surfaces[number] ?? typed;
    if (!/\p{L}/u.test(word) || this.#mixture.has(word) || !isWord(word)) return null;
    // What begins a sentence has a capital anyway; a model that knows no capitals cannot say more.
    if (this.#lowercase && beginsSentence(surfaces[number - 1]) && !this.#personal.has(word)) return uncapitalised(word);
    return word;
  }

  /** A word with the capitals that it has in the text. */
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

  async #findCorrection() {
    const { words, surfaces } = this.#field;
    const number = surfaces.findLastIndex(isWord);
    const expected = number >= 0 ? this.#mixture.expected(words.length - number) : null;
    const after = expected && this.#field.after(number);
    if (!after) return null;
    const typed = surfaces[number];
    if (this.#personal.kept.has(typed) || /[\p{Nd}\p{No}]/u.test(typed)) return null;
    const found = await this.#mixture.candidates(typed, expected, POOL, true);
    const isSame = ({ word }) => inCaseOf(word, typed) === typed;
    const others = found.filter((one) => !isSame(one));
    if (!others.length) return null;
    // That it stands here, once, does not make it a word.
    const same = found.filter((one) => isSame(one) && this.#isEstablished(one.word));
    const own = same.length ? same[0].score + KNOWN : (await this.#mixture.asTyped(typed, expected)).score;
    const [best] = others;
    if (best.score <= own) return null;
    const shown = this.#shown(best.word, typed);
    this.#offered = { number, typed, corrected: shown };
    this.#isTaken = false;
    return {
      word: best.word,
      probability: Math.exp(best.score) / (Math.exp(own) + totalOf(others)),
      kind: "correction",
      replace: after.whole.length,
      insert: shown + after.rest,
    };
  }

  /** Keeps a string whose correction was put into the text and taken back. */
  #noticeWhetherTaken() {
    if (!this.#offered) return;
    const { number, typed, corrected } = this.#offered;
    const word = this.#field.surfaces[number];
    if (word === undefined) return;
    if (word === corrected) {
      this.#isTaken = true;
      return;
    }
    if (this.#isTaken && word === typed) this.#personal.keep(typed);
    this.#offered = null;
  }
}

const totalOf = (candidates) => candidates.reduce((sum, { score }) => sum + Math.exp(score), 0);

/** The way to split that gives the same words. */
const wordsOf = (splitBy) => (splitBy === "subwords" ? "words" : splitBy);

/** The text field that models can read together. */
function fieldOf(models) {
  const { splitBy, lowercase, lineEnds } = models[0].info;
  const subwords = models.map(({ dictionary }) => dictionary).find((one) => one instanceof SubwordDictionary);
  return new TextField({ splitBy: wordsOf(splitBy), lowercase, lineEnds, subwords });
}
