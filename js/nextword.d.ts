/// <reference lib="esnext.disposable" />
/** nextword: continue texts with a model from one .onnx file, as the Python package does. */
import type { DynamicEvaluation } from "./learning.js";

/** The part of onnxruntime-web or onnxruntime-node that this module needs. */
export interface Runtime {
  InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<any> };
  Tensor: new (type: any, data: any, dims: readonly number[]) => any;
}

/** How words are picked; by default the likeliest word is always taken. */
export interface Sampling {
  /** 0 takes the likeliest word; above 0, words are drawn: the higher, the more evenly. At most 100. */
  temperature?: number;
  /** Draws from this many of the likeliest words (or subwords); 0 draws from all. */
  topK?: number;
  /** Draws from the fewest words that have this share of the probability; 1 draws from all. */
  topP?: number;
  /** Of the draws, from 0 to 2³¹ − 2; the same seed gives the same words, in Python too. `null` picks a random one. */
  seed?: number | null;
  /** Above 1 makes the words among the last `repetitionWindow` (64) words less likely; 1 is off. */
  repetitionPenalty?: number;
  repetitionWindow?: number | null;
  /** Never repeats a run of this many words, prompt included; 0 is off. */
  noRepeatNgram?: number;
  /** Words that are never written; a plain string counts as one. */
  banned?: string | readonly string[];
  /** Generation ends before the first of these strings that it would write; a plain string counts as one. */
  stop?: string | readonly string[];
  /** This many words are written before a `stop` counts. */
  minWords?: number;
}

/** What a model file says about itself. */
export interface Info {
  /** The words in id order, or with `splitBy: "subwords"` the subwords that spell words. */
  readonly dictionary: readonly string[];
  readonly splitBy: "whitespace" | "words" | "characters" | "subwords";
  readonly lowercase: boolean;
  readonly lineEnds: boolean;
  /** Words (or subwords) that the model reads, or `null` if it carries its state without bound. */
  readonly context: number | null;
  /** The cell's name, for people; no runtime needs it. */
  readonly cell: string;
  readonly layers: number;
  readonly hidden: number;
  /** Id of `<unk>`, which stands for every word that is not in the dictionary, or `null`. */
  readonly unknown: number | null;
  readonly params: Record<string, any>;
  readonly metrics: Record<string, any>;
  readonly corpusSha256: string;
  /** `float16` or `int8`. */
  readonly weights: string;
  /** Version of Unicode that defines what a letter is; "" for older files, which lack it. */
  readonly unicode: string;
}

export interface Suggestion {
  word: string;
  probability: number;
}

export interface Score {
  /** Sum of ln P(word | words before it), in nats. */
  logProbability: number;
  perplexity: number;
  perWord: { word: string; logProbability: number }[];
}

/** How good a model is on a text, over every word that has a full context before it; Python's figures. */
export interface Evaluation {
  /** The number of those words. */
  words: number;
  /** Share of them that the dictionary lacks. Perplexities can be compared only where it is the same. */
  unknownShare: number;
  /** exp of the mean of −ln P(word); `<unk>` counts as a word. */
  perplexity: number;
  /**
   * Share of the words that were the likeliest of those that can be written. With a dictionary of subwords, this and
   * the next two figures cover the first 2,000 words, since words must be searched for.
   */
  accuracy: number;
  /** Share of the words that were among the three likeliest. */
  top3Accuracy: number;
  /** Share of keystrokes that a keyboard with three suggestions saves its user. */
  keystrokesSaved: number;
}

/** The kind of error: the names of Python's errors, and two that only JavaScript needs. */
export type ErrorName =
  | "ModelFileError"
  | "PromptError"
  | "UnknownWordError"
  | "CountError"
  | "SamplingError"
  | "SessionError"
  | "KeyboardError"
  /** A text that is too short, or training that diverges. */
  | "TrainingError"
  /** A model was used after `release`. */
  | "ReleasedError"
  /** An invalid `ort`, `signal` or other option, or a generator that was not created by `load`. */
  | "ArgumentError";

/** Base class of all errors that this module throws on purpose. */
export class NextwordError extends Error {
  constructor(name: ErrorName, message: string, options?: { cause?: unknown });
  readonly name: ErrorName;
}

/** A word is not in the dictionary, and the dictionary has no `<unk>`. */
export class UnknownWordError extends NextwordError {
  constructor(word: string, neighbours: string[]);
  readonly name: "UnknownWordError";
  readonly word: string;
  /** The words of the dictionary that are spelt most like it. */
  readonly neighbours: string[];
}

