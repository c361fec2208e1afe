/**
 * The numbers of numpy's `default_rng(seed)`: its SeedSequence, its PCG64 (O'Neill 2014), and those methods of its
 * generator that training uses. Whole numbers have the same bits; normal ones differ at most by rounding.
 */

const [INITIAL_A, FACTOR_A, INITIAL_B, FACTOR_B] = [0x43b0d7e5, 0x931e8875, 0x8b51f9dd, 0x58f38ded];
const [MIX_LEFT, MIX_RIGHT] = [0xca01f9dd, 0x4973f715];
const POOL = 4; // words of 32 bits
const FACTOR = 0x2360ed051fc65da44385df649fccf645n; // of PCG64
const [BITS_64, BITS_128] = [2n ** 64n - 1n, 2n ** 128n - 1n];

// The ziggurat of the normal distribution (Marsaglia & Tsang 2000) with 256 strips of the same area.
const STRIPS = 256;
const [LAST, AREA] = [3.6541528853610088, 0.004928673233974655];
const STEPS = 2 ** 52;

/** Draws numbers. `seeds`: whole numbers below 2³². */
export class Random {
  #state = 0n;
  #increment;
  #half = null; // the upper 32 bits of a number whose lower bits were already drawn

  constructor(...seeds) {
    const [high, low, ...sequence] = seedSequence(seeds);
    this.#increment = ((((sequence[0] << 64n) | sequence[1]) << 1n) | 1n) & BITS_128;
    this.#step();
    this.#state = (this.#state + ((high << 64n) | low)) & BITS_128;
    this.#step();
  }

  /** A number from [0, 1). */
  double() {
    return Number(this.#next64() >> 11n) / 2 ** 53;
  }

  /** An array of numbers from [low, high). */
  uniform(low, high, count) {
    return Float64Array.from({ length: count }, () => low + (high - low) * this.double());
  }

  /** An array of numbers from N(0, 1). */
  normal(count) {
    return Float64Array.from({ length: count }, () => this.#normal());
  }

  /** A whole number from [0, count), count at most 2³² (Lemire 2019). */
  below(count) {
    if (count === 1) return 0;
    const size = BigInt(count);
    const least = 2n ** 32n % size;
    let product;
    do product = BigInt(this.#next32()) * size;
    while ((product & 0xffffffffn) < least);
    return Number(product >> 32n);
  }

  /** The whole numbers from 0 to count − 1 in a random order (Fisher & Yates 1938). */
  permutation(count) {
    const order = Array.from({ length: count }, (_, place) => place);
    for (let place = count - 1; place > 0; place--) {
      const other = this.#upTo(place);
      [order[place], order[other]] = [order[other], order[place]];
    }
    return order;
  }

  /** A whole number from [0, most], as numpy draws it for a permutation: by rejecting what is too large. */
  #upTo(most) {
    const shift = Math.clz32(most);
    for (;;) {
      const value = (this.#next32() << shift) >>> shift;
      if (value <= most) return value;
    }
  }

  #step() {
    this.#state = (this.#state * FACTOR + this.#increment) & BITS_128;
  }

  #next64() {
    this.#step();
    const folded = (this.#state >> 64n) ^ (this.#state & BITS_64);
    const turns = this.#state >> 122n;
    return ((folded >> turns) | (folded << (64n - turns))) & BITS_64;
  }

  #next32() {
    if (this.#half !== null) {
      const half = this.#half;
      this.#half = null;
      return half;
    }
    const both = this.#next64();
    this.#half = Number(both >> 32n);
    return Number(both & 0xffffffffn);
  }

  #normal() {
    for (;;) {
      const bits = this.#next64();
      const strip = Number(bits & 0xffn);
      const size = Number((bits >> 9n) & 0xfffffffffffffn);
      const value = (bits & 0x100n ? -1 : 1) * size * ZIGGURAT.widths[strip];
      if (size < ZIGGURAT.inside[strip]) return value;
      if (strip) {
        const [above, below] = [ZIGGURAT.heights[strip - 1], ZIGGURAT.heights[strip]];
        if ((above - below) * this.double() + below < Math.exp(-0.5 * value * value)) return value;
        continue;
      }
      for (;;) {
        const beyond = -Math.log1p(-this.double()) / LAST;
        const height = -Math.log1p(-this.double());
        if (2 * height > beyond * beyond) return (bits >> 17n) & 1n ? -(LAST + beyond) : LAST + beyond;
      }
    }
  }
}

/**
 * For each strip: its width per step, how many steps are certainly under the curve, and the height of the curve at its
 * end.
 */
const ZIGGURAT = (() => {
  const height = (end) => Math.exp(-0.5 * end * end);
  const ends = new Float64Array(STRIPS);
  ends[STRIPS - 1] = LAST;
  for (let strip = STRIPS - 1; strip > 1; strip--) {
    ends[strip - 1] = Math.sqrt(-2 * Math.log(height(ends[strip]) + AREA / ends[strip]));
  }
  const base = AREA / height(LAST);
  return {
    widths: ends.map((end, strip) => (strip ? end : base) / STEPS),
    inside: ends.map((end, strip) => (strip ? ends[strip - 1] / end : LAST / base) * STEPS),
    heights: ends.map(height),
  };
})();

/** Four 64-bit numbers from some seeds, as numpy's SeedSequence mixes them. */
function seedSequence(seeds) {
  let constant = INITIAL_A;
  const hashed = (value) => {
    const mixed = (value ^ constant) >>> 0;
    constant = Math.imul(constant, FACTOR_A) >>> 0;
    const product = Math.imul(mixed, constant) >>> 0;
    return (product ^ (product >>> 16)) >>> 0;
  };
  const together = (one, other) => {
    const difference = (Math.imul(MIX_LEFT, one) - Math.imul(MIX_RIGHT, other)) >>> 0;
    return (difference ^ (difference >>> 16)) >>> 0;
  };
  const pool = Array.from({ length: POOL }, (_, place) => hashed(seeds[place] ?? 0));
  for (let from = 0; from < POOL; from++) {
    for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = together(pool[to], hashed(pool[from]));
  }
  for (const seed of seeds.slice(POOL)) {
    for (let to = 0; to < POOL; to++) pool[to] = together(pool[to], hashed(seed));
  }
  constant = INITIAL_B;
  const words = Array.from({ length: 2 * POOL }, (_, place) => {
    const mixed = (pool[place % POOL] ^ constant) >>> 0;
    constant = Math.imul(constant, FACTOR_B) >>> 0;
    const product = Math.imul(mixed, constant) >>> 0;
    return BigInt((product ^ (product >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((place) => (words[place + 1] << 32n) | words[place]);
}
