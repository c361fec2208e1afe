/** Arrays by name ⇄ bytes, in the format of `numpy.savez`. */

import { crc32 } from "./crc32.js";
import { elements } from "./inspection.js";
import { TYPES, utf8 } from "./onnx-file.js";

// The typed array for each of numpy's types.
const NUMBERS = new Map([...TYPES.values()].map(({ numpy, Numbers }) => [numpy, Numbers]));
const CENTRAL = 0x02014b50; // begins an entry in a zip file's directory, LOCAL one before its bytes
const LOCAL = 0x04034b50;
const END = 0x06054b50; // begins the end record of a zip file
const ZIP_VERSION = 45;

/**
 * Arrays by name as bytes, identical to those that `numpy.savez` writes. An array is `{ type, shape, data }`, its type
 * as numpy names it, or a text.
 */
export function npz(arrays) {
  const encoder = new TextEncoder();
  const entries = Object.entries(arrays).map(([name, array]) => ({
    name: encoder.encode(`${name}.npy`),
    bytes: npy(array),
  }));
  const parts = [];
  let place = 0;
  const put = (...bytes) => {
    parts.push(...bytes);
    for (const one of bytes) place += one.length;
  };
  // Little-endian numbers: [bytes, value], …
  const numbers = (...fields) => {
    const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
    let at = 0;
    for (const [size, value] of fields) {
      if (size === 2) view.setUint16(at, value, true);
      else if (size === 4) view.setUint32(at, value, true);
      else view.setBigUint64(at, BigInt(value), true);
      at += size;
    }
    return new Uint8Array(view.buffer);
  };
  // Dated 1980-01-01, the earliest date that a zip file can have, and uncompressed.
  const head = [[2, ZIP_VERSION], [2, 0], [2, 0], [2, 0], [2, 0x21]];
  const list = [];
  for (const { name, bytes } of entries) {
    const crc = crc32(bytes);
    const size = bytes.length;
    const unix = 3 << 8;
    list.push(
      numbers([4, CENTRAL], [2, unix | ZIP_VERSION], ...head, [4, crc], [4, size], [4, size]),
      numbers([2, name.length], [2, 0], [2, 0], [2, 0], [2, 0], [4, 0o600 * 2 ** 16], [4, place]),
      name,
    );
    // The sizes are in the extra field for files larger than 4 GiB, which numpy always writes.
    put(numbers([4, LOCAL], ...head, [4, crc], [4, 2 ** 32 - 1], [4, 2 ** 32 - 1], [2, name.length], [2, 20]), name);
    put(numbers([2, 1], [2, 16], [8, size], [8, size]), bytes);
  }
  const start = place;
  put(...list);
  const count = entries.length;
  put(numbers([4, END], [2, 0], [2, 0], [2, count], [2, count], [4, place - start], [4, start], [2, 0]));
  const whole = new Uint8Array(place);
  place = 0;
  for (const bytes of parts) {
    whole.set(bytes, place);
    place += bytes.length;
  }
  return whole;
}

function npy(array) {
  const isText = typeof array === "string";
  const { type, shape } = isText ? { type: `<U${array.length}`, shape: [] } : array;
  const numbers = isText ? Uint32Array.from(array, (character) => character.codePointAt(0)) : array.data;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  // numpy leaves room for the first axis to grow, and aligns the numbers to 64 bytes.
  const head = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const room = shape.length ? 21 - String(shape[0]).length : 0;
  const length = Math.ceil((10 + head.length + room + 1) / 64) * 64;
  const bytes = new Uint8Array(length + numbers.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  bytes.set(new TextEncoder().encode(head.padEnd(length - 11) + "\n"), 10);
  bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), length);
  return bytes;
}

/** The arrays of a file written by `numpy.savez`, by name; any error means that the file is not one. */
export function arraysOf(bytes) {
  const refuse = () => {
    throw new RangeError("no arrays");
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - 22;
  if (view.getUint32(end, true) !== END) refuse();
  const arrays = new Map();
  let place = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const size = view.getUint32(place + 24, true);
    const [named, extra, comment] = [28, 30, 32].map((field) => view.getUint16(place + field, true));
    const start = view.getUint32(place + 42, true);
    const name = utf8(bytes.subarray(place + 46, place + 46 + named));
    const isStored = view.getUint16(place + 10, true) === 0 && view.getUint32(place + 20, true) === size;
    if (view.getUint32(place, true) !== CENTRAL || !isStored || view.getUint32(start, true) !== LOCAL) refuse();
    const from = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    const part = bytes.slice(from, from + size);
    if (part.length !== size || crc32(part) !== view.getUint32(place + 16, true) || !name?.endsWith(".npy")) refuse();
    arrays.set(name.slice(0, -4), arrayOf(part) ?? refuse());
    place += 46 + named + extra + comment;
  }
  return arrays;
}

const HEAD = /^\{'descr': '([<|]\w+)', 'fortran_order': False, 'shape': \((?:(\d+(?:, \d+)*),?)?\), \} *\n$/;

function arrayOf(bytes) {
  if (bytes[0] !== 0x93 || bytes[6] !== 1) return null;
  const start = 10 + bytes[8] + 256 * bytes[9];
  const head = HEAD.exec(utf8(bytes.subarray(10, start)));
  if (!head) return null;
  const [, type, sizes] = head;
  const shape = sizes ? sizes.split(", ").map(Number) : [];
  const data = bytes.slice(start).buffer;
  if (type.startsWith("<U")) return String.fromCodePoint(...new Uint32Array(data));
  const Numbers = NUMBERS.get(type);
  const fits = Numbers && data.byteLength === elements(shape) * Numbers.BYTES_PER_ELEMENT;
  return fits ? { type, shape, data: new Numbers(data) } : null;
}

