/**
 * The checks that a model file must pass before any of it is used: Python's `nextword.runtime.metadata` and
 * `inspection`. A file may come from an untrusted source. Everything that can be told from its bytes is checked here;
 * what onnxruntime then computes is checked step by step.
 */

import { UNICODE } from "./unicode.js";
import { DamagedError, ElsewhereError, OnnxFile, UnknownPartError, numberNamed, tensorAmong, utf8 } from "./onnx-file.js";
import { isInventory } from "./subwords.js";
import { WordFilter } from "./word-filter.js";

// By key, the values that this version can read.
const READABLE = {
  format: ["nextword/1", "nextword/2"],
  split_by: ["whitespace", "words", "characters", "subwords"],
  weights: ["float16", "int8"],
};

const MOST_COUNT = 2 ** 31 - 1;
const DEEPEST = 100; // levels of params and metrics

// By domain, operators that do nothing but compute on their inputs.
const OPERATORS = new Map([
  [
    "",
    `Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization BitShift BitwiseAnd BitwiseNot
    BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Cos Cosh CumSum
    DequantizeLinear Div DynamicQuantizeLinear Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
    GatherElements GatherND Gelu Gemm Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax
    Identity InstanceNormalization IsInf IsNaN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
    LpNormalization MatMul MatMulInteger Max Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not OneHot Or
    PRelu Pad Pow QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
    ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape ReverseSequence Round ScatterElements
    ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign Split Sqrt Squeeze
    Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor`.split(/\s+/),
  ],
  ["com.microsoft", ["DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"]],
]);
// Operators that make a tensor of a size given by an input, and which input that is.
const GROWING = { ConstantOfShape: 0, Expand: 1, OneHot: 1, Pad: 1, Tile: 1 };
// Operators whose outputs are no larger than the sum of their inputs.
const ADDING = "Add Concat Gather Identity Max Min Neg Reshape Slice Squeeze Sub Unsqueeze".split(" ");
const MOST_SIZES = 64; // numbers that give the size of something
// The most values in a state, and the most times that sizes in a graph may enlarge a tensor.
const MOST_VALUES = 2 ** 24;

/** Why a file is refused; the message continues after the name of the file. */
export class BadFileError extends Error {}

export const elements = (shape) => shape.reduce((product, size) => product * size, 1);

export const isSame = (one, other) => one.length === other.length && one.every((size, place) => size === other[place]);

/** Runs a function that reads a file; its errors become a `BadFileError`. */
function reading(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnknownPartError) {
      throw new BadFileError("has parts that this version cannot read; export it again, or install a newer nextword");
    }
    if (error instanceof ElsewhereError) {
      throw new BadFileError("keeps weights in another file, which is not supported; export it as one file");
    }
    if (error instanceof DamagedError) {
      throw new BadFileError("is not an ONNX model: damaged, cut short, or another kind of file; copy or export it again");
    }
    throw error;
  }
}

/** The `metadata_props` of an ONNX file, which onnxruntime does not expose to JavaScript. */
export function propertiesOf(bytes) {
  const pairs = reading(() => new OnnxFile(bytes).properties());
  return Object.fromEntries(pairs.map(([key, value]) => [key, utf8(value) ?? "\ufffd"]));
}

/**
 * A file's metadata, its filter of words as text, its states and its outputs; throws a `BadFileError` if something is
 * wrong.
 */
export function inspect(bytes) {
  if (!bytes.length) throw new BadFileError("is empty; copy or export it again");
  const file = reading(() => new OnnxFile(bytes));
  if (reading(() => file.inputNames()).includes("prompt")) {
    throw new BadFileError("is a text graph, which onnxruntime runs by itself; load the step graph, nextword.onnx");
  }
  const { info, trainingWords } = infoOf(reading(() => file.properties()));
  const nodes = reading(() => file.refuseMore() ?? file.nodes());
  nodes.forEach(checkOperator);
  const [stored, made, inputs, outputs] = reading(() => [
    file.tensors(),
    new Map(nodes.flatMap((node) => valuesOf(node))),
    file.inputs(),
    file.outputs(),
  ]);
  const states = statesOf(inputs, outputs, info);
  if (!states || [...inputs.keys()].some((name) => stored.has(name))) {
    throw new BadFileError("has a graph that does not match its metadata; export it again");
  }
  if (![...stored.values(), ...made.values()].every(isFinite)) {
    throw new BadFileError("has weights that are not finite numbers; train and export it again");
  }
  if (growth(nodes, new Map([...stored, ...made])) > MOST_VALUES) {
    throw new BadFileError("creates tensors larger than any model needs; export it again");
  }
  return { info, trainingWords, states, outputs };
}

