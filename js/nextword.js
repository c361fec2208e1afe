/**
 * nextword: continue texts with a model from one .onnx file, as the Python package does.
 *
 * It runs on onnxruntime-web (browsers and Node) or onnxruntime-node, whichever is handed to
 * `Generator.load`. The rooms are those of the Python package: metadata, words, dictionary,
 * sampling, generator. `nextword.d.ts` says what is public.
 */

const FORMATS = ["nextword/1", "nextword/2"];
const SPLIT_BY = ["whitespace", "words", "characters"];
const MOST_WORDS = 1_000_000;

/** Base of all errors that this module throws on purpose; `name` says what was wrong. */
export class NextwordError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

/** A word is not in the dictionary, and the dictionary has no `<unk>`. */
export class UnknownWordError extends NextwordError {
  constructor(word, neighbours) {
    const hint = neighbours.length ? `; nearest: ${neighbours.join(", ")}` : "";
    super("UnknownWordError", `'${word}' is not in the dictionary${hint}`);
    this.word = word;
    this.neighbours = neighbours;
  }
}

// ── metadata ────────────────────────────────────────────────────────────────────────────────────

/**
 * The `metadata_props` of an ONNX file. onnxruntime does not show them to JavaScript, so they are
 * read from the file's protobuf: field 14 of ModelProto, pairs of key (1) and value (2).
 */
export function metadataOf(bytes) {
  const decoder = new TextDecoder();
  const properties = {};
  for (const [field, part] of protobufFields(bytes)) {
    if (field !== 14 || !(part instanceof Uint8Array)) continue;
    const entry = new Map(protobufFields(part));
    properties[decoder.decode(entry.get(1))] = decoder.decode(entry.get(2));
  }
  return properties;
}

function* protobufFields(bytes) {
  let place = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      if (place >= bytes.length || shift > 2 ** 63) throw new RangeError("cut short");
      const byte = bytes[place++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (place < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === 0) yield [Math.floor(tag / 8), varint()];
    else if (kind === 2) {
      const length = varint();
      if (place + length > bytes.length) throw new RangeError("cut short");
      yield [Math.floor(tag / 8), bytes.subarray(place, (place += length))];
    } else if (kind === 1 || kind === 5) place += kind === 1 ? 8 : 4;
    else throw new RangeError(`wire type ${kind}`);
  }
}

// The types of numbers that a state may have, by their number in TensorProto.
const NUMBERS = {
  1: ["float32", Float32Array],
  6: ["int32", Int32Array],
  7: ["int64", BigInt64Array],
  11: ["float64", Float64Array],
};

/**
 * The parts of a model's state: what its graph reads beside `ids`, and gives out again as `next_…`.
 * onnxruntime does not show shapes in all its versions, so they are read from the file: field 7 of
 * ModelProto is the graph, whose field 11 has the inputs.
 */
function statesOf(bytes) {
  const decoder = new TextDecoder();
  const first = (part, field) => new Map(protobufFields(part ?? new Uint8Array())).get(field);
  const states = {};
  for (const [field, input] of protobufFields(first(bytes, 7))) {
    if (field !== 11) continue;
    const name = decoder.decode(first(input, 1));
    if (name === "ids") continue;
    const tensor = first(first(input, 2), 1);
    const axes = [...protobufFields(first(tensor, 2) ?? new Uint8Array())].map(([, axis]) => first(axis, 1));
    // The axis of the batch has no size; here one text is read at a time.
    const shape = axes.map((size) => size ?? 1);
    const numbers = NUMBERS[first(tensor, 1)];
    if (!numbers || axes.filter((size) => size === undefined).length !== 1) {
      throw new NextwordError("ModelFileError", "the file has a graph that does not fit its metadata; export it again");
    }
    states[name] = { type: numbers[0], shape, zeros: numbers[1] };
  }
  return states;
}

function infoOf(properties) {
  const format = properties.format ?? "";
  if (!format.startsWith("nextword/")) {
    throw new NextwordError("ModelFileError", "the file is not a nextword model; `dvc repro` makes one");
  }
  const isOther = !FORMATS.includes(format);
  if (isOther || !SPLIT_BY.includes(properties.split_by)) {
    const kind = isOther ? format : `split_by ${properties.split_by}`;
    throw new NextwordError(
      "ModelFileError",
      `the file has ${kind.slice(0, 40)}, which this version cannot read; install a newer nextword`,
    );
  }
  const unicode = properties.unicode ?? "";
  if (!/^([0-9]{1,3}\.[0-9]{1,3})?$/.test(unicode)) {
    throw new NextwordError(
      "ModelFileError",
      `the file has damaged metadata (unicode cannot be ${unicode.slice(0, 40)}); export it again`,
    );
  }
  const [[major, minor], [ownMajor, ownMinor]] = [unicode, UNICODE].map((version) => version.split(".").map(Number));
  if (major > ownMajor || (major === ownMajor && minor > ownMinor)) {
    throw new NextwordError(
      "ModelFileError",
      `the file has Unicode ${unicode}, which this version cannot read; install a newer nextword`,
    );
  }
  try {
    const value = (key) => JSON.parse(properties[key]);
    return Object.freeze({
      dictionary: value("dictionary"),
      splitBy: properties.split_by,
      lowercase: value("lowercase"),
      lineEnds: value("line_ends"),
      context: value("context"),
      cell: properties.cell,
      layers: value("layers"),
      hidden: value("hidden"),
      unknown: value("unknown"),
      params: value("params"),
      metrics: value("metrics"),
      corpusSha256: properties.corpus_sha256,
      unicode,
    });
  } catch (error) {
    throw new NextwordError("ModelFileError", `the file has damaged metadata (${error.message}); export it again`);
  }
}

// ── words ───────────────────────────────────────────────────────────────────────────────────────

