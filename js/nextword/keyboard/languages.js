/** The language of a model under a keyboard, by how it splits texts: Python's `keyboard.languages`. */

import { MODEL } from "../model.js";
import { SubwordLanguage } from "./subword-language.js";
import { WholeWords } from "./whole-words.js";

/** The language of a generator, or of what makes its model learn while it reads. */
export function languageOf(source, adapts, layout, punctuation) {
  const Kind = source[MODEL].info.splitBy === "subwords" ? SubwordLanguage : WholeWords;
  return new Kind(source, adapts, layout, punctuation);
}
