/** Learning on the device, in stock onnxruntime; `learning.d.ts` has what is public. */

export { DynamicEvaluation } from "./nextword/learning/dynamic-evaluation.js";
export { Trainer } from "./nextword/learning/trainer.js";
