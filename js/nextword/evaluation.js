/** How good a model is on a text: Python's `nextword.runtime.evaluation`. */

import { NeuralCache } from "./cache.js";
import { NextwordError, checkedText } from "./errors.js";
import { SEARCHED, SUGGESTIONS, perplexity } from "./figures.js";
import { KeystrokeCounter, Suggester } from "./keystrokes.js";
import { logSoftmax } from "./sampling.js";
import { shown } from "./subwords.js";
import { eventLoop } from "./turns.js";
import { WordReader, rankIn } from "./word-reader.js";
import { Joiner, split } from "./words.js";

const WINDOWS = 256; // windows of a fixed context that are read at once

/** The figures of a model on one text. `cache` is checked; `learner` is what changes the model's weights, or null. */
export async function evaluate(model, text, cache, learner = null) {
  const { splitBy, lowercase, lineEnds, context } = model.info;
  const words = split(asInFile(checkedText(text)), splitBy, lowercase, lineEnds);
  const tally = new Tally(new KeystrokeCounter(new Joiner(splitBy, lineEnds)));
  const memory = new NeuralCache(cache, model.features);
  const count = splitBy === "subwords" ? countSpeltWords : countWholeWords;
  await count(model, words, tally, memory, learner);
  if (!tally.words) {
    const message = `the text has too few words to evaluate; give at least ${(context ?? 1) + 1}`;
    throw new NextwordError("PromptError", message);
  }
  return tally.figures;
}

/** A text as Python reads it from a file: without a byte order mark, and its end is the end of a line. */
function asInFile(text) {
  const found = text.replace(/^\ufeff/, "");
  return !found || /[\r\n]$/.test(found) ? found : `${found}\n`;
}

/** The counts so far; `ranked` is how many words were also looked for among the likeliest. */
class Tally {
  words = 0;
  unknown = 0;
  loss = 0;
  ranked = 0;
  right = 0;
  right3 = 0;

  constructor(keystrokes) {
    this.keystrokes = keystrokes;
  }

  /** Counts the rank of a word among the likeliest, from 0. */
  rank(rank) {
    this.ranked++;
    if (rank === 0) this.right++;
    if (rank < SUGGESTIONS) this.right3++;
  }

  get figures() {
    return {
      words: this.words,
      unknownShare: this.unknown / this.words,
      perplexity: perplexity(this.loss / this.words),
      accuracy: this.right / this.ranked,
      top3Accuracy: this.right3 / this.ranked,
      keystrokesSaved: this.keystrokes.saved,
    };
  }
}

/** Counts the words of a text for a model whose entries are words. */
async function countWholeWords(model, words, tally, memory, learner) {
  const { dictionary } = model;
  const ids = dictionary.encode(words);
  const suggester = new Suggester(dictionary);
  const least = model.info.context ?? 1;
  for (const word of words.slice(0, least)) tally.keystrokes.show(word);
  let place = least;
  for await (const { logits, features } of afterEachContext(model, ids, learner)) {
    const [word, id] = [words[place], ids[place]];
    const logProbabilities = memory.mix(logSoftmax(logits), features);
    tally.words++;
    if (id === dictionary.unknown) tally.unknown++;
    tally.loss -= logProbabilities[id];
    tally.rank(suggester.rank(id, logProbabilities));
    await tally.keystrokes.type(word, word, suggester.of(id, logProbabilities));
    memory.remember(features, id);
    place++;
  }
}

/** Counts the words of a text for a model whose entries may be parts of words. */
async function countSpeltWords(model, words, tally, memory, learner) {
  const reader = new WordReader(model, memory, learner);
  for (const { word, ids } of model.dictionary.inWords(words)) {
    await eventLoop();
    if (!reader.isReady) {
      tally.keystrokes.show(word);
      await reader.read(ids);
      continue;
    }
    if (tally.ranked < SEARCHED) {
      const [tree, letters] = [reader.tree(), shown(word)];
      tally.rank(await rankIn(tree, letters));
      const isSuggested = async (prefix) => (await rankIn(tree, letters, prefix)) < SUGGESTIONS;
      await tally.keystrokes.type(word, letters, isSuggested);
    }
    tally.words++;
    tally.loss -= await reader.read(ids);
  }
}

/**
 * What a model expects after each context of one text that a word follows, `{ logits, features }`, in order. With an
 * unbounded context, this is after each word.
 */
async function* afterEachContext(model, ids, learner) {
  const { context } = model.info;
  if (context !== null && !learner) {
    yield* afterEachWindow(model, ids, context);
    return;
  }
  const reader = model.reader();
  for (let place = 1; place < ids.length; place++) {
    await eventLoop();
    await learner?.note(ids[place - 1], reader.carried, true);
    const expected = await reader.read([ids[place - 1]]);
    if (place >= (context ?? 1)) yield expected;
  }
}

/** What a model expects after each window of a fixed context; many are read at once. */
async function* afterEachWindow(model, ids, context) {
  const state = model.zero();
  for (let start = context; start < ids.length; start += WINDOWS) {
    await eventLoop();
    const following = Array.from({ length: Math.min(WINDOWS, ids.length - start) }, (_, number) => start + number);
    const windows = following.map((place) => ({ last: ids.slice(place - context, place - 1), state, place: 0 }));
    const { logits, features } = await model.readEach(windows, following.map((place) => ids[place - 1]));
    const row = (values, number) => {
      const size = values.length / following.length;
      return values.subarray(number * size, (number + 1) * size);
    };
    for (const number of following.keys()) yield { logits: row(logits, number), features: row(features, number) };
  }
}
