/// <reference lib="esnext.disposable" />
/** nextword: continue texts with a model from one .onnx file, as the Python package does. */
import type { DynamicEvaluation } from "./learning.js";

/** The part of onnxruntime-web or onnxruntime-node that is needed. */
export interface Runtime {
  InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<any> };
  Tensor: new (type: any, data: any, dims: readonly number[]) => any;
}

/** How words are picked; the likeliest each time if all are left out. */
export interface Sampling {
  /** 0 takes the likeliest word, above 0 a word is drawn; the higher, the more even. To 100. */
  temperature?: number;
  /** Draws from so many of the likeliest words (or subwords); 0 from all. */
  topK?: number;
  /** Draws from the fewest words that have this share of the probability; 1 from all. */
  topP?: number;
  /** Of the draws, from 0 to 2³¹ − 2: the same seed gives the same words, as in Python. */
  seed?: number | null;
  /** Above 1 makes words of the last `repetitionWindow` (64) words less likely; 1 is off. */
  repetitionPenalty?: number;
  repetitionWindow?: number | null;
  /** Never repeats a run of this many words, prompt included; 0 is off. */
  noRepeatNgram?: number;
  /** Words that are never written; a plain string is one. */
  banned?: string | readonly string[];
  /** Generation ends before the first of these strings that it would write; a plain string is one. */
  stop?: string | readonly string[];
  /** So many words are written before a `stop` counts. */
  minWords?: number;
}

/** What a model file says about itself. */
export interface Info {
  /** The words in the order of their ids, or with `splitBy: "subwords"` the subwords that spell words. */
  readonly dictionary: readonly string[];
  readonly splitBy: "whitespace" | "words" | "characters" | "subwords";
  readonly lowercase: boolean;
  readonly lineEnds: boolean;
  /** Words (or subwords) that the model reads, or `null` if it carries its state without bound. */
  readonly context: number | null;
  /** The cell's name, for people; nothing turns on it. */
  readonly cell: string;
  readonly layers: number;
  readonly hidden: number;
  /** Id of `<unk>`, which replaces every word that is not in the dictionary, or `null`. */
  readonly unknown: number | null;
  readonly params: Record<string, any>;
  readonly metrics: Record<string, any>;
  readonly corpusSha256: string;
  /** `float16`, or `int8`. */
  readonly weights: string;
  /** Version of Unicode that says what a letter is; older files do not say, and have "". */
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

/** What was wrong: the names of Python's errors, and two that only JavaScript needs. */
export type ErrorName =
  | "ModelFileError"
  | "PromptError"
  | "UnknownWordError"
  | "CountError"
  | "SamplingError"
  | "SessionError"
  | "KeyboardError"
  /** A text that is too short, or training that has diverged. */
  | "TrainingError"
  /** A model was asked after `release`. */
  | "ReleasedError"
  /** `ort`, `signal` or another option is none; a generator was not made by `load`. */
  | "ArgumentError";

/** Base of all errors that this module throws on purpose. */
export class NextwordError extends Error {
  constructor(name: ErrorName, message: string, options?: { cause?: unknown });
  readonly name: ErrorName;
}

/** A word is not in the dictionary, and the dictionary has no `<unk>`. */
export class UnknownWordError extends NextwordError {
  constructor(word: string, neighbours: string[]);
  readonly name: "UnknownWordError";
  readonly word: string;
  /** The words of the dictionary that are spelt most alike. */
  readonly neighbours: string[];
}

/** Options of writing words that do not decide which. */
export interface Writing {
  /** Ends it before the next word, and throws `signal.reason`. */
  signal?: AbortSignal;
}

/** Continues texts with a model from one file. Made by `Generator.load`. */
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
   * The prompt as it was given and its continuation by `words` (32) words. In a script without blanks each subword
   * is a word.
   */
  generate(prompt: string, words?: number, sampling?: Sampling, options?: Writing): Promise<string>;

  /**
   * The continuation word by word, as it comes. Errors are thrown before the first piece. The event
   * loop turns after each word.
   */
  stream(prompt: string, words?: number, sampling?: Sampling, options?: Writing): AsyncGenerator<string, void>;

  /** `n` continuations; the one at place i, from 0, is what `generate` gives with the seed + i. */
  samples(prompt: string, n: number, words?: number, sampling?: Sampling, options?: Writing): Promise<string[]>;

  /**
   * The `n` (3) likeliest next words, best first. A last word without a blank after it that is not in
   * the dictionary is half typed, and is completed; with a dictionary of subwords, one that likelier goes on than ends
   * there. Then probabilities are those of the word and of its ending there.
   */
  suggest(prompt: string, n?: number): Promise<Suggestion[]>;

  /**
   * How likely a text is, over each word that has a full context before it. The probability of a word is the product
   * of those of its subwords, where there are such.
   */
  score(text: string): Promise<Score>;

  /** How likely each of several texts is, for ranking them. */
  scoreAll(texts: readonly string[]): Promise<Score[]>;

  /** A text that grows word by word, as under a keyboard. */
  session(options?: CacheSettings): Session;

  /**
   * Goes on with a session that was saved, here or in Python.
   *
   * @throws SessionError for bytes that are not a session, or belong to another model file
   */
  resume(bytes: ArrayBufferView | ArrayBuffer): Promise<Session>;

  /**
   * Suggestions, corrections and learning for a text field; of several languages: `Keyboard.of`.
   *
   * @throws KeyboardError for a layout that does not exist, or for bytes that no keyboard has saved
   */
  keyboard(options?: KeyboardSettings): Keyboard;