// Classes of characters of one version of Unicode, whatever the browser's: of each range how far it is
// behind the last, and how many more it has, in base 36.
// Written by tests/conformance/generate_unicode.py:
const UNICODE = "17.0";
const RUNS = {
  letter:
    "1c-9 7-p 4 1-p 1b 7-1 1 3-1 1-2 1-m 1-u 1-cp 4-b e-4 7 1 h-38 1-1 2-3 1 6 1-2 1 1-j 1-2a 1-3u 1-4s " +
    "1-11 2 6-14 8-18 1 1-1 1-1 1 8-q 4-3 d-5 a-a 5-21 4-2t 1-8 1-9 1-i 2 f-1n 2-2s e-1h 4 2 2-19 i-r 4-a " +
    "5-n 1-8 5-5o 2-9 1-i 1-7 2-1 2-l 1-6 1 3-3 2-8 2-1 2-3 8 4-1 1-4 2-b 2-5 2 1 2-2 1-5 4-1 2-l 1-6 1-1 " +
    "1-1 1-1 2 1-4 4-1 2-2 3 7-3 1 7-f b-2 1-8 1-2 1-l 1-6 1-1 1-4 2-9 1-2 1-2 2 f-3 2-9 9-6 1-2 1-7 2-1 " +
    "2-l 1-6 1-1 1-4 2-8 2-1 2-2 7-2 4-1 1-4 2-9 1-6 a-1 1-5 3-2 1-3 3-1 1 1-1 3-1 3-2 3-b 4-4 3-2 1-3 2 " +
    "6 e-c d-c 1-2 1-m 1-f 2-8 1-2 1-3 7-1 1-2 1-1 2-3 2-9 8-6 1-3 1-7 1-2 1-m 1-9 1-4 2-8 1-2 1-3 7-1 " +
    "5-2 1-3 2-9 1-2 c-c 1-2 1-1e 1-2 1-4 5-f 2-i 1-5 1-2 1-h 3-n 1-8 1 2-6 3 4-5 1 1-7 6-9 2-1 d-1l 5-e " +
    "1-9 13-1 1 1-4 1-n 1 1-m 2-4 1 1-6 1-9 2-3 w n-1 6-j 1 1 1 4-9 1-z 4-j 1-h 1-z 9 1l-21 6-25 2-11 1 5 " +
    "2-16 1-98 1-3 2-6 1 1-3 2-14 1-3 2-w 1-3 2-6 1 1-3 2-e 1-1k 1-3 2-1u 2-2 9-j 3-f g-2d 2-5 3-h7 2-g " +
    "1-p 5-22 3-a 7-l 9-l b-j c-c 1-2 1-1 c-2b 3 4-1 2-9 6-9 h-2 1-a 6-2g 7-16 5-1x a-u 1-b 4-b a-13 2-4 " +
    "b-17 4-p 6-a 11-r 4-1q 1-s 2-a 6-9 d 8-19 2-b k-24 3-9 h-8 c-37 c-1j 8-9 3-1c 2-a 5-16 2-2 g-2 1-12 " +
    "5-et 2-5 2-11 2-5 2-7 1 1 1 1-u 2-1g 1-6 1 3-2 1-6 3-3 2-5 4-c 5-2 1-6 37-1 2-5 5-a 6-c 1f-w h 4 2-9 " +
    "1 3-4 6 1 1 1-3 1-9 3-3 5-4 4 1-1l k6-1n 26-l hi-t vg-6c 6-8 9 2-11 1 5 2-1j 7 f-n 9-6 1-6 1-6 1-6 " +
    "1-6 1-6 1-6 1-6 1-v 1b d2 z-5 1-4 6 2k-1 6-2h 1-3 5-16 1-2l 3-3 a-v 1c-f w-9 u-7 1-e w-9 13-e lkw-wc " +
    "1v-19 2-7g 3-r k-1e 1-9 1-36 11-8 2-2u 2-29 k-1i 4 3-5 a-1f c-1x a-9 6-n 3 1-1c 2-z c-s 3-1s e-a 6-u " +
    "1-1i 9-d 2-9 6-m 3-20 o-2 2-f 2-4 a-5 2-5 2-5 9-6 1-6 1-16 1-d 6-3e 1-1 2-9 6-8mb c-m 4-1c 6x0-6 c-4 " +
    "5-b 1-c 1-4 1 1-1 1-1 1-2z x-a2 i-1r 2-1h 14-b 4-f g-f 1s-4 1-3q j-9 7-p 6-p b-2g 3-5 2-5 2-5 2-2 " +
    "z-b 1-p 1-i 1-1 1-e 2-d y-3e c-18 c-1k h-1 35 3m-s 3-1c f-r 4-z 9-t 5-16 5-t 2-z 4-7 1-4 16-4d 2-9 " +
    "6-z 4-z 4-13 8-1f c-a 1-e 1-6 1-1 1-a 1-e 1-6 1-1 3-1f c-8m 9-l a-7 o-5 1-15 1-8 1x-5 2 1-17 1-1 3 " +
    "2-m 2-u 2-11 8-8 1c-i 1-1 5-w 4-p 6-p 12-1j 4-j 2-1d 1-1 5-7 1-2 1-s 2-2 4-9 n-u 1-v w-7 1-t 4-4 " +
    "g-1h a-l 2-q 5-p n-6 28-20 1j-1e d-1e 7-19 8-9 6-11 3-4 1-m 62-u 1-15 1-1 3-1 g-5 1e-19 8-10 r-l " +
    "16-r k-m 9-1y b-z 9-1n 2 4 a 2-o 7-9 6-1g 1-9 4-3 8-z 2 9-1w 4-3 1-c 1 4-j b-h 1-10 6-3 1q-6 1 1-3 " +
    "1-e 1-9 7-1m 5-9 6-3 1-7 2-1 2-l 1-6 1-1 1-4 1-9 2-1 2-2 2 6 5-6 2-6 3-4 b-9 1 2 1-11 1-9 1 2 1-3 " +
    "1-7 d-1 t-22 5-9 4-3 u-1x 1 8-9 4m-1h 2-8 n-5 y-1s 3 b-9 12-1k 7-9 6-j s-q 2-e 4-b 4-6 55-1m 2t-2a " +
    "c-7 2 2-7 1-1 1-t 1-1 2-8 c-9 1y-7 2-19 2-7 1-1 r-1q 8 8-21 3 i-20 2v-7 2g-w f-9 6-8 1-18 1-8 f-s " +
    "5-t 2-l 1-d 21-6 1-1 1-17 3 1-1 1-8 8-9 6-5 1-1 1-10 1-1 1-5 7-9 6-17 4-9 6u-m 9-g 1-14 3-4 d-a 2d " +
    "f-k 17-pl 2u-32 h-5f 218-2o f-tr g-l a-32y 5-g6 5a1-1l 1c6-fs 7-u 1-9 6-26 1-9 6-t 2-4 b-1i 9-3 c-9 " +
    "1-6 1-k 5-i c0-18 3-9 5i-2e 9-o 2-o 18-22 4-1k 7-g 1s-1 2 b-1 e-5p1 15-v 2p-36 6pp-3 1-6 1-1 1 7z-2 " +
    "1e e-3 8-az 1s4-2y 5-c 3-8 7-9 3-1 381-9 ee-19 2-m f2-4 3-5 8-7 2-6 u-3 44-2 3f-j c-j 30-o 3r-2c " +
    "1-1y 1-1 2 2-1 2-3 1-b 1 1-6 1-1s 1-3 2-7 1-6 1-r 1-3 1-4 1 3-6 1-9f 2-o 1-o 1-u 1-o 1-u 1-o 1-u 1-o " +
    "1-u 1-o 1-7 2-1d e8-1i 4-1d 8 e m-4 1-e uo-u 6-5 5x-6 1-g 2-6 1-1 1-4 5-1p x 34-18 3-d 2-9 4 8x-u " +
    "h-1l d2-15 5y-16 5h-u 1-l 8-1 68-6 1-3 1-1 1-e 1-5g 2-f 15-23 4-9 lz-1m 1-2 1-3 24-18 1-e 5e-3 1-q " +
    "1-1 1 2 1-9 1-3 1 1 6 4 1 1 1-2 1-1 1 2 1 1 1 1 1-1 1 2-3 1-6 1-3 1-3 1 1-9 1-g 5-2 1-4 1-g g4-c " +
    "25f-9 gvt2-6n",
  ideograph:
    "9hh 1 p-8 e-3 5-2d 6-2 o0-533 1s-g73 hkw-a5 2-2x n49 e-4 cne-7y i t-2 fjh-wyn w-3dp 2-4gd 2-5rk f-h9 " +
    "1wi-f1 15u-3t6 5-6jt",
  katakana: "9ip-4 2z-2h 1-3 6o-f 14km-1j ytu-3 1-6 1-1 1 7z-2 1e e-3",
  digit:
    "1c-9 17q-9 3q-9 5i-9 bg-9 3a-9 3a-9 3a-9 3a-9 3a-9 3a-9 3a-9 3a-9 3a-9 2o-9 3a-9 1y-9 7q-9 1y-9 " +
    "1fq-9 12-9 8c-9 3k-9 4m-9 6-9 52-9 2e-9 3q-9 6-9 r7q-9 iu-9 12-9 5i-9 m-9 2e-9 ba-9 geu-9 13a-9 " +
    "1om-9 6-9 m4-9 3k-9 1o-9 40-9 7q-9 9i-9 3a-9 ae-9 2u-9 6-j 24-9 bq-9 2u-9 ie-9 2e-9 6u-9 1y-9 1i-9 " +
    "9y-9 d06-9 1t2-9 2e-9 3q-9 eu-9 iuu-9 250-1d 1ts-9 bq-9 dy-9 6v-9 np-9 3o6-9",
  control: "0-v 2n-w d 12m 3jl 1ks 2-1 o-6 1d-f 17yn 6o-b ab8-f qxs-3 43z-7 h405-v 2o-3j 6o-2rz",
  prepend: "16o-5 5z 1d ao-1 28 vf 1f8u f 6s-1 el 12l 1 8y-5 jg cb",
  extend:
    "lc-33 7n-6 7b-18 1 1-1 1-1 1 20-a 1c-k g 2t-6 2-5 2-1 1-3 z u-q 2j-a 1m-8 9 o-3 1-8 1-2 1-4 17-2 " +
    "1n-8 16-n 1-v 1j 1 4-7 4 3-6 a-1 t 1m 1 2-3 8 9 a-1 q 2-1 1l 4-1 4-1 2-2 3 u-1 3 b-1 1l 4-4 1-1 4 " +
    "k-1 m-5 1 1m 1-1 1-3 8 7-2 a-1 u 1n 1 c 9 14 3 1j 1-2 5-2 1-3 7-1 b-1 t 1m 2-1 1 3-2 1-3 7-1 b-1 s-1 " +
    "1l-1 1 2-3 8 9 a-1 t 20 4 2-2 1 8 29 2-6 c-7 2q 2-8 b-6 21-1 r 1 1 1j-d 1-4 1-1 5-a 1-z 9 2u-3 1-5 " +
    "1-1 2-1 p-1 4-2 g-3 d 2-1 6 f jj-2 qa-3 s-2 t-1 u-1 1s-1 1-6 8 2-a 9 19-2 1 39-1 y 3a-2 4-1 9 6-2 " +
    "63-1 2 1m 1-6 1 1 2-7 6-9 2 1c-19 2-b k-3 1c-9 4-2 12-8 c-1 w-3 2-5 1k 1-1 3 1-4 1k-7 2-1 48-2 1-c " +
    "1-6 4 6 3-1 5i-1r ek 5f-w 2da-2 3x 2o-v fe-5 2x-1 n9w-3 1-9 w-1 28-1 7k 3 4 p-1 5 47-1 q-h d 12-7 " +
    "p-a 1 18-2 1c 2-3 2-1 2 10 1v-5 2-1 2-1 c 8 1b 1f 1-2 2-1 5-1 1 16-1 8 6m 2 4 fn4 kh-f g-f a6-1 gt " +
    "6a 45-4 1ae-2 1-1 5-3 14-2 4 4l-1 fx-3 1t-4 8t-1 25-5 1y-a 1d-3 3f 1i-e 15 2-1 a-2 1d-3 2-1 7 1p-2 " +
    "10-4 1-7 1q c-1 1g-8 1 8-3 2 2n-2 2-3 6 2 4d 3-7 l-1 1l-1 1 1 c 9 e-6 3-4 1v 2-5 1 2 1-2 4-2 1 e-1 " +
    "2d-7 2-2 1 n 29 2-5 1 2 1-1 1-1 6j 2-3 6-1 1-1 r-1 2d-7 2 1-1 2y 1 2-7 2t 1 2-3 1-4 77-8 1-1 6t a-3 " +
    "4 40-3 2-1 4 w-9 14-5 2-3 8 9-5 2-2 1a-c 1-1 5i 1-2 1 5l-6 1-5 1 2a-l 2-6 1-1 1-1 3e-5 3 1-1 1-6 1 " +
    "20-1 3 1 9n-1 b-1 1g-4 5-2 n 44l 6-e 8ug-b 3-2 1xc-4 1n-6 t4 1r-3 29 b-1 f57-1 3mp-19 2-m f2-4 3-5 " +
    "8-7 2-6 u-3 44-2 1iz-1i 4-1d 8 e m-4 1-e 11s-6 1-g 2-6 1-1 1-4 2s 4g-6 af 1p-3 e4-3 72-1 6r 2 7-1 5 " +
    "d6-6 31-6 240-4 gx7k-2n 3k-6n",
  spacing:
    "1s3 1j 2-2 8-3 1-1 1e-1 1n-1 6-1 2-1 1i 1m-2 1u 1m-2 8 1-1 1h-1 1o 6-1 2-1 36 1-1 3-2 1-2 1g-2 1p-3 " +
    "1p-1 1m 2 1-1 1a e-1 1n-1 5-2 1-2 1h-1 24-1 6-6 j-1 1r 3j 3u-1 1r 4x 9-1 p-1 18 1f5 7-7 1-1 9m-3 2-2 " +
    "4-1 1-5 68-1 1m 1 l-5 41 1l-3 1s u 4-1 1r 2-2 1 1h-7 8-1 4r l rhn-1 2 2g-1 1e-f 3y 1c 1c-1 4-1 2-1 " +
    "33-1 2-1 o 4d 2-1 5 6l-1 1-1 1-1 1 jrn 1 3j 19-2 4-1 37 o-1 1n 1c-2 9 e 2l-2 3-1 4s-2 v-1 1n 1-3 2-1 " +
    "2-1 l-1 2d-1 f 1-1 2v-2 8-1 3 2z-1 6 1-1 1 2 6m-1 6-3 2 35-2 8-1 1 31 1-1 32 7 79-2 9 6w-4 1-1 7 1 " +
    "3y-2 8-3 4 2c t-1 1q 5l 3 1 5j e 2y 7 2 5x-4 4-1 1 9q-1 c 1c-1 8-1 d0q-2 2sk-1i",
  pictograph:
    "4p 4 68d c 60 m 2i-5 f-1 a7-1 c 4m p-a 4-2 5j 6f-1 a 9 1m-3 1-4 9 2 2-1 2 4 2 1-1 2 3 3-1 8-2 5 1 " +
    "5-b b-1 2 1-1 1 i 2-1 i-5 1 1-1 3-1 5 2-1 4-1 b-1 5-1 2 5-1 1 1-1 k-1 5-5 1-3 2 4 2 2-5 1 2 1 1 6 3 " +
    "6 a-1 f 2 4 1 4-2 1 b-1 1c-2 9 e e ac-1 cv-2 j-1 1f 4 yi c gp 1 2fze 13-3 2s-b f-1 f e-1 11-9 34-1 " +
    "c-1 e 2-9 j-1j r-e a k 2-8 1-3 9-m 6-57 2-33 2-1 1-2 2-2a 2-2 1-3 5-71 1-1q b-5 1-n 7-1 2-7 c 2-3 2 " +
    "4-1 d-1 2 8-1 9 5-2 c-2 8-2 2 1 4 6 3 6-2d 1c-1x 5-7 2-g 3 1-5 2-c 62-11 c-3 1k-7 a-5 14-7 u-1 c-3 " +
    "2-d 9-12 c-1a 1-9 1-54 2g-7 e-41 74-sd",
  consonant:
    "1sl-10 u-7 o-7 l-j 1-6 1 3-3 y-1 1 g-1 4j-j 1-6 1-1 1-4 1r r-j 1-6 1-1 1-4 y-1 1 h 4j-j 1-f u-2 " +
    "56-11 jp-16 k g-5 4-3 3 3-1 7-2 4-c c 1dd-1f h8-1g 52-1 6-w h-7 1i-t d-1 b-2 s0b-2 3-z 19-4 2-8 a-4 " +
    "2p-f 1-2 6 3-1 2o-a 5x-q ilh f-3 1-2 1-s 1cd-z t 2 fs-9 1 2 1-11 11m-6 2 2-7 1-1 1-n 5s a-13 t b-13 " +
    "w0-c 1-x",
  linker: "1u5 3j 73 3j 73 73 kr 1i0 i5 6b 2u s2c 8l itk 1df ik 12l 7c 29 x4",
  leading: "3cw-2n u0w-s",
  vowel: "3fk-1z 1348-m tjw 3-3",
  trailing: "3hk-2f 132j-1c",
  barrier:
    "id 6a-1 6-3 7 1 k b1 12-1 1e-5 1j-7 r-3 6-a 7i 1o-1 2t-d 1n-1 1d-1 f s-3 b-4 v 2-5 6k-e m 7-a 9-1 " +
    "2-1 4-7 1-3 2 5-1 p-1 3-e m 7 2 2 2-1 1 5-3 2-1 3-2 1-6 4 1-6 h-9 3 9-4 m-i a 3 3-h 4-1 c-6 7 3-e " +
    "m-i 9-1 2-1 3-6 3-3 2 5-1 i-9 2-d 4-n c-3 5-2 3 4-8 1-d l-4 d-4 n g-1 9 3 4-6 2-8 4-1 a-6 m-4 n a-7 " +
    "9 3 4-6 2-8 4-1 a-f d-4 1f 3 6-3 g-1 q 3 i-2 o 9-d 1-3 6 1 8-5 a-g 1m-3 t-1b o-2 n-7 1 6-1 a-11 20 " +
    "10-3 13 10 f d-10 5i 1-4 1-1 ah-m 15-6 x-m f 1l-6 1v-1 w-2 q-5 2e-1 6-1 il-2 2h-6 m-8 o-8 k-b d-4 " +
    "2-b 2m-1 a-5 a-5 q-5 2h-6 17-4 1y-9 v c-3 c-7 16-h 18-3 q-5 b-2 1q-1 1t t-1 b-5 a-5 e-1 v-1c 25-2 1b " +
    "38-7 1o-2 f-2 1o-6 17-1 b-7 17-4 eu-1 6-1 12-1 6-1 8 1 1 1 v-1 1h f e-1 6 j-1 3 9 2t c-1 r d-2 x-e " +
    "x-e 3w-3 if-o b-k 1ec-1 w 9p-4 19 1-4 1-1 1k-6 2-d o-20 3i-x q 2h-b 5y-p c-3 1s 2e-1 2v-4 17 2m 2c-b " +
    "1b mlp-2 1j-8 9o-j 54-7 5n-4 2 1 5-n 1n-2 a-5 1k-7 1y-7 c-5 38-a u-2 26 b-3 x 1j-8 e-1 a-1 2v-n s-1k " +
    "1o-3 3i-1 a-5 8mc-b n-3 1d-3 6su-1 2y-11 7-b 5-4 q 5 1 2 2 3h-f cd-1 1i-13 16-5 1f j-e 3r-1 1 5a-w " +
    "7-h 5-1 c q j-3 f-1 e-x 3f-b 19-2 2g d-1e 1a-3l t-2 1d-e s-3 10-8 u-4 17-4 u 11-3 e-15 4e-1 a-5 10-3 " +
    "10-3 14-7 1g-a c f 7 2 b f 7 2-1u 8n-8 m-15 6 16 9-26 18-8 n 20-7 9-1b j-7 x-2 r-1x 1k-3 k-1 1e 2-4 " +
    "8-4 t-1 3-3 a-6 9-6 1s-v 13-3 c-8 1i-2 t-1 r-4 q-31 21-1i 1f-c 1f-6 1a-7 a-85 v 16 3-29 14-7 16-l " +
    "q-11 s-j n-8 26-3 10-8 1w-9 1-1 p-6 a-5 1h i-7 13-8 2o k-a i 18-27 f b-5 1n-4 a-5 4-e m-h a-1 2-1 " +
    "3-8 1-d 7-2 5-3u 2k 5-t 20-7 a-4l 1i-1 12-x 1x-a a-5 d-i 1m-5 a-1h r-1 1 d-3 n-54 1o-2r 2b-10 u 2-1 " +
    "c-8 a-27 1a-1 b-q 20-7 2b-c 21-7a 9 19 e-9 t-2 w-1 m e-2b 18-2 1 2 9-7 a-f 11 2 6-6 a-8l p-5i 1e-c " +
    "pn-2t 33-g 5g-217 2r-c tr 9-346 g7-6ns ft-6 v a-3 29 a-5 u-1 6-9 1y-9 a-8 l-4 j-j3 2j-2s 23-3 1l-6 " +
    "h-1r 5-a 2-d 4qg-7 ye-15 9-6w6 4 7 2 83-24 b0-1s3 2z-4 d-2 9-6 a-1 8-3mj 1a-1 n-8 38-1n 6u-9 13-1 " +
    "5e-k 1y-49 k-b 2f-8 p-3q 2d 1z 2-1 1-1 2-1 4 c 1 7 1t 4-1 8 7 s 4 5 1-2 7 9g-1 84-1 ji-e 5 f-un v-68 " +
    "7 h-1 7 2 5-5w 19-2 e-1 a-91 v-g 1m-z9 f 5h-1 g-14 24-3 a-ly 1w-23 1p-5i r-8 a-24 a h-e h-8z 18-3 " +
    "2s-b f-1 f f 11-9 4u-1j t-c 18-3 9-52 rc-4 g-2 d-2 38-b 2h-6 c-j c-3 1k-7 a-5 14-7 u-29 9g-b e-x t-2 " +
    "b-k a-11 43 1j-10 a-sl wyo-v 37d-6 66-1 4g2-d 5rl-2e6 f2-15t 3t7-fcfp 1-t 2o-3j 6o-1e6n 1eke-1 " +
    "1eke-1",
};
// Up to here.

