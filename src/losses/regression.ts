/** Losses of regression: of the difference of prediction and target. */
import { ArgumentError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { softplus } from '../scipy/special/logistic.js';
import { pairOf, reduceLoss, type LossOptions } from './reduction.js';

/** A loss that is a function of prediction minus target. */
const ofDifference =
  (op: string, f: (difference: NDArray) => NDArray) =>
  (predictions: ArrayLike, targets: ArrayLike, options?: LossOptions): NDArray =>
    reduceLoss(op, f(lax.sub(...pairOf(op, predictions, targets))), options);

/**
 * The mean of (p - t)².
 *
 * @param predictions - any shape
 * @param targets - of the same shape
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ShapeError if the shapes differ or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.meanSquaredError(np.array([1, 2]), np.array([0, 4])).item(); // => 2.5
 * ```
 */
export const meanSquaredError = ofDifference('meanSquaredError', lax.square);

/**
 * The mean of |p - t|.
 *
 * @param predictions - any shape
 * @param targets - of the same shape
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ShapeError if the shapes differ or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.meanAbsoluteError(np.array([1, 2]), np.array([0, 4])).item(); // => 1.5
 * ```
 */
export const meanAbsoluteError = ofDifference('meanAbsoluteError', lax.abs);

/**
 * log cosh(p - t): a parabola near 0, straight far off, smooth everywhere.
 *
 * @param predictions - any shape
 * @param targets - of the same shape
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ShapeError if the shapes differ or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.logCosh(np.array([1e4]), np.array([0])).item(); // => 9999.3066
 * ```
 */
export const logCosh = ofDifference('logCosh', (d) => {
  const far = lax.sub(lax.add(d, softplus(lax.mul(d, -2))), Math.LN2);
  // Of small differences the terms cancel. With u = exp(-d) - 1, cosh d - 1 is u²/(2 (1 + u)).
  const isNear = lax.lt(lax.abs(d), 1);
  const u = lax.expm1(lax.neg(lax.select(isNear, d, lax.scalarLike(0, d))));
  const near = lax.log1p(lax.div(lax.square(u), lax.mul(lax.add(u, 1), 2)));
  return lax.select(isNear, near, far);
});

/** Options of {@link huber}. */
export interface HuberOptions extends LossOptions {
  /** Where the parabola becomes a line; 1 by default. */
  delta?: number;
}

/**
 * d²/2 for |d| ≤ delta, delta (|d| - delta/2) beyond, d = p - t (Huber, 1964).
 *
 * @param predictions - any shape
 * @param targets - of the same shape
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ArgumentError unless delta is positive, and for the mean of an empty batch; ShapeError if the shapes differ or weights do not fit.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.huber(np.array([0.5, 3]), np.array([0, 0]), { reduction: 'none' }).js(); // => [0.125, 2.5]
 * ```
 */
export function huber(predictions: ArrayLike, targets: ArrayLike, options: HuberOptions = {}): NDArray {
  const { delta = 1 } = options;
  if (!(delta > 0)) throw new ArgumentError(`huber: delta must be positive, got ${delta}.${userLine()}`);
  return ofDifference('huber', (d) => {
    const size = lax.abs(d);
    const parabola = lax.mul(lax.square(d), 0.5);
    return lax.select(lax.le(size, delta), parabola, lax.mul(lax.sub(size, delta / 2), delta));
  })(predictions, targets, options);
}
