/** Learning on the device, in stock onnxruntime; the public API is in `learning.d.ts`. */

export { DynamicEvaluation } from "./nextword/learning/dynamic-evaluation.js";
export { Trainer } from "./nextword/learning/trainer.js";
