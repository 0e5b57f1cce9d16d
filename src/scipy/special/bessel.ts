/** Modified Bessel functions of the first kind. */
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import * as lax from '../../lax/index.js';
import { inexact } from '../../numpy/promote.js';

/** e^|x| times a scaled function. */
const unscaled = (x: NDArray, scaled: NDArray): NDArray => lax.mul(lax.exp(lax.abs(x)), scaled);

/**
 * e^-|x| {@link i0}, which does not overflow; see `lax.besselI0e`.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.i0e(100).item(); // => 0.0399444
 * ```
 */
export const i0e = (x: ArrayLike): NDArray => lax.besselI0e(inexact('i0e', x));

/**
 * e^-|x| {@link i1}, which does not overflow; see `lax.besselI1e`.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.i1e(100).item(); // => 0.0397442
 * ```
 */
export const i1e = (x: ArrayLike): NDArray => lax.besselI1e(inexact('i1e', x));

/**
 * The modified Bessel function of order 0, I₀(x) = Σ (x²/4)ᵏ/(k!)² (NIST DLMF 10.25.2); infinite for |x| > 88 in float32, 709
 * in float64.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.i0(1).item(); // => 1.266066
 * ```
 */
export function i0(x: ArrayLike): NDArray {
  const array = inexact('i0', x);
  return unscaled(array, lax.besselI0e(array));
}

/**
 * The modified Bessel function of order 1, I₁(x) = x/2 Σ (x²/4)ᵏ/(k! (k+1)!) (NIST DLMF 10.25.2), the derivative of
 * {@link i0}; infinite where that is.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.i1(1).item(); // => 0.565159
 * ```
 */
export function i1(x: ArrayLike): NDArray {
  const array = inexact('i1', x);
  return unscaled(array, lax.besselI1e(array));
}