const JOINER = "\\u200d";
const NATIONAL = "[\\u{1f1e6}-\\u{1f1ff}]"; // regional indicators: two are a flag
// The runs of each class, as what stands between the brackets of a regular expression.
const CLASSES = Object.fromEntries(Object.entries(RUNS).map(([name, text]) => [name, listed(text)]));
const EXTENDING = CLASSES.extend + JOINER;
const TIED = EXTENDING + CLASSES.spacing; // to the character before

function listed(text) {
  let end = 0;
  const code = (number) => `\\u{${number.toString(16)}}`;
  const run = (part) => {
    const [gap, more] = part.split("-").map((digits) => parseInt(digits, 36));
    const first = end + gap;
    end = first + (more ?? 0) + 1;
    return more ? `${code(first)}-${code(end - 1)}` : code(first);
  };
  return text.split(" ").map(run).join("");
}

/** A regular expression for an extended grapheme cluster (UAX #29) that is no control character. */
function cluster(blank = "") {
  const { control, prepend, extend, pictograph, consonant, linker, leading, vowel, trailing } = CLASSES;
  // Syllables of Hangul that end in a vowel; each is followed by the 27 that end in a consonant after it.
  const open = Array.from({ length: 399 }, (_, number) => String.fromCharCode(0xac00 + 28 * number)).join("");
  const closed = `(?![${open}])[\uac00-\ud7a3]`;
  const cores = [
    `${NATIONAL}{2}`,
    `[${pictograph}](?:[${extend}]*${JOINER}[${pictograph}])*`,
    `[${consonant}](?:(?:(?![${linker}\\u200c])[${EXTENDING}])*[${linker}](?:(?!\\u200c)[${EXTENDING}])*[${consonant}])*`,
    `[${leading}]*(?:[${open}][${vowel}]*|${closed}|[${vowel}]+)[${trailing}]*`,
    `[${leading}]+`,
    `[${trailing}]+`,
    `[^${control}${blank}]`,
  ];
  // Most characters stand by themselves; to see that first is several times as fast.
  const special = [control, prepend, pictograph, consonant, leading, vowel, trailing].join("");
  const plain = `[^${special}\\uac00-\\ud7a3\\u{1f1e6}-\\u{1f1ff}${blank}]`;
  return `(?:${plain}|[${prepend}]*(?:${cores.join("|")}))[${TIED}]*`;
}

