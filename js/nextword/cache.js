/** A memory of the text so far, for a model that does not learn on the device: Python's `nextword.runtime.cache`. */

import { NextwordError } from "./errors.js";

export const MOST_FORGOTTEN = 128;

/** A continuous cache (Grave, Joulin & Usunier 2016). */
export class NeuralCache {
  constructor(settings, features) {
    if (settings.size && !features) {
      throw new NextwordError(
        "SamplingError",
        "this model has no output for features, which a cache needs; leave cacheSize out",
      );
    }
    this.settings = settings;
    this.count = 0; // words remembered so far, including those overwritten
    // More places than are used, so that what was overwritten last can be restored.
    this.places = settings.size && settings.size + MOST_FORGOTTEN;
    this.ring = []; // { features, word }; number n is at the place n % places
  }

  /** Remembers that a word followed these features; returns what this overwrote, if anything. */
  remember(features, word) {
    if (!this.places) return null;
    const place = this.count % this.places;
    const before = this.count >= this.places ? this.ring[place] : null;
    this.ring[place] = { features, word };
    this.count++;
    return before;
  }

  /** Undoes the last `remember`, which returned `before`. */
  forget(before) {
    this.count = Math.max(0, this.count - 1);
    if (before) this.ring[this.count % this.places] = before;
  }

  /** What counts, oldest first, each as `{ features, word }`. */
  get last() {
    const length = Math.min(this.count, this.settings.size);
    return Array.from({ length }, (_, number) => this.ring[(this.count - length + number) % this.places]);
  }

  /** The model's log-probabilities mixed with the cache's, after `features`. */
  mix(logProbabilities, features) {
    if (!this.count) return logProbabilities;
    const { size, weight, flatness } = this.settings;
    const kept = Array.from(
      { length: Math.min(this.count, size) },
      (_, age) => this.ring[(this.count - 1 - age) % this.places],
    );
    const product = (one) => {
      let sum = 0;
      for (let place = 0; place < one.length; place++) sum += one[place] * features[place];
      return sum;
    };
    const exponents = kept.map((one) => flatness * product(one.features));
    const largest = exponents.reduce((one, other) => Math.max(one, other));
    const weights = exponents.map((exponent) => Math.exp(exponent - largest));
    const share = weight / weights.reduce((one, other) => one + other);
    const remembered = new Map();
    kept.forEach(({ word }, place) => remembered.set(word, (remembered.get(word) ?? 0) + share * weights[place]));
    // In logarithms, since a probability that is too small for a float would become 0.
    const change = Math.log1p(-weight);
    const mixed = logProbabilities.map((value) => value + change);
    for (const [word, probability] of remembered) {
      const [one, other] = [mixed[word], Math.log(probability)];
      const higher = Math.max(one, other);
      if (higher > -Infinity) mixed[word] = higher + Math.log1p(Math.exp(Math.min(one, other) - higher));
    }
    return mixed;
  }
}
