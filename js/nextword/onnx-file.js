/**
 * What an .onnx file holds, read from its bytes before onnxruntime sees them: Python's `nextword.runtime.protobuf` and
 * `onnx_file`.
 *
 * What a step graph does not need is refused: weights in other files, graphs within operators, functions, sparse
 * tensors, strings. So is every field that a message may not have, because a reader more lenient than onnxruntime might
 * see a different file from the one that runs.
 */

/** Bytes that are not an ONNX model. */
export class DamagedError extends Error {}

/** A part that a step graph does not need. */
export class UnknownPartError extends Error {}

/** A tensor's numbers are in another file. */
export class ElsewhereError extends Error {}

const [VARINT, BYTES, FIXED_32] = [0, 2, 5]; // wire types
const MOST_REPEATED = 10_000;
const MOST_AXES = 8;
const MOST_GRAPH = 4_000_000; // bytes of nodes
// onnxruntime takes a file with this for one in its own format, whatever else it is.
const ORT_FORMAT = [4, "ORTM"];

const fields = (kind, ...numbers) => numbers.map((number) => [number, kind]);

// The fields of onnx.proto that each message may have, with their wire types, and which of them may be repeated. Those
// of a model and a graph are all here: the kind of a file must be reported before what is wrong with it.
const message = (known, ...repeated) => ({ known: new Map(known), repeated: new Set(repeated) });
const MODEL = message([...fields(VARINT, 1, 5), ...fields(BYTES, 2, 3, 4, 6, 7, 8, 14, 20, 25, 26)], 8, 14, 20, 25);
const GRAPH = message(fields(BYTES, 1, 2, 5, 10, 11, 12, 13, 14, 15, 16), 1, 5, 11, 12, 13, 14, 15, 16);
const PROPERTY = message(fields(BYTES, 1, 2));
const NODE = message(fields(BYTES, 1, 2, 3, 4, 5, 6, 7), 1, 2, 5);
const ATTRIBUTE = message(
  [...fields(FIXED_32, 2, 7), ...fields(VARINT, 3, 8, 20), ...fields(BYTES, 1, 4, 5, 9, 13)],
  ...[7, 8, 9],
);
const TENSOR = message([...fields(VARINT, 1, 2, 14), ...fields(BYTES, 8, 9, 12, 13)], 1);
const VALUE = message(fields(BYTES, 1, 2, 3));
const TYPE = message(fields(BYTES, 1, 6));
const TENSOR_TYPE = message([...fields(VARINT, 1), ...fields(BYTES, 2)]);
const SHAPE = message(fields(BYTES, 1), 1);
const AXIS = message([...fields(VARINT, 1), ...fields(BYTES, 2, 3)]);

/**
 * The types that tensors may have, by their numbers in onnx.proto: their names in onnxruntime and in numpy, and the
 * array that holds them.
 */
export const TYPES = new Map(
  [
    [1, "float32", "<f4", Float32Array],
    [2, "uint8", "|u1", Uint8Array],
    [3, "int8", "|i1", Int8Array],
    [6, "int32", "<i4", Int32Array],
    [7, "int64", "<i8", BigInt64Array],
    [9, "bool", "|b1", Uint8Array],
    [10, "float16", "<f2", globalThis.Float16Array ?? Uint16Array],
    [11, "float64", "<f8", Float64Array],
  ].map(([number, name, numpy, Numbers]) => [number, { name, numpy, Numbers }]),
);

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text; `null` if they are not UTF-8. */
export function utf8(bytes) {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}

/** The fields of one message. */
class Message {
  #numbers = new Map();
  #parts = new Map();

