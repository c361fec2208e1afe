/** Where the keys are: which letters a finger may have meant for another. Python's `keyboard.layouts`. */

import { NextwordError, quoted } from "../errors.js";
import { folded } from "./capitals.js";

// Rows of keys from the top, each row's letters from the left. A row is half a key to the right of the one above it, as
// on most keyboards.
export const LAYOUTS = Object.freeze({
  qwerty: ["qwertyuiop", "asdfghjkl", "zxcvbnm"],
  qwertz: ["qwertzuiopü", "asdfghjklöä", "yxcvbnm"],
  azerty: ["azertyuiop", "qsdfghjklm", "wxcvbn"],
  dvorak: ["',.pyfgcrl", "aoeuidhtns", ";qjkxbmwvz"],
});

const VOWELS = new Set("aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüý");

/** Which keys are next to each other. */
export class Layout {
  #places = new Map();

  /** `rows` is a name from `LAYOUTS`, or the letters of each row of keys, from the top. */
  constructor(rows) {
    if (typeof rows === "string") {
      if (!Object.hasOwn(LAYOUTS, rows)) {
        throw new NextwordError(
          "KeyboardError",
          `there is no layout ${quoted([...rows].slice(0, 40).join(""))}; use one of ` +
            `${Object.keys(LAYOUTS).join(", ")}, or give the rows of keys`,
        );
      }
      rows = LAYOUTS[rows];
    }
    if (!Array.isArray(rows) || !rows.length || !rows.every((row) => row && typeof row === "string")) {
      throw new NextwordError("KeyboardError", "a layout must be a list of rows, each with the letters of its keys");
    }
    rows.forEach((row, line) => [...folded(row)].forEach((key, place) => this.#places.set(key, [line, place + line / 2])));
  }

  /** Whether two letters, in lower case, are on neighbouring keys. */
  areBeside(one, other) {
    const [first, second] = [this.#places.get(one), this.#places.get(other)];
    if (!first || !second || one === other) return false;
    return Math.abs(first[0] - second[0]) <= 1 && Math.abs(first[1] - second[1]) <= 1;
  }
}

/** Whether both letters, in lower case, are vowels of a Latin alphabet. */
export const areVowels = (one, other) => VOWELS.has(one) && VOWELS.has(other);
