/**
 * Weights as the train stage writes them, so that their checksums can be compared: a file in the safetensors format.
 */

import { toHalves } from "../half.js";

const ALIGNED = 8;

/** The bytes of `weights.safetensors`: float16, sorted by name. `weights`: as from `Trainer.weights`. */
export function safetensors(weights) {
  const parts = [...weights].sort(([one], [other]) => (one < other ? -1 : 1));
  const header = {};
  let end = 0;
  for (const [name, { shape, values }] of parts) {
    header[name] = { dtype: "F16", shape, data_offsets: [end, (end += 2 * values.length)] };
  }
  const text = JSON.stringify(header);
  const described = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / ALIGNED) * ALIGNED));
  const bytes = new Uint8Array(8 + described.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(described.length), true);
  bytes.set(described, 8);
  let place = 8 + described.length;
  for (const [, { values }] of parts) {
    bytes.set(new Uint8Array(toHalves(values).buffer), place);
    place += 2 * values.length;
  }
  return bytes;
}
