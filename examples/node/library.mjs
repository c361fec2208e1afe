import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-node";
import { Generator } from "../../js/nextword.js";

const generator = await Generator.load(await readFile("models/nextword.onnx"), { ort });
console.log(await generator.generate("the cat .", 12));
console.log(await generator.generate("the cat .", 12, { temperature: 1, topK: 5, seed: 7 }));
console.log(await generator.suggest("the old mo"));
