/** Learning on the device: a model that learns a text, in stock onnxruntime. */
import type { CacheSettings, Keyboard, KeyboardSettings, Runtime, Session } from "./nextword.js";

/** Where a file comes from: bytes, a Blob, a Response, or a URL that `fetch` can read. */
export type Source = ArrayBuffer | ArrayBufferView | Blob | Response | URL | string;

export interface TrainerOptions {
  ort: Runtime;
  /** A step graph of the same network in float16, `nextword.onnx`: its rules, and what learning begins with. */
  model: Source;
  /** What is learned. */
  text: string;
  /** Begins with the words of the text, and with weights drawn as `dvc repro` draws them. */
  fromNothing?: boolean;
  /** Of the weights and of the order of the text; 1 if left out. */
  seed?: number;
  /** Of AdamW; 3e-3 if left out. */
  learningRate?: number;
  weightDecay?: number;
  /** The largest norm of the gradients; longer ones are scaled down to it. 1 if left out. */
  clip?: number;
  /** Windows of a step, or streams; 256 if left out. */
  batch?: number;
  /** Words of each stream that a step reads, where the model carries its state; 35 if left out. */
  wordsPerStep?: number;
}

/** Learns a text by AdamW, step by step; it stays as it was before a step that diverges. */
export class Trainer {
  /** `graph` is the training graph, `nextword.train.onnx`. */
  static load(graph: Source, options: TrainerOptions): Promise<Trainer>;
  private constructor();
  /** The steps that were taken. */
  readonly step: number;
  /** The dictionary. */
  readonly words: readonly string[];
  /** How many weights there are. */
  readonly size: number;
  /** Steps of an epoch; null where the model carries its state. */
  readonly interval: number | null;
  /** What is possible at best; null where the model carries its state. */
  readonly best: { accuracy: number; loss: number } | null;
  /** The weights by name, row by row. */
  readonly weights: ReadonlyMap<string, { shape: readonly number[]; values: Float64Array | Float32Array }>;
  /** Takes a step; gives the loss before it in nats a word, and the norm of the gradients. */
  learn(): Promise<{ loss: number; gradientNorm: number }>;
  /** Over all windows of the text; only with a fixed context. */
  measure(): Promise<{ loss: number; accuracy: number }>;
  /** Where learning stands: bytes for `resume`, in Python too. */
  checkpoint(): Promise<Uint8Array>;
  /**
   * Goes on from a checkpoint with the same bits. The trainer must have been made with the same files, text, `batch`,
   * `wordsPerStep` and `seed`.
   *
   * @throws TrainingError for bytes that are no checkpoint, or one of another trainer; all stays as it was
   */
  resume(bytes: ArrayBufferView | ArrayBuffer): Promise<void>;
  /** The model as it is now: a file that `Generator.load` takes. */
  file(): Promise<Uint8Array>;
  /** Frees the memory. */
  release(): Promise<void>;
}

export interface DynamicEvaluationOptions {
  ort: Runtime;
  /** A step graph of the same network in float16, `nextword.onnx`. */
  model: Source;
  /** Of gradient descent; 2 if left out. */
  learningRate?: number;
}

/**
 * Makes sessions and keyboards whose model learns from the text while it is read: after each block of 20 words one step
 * of gradient descent (Krause et al. 2018). What they have learned is in what they save.
 */
export class DynamicEvaluation {
  /** `graph` is the training graph, `nextword.train.onnx`. */
  static load(graph: Source, options: DynamicEvaluationOptions): Promise<DynamicEvaluation>;
  private constructor();
  /** A session that learns. */
  session(options?: CacheSettings): Session;
  /**
   * Goes on with a session that was saved, here or in Python; one that did not learn begins to.
   *
   * @throws SessionError for bytes that are not a session, or belong to other files
   */
  resume(bytes: ArrayBufferView | ArrayBuffer): Promise<Session>;
  /** A keyboard that learns; one of several languages, some of which learn: `Keyboard.of`. */
  keyboard(options?: KeyboardSettings): Keyboard;
  /** Frees the memory. */
  release(): Promise<void>;
}
