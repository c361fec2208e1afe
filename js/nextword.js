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
    });
  } catch (error) {
    throw new NextwordError("ModelFileError", `the file has damaged metadata (${error.message}); export it again`);
  }
}

// ── words ───────────────────────────────────────────────────────────────────────────────────────

// What Python's str.split takes as blanks; JavaScript's \s differs.
const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANKS = new RegExp(`[${BLANK}]+`, "gu");
const ENDS_IN_BLANK = new RegExp(`[${BLANK}]$`, "u");
const BLANK_IN_LINE = BLANK.replace("\\t-\\r", "\\t\\v-\\r");
const BESIDE_LINE_END = new RegExp(`[${BLANK_IN_LINE}]*\\n[${BLANK_IN_LINE}]*`, "gu");
const LETTERS = "[\\p{L}\\p{M}\\p{N}_]+";
const INSIDE = "(?:['’‐\\-\\u200c\\u200d]|(?<=\\p{Nd})[.,:](?=\\p{Nd}))";
const OTHER = `[^${BLANK}][\\p{M}\\u200d]*`;
const CLUSTER = `${OTHER}(?:(?<=\\u200d)${OTHER})*`;
const WORD = new RegExp(`${LETTERS}(?:${INSIDE}${LETTERS})*|${CLUSTER}`, "gu");
const CHARACTER = new RegExp(` |${CLUSTER}`, "gu");
const END_OF_LINE = "<eos>";

const CLOSING = new Set(".,;:!?%…)]}»”’।");
const OPENING = new Set("([{«“‘„¿¡$£");
const STRAIGHT_QUOTES = new Set("\"'");
const FULL_WIDTH = new Set("，。、；：？！…）」』】》（「『【《");
const BEGINS_APART = /^[\p{M}\u200c\u200d]/u;
const ENDS_ZERO_WIDTH = /[\u200c\u200d]$/u;

/** Splits a text into words, as Python's `nextword.words.split`. */
export function split(text, splitBy, lowercase = false, lineEnds = false) {
  const normal = (lowercase ? text.toLowerCase() : text).normalize("NFC");
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
      const apart = BEGINS_APART.test(word) || ENDS_ZERO_WIDTH.test(this.#previous);
      glue = (glue || closes) && !apart;
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
