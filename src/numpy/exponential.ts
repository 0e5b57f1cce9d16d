/** Exponentials and logarithms. */
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { inexactBinary, inexactUnary, type Binary, type Unary } from './ufunc.js';

/**
 * eˣ, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.exp(np.array([0, 1])); // => [1, 2.71828]
 * ```
 */
export const exp: Unary = inexactUnary('exp', lax.exp);

/**
 * 2ˣ, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.exp2(np.array([-1, 3])); // => [0.5, 8]
 * ```
 */
export const exp2: Unary = inexactUnary('exp2', lax.exp2);

/**
 * eˣ - 1, accurate near 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.expm1(1e-10); // => 1.0000e-10
 * ```
 */
export const expm1: Unary = inexactUnary('expm1', lax.expm1);

/**
 * The natural logarithm; -∞ at 0, NaN for negative numbers.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.log(np.array([1, 10])); // => [0, 2.30259]
 * ```
 */
export const log: Unary = inexactUnary('log', lax.log);

/**
 * The logarithm to base 2.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.log2(np.array([0.5, 8])); // => [-1, 3]
 * ```
 */
export const log2: Unary = inexactUnary('log2', lax.log2);

/**
 * The logarithm to base 10, ln x / ln 10.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.log10(np.array([0.1, 100])); // => [-1.00000, 2.00000]
 * ```
 */
export const log10: Unary = inexactUnary('log10', (x) => lax.div(lax.log(x), Math.LN10));

/**
 * ln(1 + x), accurate near 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.log1p(1e-10); // => 1.0000e-10
 * ```
 */
export const log1p: Unary = inexactUnary('log1p', lax.log1p);

/**
 * ln(eˣ + eʸ) = h + ln(1 + e^(l - h)), with h the higher and l the lower of the two. The operands are ordered by select,
 * which has the derivatives of the branch taken: they are right to any order also where x = y.
 */
function logOfSum(
  x: NDArray,
  y: NDArray,
  exponential: (d: NDArray) => NDArray,
  logOfOnePlus: (e: NDArray) => NDArray,
): NDArray {
  const ordered = lax.ge(x, y);
  const [high, low] = [lax.select(ordered, x, y), lax.select(ordered, y, x)];
  // Equal operands have difference 0, infinite ones too (∞ - ∞ would be NaN).
  const isTie = lax.bitwiseAnd(lax.eq(x, y), lax.eq(lax.abs(high), Infinity));
  const difference = lax.sub(lax.select(isTie, 0, low), lax.select(isTie, 0, high));
  return lax.add(high, logOfOnePlus(exponential(difference)));
}

/**
 * ln(eˣ + eʸ), elementwise, without overflow.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.logaddexp(np.array([0, 1000]), np.array([0, 1000])); // => [0.693147, 1000.693]
 * ```
 */
export const logaddexp: Binary = inexactBinary('logaddexp', (x, y) => logOfSum(x, y, lax.exp, lax.log1p));

/**
 * log₂(2ˣ + 2ʸ), elementwise, without overflow.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.logaddexp2(1, 1); // => 2
 * ```
 */
export const logaddexp2: Binary = inexactBinary('logaddexp2', (x, y) =>
  logOfSum(x, y, lax.exp2, (e) => lax.div(lax.log1p(e), Math.LN2)),
);