/** Options of generation that do not affect which words are written. */
export interface Writing {
  /** Ends generation before the next word, and throws `signal.reason`. */
  signal?: AbortSignal;
}

/** Continues texts with a model from one file. Created by `Generator.load`. */
export class Generator {
  private constructor();

  /**
   * Loads a step graph (`nextword.onnx`, `nextword.int8.onnx`).
   *
   * @param source the file as bytes, a Blob or a Response, or a URL that `fetch` can read
   * @throws ModelFileError for a file that cannot be read, is damaged, foreign or of another version
   */
  static load(
    source: ArrayBufferView | ArrayBuffer | Blob | Response | string | URL,
    options: { ort: Runtime },
  ): Promise<Generator>;

  readonly info: Info;

  /**
   * The prompt as it was given, and its continuation by `words` (32) words. In a script without blanks each subword is
   * a word.
   */
  generate(prompt: string, words?: number, sampling?: Sampling, options?: Writing): Promise<string>;

  /**
   * The continuation word by word, as it comes. Errors that can be known beforehand are thrown before the first piece.
   * The event loop runs after each word.
   */
  stream(prompt: string, words?: number, sampling?: Sampling, options?: Writing): AsyncGenerator<string, void>;

  /** `n` continuations; number i, from 0, is what `generate` gives with the seed + i. */
  samples(prompt: string, n: number, words?: number, sampling?: Sampling, options?: Writing): Promise<string[]>;

  /**
   * The `n` (3) likeliest next words, best first. A last word without a blank after it that is not in the dictionary
   * counts as half typed, and is completed; with a dictionary of subwords, a last word counts as half typed if it is
   * likelier to go on than to end there. The probabilities of completions are renormalised over all words that begin
   * with what was typed. With a dictionary of subwords they include the probability that the word ends there, and a word
   * that the training text lacks comes as late as if it were e³ times less likely.
   */
  suggest(prompt: string, n?: number): Promise<Suggestion[]>;

  /**
   * How likely a text is, over every word that has a full context before it. The probability of a word of several
   * subwords is their product.
   */
  score(text: string): Promise<Score>;

  /** How likely each of several texts is, for ranking. */
  scoreAll(texts: readonly string[]): Promise<Score[]>;

  /**
   * How good the model is on a text, which is read as Python reads a text file: its end is the end of a line. The event
   * loop runs while it is read.
   *
   * @param options a cache that remembers the text, as for `session`
   * @throws PromptError for a text that is too short, UnknownWordError for a word that is not in the dictionary
   */
  evaluate(text: string, options?: CacheSettings): Promise<Evaluation>;

  /** A text that grows word by word, as with a keyboard. */
  session(options?: CacheSettings): Session;

  /**
   * Resumes a session that was saved here or in Python.
   *
   * @throws SessionError for bytes that are not a session, or belong to another model file
   */
  resume(bytes: ArrayBufferView | ArrayBuffer): Promise<Session>;

  /**
   * Suggestions, corrections and learning for a text field; of several languages: `Keyboard.of`.
   *
   * @throws KeyboardError for a layout that does not exist, or for bytes that are not from `Keyboard.save`
   */
  keyboard(options?: KeyboardSettings): Keyboard;

  /** Frees the model's memory once pending calls are done; no method works after that. */
  release(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}

/** A neural cache: words from similar contexts earlier in the text become likelier. */
export interface CacheSettings {
  /** Words (or subwords) of this text that the cache remembers, at most 1,000,000; 0 (default) is off. */
  cacheSize?: number;
  /** The cache's share of the probability, from 0 to below 1. */
  cacheWeight?: number;
  /** How sharply it prefers words from similar contexts; 0.3 by default. */
  cacheFlatness?: number;
}

/**
 * Reads a text word by word, and suggests what comes next, in the time of one step. Created by `Generator.session` or
 * `Generator.resume`. Calls take effect in the order in which they are made.
 */
export interface Session {
  /**
   * Reads one word or more; none of them if one is unknown. A punctuation mark that is fed by itself belongs to the
   * word before or after it, as in written text.
   */
  feed(text: string): Promise<void>;

  /**
   * Undoes the last word fed, and returns it.
   *
   * @throws SessionError if there is none, after 128 in a row, or for words fed before it was saved
   */
  undo(): Promise<string>;

  /** The `n` (3) likeliest next words that begin with `prefix`, best first. */
  suggest(n?: number, prefix?: string): Promise<Suggestion[]>;