// What Python's str.split takes as blanks; JavaScript's \s differs.
const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANKS = new RegExp(`[${BLANK}]+`, "gu");
const ENDS_IN_BLANK = new RegExp(`[${BLANK}]$`, "u");
const BLANK_IN_LINE = BLANK.replace("\\t-\\r", "\\t\\v\\f");
const BESIDE_LINE_END = new RegExp(`[${BLANK_IN_LINE}]*(?:\\r\\n?|\\n)[${BLANK_IN_LINE}]*`, "gu");
const LETTERS = `[${CLASSES.letter}][${CLASSES.letter}${EXTENDING}]*`;
const INSIDE = `(?:['’‐\\-]|[.,:](?<=[${CLASSES.digit}].)(?=[${CLASSES.digit}]))`;
const WORD = new RegExp(`${LETTERS}(?:${INSIDE}${LETTERS})*|(?![${BLANK}])(?:${cluster(BLANK)}|[^])`, "gu");
const CHARACTER = new RegExp(` |${cluster(" ")}|[^]`, "gu");
const CLUSTER = new RegExp(`\\r\\n|${cluster()}|[^]`, "gu");
const IN_ASCII = /[\0-\x7f]+/g;
const BARRIER = new RegExp(`([${CLASSES.barrier}])`, "u");
const END_OF_LINE = "<eos>";

