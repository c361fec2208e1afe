// Node with the stock onnxruntime-node: text in, text out, in one call. First: npm i --ignore-scripts
process.env.ORT_DISABLE_TELEMETRY = "1"; // before the import, or it writes an id of this device into your folder
const { InferenceSession, Tensor } = await import("onnxruntime-node");

const session = await InferenceSession.create("models/nextword.text.onnx");
const whole = (number) => new Tensor("int64", [BigInt(number)], []);
const float = (number) => new Tensor("float32", [number], []);
const { text, unknown } = await session.run({
  prompt: new Tensor("string", ["long ago ,"], [1]),
  max_words: whole(12),
  temperature: float(1),
  top_k: whole(5),
  top_p: float(1),
  seed: whole(7),
});
console.log(unknown.data.length ? `not in the dictionary: ${unknown.data}` : text.data[0]);
