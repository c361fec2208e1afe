/** Errors, with the messages of Python's `nextword.errors`, and the checks of arguments. */

const MOST_QUOTED = 100; // characters
const MOST_SAID = 600;

/** Base class of all errors that this module throws on purpose; `name` is the kind of error. */
export class NextwordError extends Error {
  constructor(name, message, options) {
    // A message that is far too long, because it repeats an argument, is cut in the middle.
    const all = [...message];
    const half = (...part) => all.slice(...part).join("");
    super(all.length > MOST_SAID ? `${half(0, MOST_QUOTED)} … ${half(-MOST_QUOTED)}` : message, options);
    this.name = name;
  }
}

/** A word is not in the dictionary, and the dictionary has no `<unk>`. */
export class UnknownWordError extends NextwordError {
  constructor(word, neighbours) {
    const hint = neighbours.length ? `; nearest: ${neighbours.join(", ")}` : "";
    super("UnknownWordError", `${quoted(word)} is not in the dictionary${hint}`);
    this.word = word;
    this.neighbours = neighbours;
  }
}

/** A text as Python's `repr` writes it, so that messages are the same in both languages; a long one is cut. */
export function quoted(text) {
  const beginning = [...text.slice(0, 2 * MOST_QUOTED + 2)];
  if (beginning.length > MOST_QUOTED) text = `${beginning.slice(0, MOST_QUOTED).join("")}…`;
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", [mark]: `\\${mark}` };
  const escaped = text.replace(/[\\'"]|[\p{C}\p{Z}]/gu, (character) => {
    if (character in named) return named[character];
    if (" '\"".includes(character)) return character;
    const code = character.codePointAt(0).toString(16);
    if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
    return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
  });
  return mark + escaped + mark;
}

/** Bytes from any kind of buffer and realm; `null` for anything else. */
export function bytesOf(source) {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return Object.prototype.toString.call(source) === "[object ArrayBuffer]" ? new Uint8Array(source) : null;
}

/** The bytes of a model file, wherever they come from, and its name if it has one. */
export async function fileOf(source) {
  const bytes = bytesOf(source);
  if (bytes) return { name: "the file", bytes };
  const isAddress = typeof source === "string" || source instanceof URL;
  if (!isAddress && typeof source?.arrayBuffer !== "function") {
    throw new NextwordError("ModelFileError", `a model must be bytes, a Blob, a Response or a URL; got ${kind(source)}`);
  }
  const called = isAddress ? String(source) : source.url || source.name || "";
  const name = called && called.length <= 100 ? called : "the file";
  let answer = source;
  try {
    if (isAddress) answer = await fetch(source);
    if (answer.ok ?? true) return { name, bytes: new Uint8Array(await answer.arrayBuffer()) };
  } catch (error) {
    throw new NextwordError("ModelFileError", `${name} cannot be read: ${error?.message ?? error}`, { cause: error });
  }
  throw new NextwordError("ModelFileError", `${name} cannot be read: ${answer.status} ${answer.statusText}`.trimEnd());
}

/** The given values of an object whose names are known; `undefined` counts as left out. */
export function given(error, what, values, known) {
  if (typeof values !== "object" || values === null) {
    throw new NextwordError(error, `${what}s must be an object; got ${kind(values)}`);
  }
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(known, name)) {
      throw new NextwordError(error, `there is no ${what} ${name.slice(0, 40)}; use one of ${Object.keys(known).join(", ")}`);
    }
  }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A text, unchanged. */
export function checkedText(text, what = "the text") {
  if (typeof text !== "string") throw new NextwordError("PromptError", `${what} must be a string; got ${kind(text)}`);
  return text;
}

/** Strings as an array; a plain string counts as one. */
export function checkedStrings(error, name, strings) {
  if (typeof strings === "string") return [strings];
  const found = typeof strings?.[Symbol.iterator] === "function" ? [...strings] : [strings];
  const other = found.find((string) => typeof string !== "string");
  if (other !== undefined || found.includes(undefined)) {
    throw new NextwordError(error, `${name} must be strings; got ${kind(other)}`);
  }
  return found;
}

/** The type of a value, for messages. */
export const kind = (value) => (value === null ? "null" : Array.isArray(value) ? "an array" : typeof value);

/** A number as Python's format `g` writes it, with as many significant digits. */
export function general(number, precision = 6) {
  const [digits, exponent] = number.toExponential(precision - 1).split("e");
  if (!Number.isFinite(number) || (exponent >= -4 && exponent < precision)) {
    return String(Number(number.toPrecision(precision)));
  }
  return `${Number(digits)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** Checks that a number is from `low` to `high`; with `isBelow` it must be less than `high`. */
export function checkNumber(error, name, value, low, high, options = {}) {
  const { isWhole = false, isBelow = false, written = general } = options;
  if (typeof value !== "number") throw new NextwordError(error, `${name} must be a number; got ${kind(value)}`);
  if (!(value >= low && value <= high) || (isBelow && value === high)) {
    const most = `${isBelow ? "below " : ""}${written(high)}`;
    throw new NextwordError(error, `${name} must be from ${written(low)} to ${most}; got ${written(value)}`);
  }
  if (isWhole && !Number.isInteger(value)) {
    throw new NextwordError(error, `${name} must be a whole number; got ${value}`);
  }
}

/** A whole number with commas, as Python's format `,` writes it. */
export const grouped = (number) => (Math.abs(number) < 1e15 ? number.toLocaleString("en-US") : general(number));

/** Checks a number of words, suggestions or the like. */
export function checkCount(name, value, most, least = 1, error = "CountError") {
  checkNumber(error, name, value, least, most, { isWhole: true, written: grouped });
}
