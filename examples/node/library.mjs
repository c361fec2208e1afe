import { readFile } from "node:fs/promises";
import { Generator } from "../../js/nextword.js";

process.env.ORT_DISABLE_TELEMETRY = "1"; // before the import, or it writes an id of this device into your folder
const ort = await import("onnxruntime-node");

const generator = await Generator.load(await readFile("models/nextword.onnx"), { ort });
console.log(await generator.generate("the cat .", 12));
console.log(await generator.generate("the cat .", 12, { temperature: 1, topK: 5, seed: 7 }));
console.log(await generator.suggest("the old mo"));
