/** Comparisons, elementwise and of whole arrays. They give bool, and nothing equals NaN. */
import { range } from '../core/axes.js';
import { sameShape } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { broadcastOperands, numericPair, promoteTypesOf } from './promote.js';
import { promotedBinary, type Binary } from './ufunc.js';

/**
 * x = y, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.equal(np.array([1, 2]), 2); // => [false, true]
 * ```
 */
export const equal: Binary = promotedBinary('equal', lax.eq);

/**
 * x ≠ y, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.notEqual(np.array([1, 2]), 2); // => [true, false]
 * ```
 */
export const notEqual: Binary = promotedBinary('notEqual', lax.ne);

/**
 * x < y, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.less(np.array([1, 2, 3]), 2); // => [true, false, false]
 * ```
 */
export const less: Binary = promotedBinary('less', lax.lt);

/**
 * x ≤ y, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.lessEqual(np.array([1, 2, 3]), 2); // => [true, true, false]
 * ```
 */
export const lessEqual: Binary = promotedBinary('lessEqual', lax.le);

/**
 * x > y, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.greater(np.array([1, 2, 3]), 2); // => [false, false, true]
 * ```
 */
export const greater: Binary = promotedBinary('greater', lax.gt);

/**
 * x ≥ y, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.greaterEqual(np.array([1, 2, 3]), 2); // => [false, true, true]
 * ```
 */
export const greaterEqual: Binary = promotedBinary('greaterEqual', lax.ge);

/** Whether NaN counts as equal to NaN. */
export interface EqualNaNOptions {
  equalNaN?: boolean;
}

/** Tolerances of {@link isclose}. */
export interface CloseOptions extends EqualNaNOptions {
  /** Relative to |y|; 1e-5 if absent. */
  rtol?: number;
  /** Absolute; 1e-8 if absent. */
  atol?: number;
}

const bothNaN = (x: NDArray, y: NDArray): NDArray => lax.bitwiseAnd(lax.ne(x, x), lax.ne(y, y));

/**
 * Where |x - y| ≤ atol + rtol |y|, elementwise; infinities are close to themselves only.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isclose(np.array([1, 2]), np.array([1.000001, 2.1])); // => [true, false]
 * ```
 */
export function isclose(x: ArrayLike, y: ArrayLike, options: CloseOptions = {}): NDArray {
  const { rtol = 1e-5, atol = 1e-8, equalNaN = false } = options;
  const [first, second] = numericPair('isclose', x, y);
  // Integers are compared as floats: a difference of them may overflow.
  const [a, b] = [first, second].map((v) => (isFloat(v.dtype) ? v : lax.convertElementType(v, 'float64'))) as [
    NDArray,
    NDArray,
  ];
  const within = lax.le(lax.abs(lax.sub(a, b)), lax.add(lax.mul(lax.abs(b), rtol), atol));
  const close = lax.bitwiseOr(lax.eq(a, b), lax.bitwiseAnd(within, lax.isFinite(b)));
  return equalNaN ? lax.bitwiseOr(close, bothNaN(a, b)) : close;
}

/**
 * Whether all elements are {@link isclose}, as a bool scalar (`.item()` reads it).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.allclose(np.array([1, 2]), np.array([1, 2.000001])); // => true
 * if (!np.allclose(np.ones(2), 1).item()) throw new Error('never');
 * ```
 */
export const allclose = (x: ArrayLike, y: ArrayLike, options: CloseOptions = {}): NDArray =>
  lax.reduceAnd(isclose(x, y, options));

/** Whether all elements of two arrays of one dtype are equal. */
function allEqual(x: NDArray, y: NDArray, { equalNaN = false }: EqualNaNOptions): NDArray {
  const [a = x, b = y] = broadcastOperands('arrayEqual', [x, y]);
  const equals = lax.eq(a, b);
  return lax.reduceAnd(equalNaN ? lax.bitwiseOr(equals, bothNaN(a, b)) : equals);
}

/**
 * Whether x and y have the same shape and equal elements, as a bool scalar.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arrayEqual(np.array([1, 2]), np.array([1, 2])); // => true
 * np.arrayEqual(np.array([1, 2]), np.array([[1, 2]])); // => false
 * ```
 */
export function arrayEqual(x: ArrayLike, y: ArrayLike, options: EqualNaNOptions = {}): NDArray {
  const [a, b] = promoteTypesOf('arrayEqual', [x, y]);
  if (a === undefined || b === undefined || !sameShape(a.aval.shape, b.aval.shape)) return lax.full([], false);
  return allEqual(a, b, options);
}

/**
 * Whether x and y broadcast together and then have equal elements, as a bool scalar.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arrayEquiv(np.array([2, 2]), 2); // => true
 * np.arrayEquiv(np.array([1, 2]), np.ones(3)); // => false
 * ```
 */
export function arrayEquiv(x: ArrayLike, y: ArrayLike): NDArray {
  const [a, b] = promoteTypesOf('arrayEquiv', [x, y]);
  if (a === undefined || b === undefined) return lax.full([], false);
  const fits = range(Math.min(a.ndim, b.ndim)).every((i) => {
    const [n, m] = [a.aval.shape[a.ndim - 1 - i], b.aval.shape[b.ndim - 1 - i]];
    return n === m || n === 1 || m === 1;
  });
  return fits ? allEqual(a, b, {}) : lax.full([], false);
}
