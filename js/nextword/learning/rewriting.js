/**
 * A step graph with other weights or another dictionary, or with weights as inputs of each run. All bytes are copied
 * except those that change.
 */

const [VARINT, FIXED_64, BYTES] = [0, 1, 2]; // wire types
const UTF_8 = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The bytes of a model file with other contents.
 *
 * - `tensors`: by name, `{ shape, bytes }` of stored tensors.
 * - `properties`: by key, the texts of its metadata.
 * - `words`: the size of the dictionary, which is part of the shape of the logits.
 */
export function rewritten(bytes, { tensors, properties, words }) {
  const graph = (part) =>
    edited(part, (field, own) => {
      if (field === 5) return tensor(own, tensors);
      return field === 12 && nameIn(own, 1) === "logits" ? resized(own, words) : null;
    });
  return edited(bytes, (field, own) => {
    if (field === 7) return graph(own);
    const key = field === 14 ? nameIn(own, 1) : "";
    if (properties[key] === undefined) return null;
    return joined([bytesField(1, UTF_8.encode(key)), bytesField(2, UTF_8.encode(properties[key]))]);
  });
}

/**
 * The bytes of a model file in which some tensors are inputs: `casts` maps each tensor to the output, in float32, of
 * the one `Cast` that reads it; that output becomes the input.
 */
export function withInputs(bytes, casts) {
  const isGiven = ({ field, own }) => {
    if (field === 5) return casts.has(nameIn(own, 8));
    return field === 1 && own !== null && casts.has(nameIn(own, 1));
  };
  const kind = bytesField(1, joined([varint(1 * 8 + VARINT), varint(1)])); // float32
  const inputs = [...casts.values()].map((name) =>
    bytesField(11, joined([bytesField(1, UTF_8.encode(name)), bytesField(2, kind)])),
  );
  const graph = (part) => joined([...fieldsOf(part).filter((one) => !isGiven(one)).map(({ whole }) => whole), ...inputs]);
  return edited(bytes, (field, own) => (field === 7 ? graph(own) : null));
}

function tensor(bytes, tensors) {
  const other = tensors.get(nameIn(bytes, 8));
  if (!other) return null;
  const kept = fieldsOf(bytes).filter(({ field }) => field !== 1 && field !== 9);
  const dims = other.shape.map((size) => joined([varint(1 * 8 + VARINT), varint(size)]));
  return joined([...dims, ...kept.map(({ whole }) => whole), bytesField(9, other.bytes)]);
}

/** The description of the logits, with another size of the last axis. */
function resized(bytes, words) {
  const axis = joined([varint(1 * 8 + VARINT), varint(words)]);
  const shape = (part) => {
    const last = fieldsOf(part).filter(({ field }) => field === 1).length - 1;
    let place = -1;
    return edited(part, (field) => (field === 1 && ++place === last ? axis : null));
  };
  const within = (wanted, change) => (part) => edited(part, (field, own) => (field === wanted ? change(own) : null));
  return within(2, within(1, within(2, shape)))(bytes);
}

/** A message in which `change` replaces fields of bytes; those for which it returns null stay. */
function edited(bytes, change) {
  const parts = fieldsOf(bytes).map(({ field, own, whole }) => {
    const other = own && change(field, own);
    return other ? bytesField(field, other) : whole;
  });
  return joined(parts);
}

/** The text of a field of bytes. */
const nameIn = (bytes, wanted) => {
  const found = fieldsOf(bytes).find(({ field, own }) => field === wanted && own);
  return found ? decoder.decode(found.own) : "";
};

/** The fields of a message: number, content if that is bytes, and all of its bytes. */
function fieldsOf(bytes) {
  const found = [];
  for (let place = 0; place < bytes.length; ) {
    const start = place;
    const [tag, afterTag] = numberAt(bytes, place);
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    const [value, after] = kind === VARINT || kind === BYTES ? numberAt(bytes, afterTag) : [0, afterTag];
    const size = kind === BYTES ? value : kind === VARINT ? 0 : kind === FIXED_64 ? 8 : 4;
    place = after + size;
    found.push({ field, own: kind === BYTES ? bytes.subarray(after, place) : null, whole: bytes.subarray(start, place) });
  }
  return found;
}

function numberAt(bytes, place) {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[place++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, place];
  }
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Uint8Array.of(...bytes, value);
}

const bytesField = (field, bytes) => joined([varint(field * 8 + BYTES), varint(bytes.length), bytes]);

function joined(parts) {
  const found = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const part of parts) {
    found.set(part, place);
    place += part.length;
  }
  return found;
}
