/** Functions that look at how floats are made: NaN, infinities, signs, exponents, neighbours. */
import { isFloat } from '../core/dtype.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { inexact, numeric } from './promote.js';
import { finfo } from './dtypes.js';
import { inexactBinary, withoutGradient, type Binary, type Unary } from './ufunc.js';

/** A test of floats; integers and booleans all have the answer `otherwise`. */
const classify =
  (op: string, test: (x: NDArray) => NDArray, otherwise: boolean): Unary =>
  (x) => {
    const array = numeric(op, x);
    return isFloat(array.dtype) ? test(array) : lax.full(array.aval.shape, otherwise);
  };

/**
 * Where x is NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isnan(np.array([1, np.nan])); // => [false, true]
 * ```
 */
export const isnan: Unary = classify('isnan', (x) => lax.ne(x, x), false);

/**
 * Where x is infinite, of either sign.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isinf(np.array([1, -np.inf])); // => [false, true]
 * ```
 */
export const isinf: Unary = classify('isinf', (x) => lax.eq(lax.abs(x), Infinity), false);

/**
 * Where x is neither infinite nor NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isfinite(np.array([1, np.inf, np.nan])); // => [true, false, false]
 * ```
 */
export const isfinite: Unary = classify('isfinite', lax.isFinite, true);

/**
 * Where x is ∞.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isposinf(np.array([np.inf, -np.inf])); // => [true, false]
 * ```
 */
export const isposinf: Unary = classify('isposinf', (x) => lax.eq(x, Infinity), false);

/**
 * Where x is -∞.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isneginf(np.array([np.inf, -np.inf])); // => [false, true]
 * ```
 */
export const isneginf: Unary = classify('isneginf', (x) => lax.eq(x, -Infinity), false);

/**
 * Where the sign bit is set: for negative numbers and -0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.signbit(np.array([-1, -0, 0])); // => [true, true, false]
 * ```
 */
export const signbit: Unary = (x) => {
  const array = numeric('signbit', x);
  if (array.dtype === 'float32') return lax.lt(lax.bitcastConvertType(array, 'int32'), 0);
  if (!isFloat(array.dtype)) return array.dtype === 'uint32' ? lax.full(array.aval.shape, false) : lax.lt(array, 0);
  // 1/-0 is -∞. The dtype has no integers of its size to show its bits, so the sign of a NaN is lost.
  const value = withoutGradient(array);
  return lax.lt(lax.select(lax.eq(value, 0), lax.div(1, value), value), 0);
};

/**
 * |x| with the sign of y.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.copysign(3, np.array([1, -0])); // => [3, -3]
 * ```
 */
export const copysign: Binary = inexactBinary('copysign', (x, y) => {
  const size = lax.abs(x);
  return lax.select(signbit(y), lax.neg(size), size);
});

/** Factors of 2 in one multiplication by 2ⁿ: n beyond the exponents of the dtype needs several. */
const LDEXP_PARTS = 3;

/**
 * x · 2ⁿ, elementwise, exact as long as the result is a normal number. The exponents are integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.ldexp(np.array([0.75, 3]), np.arange(1, 3)); // => [1.5, 12]
 * ```
 */
export const ldexp: Binary = inexactBinary('ldexp', (x, n) => {
  const { maxexp } = finfo(x.dtype);
  const limit = (maxexp - 1) * LDEXP_PARTS;
  let rest = lax.clamp(-limit, lax.trunc(withoutGradient(n)), limit);
  let result = x;
  for (let parts = LDEXP_PARTS; parts > 0; parts--) {
    const part = parts === 1 ? rest : lax.trunc(lax.div(rest, parts));
    result = lax.mul(result, lax.exp2(part));
    rest = lax.sub(rest, part);
  }
  return result;
});

/**
 * Mantissa and exponent: x = mantissa · 2^exponent with 0.5 ≤ |mantissa| < 1, exactly; the exponent is int32. Zeros,
 * infinities and NaN are their own mantissa, with exponent 0. The inverse of {@link ldexp}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.frexp(np.array([8, -0.75, 0])); // => [[0.5, -0.75, 0], [4, 0, 0]]
 * ```
 */
export function frexp(x: ArrayLike): [mantissa: NDArray, exponent: NDArray] {
  const array = inexact('frexp', x);
  const size = lax.abs(withoutGradient(array));
  const ordinary = lax.bitwiseAnd(lax.gt(size, 0), lax.isFinite(size));
  const positive = lax.select(ordinary, size, lax.fullLike(size, 1));
  // The rounded logarithm is at most one off next to powers of 2.
  const guess = lax.add(lax.floor(lax.log2(positive)), 1);
  const scaled = ldexp(positive, lax.neg(guess));
  const more = lax.convertElementType(lax.ge(scaled, 1), array.dtype);
  const less = lax.convertElementType(lax.lt(scaled, 0.5), array.dtype);
  const exponent = lax.select(ordinary, lax.sub(lax.add(guess, more), less), lax.fullLike(size, 0));
  return [ldexp(array, lax.neg(exponent)), lax.convertElementType(exponent, 'int32')];
}

/**
 * The next number after x toward y.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nextafter(1, 2).sub(1).item() === np.finfo('float32').eps; // => true
 * ```
 */
export const nextafter: Binary = inexactBinary('nextafter', lax.nextafter);

/** Replacements of {@link nanToNum}. */
export interface NanToNumOptions {
  /** For NaN; 0 if absent. */
  nan?: ArrayLike;
  /** For ∞; the largest number of the dtype if absent. */
  posinf?: ArrayLike;
  /** For -∞; the smallest number of the dtype if absent. */
  neginf?: ArrayLike;
}

/**
 * x with NaN and infinities replaced by numbers.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanToNum(np.array([1, np.nan, np.inf]), { posinf: 9 }); // => [1, 0, 9]
 * ```
 */
export function nanToNum(x: ArrayLike, options: NanToNumOptions = {}): NDArray {
  const array = numeric('nanToNum', x);
  if (!isFloat(array.dtype)) return array;
  const { max, min } = finfo(array.dtype);
  const { nan = 0, posinf = max, neginf = min } = options;
  const replacement = (value: ArrayLike): ArrayLike =>
    typeof value === 'object' ? lax.convertElementType(value, array.dtype) : Number(value);
  const finite = lax.select(
    lax.eq(array, Infinity),
    replacement(posinf),
    lax.select(lax.eq(array, -Infinity), replacement(neginf), array),
  );
  return lax.select(lax.ne(array, array), replacement(nan), finite);
}