// ── metadata ────────────────────────────────────────────────────────────────────────────────────

const damaged = (what) => new BadFileError(`has damaged metadata (${what}); export it again`);

/** The first 40 characters of a text. */
const start = (text) => [...text.slice(0, 80)].slice(0, 40).join("");

/** Refuses a file whose text was split by a later Unicode; earlier versions are a subset of ours. */
function checkUnicode(version) {
  if (!/^([0-9]{1,3}\.[0-9]{1,3})?$/.test(version)) throw damaged(`unicode cannot be ${start(version)}`);
  const [[major, minor], [ownMajor, ownMinor]] = [version, UNICODE].map((text) => text.split(".").map(Number));
  if (major > ownMajor || (major === ownMajor && minor > ownMinor)) {
    throw new BadFileError(`has Unicode ${version}, which this version cannot read; install a newer nextword`);
  }
}

function infoOf(pairs) {
  const properties = new Map();
  for (const [key, bytes] of pairs) {
    if (properties.has(key)) throw damaged(`${start(key)} occurs twice`);
    const value = utf8(bytes);
    if (value === null) throw damaged(`${start(key)} is not UTF-8`);
    properties.set(key, value);
  }
  const [format, splitBy] = ["format", "split_by"].map((key) => properties.get(key) ?? "");
  const weights = properties.get("weights") ?? "float16";
  if (!format.startsWith("nextword/")) throw new BadFileError("is not a nextword model; create one with `dvc repro`");
  for (const [key, value] of Object.entries({ format, split_by: splitBy, weights })) {
    if (READABLE[key].includes(value)) continue;
    const kind = start(key === "format" ? value : `${key} ${value}`);
    throw new BadFileError(`has ${kind}, which this version cannot read; install a newer nextword`);
  }
  checkUnicode(properties.get("unicode") ?? "");
  const string = (key) => {
    if (!properties.has(key)) throw damaged(`${key} is missing`);
    return properties.get(key);
  };
  const parsed = (key) => {
    try {
      const value = JSON.parse(string(key));
      if (isAllFinite(value)) return value;
    } catch (error) {
      if (error instanceof BadFileError) throw error;
    }
    throw damaged(`${key} is not JSON`);
  };
  const info = {
    dictionary: parsed("dictionary"),
    splitBy,
    lowercase: parsed("lowercase"),
    lineEnds: parsed("line_ends"),
    context: parsed("context"),
    cell: string("cell"),
    layers: parsed("layers"),
    hidden: parsed("hidden"),
    unknown: parsed("unknown"),
    params: parsed("params"),
    metrics: parsed("metrics"),
    corpusSha256: string("corpus_sha256"),
    weights,
    unicode: properties.get("unicode") ?? "",
  };
  const trainingWords = properties.get("training_words") ?? "";
  const isWhole = (key) => /^\s*-?\d+\s*$/u.test(properties.get(key)); // in Python 1.0 is not one
  const isCount = (key, value) => isWhole(key) && value >= 1 && value <= MOST_COUNT;
  const size = isDictionary(info.dictionary) ? info.dictionary.length : 0;
  for (const [key, isGood] of Object.entries({
    dictionary: size > 0 && (splitBy !== "subwords" || isInventory(info.dictionary)),
    lowercase: typeof info.lowercase === "boolean",
    line_ends: typeof info.lineEnds === "boolean",
    context: info.context === null || isCount("context", info.context),
    cell: info.cell !== "",
    layers: isCount("layers", info.layers),
    hidden: isCount("hidden", info.hidden),
    unknown:
      info.unknown === null ||
      (splitBy !== "subwords" && isWhole("unknown") && info.unknown >= 0 && info.unknown < size),
    params: isObject(info.params),
    metrics: isObject(info.metrics),
    training_words: !trainingWords || WordFilter.from(trainingWords) !== null,
  })) {
    if (!isGood) throw damaged(`${key} cannot be ${start(properties.get(key))}`);
  }
  return { info: Object.freeze(info), trainingWords };
}

function isDictionary(value) {
  const isWord = (word) => typeof word === "string" && word && !/\p{Cs}/u.test(word); // no lone surrogate
  return Array.isArray(value) && value.length > 0 && value.every(isWord) && new Set(value).size === value.length;
}

const isNested = (value) => typeof value === "object" && value !== null;

const isObject = (value) => isNested(value) && !Array.isArray(value) && depth(value) <= DEEPEST;

/** How deep objects and lists are nested, counted up to one more than is allowed. */
function depth(value) {
  let levels = 0;
  for (let layer = [value]; layer.length && levels <= DEEPEST; levels++) {
    layer = layer.flatMap((part) => Object.values(part).filter(isNested));
  }
  return levels;
}