  /** Frees the model's memory when pending calls are done; no method works after that. */
  release(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}

/** A neural cache: words that stood in similar places of the text become likelier. */
export interface CacheSettings {
  /** Words (or subwords) of the text that are remembered, to 1,000,000; 0 (default) is off. */
  cacheSize?: number;
  /** Share of the probability that the cache gives, from 0 to below 1. */
  cacheWeight?: number;
  /** How sharply it prefers what stood in similar places; 0.3 by default. */
  cacheFlatness?: number;
}

/**
 * Reads a text word by word, and suggests what comes next, in the time of one step. Made by
 * `Generator.session` or `Generator.resume`. Calls take effect in the order in which they are made.
 */
export interface Session {
  /**
   * Reads one word or more; none of them if one is unknown. A punctuation mark that is fed by itself belongs to the word
   * before or after it, as in written text.
   */
  feed(text: string): Promise<void>;

  /**
   * Takes back the last word that was fed, and returns it.
   *
   * @throws SessionError if there is none, after 128 in a row, or for words fed before it was saved
   */
  undo(): Promise<string>;

  /** The `n` (3) likeliest next words that begin with `prefix`, best first. */
  suggest(n?: number, prefix?: string): Promise<Suggestion[]>;

  /** The session as bytes, which `resume` takes here and in Python; the history for `undo` is not saved. */
  save(): Promise<Uint8Array>;
}

export interface KeyboardSettings {
  /** Of the keys; `qwerty` by default. An array has the letters of each row of keys, from the top. */
  layout?: "qwerty" | "qwertz" | "azerty" | "dvorak" | readonly string[];
  /** Whether punctuation marks and line ends are suggested as well as words (true). */
  punctuation?: boolean;
  /** Whether what is written changes what is expected (true). */
  adapts?: boolean;
  /** What `Keyboard.save` gave, here or in Python. */
  saved?: ArrayBufferView | ArrayBuffer | null;
}

/** A word, and how to put it into the text. */
export interface KeyboardSuggestion extends Suggestion {
  /**
   * `prediction`, of the next word; `completion` or `correction` of what was typed; `learned`, for a word that
   * the user wrote before and no dictionary has; or `as typed`.
   */
  kind: "prediction" | "completion" | "correction" | "learned" | "as typed";
  /** How many UTF-16 code units before the cursor go, */
  replace: number;
  /** and the text that comes instead, with its capitals and the blanks that belong there. */
  insert: string;
}

/**
 * Suggests and corrects words in a text field, and learns from what is sent. Made by `Generator.keyboard`, or
 * for several languages at once by `Keyboard.of`. What is asked is done in the order in which it was asked.
 */
export class Keyboard {
  private constructor();

  /**
   * A keyboard of several languages at once, a generator each, or a `DynamicEvaluation` where the model learns while it
   * reads. They must split texts in the same way; `words` and `subwords` count as the same. How much each counts follows
   * what is written.
   *
   * @throws KeyboardError for models that do not fit together, a layout that does not exist, or bytes that no keyboard
   * has saved
   */
  static of(generators: readonly (Generator | DynamicEvaluation)[], options?: KeyboardSettings): Keyboard;

  /**
   * Takes the text before the cursor, whatever has happened: typed, deleted, pasted, cursor moved. What it has in
   * common with the last one is not read again; of a text that comes at once, the last 512 words are read, and of
   * several texts that wait only the last.
   */
  update(textBeforeCursor: string): Promise<void>;

  /**
   * The `n` (3, to 100) likeliest next words, or what the unfinished word before the cursor may become, best
   * first. A word is unfinished until a blank or a punctuation mark follows it.
   */
  suggest(n?: number): Promise<KeyboardSuggestion[]>;

  /**
   * What the last finished word should become, if the evidence beats the word as it was typed. Once a correction
   * was put into the text and taken back, what was typed is never corrected again.
   */
  correction(): Promise<KeyboardSuggestion | null>;

  /** The text was sent: its new words are learned, and what was adapted to it stays. */
  commit(): Promise<void>;

  /** The words that were learned, and how often each was sent. */
  readonly learned: Record<string, number>;

  /** The words that are never suggested. */
  readonly blocked: string[];

  /** It is as if a word had never been learned, blocked or kept. */
  forget(word: string): Promise<void>;

  /** Never suggests a word, nor corrects another to it. */
  block(word: string): Promise<void>;

  /** What was learned, blocked, kept and adapted to, but not the text: `saved` of another keyboard, here or in Python. */
  save(): Promise<Uint8Array>;

  /** P(word | the finished words before the cursor); over all strings, it adds up to 1. */
  probability(word: string): Promise<number>;
}

/**
 * Splits a text into words, by the rules that a file names; with `subwords`, each with a mark: `▁` where a blank stands
 * before it, `‿` where none does.
 */
export function split(text: string, splitBy: Info["splitBy"], lowercase?: boolean, lineEnds?: boolean): string[];

/** What a reader sees as the characters of a text: its extended grapheme clusters (UAX #29). */
export function clusters(text: string): string[];

/** Joins words, or subwords, into a text, the inverse of `split` up to blanks. */
export function join(words: readonly string[], splitBy: Info["splitBy"], lineEnds?: boolean): string;

/** A number from (0, 1), the same in every language for the same seed and step. */
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
