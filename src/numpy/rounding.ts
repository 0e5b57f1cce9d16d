/** Rounding. The derivatives are 0; integers come back as they are. */
import { isFloat } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { floorDivide } from './arithmetic.js';
import { inexact, numeric } from './promote.js';
import { inexactUnary, wholeUnary, type Unary } from './ufunc.js';

/** Round integers to a multiple of `unit`, halves to the even multiple. */
function roundIntegers(x: NDArray, unit: number): NDArray {
  const quotient = floorDivide(x, unit);
  const rest = lax.sub(x, lax.mul(quotient, unit));
  // Compared with unit - rest, so that doubling cannot overflow.
  const other = lax.sub(lax.scalarLike(unit, x), rest);
  const isOdd = lax.ne(lax.bitwiseAnd(quotient, 1), 0);
  const up = lax.bitwiseOr(lax.gt(rest, other), lax.bitwiseAnd(lax.eq(rest, other), isOdd));
  return lax.mul(lax.select(up, lax.add(quotient, 1), quotient), unit);
}

/**
 * x rounded to `decimals` places, halves to even. Negative `decimals` round to tens, hundreds, …, integers too.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.round(np.array([0.5, 1.5, 2.567])); // => [0, 2, 3]
 * np.round(np.array([2.567]), 1); // => [2.6]
 * ```
 */
export function round(x: ArrayLike, decimals = 0): NDArray {
  if (!Number.isInteger(decimals)) {
    throw new ArgumentError(`round: decimals must be an integer, got ${decimals}.${userLine()}`);
  }
  const array = numeric('round', x);
  if (!isFloat(array.dtype)) {
    // 10¹⁰ is no 32-bit integer: everything rounds to 0.
    if (decimals < -9) return lax.full(array.aval.shape, 0, array.dtype);
    return decimals >= 0 ? array : roundIntegers(array, 10 ** -decimals);
  }
  if (decimals === 0) return lax.round(array, 'TO_NEAREST_EVEN');
  // Scaling by a positive power of ten is exact in both directions more often than by its inverse.
  const factor = 10 ** Math.abs(decimals);
  return decimals > 0
    ? lax.div(lax.round(lax.mul(array, factor), 'TO_NEAREST_EVEN'), factor)
    : lax.mul(lax.round(lax.div(array, factor), 'TO_NEAREST_EVEN'), factor);
}

/**
 * {@link round} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.around(3.5); // => 4
 * ```
 */
export const around = (x: ArrayLike, decimals = 0): NDArray => round(x, decimals);

/**
 * The nearest integer as a float, halves to even.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.rint(np.array([-0.6, 2.5])); // => [-1, 2]
 * ```
 */
export const rint: Unary = inexactUnary('rint', (x) => lax.round(x, 'TO_NEAREST_EVEN'));

/**
 * The largest integer that is not above x.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.floor(np.array([-0.5, 2.5])); // => [-1, 2]
 * ```
 */
export const floor: Unary = wholeUnary('floor', lax.floor);

/**
 * The smallest integer that is not below x.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.ceil(np.array([1.5, 2.5])); // => [2, 3]
 * ```
 */
export const ceil: Unary = wholeUnary('ceil', lax.ceil);

/**
 * The integer part, toward 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.trunc(np.array([-1.5, 2.5])); // => [-1, 2]
 * ```
 */
export const trunc: Unary = wholeUnary('trunc', lax.trunc);

/**
 * {@link trunc} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fix(-1.5); // => -1
 * ```
 */
export const fix: Unary = trunc;

/**
 * `[x - trunc(x), trunc(x)]`: the fractional part, with the sign of x, and the integer part.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.modf(np.array([-1.5, 2.25])); // => [[-0.5, 0.25], [-1, 2]]
 * ```
 */
export function modf(x: ArrayLike): [fraction: NDArray, integer: NDArray] {
  const array = inexact('modf', x);
  const integer = lax.trunc(array);
  const isInfinite = lax.eq(lax.abs(array), Infinity);
  return [lax.select(isInfinite, 0, lax.sub(array, integer)), integer];
}
