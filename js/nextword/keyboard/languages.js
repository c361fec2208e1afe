/** The language of a model behind a keyboard, by how it splits texts: Python's `keyboard.languages`. */

import { MODEL } from "../model.js";
import { SubwordLanguage } from "./subword-language.js";
import { WholeWords } from "./whole-words.js";

/** The language of a generator, or of a `DynamicEvaluation`. */
export function languageOf(source, adapts, layout, punctuation) {
  const Kind = source[MODEL].info.splitBy === "subwords" ? SubwordLanguage : WholeWords;
  return new Kind(source, adapts, layout, punctuation);
}