/** Whether every number fits into a float. */
function isAllFinite(value) {
  for (let layer = [value]; layer.length; ) {
    if (layer.some((one) => typeof one === "number" && !Number.isFinite(one))) return false;
    layer = layer.filter(isNested).flatMap((part) => Object.values(part));
  }
  return true;
}

// ── graph ───────────────────────────────────────────────────────────────────────────────────────

/** The parts of the state, `{ name, type, shape }`; `null` if the graph is not a step graph of this dictionary. */
function statesOf(inputs, outputs, info) {
  const [ids, logits, features] = [inputs.get("ids"), outputs.get("logits"), outputs.get("features")];
  const states = [...inputs].filter(([name]) => name !== "ids").map(([name, value]) => ({ name, ...value }));
  const isState = ({ name, type, shape }) => {
    const next = outputs.get(`next_${name}`);
    const open = shape.filter((size) => size === null).length;
    const isPart = type && open === 1 && !shape.includes(0) && shape.length <= 8;
    const isSmall = elements(shape.map((size) => size ?? 1)) <= MOST_VALUES;
    return isPart && isSmall && next?.type === type && isSame(next.shape, shape);
  };
  const fits =
    ids?.type?.name === "int64" &&
    isSame(ids.shape, [null, null]) &&
    logits?.type?.name === "float32" &&
    isSame(logits.shape, [null, info.dictionary.length]) &&
    (!features || (features.type?.name === "float32" && features.shape.length === 2)) &&
    states.every(isState);
  return fits ? states : null;
}

function checkOperator(node) {
  const { operator, domain, outputs } = node;
  if (!OPERATORS.get(domain)?.includes(operator)) {
    throw new BadFileError(
      `needs the operator ${start(operator)}, which this version does not support; export it again, ` +
        "or install a newer nextword",
    );
  }
  reading(() => {
    const parts = operator === "Split" ? numberNamed(node, "num_outputs") : undefined;
    if ((parts ?? outputs.length) !== outputs.length) throw new DamagedError("of this, onnxruntime's process would die");
  });
}

/** The outputs of an operator that are stored in its attributes, by name. */
function valuesOf(node) {
  const tensor = tensorAmong(node);
  return tensor ? node.outputs.map((name) => [name, tensor]) : [];
}

// The bits of a float's exponent, which are all set in NaN and the infinities, as they lie in 32 bits: these hold two
// float16s, or half a float64.
const EXPONENTS = { float16: [0x7c00, 0x7c000000], float32: [0x7f800000], float64: [0x7ff00000] };

/** Whether a stored tensor, if it is of floats, has neither NaN nor an infinity. */
function isFinite({ type, bytes }) {
  if (!Object.hasOwn(EXPONENTS, type.name)) return true;
  const [low, high = low] = EXPONENTS[type.name];
  const bits = new Uint32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(bits.buffer).set(bytes);
  const step = type.name === "float64" ? 2 : 1;
  // A loop by index, since there may be millions.
  for (let place = step - 1; place < bits.length; place += step) {
    if ((bits[place] & low) === low || (bits[place] & high) === high) return false;
  }
  return true;
}

/**
 * How many times the sizes stored in a graph can enlarge what it reads and stores: infinity if that is unknown because
 * the sizes are computed.
 */
function growth(nodes, tensors) {
  const sizes = new Map();
  for (const [name, { type, shape, bytes }] of tensors) {
    if (!["int8", "int32", "int64"].includes(type.name) || elements(shape) > MOST_SIZES) continue;
    sizes.set(name, Array.from(new type.Numbers(bytes.slice().buffer), (number) => Math.abs(Number(number))));
  }
  const largest = new Map([...sizes].map(([name, numbers]) => [name, Math.max(0, ...numbers)]));
  const sum = (names) => names.reduce((total, name) => total + (largest.get(name) ?? Infinity), 0);
  let found = 1;
  for (const { operator, inputs, outputs } of nodes) {
    const give = (number) => outputs.forEach((name) => largest.set(name, number));
    if (operator === "Shape" || operator === "Size") give(1);
    else if (ADDING.includes(operator)) give(sum(inputs.filter(Boolean)));
    else if (operator === "Range") found *= Math.max(1, sum(inputs));
    else if (Object.hasOwn(GROWING, operator)) {
      const extra = operator === "Pad" ? 1 : 0;
      for (const number of sizes.get(inputs[GROWING[operator]]) ?? [Infinity]) found *= Math.max(1, number + extra);
    }
  }
  return found;
}