const CLOSING = new Set(".,;:!?%…)]}»”’।");
const OPENING = new Set("([{«“‘„¿¡$£");
const STRAIGHT_QUOTES = new Set("\"'");
const FULL_WIDTH = new Set("，。、；：？！…）」』】》（「『【《");
const BEGINS_APART = new RegExp(`^[${TIED}]`, "u");
const BEGINS_IN_IDEOGRAPH = new RegExp(`^[${CLASSES.ideograph}]`, "u");
const BEGINS_IN_KANA = new RegExp(`^[${CLASSES.katakana}]`, "u");
const ENDS_IN_KANA = new RegExp(`[${CLASSES.katakana}]$`, "u");

/** Whether no blank is written between two words, since Han and kana have none; nor do they melt. */
function areUnspaced(word, following) {
  if (BEGINS_IN_IDEOGRAPH.test(following)) return BEGINS_IN_IDEOGRAPH.test(word) || ENDS_IN_KANA.test(word);
  return BEGINS_IN_IDEOGRAPH.test(word) && BEGINS_IN_KANA.test(following);
}

/** Unicode's NFC, lower-cased on request; characters younger than Unicode 14.0 stay as they are, as in Python. */
function normalise(text, lowercase) {
  if (!lowercase && text.normalize("NFC") === text) return text;
  const different = [...new Set(text.replaceAll(IN_ASCII, ""))].join("");
  // Every other part is a character that stays.
  const parts = BARRIER.test(different) ? text.split(BARRIER) : [text];
  return parts.map((part, place) => (place % 2 ? part : (lowercase ? part.toLowerCase() : part).normalize("NFC"))).join("");
}

/** What a reader takes as the characters of a text: its extended grapheme clusters (UAX #29). */
export function clusters(text) {
  return text.match(CLUSTER) ?? [];
}

/** Splits a text into words, as Python's `nextword.words.split`. */
export function split(text, splitBy, lowercase = false, lineEnds = false) {
  const normal = normalise(text, lowercase);
  if (!lineEnds) return splitLine(normal, splitBy);
  const lines = normal.replace(BESIDE_LINE_END, "\n").split("\n");
  return lines.flatMap((line, number) => [...(number ? [END_OF_LINE] : []), ...splitLine(line, splitBy)]);
}

