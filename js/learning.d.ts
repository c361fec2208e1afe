/** Learning on the device: a model that learns a text, in stock onnxruntime. */
import type { CacheSettings, Evaluation, Keyboard, KeyboardSettings, Runtime, Session } from "./nextword.js";

/** Where a file comes from: bytes, a Blob, a Response, or a URL that `fetch` can read. */
export type Source = ArrayBuffer | ArrayBufferView | Blob | Response | URL | string;

export interface TrainerOptions {
  ort: Runtime;
  /**
   * A step graph of the same network in float16, `nextword.onnx`: it sets the rules for splitting texts, and holds the
   * weights that learning starts from.
   */
  model: Source;
  /** The text to learn. */
  text: string;
  /** Starts from the words of the text, and from weights drawn as `dvc repro` draws them. */
  fromNothing?: boolean;
  /** Of the weights and of the order of the text; 1 by default. */
  seed?: number;
  /** Of AdamW; 3e-3 by default. */
  learningRate?: number;
  weightDecay?: number;
  /** The largest norm of the gradients; longer ones are scaled down to it. 1 by default. */
  clip?: number;
  /** Windows of a step, or streams; 256 by default. */
  batch?: number;
  /** Words of each stream that a step reads, where the model carries its state; 35 by default. */
  wordsPerStep?: number;
}

/**
 * Learns a text with AdamW, step by step. Overlapping calls run one after another.
 *
 * A loss that no network has that learns means that training has diverged, perhaps over several steps. Learning then
 * goes back to the last step whose loss was at most one nat per word above the first loss.
 */
export class Trainer {
  /** `graph` is the training graph, `nextword.train.onnx`. */
  static load(graph: Source, options: TrainerOptions): Promise<Trainer>;
  private constructor();
  /** The number of steps taken. */
  readonly step: number;
  /** The dictionary. */
  readonly words: readonly string[];
  /** The number of weights. */
  readonly size: number;
  /** Steps of an epoch; null where the model carries its state. */
  readonly interval: number | null;
  /** The best that is possible on this text; null where the model carries its state. */
  readonly best: { accuracy: number; loss: number } | null;
  /** The weights by name, row by row. */
  readonly weights: ReadonlyMap<string, { shape: readonly number[]; values: Float64Array | Float32Array }>;
  /**
   * Takes a step; returns the loss before it, in nats per word, and the norm of the gradients.
   *
   * @throws TrainingError if training has diverged; `weights` and `step` then are those that learning went back to
   */
  learn(): Promise<{ loss: number; gradientNorm: number }>;
  /**
   * The loss and accuracy over all windows of the text.
   *
   * @throws TrainingError for a model without a fixed context
   */
  measure(): Promise<{ loss: number; accuracy: number }>;
  /** The state of learning as bytes, from which `resume` continues, here or in Python. */
  checkpoint(): Promise<Uint8Array>;
  /**
   * Continues from a checkpoint, bit for bit. The trainer must have been created with the same files, text, `batch`,
   * `wordsPerStep` and `seed`.
   *
   * @throws TrainingError for bytes that are not a checkpoint, or not one of this trainer; then everything stays as it
   * was
   */
  resume(bytes: ArrayBufferView | ArrayBuffer): Promise<void>;
  /**
   * The model with the current weights: a file that `Generator.load` takes.
   *
   * @throws TrainingError for a weight that float16 cannot hold
   */
  file(): Promise<Uint8Array>;
  /** Frees the memory. */
  release(): Promise<void>;
}

export interface DynamicEvaluationOptions {
  ort: Runtime;
  /** A step graph of the same network in float16, `nextword.onnx`. */
  model: Source;
  /** Of gradient descent; 2 by default. */
  learningRate?: number;
}

/**
 * Creates sessions and keyboards whose model learns from the text while it is read: after each block of 20 words comes
 * one step of gradient descent (Krause et al. 2018). What they learn is saved with them.
 */
export class DynamicEvaluation {
  /** `graph` is the training graph, `nextword.train.onnx`. */
  static load(graph: Source, options: DynamicEvaluationOptions): Promise<DynamicEvaluation>;
  private constructor();
  /** A session that learns. */
  session(options?: CacheSettings): Session;
  /**
   * Resumes a session that was saved here or in Python; if it was not learning, it now starts to.
   *
   * @throws SessionError for bytes that are not a session, or belong to other files
   */
  resume(bytes: ArrayBufferView | ArrayBuffer): Promise<Session>;
  /** How good the model is on a text from which it learns while it is read, as `Generator.evaluate`. */
  evaluate(text: string, options?: CacheSettings): Promise<Evaluation>;
  /** A keyboard that learns; of several languages, some of which learn: `Keyboard.of`. */
  keyboard(options?: KeyboardSettings): Keyboard;
  /** Frees the memory. */
  release(): Promise<void>;
}
