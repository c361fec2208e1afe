/** nextword: continue texts with a model from one .onnx file, as the Python package does. */

/** The part of onnxruntime-web or onnxruntime-node that is needed. */
export interface Runtime {
  InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<any> };
  Tensor: new (type: any, data: any, dims: readonly number[]) => any;
}

/** How words are picked; the likeliest each time if all are left out. */
export interface Sampling {
  /** 0 takes the likeliest word, above 0 a word is drawn; the higher, the more even. To 100. */
  temperature?: number;
  /** Draws from so many of the likeliest words; 0 from all. */
  topK?: number;
  /** Draws from the fewest words that have this share of the probability; 1 from all. */
  topP?: number;
  /** Of the draws, from 0 to 2³¹ − 2: the same seed gives the same words, as in Python. */
  seed?: number | null;
  /** Above 1 makes words of the last `repetitionWindow` (64) words less likely; 1 is off. */
  repetitionPenalty?: number;
  repetitionWindow?: number | null;
  /** No run of so many words comes twice, prompt included; 0 is off. */
  noRepeatNgram?: number;
  /** Words that are never written. */
  banned?: readonly string[];
  /** Generation ends before the first of these strings that it would write. */
  stop?: readonly string[];
  /** So many words are written before a `stop` counts. */
  minWords?: number;
}

/** What a model file says of itself. */
export interface Info {
  readonly dictionary: readonly string[];
  readonly splitBy: "whitespace" | "words" | "characters";
  readonly lowercase: boolean;
  readonly lineEnds: boolean;
  /** Words that the model reads, or `null` if it carries its state without bound. */
  readonly context: number | null;
  /** The cell's name, for people; nothing turns on it. */
  readonly cell: string;
  readonly layers: number;
  readonly hidden: number;
  /** Id of `<unk>`, which stands for every word that is not in the dictionary, or `null`. */
  readonly unknown: number | null;
  readonly params: Record<string, any>;
  readonly metrics: Record<string, any>;
  readonly corpusSha256: string;
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

/**
 * Base of all errors that this module throws on purpose. `name` is `ModelFileError`, `PromptError`,
 * `UnknownWordError`, `CountError` or `SamplingError`.
 */
export class NextwordError extends Error {}

/** A word is not in the dictionary, and the dictionary has no `<unk>`. */
export class UnknownWordError extends NextwordError {
  readonly word: string;
  /** The words of the dictionary that are spelt most alike. */
  readonly neighbours: string[];
}

/** Continues texts with a model from one file. */
export class Generator {
  /**
   * Loads a step graph (`nextword.onnx`, `nextword.int8.onnx`).
   *
   * @param source the file as bytes, or a URL that `fetch` can read
   * @throws ModelFileError for a file that is damaged, foreign or of another version
   */
  static load(
    source: Uint8Array | ArrayBuffer | string | URL,
    options: { ort: Runtime },
  ): Promise<Generator>;

  readonly info: Info;

  /** The prompt as it was given and its continuation by `words` (32) words. */
  generate(prompt: string, words?: number, sampling?: Sampling): Promise<string>;

  /** The continuation piece by piece, as it comes. Errors are thrown before the first piece. */
  stream(prompt: string, words?: number, sampling?: Sampling): AsyncGenerator<string, void>;

  /**
   * The `n` (3) likeliest next words, best first. A last word that no blank follows and that is not
   * in the dictionary is taken as half typed, and completed.
   */
  suggest(prompt: string, n?: number): Promise<Suggestion[]>;

  /** How likely a text is, over each word that has a full context before it. */
  score(text: string): Promise<Score>;
}

/** Splits a text into words, by the rules that a file names. */
export function split(text: string, splitBy: Info["splitBy"], lowercase?: boolean, lineEnds?: boolean): string[];

/** What a reader takes as the characters of a text: its extended grapheme clusters (UAX #29). */
export function clusters(text: string): string[];

/** Joins words into a text, the inverse of `split` up to blanks. */
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