function splitLine(text, splitBy) {
  if (splitBy === "whitespace") return text.split(BLANKS).filter(Boolean);
  if (splitBy === "words") return text.match(WORD) ?? [];
  if (splitBy === "characters") return text.replaceAll(BLANKS, " ").match(CHARACTER) ?? [];
  throw new NextwordError("ModelFileError", `split_by ${splitBy} is not known to this version; install a newer one`);
}

/** Joins words into a text, the inverse of `split` up to blanks. */
export function join(words, splitBy, lineEnds = false) {
  const joiner = new Joiner(splitBy, lineEnds);
  return words.map((word) => joiner.push(word)).join("");
}

class Joiner {
  #splitBy;
  #lineEnds;
  #previous = "";
  #glueNext = true; // nothing stands before the first word
  #openQuotes = new Set();

  constructor(splitBy, lineEnds) {
    this.#splitBy = splitBy;
    this.#lineEnds = lineEnds;
  }

  /** Takes the next word; returns it with a blank before it if one belongs there. */
  push(word) {
    if (this.#lineEnds && word === END_OF_LINE) {
      this.afterBlank();
      return "\n";
    }
    if (this.#splitBy === "characters") return word;
    let glue = this.#glueNext;
    this.#glueNext = false;
    if (this.#splitBy === "words") {
      let closes = CLOSING.has(word) || FULL_WIDTH.has(word);
      this.#glueNext = OPENING.has(word) || FULL_WIDTH.has(word);
      if (STRAIGHT_QUOTES.has(word)) {
        closes = this.#openQuotes.has(word);
        this.#glueNext = !closes;
        if (closes) this.#openQuotes.delete(word);
        else this.#openQuotes.add(word);
      }
      glue = (glue || closes || areUnspaced(this.#previous, word)) && !BEGINS_APART.test(word);
    }
    const piece = glue || !this.#previous ? word : ` ${word}`;
    this.#previous = word;
    return piece;
  }

  /** A blank stands in the text, so that the next word brings none. */
  afterBlank() {
    this.#previous = "";
  }
}

// ── dictionary ──────────────────────────────────────────────────────────────────────────────────

class Dictionary {
  #ids;
  #alphabetical;

  constructor(words, unknown) {
    this.words = words;
    this.unknown = unknown;
    this.#ids = new Map(words.map((word, id) => [word, id]));
  }

  has(word) {
    return this.#ids.has(word);
  }

  encode(words) {
    return words.map((word) => {
      const id = this.#ids.get(word) ?? this.unknown;
      if (id === null) throw new UnknownWordError(word, this.neighbours(word));
      return id;
    });
  }

  /** At most `n` words that are spelt most like `word`, best first. */
  neighbours(word, n = 3) {
    const byLowered = new Map();
    for (const known of this.words) {
      const lowered = known.toLowerCase();
      if (!byLowered.has(lowered)) byLowered.set(lowered, known);
    }
    const target = [...word.toLowerCase()];
    return [...byLowered.keys()]
      .map((known) => ({ known, likeness: likeness([...known], target) }))
      .filter(({ likeness }) => likeness >= 0.6)
      .sort((one, other) => other.likeness - one.likeness || (one.known < other.known ? 1 : -1))
      .slice(0, n)
      .map(({ known }) => byLowered.get(known));
  }

  /** The ids of all words that begin with `prefix`, rising. */
  startingWith(prefix) {
    this.#alphabetical ??= this.words.map((_, id) => id).sort((a, b) => (this.words[a] < this.words[b] ? -1 : 1));
    const order = this.#alphabetical;
    let low = 0;
    for (let high = order.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.words[order[middle]] < prefix) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < order.length && this.words[order[end]].startsWith(prefix)) end++;
    return order.slice(low, end).sort((a, b) => a - b);
  }

  /** Whether a word is not here, but may become one that is, or can be nothing else. */
  isHalfTyped(word) {
    return !this.has(word) && (this.unknown === null || this.startingWith(word).length > 0);
  }
}

/** Twice the characters that match over all characters, as Python's difflib finds them. */
function likeness(a, b) {
  const places = new Map();
  b.forEach((character, j) => places.set(character, [...(places.get(character) ?? []), j]));
  const matched = (aLow, aHigh, bLow, bHigh) => {
    let [bestA, bestB, size] = [aLow, bLow, 0];
    let lengths = new Map();
    for (let i = aLow; i < aHigh; i++) {
      const next = new Map();
      for (const j of places.get(a[i]) ?? []) {
        if (j < bLow) continue;
        if (j >= bHigh) break;
        const length = (lengths.get(j - 1) ?? 0) + 1;
        next.set(j, length);
        if (length > size) [bestA, bestB, size] = [i - length + 1, j - length + 1, length];
      }
      lengths = next;
    }
    if (!size) return 0;
    return size + matched(aLow, bestA, bLow, bestB) + matched(bestA + size, aHigh, bestB + size, bHigh);
  };
  return a.length + b.length ? (2 * matched(0, a.length, 0, b.length)) / (a.length + b.length) : 1;
}

// ── sampling ────────────────────────────────────────────────────────────────────────────────────

const PRIME = 2147483647n;
const MOST_IDS = 2 ** 21;

/** A number from (0, 1), the same in every language for the same seed and step. */
export function uniform(seed, step) {
  const round = (value) => (1403580543n * ((value * value) % PRIME) + 810728357n * value + 527612351n) % PRIME;
  const value = round(round((round(BigInt(seed)) + BigInt(step)) % PRIME));
  return (Number(value) + 0.5) / Number(PRIME);
}

/** The ids of the `n` largest logits, largest first, equals by rising id. */
function ranked(logits, n) {
  if (n === 1) {
    let best = 0;
    logits.forEach((logit, id) => {
      if (logit > logits[best]) best = id;
    });
    return [best];
  }
  // Logit and id become one whole number below 2⁵³, which sorts several times as fast. A float's
  // bits rise with its value once the sign bit is flipped, or for negative floats all bits; here
  // they have to fall. Adding 0 turns −0 into 0.
  const bits = new Uint32Array(Float32Array.from(logits, (logit) => logit + 0).buffer);
  const keys = Float64Array.from(bits, (value, id) => (value >>> 31 ? value : ~value & 0x7fffffff) * MOST_IDS + id);
  return Array.from(keys.sort().subarray(0, n), (key) => key % MOST_IDS);
}

function logSoftmax(logits) {
  let largest = -Infinity;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return Float64Array.from(logits, (logit) => logit - largest - Math.log(sum));
}

/** Draws a word as Python's `nextword.sampling.draw` defines it. */
export function draw(logits, number, temperature, topK = 0, topP = 1) {
  const order = ranked(logits, Math.min(topK || logits.length, logits.length));
  const warmth = Math.fround(temperature);
  const cumulated = new Float64Array(order.length);
  let sum = 0;
  order.forEach((id, place) => {
    sum += Math.exp((logits[id] - logits[order[0]]) / warmth);
    cumulated[place] = sum;
  });
  const nucleus = Math.fround(topP) * sum;
  let kept = 1;
  while (kept < order.length && cumulated[kept - 1] < nucleus) kept++;
  const target = number * cumulated[kept - 1];
  let place = 0;
  while (place < kept - 1 && cumulated[place] <= target) place++;
  return order[place];
}

const DEFAULTS = Object.freeze({
  temperature: 0,
  topK: 0,
  topP: 1,
  seed: null,
  repetitionPenalty: 1,
  repetitionWindow: null,
  noRepeatNgram: 0,
  banned: [],
  stop: [],
  minWords: 0,
});

const RANGES = {
  temperature: [0, 100],
  topK: [0, 2 ** 31 - 1],
  topP: [1e-6, 1],
  seed: [0, 2 ** 31 - 2],
  repetitionPenalty: [0.01, 100],
  repetitionWindow: [1, 1_000_000],
  noRepeatNgram: [0, 1_000],
  minWords: [0, 1_000_000],
};

const WHOLE = ["topK", "seed", "repetitionWindow", "noRepeatNgram", "minWords"];

/** All knobs, checked: unknown, out of range or without effect is an error. */
function checked(sampling) {
  const fail = (message) => {
    throw new NextwordError("SamplingError", message);
  };
  for (const name of Object.keys(sampling)) {
    if (!(name in DEFAULTS)) fail(`${name} is no knob; there are ${Object.keys(DEFAULTS).join(", ")}`);
  }
  const knobs = { ...DEFAULTS, ...sampling };
  for (const [name, [low, high]] of Object.entries(RANGES)) {
    const value = knobs[name];
    if (value === null) continue;
    if (!(value >= low && value <= high)) fail(`${name} must be from ${low} to ${high}; got ${value}`);
    if (WHOLE.includes(name) && !Number.isInteger(value)) fail(`${name} must be a whole number; got ${value}`);
  }
  if (knobs.temperature > 0 && knobs.temperature < 1e-6) {
    fail(`temperature must be 0, or at least 1e-06; got ${knobs.temperature}`);
  }
  if (knobs.stop.includes("")) fail("stop has an empty string, which is everywhere; give other strings");
  for (const [name, needed, isThere] of [
    ...["topK", "topP", "seed"].map((name) => [name, "a temperature above 0", knobs.temperature > 0]),
    ["repetitionWindow", "a repetitionPenalty", knobs.repetitionPenalty !== 1],
    ["minWords", "a stop", knobs.stop.length > 0],
  ]) {
    if (knobs[name] !== DEFAULTS[name] && !isThere) {
      fail(`${name} has no effect without ${needed}; add one, or leave ${name} out`);
    }
  }
  return knobs;
}

/** Picks the next words of one text. */
class Sampler {
  #knobs;
  #ruledOut;
  #seed;
  #step = 0;
  #recent;
  #followers = new Map();
  #written;

  constructor(knobs, ruledOut, prompt) {
    this.#knobs = knobs;
    this.#ruledOut = ruledOut;
    this.#seed = knobs.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] % Number(PRIME);
    this.#recent = prompt.slice(-(knobs.repetitionWindow ?? 64));
    this.#written = [];
    for (const id of prompt) this.#remember(id);
  }

  pick(logits) {
    const knobs = this.#knobs;
    logits = logits.slice();
    if (knobs.repetitionPenalty !== 1) {
      const penalty = Math.fround(knobs.repetitionPenalty);
      for (const id of new Set(this.#recent)) {
        logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
      }
    }
    for (const id of this.#ruledOut) logits[id] = -Infinity;
    for (const id of this.#followers.get(this.#lastWords()) ?? []) logits[id] = -Infinity;
    if (logits.every((logit) => logit === -Infinity)) {
      throw new NextwordError(
        "SamplingError",
        `no word is left after ${this.#step} words; ban fewer words or raise noRepeatNgram`,
      );
    }
    const id = knobs.temperature
      ? draw(logits, uniform(this.#seed, this.#step), knobs.temperature, knobs.topK, knobs.topP)
      : ranked(logits, 1)[0];
    this.#step++;
    this.#recent.push(id);
    if (this.#recent.length > (knobs.repetitionWindow ?? 64)) this.#recent.shift();
    this.#remember(id);
    return id;
  }

  #lastWords() {
    const n = this.#knobs.noRepeatNgram;
    return n && this.#written.length >= n - 1 ? this.#written.slice(this.#written.length - n + 1).join() : null;
  }

  #remember(id) {
    const n = this.#knobs.noRepeatNgram;
    if (!n) return;
    const key = this.#lastWords();
    if (key !== null) this.#followers.set(key, [...(this.#followers.get(key) ?? []), id]);
    this.#written.push(id);
    if (this.#written.length > n) this.#written.shift();
  }
}

/** Finds the first of some strings in a text that comes piece by piece. */
class StopStrings {
  #strings;
  #held = "";
  found = false;

  constructor(strings) {
    this.#strings = strings;
  }

  push(piece, counts) {
    if (!counts) return piece;
    const text = this.#held + piece;
    const ends = this.#strings.map((string) => text.indexOf(string)).filter((end) => end >= 0);
    if (ends.length) {
      this.found = true;
      this.#held = "";
      return text.slice(0, Math.min(...ends));
    }
    const longest = Math.min(text.length, Math.max(0, ...this.#strings.map((string) => string.length - 1)));
    let length = longest;
    while (length && !this.#strings.some((string) => string.startsWith(text.slice(-length)))) length--;
    this.#held = text.slice(text.length - length);
    return text.slice(0, text.length - length);
  }

  rest() {
    return this.#held;
  }
}

// ── generator ───────────────────────────────────────────────────────────────────────────────────

/** Continues texts with a model from one file. */
export class Generator {
  #ort;
  #session;
  #states;
  #dictionary;

  /**
   * Loads a step graph (`nextword.onnx`, `nextword.int8.onnx`).
   *
   * `source` is the file as bytes, or a URL that `fetch` can read; `ort` is the module
   * onnxruntime-web or onnxruntime-node.
   */
  static async load(source, { ort }) {
    const bytes = await read(source);
    let properties;
    try {
      properties = metadataOf(bytes);
    } catch {
      throw new NextwordError("ModelFileError", "the file is not an ONNX model, or not all of it; get it again");
    }
    const info = infoOf(properties);
    let session;
    try {
      session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    } catch (error) {
      throw new NextwordError("ModelFileError", `onnxruntime cannot load the file: ${error.message ?? error}`);
    }
    if (session.inputNames.includes("prompt")) {
      throw new NextwordError(
        "ModelFileError",
        "the file is a text graph, which onnxruntime runs by itself; load the step graph, nextword.onnx",
      );
    }
    return new Generator(ort, session, info, statesOf(bytes));
  }

  constructor(ort, session, info, states) {
    this.#ort = ort;
    this.#session = session;
    this.#states = states;
    this.#dictionary = new Dictionary(info.dictionary, info.unknown);
    this.info = info;
  }

  /** The prompt as it was given, and its continuation. */
  async generate(prompt, words = 32, sampling = {}) {
    let text = prompt;
    for await (const piece of this.stream(prompt, words, sampling)) text += piece;
    return text;
  }

  /** The continuation piece by piece, as it comes. Errors are thrown at once. */
  stream(prompt, words = 32, sampling = {}) {
    const knobs = checked(sampling);
    checkCount("words", words, MOST_WORDS);
    const tokens = this.#split(prompt);
    const ids = this.#dictionary.encode(tokens);
    const size = this.#dictionary.words.length;
    if (knobs.topK > size) {
      throw new NextwordError("SamplingError", `topK ${knobs.topK} has no effect with ${size} words; leave it out`);
    }
    const sampler = new Sampler(knobs, this.#ruledOut(knobs.banned), ids);
    return this.#pieces(prompt, tokens, ids, words, knobs, sampler);
  }

  /** The likeliest next words, or completions of a half-typed last one: `[{ word, probability }]`. */
  async suggest(prompt, n = 3) {
    const dictionary = this.#dictionary;
    const most = dictionary.words.length - (dictionary.unknown === null ? 0 : 1);
    const tokens = this.#split(prompt);
    let prefix = "";
    if (!ENDS_IN_BLANK.test(prompt) && dictionary.isHalfTyped(tokens.at(-1))) {
      prefix = tokens.pop();
      if (!tokens.length) {
        throw new NextwordError("PromptError", `'${prefix}' is a half-typed word; give at least one whole word before it`);
      }
    }
    const context = dictionary.encode(tokens);
    checkCount("n", n, most);
    const ids = prefix && dictionary.startingWith(prefix).filter((id) => id !== dictionary.unknown);
    if (prefix && !ids.length) throw new UnknownWordError(prefix, dictionary.neighbours(prefix));
    const { logits } = await new Reader(this.#ort, this.#session, this.info, this.#states).read(context);
    if (dictionary.unknown !== null) logits[dictionary.unknown] = -Infinity;
    const candidates = ids ? Float32Array.from(ids, (id) => logits[id]) : logits;
    const logProbabilities = logSoftmax(candidates);
    return Array.from(ranked(candidates, Math.min(n, candidates.length)), (place) => ({
      word: dictionary.words[ids ? ids[place] : place],
      probability: Math.exp(logProbabilities[place]),
    }));
  }

  /** How likely a text is, word by word. */
  async score(text) {
    const tokens = this.#split(text);
    const ids = this.#dictionary.encode(tokens);
    const context = this.info.context ?? 1;
    if (ids.length <= context) {
      throw new NextwordError(
        "PromptError",
        `the text has ${ids.length} words; the model scores a word after ${context}, so give at least ${context + 1}`,
      );
    }
    const reader = new Reader(this.#ort, this.#session, this.info, this.#states);
    const perWord = [];
    let total = 0;
    let { logits } = await reader.read(ids.slice(0, context));
    for (let place = context; place < ids.length; place++) {
      const logProbability = logSoftmax(logits)[ids[place]];
      total += logProbability;
      perWord.push({ word: tokens[place], logProbability });
      if (place + 1 < ids.length) ({ logits } = await reader.read([ids[place]]));
    }
    return { logProbability: total, perplexity: Math.exp(-total / perWord.length), perWord };
  }

  #split(text) {
    const tokens = split(text, this.info.splitBy, this.info.lowercase, this.info.lineEnds);
    if (!tokens.length) throw new NextwordError("PromptError", "the text has no words; give at least one");
    return tokens;
  }

  #ruledOut(banned) {
    const ids = new Set(this.#dictionary.unknown === null ? [] : [this.#dictionary.unknown]);
    for (const word of banned) {
      const tokens = this.#split(word);
      if (tokens.length > 1) {
        throw new NextwordError("SamplingError", `'${word}' is ${tokens.length} words; ban one at a time`);
      }
      if (!this.#dictionary.has(tokens[0])) {
        throw new UnknownWordError(tokens[0], this.#dictionary.neighbours(tokens[0]));
      }
      ids.add(this.#dictionary.encode(tokens)[0]);
    }
    return ids;
  }

  async *#pieces(prompt, tokens, ids, words, knobs, sampler) {
    const joiner = new Joiner(this.info.splitBy, this.info.lineEnds);
    for (const token of tokens) joiner.push(token);
    if (ENDS_IN_BLANK.test(prompt)) joiner.afterBlank();
    const reader = new Reader(this.#ort, this.#session, this.info, this.#states);
    const stop = new StopStrings(knobs.stop);
    let read = ids;
    for (let number = 0; number < words; number++) {
      const { logits } = await reader.read(read);
      const id = sampler.pick(logits);
      const piece = joiner.push(this.#dictionary.words[id]);
      yield stop.push(piece, number >= knobs.minWords);
      if (stop.found) return;
      read = [id];
    }
    if (stop.rest()) yield stop.rest();
  }
}

/** What a model has read so far: its state, or the last words of a fixed context. */
class Reader {
  #ort;
  #session;
  #info;
  #states;
  #last = [];
  #state;

  constructor(ort, session, info, states) {
    this.#ort = ort;
    this.#session = session;
    this.#info = info;
    this.#states = states;
    this.#state = this.#zero();
  }

  /** Reads more words; returns the logits of the next one. */
  async read(ids) {
    const { context } = this.#info;
    if (context !== null) {
      this.#last = [...this.#last, ...ids].slice(-context);
      const { logits } = await this.#run(this.#last, this.#zero());
      return { logits: logits.data.slice() };
    }
    let logits;
    for (let start = 0; start < ids.length; start += 1024) {
      const found = await this.#run(ids.slice(start, start + 1024), this.#state);
      this.#state = Object.fromEntries(Object.keys(this.#states).map((name) => [name, found[`next_${name}`]]));
      logits = found.logits;
    }
    return { logits: logits.data.slice() };
  }

  #run(ids, state) {
    const { Tensor } = this.#ort;
    const input = new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
    return this.#session.run({ ids: input, ...state });
  }

  #zero() {
    const zero = ({ type, shape, zeros }) =>
      new this.#ort.Tensor(type, new zeros(shape.reduce((product, size) => product * size, 1)), shape);
    return Object.fromEntries(Object.entries(this.#states).map(([name, part]) => [name, zero(part)]));
  }
}

async function read(source) {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const response = await fetch(source);
  if (!response.ok) throw new NextwordError("ModelFileError", `${source}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

function checkCount(name, value, most) {
  const written = (number) => number.toLocaleString("en-US");
  if (!(value >= 1 && value <= most)) {
    throw new NextwordError("CountError", `${name} must be from 1 to ${written(most)}; got ${written(value)}`);
  }
  if (!Number.isInteger(value)) throw new NextwordError("CountError", `${name} must be a whole number; got ${value}`);
}
