/** A binary heap. */

export class Heap {
  #isBefore;
  #all = [];

  /** `isBefore`: whether one item comes out before another. */
  constructor(isBefore) {
    this.#isBefore = isBefore;
  }

  get length() {
    return this.#all.length;
  }

  /** The item that comes out next; undefined if the heap is empty. */
  get first() {
    return this.#all[0];
  }

  push(added) {
    const all = this.#all;
    let place = all.length;
    for (let above = (place - 1) >> 1; place && this.#isBefore(added, all[above]); above = (place - 1) >> 1) {
      all[place] = all[above];
      place = above;
    }
    all[place] = added;
  }

  pop() {
    const all = this.#all;
    const [first] = all;
    const last = all.pop();
    if (!all.length) return first;
    let place = 0;
    for (let below = 1; below < all.length; below = 2 * place + 1) {
      if (below + 1 < all.length && this.#isBefore(all[below + 1], all[below])) below++;
      if (!this.#isBefore(all[below], last)) break;
      all[place] = all[below];
      place = below;
    }
    all[place] = last;
    return first;
  }
}

/** Compares two lists of numbers: below 0 if the one comes first, above 0 if the other does. */
export function compared(one, other) {
  const place = one.findIndex((number, at) => number !== other[at]);
  return place < 0 ? one.length - other.length : one[place] - (other[place] ?? -Infinity);
}
