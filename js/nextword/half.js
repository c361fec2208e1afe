/** Numbers ⇄ float16, as bits. */

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Numbers rounded to float32 and then to float16, ties to even, as PyTorch and numpy round float32. */
export function toHalves(numbers) {
  return Uint16Array.from(numbers, (number) => {
    single[0] = number;
    const sign = (bits[0] >>> 16) & 0x8000;
    const rest = bits[0] & 0x7fffffff;
    if (rest >= 0x477ff000) return sign | (rest > 0x7f800000 ? 0x7e00 : 0x7c00); // too large, or not a number
    if (rest >= 0x38800000) return sign | rounded(rest - 0x38000000, 13);
    const shift = 126 - (rest >>> 23); // subnormal: below 2⁻¹⁴ all steps have the same size
    return sign | (shift > 24 ? 0 : rounded((rest & 0x7fffff) | 0x800000, shift));
  });
}

/** The number that a float16 stands for; weights have no infinities. */
export function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction;
  return bits >> 15 ? -size : size;
}

/** A whole number divided by 2 ** shift, ties to even. */
function rounded(value, shift) {
  const floor = value >>> shift;
  const rest = value - floor * 2 ** shift;
  const middle = 2 ** (shift - 1);
  return floor + (rest > middle || (rest === middle && floor & 1) ? 1 : 0);
}
