// Prints the continuation by the model in argument 1 of the prompt in argument 2, by argument 3 words.
import { readFileSync } from "node:fs";

import * as ort from "onnxruntime-web"; // in Node, "onnxruntime-web/wasm" finds no backend
import { Generator } from "nextword";

const [, , model, prompt, words] = process.argv;
const generator = await Generator.load(readFileSync(model), { ort });
console.log(await generator.generate(prompt, Number(words)));
