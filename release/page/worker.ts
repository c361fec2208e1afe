import * as ort from "onnxruntime-web/wasm";
import { Generator, NextwordError } from "nextword";

const generator = await Generator.load("nextword.onnx", { ort });
onmessage = async ({ data }: MessageEvent<string>) => {
  try {
    postMessage(await generator.generate(data, 12));
  } catch (error) {
    if (!(error instanceof NextwordError)) throw error;
    postMessage(error.message);
  }
};
