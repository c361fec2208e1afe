// Writes what the model in argument 1 makes of the prompt in argument 2.
import { readFileSync } from "node:fs";

import * as ort from "onnxruntime-web"; // in Node, "onnxruntime-web/wasm" finds no backend
import { Generator } from "nextword";

const [, , model, prompt, words] = process.argv;
const generator = await Generator.load(readFileSync(model), { ort });
console.log(await generator.generate(prompt, Number(words)));
