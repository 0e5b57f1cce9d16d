/** Errors in units in the last place, and samples that visit every exponent. */

/** Distance between neighbours at `reference`, in the format of `bits` significant bits and least exponent `least`. */
function spacing(reference: number, bits: number, least: number): number {
  const size = Math.abs(reference);
  let exponent = size < 2 ** -1022 ? -1022 : Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent -= 1;
  else if (2 ** (exponent + 1) <= size) exponent += 1;
  return 2 ** Math.max(exponent - bits + 1, least);
}
export const spacing32 = (reference: number): number => spacing(reference, 24, -149);
export const spacing64 = (reference: number): number => spacing(reference, 53, -1074);

/** Error of the float32 `value` against a reference in double precision: 0 where both round to the same, Infinity for another kind of value. */
export function ulps32(value: number, reference: number): number {
  const wanted = Math.fround(reference);
  if (Object.is(value, wanted)) return 0;
  if (Number.isNaN(value) || Number.isNaN(wanted) || (value === 0 && wanted === 0)) return Infinity;
  if (!Number.isFinite(reference)) return Infinity;
  const finite = Number.isFinite(value) ? value : Math.sign(value) * 2 ** 128;
  return Math.abs(finite - reference) / spacing32(reference);
}

/** Error of a float64 against a reference rounded to double, whose own error in ulps is `fraction`. */
export function ulps64(value: number, reference: number, fraction: number): number {
  if (Object.is(value, reference)) return Math.abs(fraction);
  if (!Number.isFinite(value) || !Number.isFinite(reference) || (value === 0 && reference === 0)) return Infinity;
  return Math.abs((value - reference) / spacing64(reference) - fraction);
}

/** xorshift32: samples are the same in every run. */
export function randomBits(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

export const SPECIAL32: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  3,
  1.5,
  -1.5,
  2.5,
  -2.5,
  Infinity,
  -Infinity,
  NaN,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  -(2 ** -126),
  2 ** -127,
  (2 - 2 ** -23) * 2 ** 127,
  -(2 - 2 ** -23) * 2 ** 127,
  1 - 2 ** -24,
  1 + 2 ** -23,
  2 ** 23,
  2 ** 24,
  -(2 ** 23) - 1,
  8388607.5,
  4194303.5,
  0.49999997,
  -0.49999997,
  1e10,
  1e30,
  -1e38,
].map(Math.fround);

/** float32 samples: special values, `perExponent` for each exponent and sign, and `dense` uniform ones in [lo, hi]. */
export function samples32(perExponent: number, dense: number, lo: number, hi: number): Float32Array {
  const random = randomBits(20240229);
  const bits: number[] = [];
  for (let exponent = 0; exponent < 256; exponent++) {
    for (let i = 0; i < perExponent; i++) {
      const r = random();
      bits.push(((exponent << 23) | (r & 0x807fffff)) >>> 0);
    }
  }
  const out = new Float32Array(SPECIAL32.length + bits.length + dense);
  out.set(SPECIAL32);
  new Uint32Array(out.buffer).set(bits, SPECIAL32.length);
  for (let i = 0; i < dense; i++) out[SPECIAL32.length + bits.length + i] = lo + (random() / 2 ** 32) * (hi - lo);
  return out;
}