  constructor(bytes, { known, repeated }) {
    let place = 0;
    while (place < bytes.length) {
      const [tag, afterTag] = varint(bytes, place);
      const [field, kind] = [Math.floor(tag / 8), tag % 8];
      if (!known.has(field)) throw new UnknownPartError(`field ${field}`);
      // A list of numbers is packed, as bytes, or comes one by one.
      if (kind !== known.get(field) && !(kind === BYTES && repeated.has(field))) throw new DamagedError("wire type");
      const count = (this.#numbers.get(field)?.length ?? 0) + this.all(field).length;
      if (count === (repeated.has(field) ? MOST_REPEATED : 1)) throw new DamagedError("a field occurs too often");
      const [number, start] = kind === FIXED_32 ? [4, afterTag] : varint(bytes, afterTag);
      const isNumber = kind === VARINT;
      if (!isNumber && number > bytes.length - start) throw new DamagedError("cut short");
      place = isNumber ? start : start + number;
      const found = isNumber ? this.#numbers : this.#parts;
      if (!found.has(field)) found.set(field, []);
      found.get(field).push(isNumber ? number : bytes.subarray(start, place));
    }
  }

  /** The bytes of each field of this number. */
  all(field) {
    return this.#parts.get(field) ?? [];
  }

  /** The bytes of a field; empty if it is missing. */
  part(field) {
    return this.all(field)[0] ?? new Uint8Array();
  }

  /** Whether any of these fields is present, even if empty. */
  has(...all) {
    return all.some((field) => this.#numbers.has(field) || this.#parts.has(field));
  }

  /** A field as text; "" if it is missing. */
  text(field) {
    return text(this.part(field));
  }

  /** A field as a whole number; 0 if it is missing. */
  number(field) {
    return this.#numbers.get(field)?.[0] ?? 0;
  }

  /** A list of at most `most` whole numbers, packed or not. */
  numbers(field, most) {
    const found = [...(this.#numbers.get(field) ?? [])];
    for (const part of this.all(field)) {
      for (let place = 0; place < part.length && found.length <= most; ) {
        const [number, after] = varint(part, place);
        found.push(number);
        place = after;
      }
    }
    if (found.length > most) throw new DamagedError("a list that is too long");
    return found;
  }
}

function text(bytes) {
  const found = utf8(bytes);
  if (found === null) throw new DamagedError("not UTF-8");
  return found;
}

/** A whole number from 0 to 2⁶³ − 1, and the place after it. */
function varint(bytes, place) {
  let value = 0;
  for (let digit = 0; digit < 9 && place < bytes.length; digit++) {
    const byte = bytes[place++];
    value += (byte & 127) * 128 ** digit;
    if (byte < 128) return [value, place];
  }
  throw new DamagedError("cut short, or a negative number");
}

/** The parts of a file; each is read when it is asked for. */
export class OnnxFile {
  #model;
  #graph;

  constructor(bytes) {
    const [place, mark] = ORT_FORMAT;
    if (utf8(bytes.subarray(place, place + mark.length)) === mark) throw new DamagedError("of another format");
    try {
      this.#model = new Message(bytes, MODEL);
      this.#graph = new Message(this.#model.part(7), GRAPH);
    } catch (error) {
      // The lists of fields of these two are complete, so it is something else.
      throw error instanceof UnknownPartError ? new DamagedError(error.message) : error;
    }
  }

  /** The pairs of its metadata, each a text and bytes. */
  properties() {
    return this.#model.all(14).map((bytes) => {
      const pair = new Message(bytes, PROPERTY);
      return [pair.text(1), pair.part(2)];
    });
  }

  /** The names of what the graph reads. */
  inputNames() {
    return this.#graph.all(11).map((bytes) => new Message(bytes, VALUE).text(1));
  }

  /** Refuses functions, sparse tensors and whatever else no step graph needs. */
  refuseMore() {
    if (this.#model.has(20, 25, 26) || this.#graph.has(14, 15, 16)) throw new UnknownPartError("more than a graph");
  }

  /** What the graph reads, by name: a type from `TYPES`, and sizes, `null` for an axis of any size. */
  inputs() {
    return byName(this.#graph.all(11).map(value));
  }

  /** What the graph returns, by name. */
  outputs() {
    return byName(this.#graph.all(12).map(value));
  }

  /** The operators in order, with the names of their inputs and outputs, and their attributes as stored. */
  nodes() {
    const stored = this.#graph.all(1);
    if (stored.reduce((sum, { length }) => sum + length, 0) > MOST_GRAPH) throw new DamagedError("a graph without end");
    return stored.map(node);
  }

  /** The stored tensors by name: a type from `TYPES`, the shape, and the bytes. */
  tensors() {
    return byName(this.#graph.all(5).map(tensor));
  }
}

function byName(pairs) {
  const found = new Map(pairs);
  if (found.size < pairs.length) throw new DamagedError("two parts of one name");
  return found;
}

function node(bytes) {
  const found = new Message(bytes, NODE);
  const [inputs, outputs] = [1, 2].map((field) => found.all(field).map(text));
  return { operator: found.text(4), domain: found.text(7), inputs, outputs, attributes: found.all(5) };
}

const attributesOf = (node) => node.attributes.map((bytes) => new Message(bytes, ATTRIBUTE));

/** The tensor among a node's attributes, if any. */
export function tensorAmong(node) {
  const holder = attributesOf(node).find((attribute) => attribute.has(5));
  return holder && tensor(holder.part(5))[1];
}

/** The whole number in a node's attribute of this name, if any. */
export const numberNamed = (node, name) => attributesOf(node).find((attribute) => attribute.text(1) === name)?.number(3);

function value(bytes) {
  const found = new Message(bytes, VALUE);
  const type = new Message(new Message(found.part(2), TYPE).part(1), TENSOR_TYPE);
  const axes = new Message(type.part(2), SHAPE).all(1).map((axis) => new Message(axis, AXIS));
  const shape = axes.map((axis) => (axis.has(1) ? axis.number(1) : null));
  return [found.text(1), { type: TYPES.get(type.number(1)), shape }];
}

function tensor(bytes) {
  const found = new Message(bytes, TENSOR);
  if (found.has(13) || found.number(14)) throw new ElsewhereError();
  const [type, shape, stored] = [TYPES.get(found.number(2)), found.numbers(1, MOST_AXES), found.part(9)];
  if (!type) throw new UnknownPartError("a tensor's type");
  const length = shape.reduce((product, size) => product * size, type.Numbers.BYTES_PER_ELEMENT);
  if (length !== stored.length) throw new DamagedError("a tensor's size");
  return [found.text(8), { type, shape, bytes: stored }];
}