  /** The session as bytes, from which `resume` continues here or in Python; the history for `undo` is not saved. */
  save(): Promise<Uint8Array>;
}

export interface KeyboardSettings {
  /** Of the keys; `qwerty` by default. An array holds the letters of each row of keys, from the top. */
  layout?: "qwerty" | "qwertz" | "azerty" | "dvorak" | readonly string[];
  /** Whether punctuation marks and line ends are suggested as well as words (true). */
  punctuation?: boolean;
  /** Whether the keyboard adapts to what is written (true). */
  adapts?: boolean;
  /** Bytes from `Keyboard.save`, here or in Python. */
  saved?: ArrayBufferView | ArrayBuffer | null;
}

/** A word, and how to put it into the text. */
export interface KeyboardSuggestion extends Suggestion {
  /**
   * `prediction`, of the next word; `completion` or `correction` of what was typed; `learned`, for a word that the user
   * wrote before and no dictionary has; or `as typed`.
   */
  kind: "prediction" | "completion" | "correction" | "learned" | "as typed";
  /** How many UTF-16 code units before the cursor to remove. */
  replace: number;
  /** The text to put in their place, with its capitals and the blanks that belong there. */
  insert: string;
}

/**
 * Suggests and corrects words in a text field, and learns from what is sent. Created by `Generator.keyboard`, or for
 * several languages at once by `Keyboard.of`. Calls take effect in the order in which they are made.
 */
export class Keyboard {
  private constructor();

  /**
   * A keyboard of several languages at once: a generator for each, or a `DynamicEvaluation` where the model learns
   * while it reads. They must split texts in the same way; `words` and `subwords` count as the same. The weights of the
   * languages follow what is written.
   *
   * @throws KeyboardError for models that do not fit together, a layout that does not exist, or bytes that are not from
   * `Keyboard.save`
   */
  static of(generators: readonly (Generator | DynamicEvaluation)[], options?: KeyboardSettings): Keyboard;

  /**
   * Takes the text before the cursor after any change: typed, deleted, pasted, cursor moved. What it shares with the
   * last one is not read again. Of a text that arrives at once, the last 512 words are read; of several texts that
   * wait, only the last is read.
   */
  update(textBeforeCursor: string): Promise<void>;

  /**
   * The `n` (3, at most 100) likeliest next words, or what the unfinished word before the cursor may become, best
   * first. A word is unfinished until a blank or a punctuation mark follows it.
   */
  suggest(n?: number): Promise<KeyboardSuggestion[]>;

  /**
   * What the last finished word should become, if the evidence beats the word as it was typed. Once a correction was
   * put into the text and undone, what was typed is never corrected again.
   */
  correction(): Promise<KeyboardSuggestion | null>;

  /** Learns the new words of the text, which was sent, and keeps what was adapted to it. */
  commit(): Promise<void>;

  /** The words that were learned, and how often each was sent. */
  readonly learned: Record<string, number>;

  /** The words that are never suggested. */
  readonly blocked: string[];

  /** Forgets that a word was ever learned or kept or, whatever its capitals, blocked. */
  forget(word: string): Promise<void>;

  /**
   * Never suggests a word again, nor corrects another to it, whatever its capitals. If the user writes it, it is not
   * corrected either, nor learned. A word has 1 to 64 characters; anything else is a `KeyboardError`.
   */
  block(word: string): Promise<void>;

  /**
   * What was learned, blocked, kept and adapted, and the last 500 words for the cache; `saved` of another keyboard, here
   * or in Python.
   */
  save(): Promise<Uint8Array>;

  /**
   * P(word | the finished words before the cursor). Over all strings, these add up to 1; for a model in lower case, over
   * all in lower case.
   */
  probability(word: string): Promise<number>;
}

/**
 * Splits a text into words, by the rules that a file names; with `subwords`, each has a mark: `▁` if there is a blank
 * before it, `‿` if there is none.
 */
export function split(text: string, splitBy: Info["splitBy"], lowercase?: boolean, lineEnds?: boolean): string[];

/** What a reader sees as the characters of a text: its extended grapheme clusters (UAX #29). */
export function clusters(text: string): string[];

/** Joins words or subwords into a text, the inverse of `split` up to blanks. */
export function join(words: readonly string[], splitBy: Info["splitBy"], lineEnds?: boolean): string;

/** A number from the open interval (0, 1), the same in every language for the same seed and step. */
export function uniform(seed: number, step: number): number;

/** Draws the id of a word from logits, with a number from (0, 1). */
export function draw(
  logits: Float32Array,
  number: number,
  temperature: number,
  topK?: number,
  topP?: number,
): number;

/** The `metadata_props` of an ONNX file. */
export function metadataOf(bytes: Uint8Array): Record<string, string>;
