/** Functions along an axis: softmax and its relatives with the last axis as default, gating, standardising, one-hot. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { widenHalf } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { inexact, numeric, promoteInexact } from '../numpy/promote.js';
import { axesOf, countOf, kept, settle, type AxisOptions, type AxisOr } from '../numpy/reduction.js';
import * as special from '../scipy/special/softmax.js';
import type { SoftmaxOptions } from '../scipy/special/softmax.js';

export { logsumexp, type LogsumexpOptions, type SoftmaxOptions } from '../scipy/special/softmax.js';

/** Options with the last axis where none is given. */
const lastAxis = <O extends AxisOptions>(axis: AxisOr<O> | undefined, options: O | undefined): O & AxisOptions => {
  const given = settle(axis, options);
  return { ...given, axis: given.axis === undefined ? -1 : given.axis };
};

/**
 * eˣ/Σ eˣ along `axis`, by default the last: positive numbers that sum to 1. Elements outside `where` get 0.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.softmax(np.array([[0, 0], [0, 1000]])).js(); // => [[0.5, 0.5], [0, 1]]
 * ```
 */
export const softmax = (x: ArrayLike, axis?: AxisOr<SoftmaxOptions>, options?: SoftmaxOptions): NDArray =>
  special.softmax(x, lastAxis(axis, options));

/**
 * log {@link softmax} along `axis`, by default the last, accurate where the softmax is tiny.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.logSoftmax(np.array([0, 1000])).js(); // => [-1000, 0]
 * ```
 */
export const logSoftmax = (x: ArrayLike, axis?: AxisOr<SoftmaxOptions>, options?: SoftmaxOptions): NDArray =>
  special.logSoftmax(x, lastAxis(axis, options));

/**
 * log of the mean of eˣ over `axis` (all axes by default): logsumexp(x) - log n.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.logmeanexp(np.array([1000, 1000])).item(); // => 1000
 * ```
 */
export function logmeanexp(x: ArrayLike, axis?: AxisOr<AxisOptions>, options?: AxisOptions): NDArray {
  const given = settle(axis, options);
  const array = inexact('logmeanexp', x);
  const count = countOf(array, axesOf('logmeanexp', array, given));
  return lax.sub(special.logsumexp(array, given), Math.log(count));
}

/**
 * The gated linear unit a · sigmoid(b), where a and b are the halves of `x` along `axis` (arXiv 1612.08083). Throws
 * ShapeError when the axis has an odd length.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.glu(np.array([2, 0])).js(); // => [1]
 * ```
 */
export function glu(x: ArrayLike, axis = -1): NDArray {
  const array = inexact('glu', x);
  const along = canonicalAxis(axis, array.ndim, 'glu');
  const length = nth(array.aval.shape, along);
  if (length % 2 !== 0) {
    throw new ShapeError(
      `glu: axis ${along} of shape ${showShape(array.shape)} has odd length ${length} and no halves.${userLine()}`,
    );
  }
  const values = lax.sliceInDim(array, 0, length / 2, along);
  return lax.mul(values, lax.logistic(lax.sliceInDim(array, length / 2, length, along)));
}

/** Options of {@link standardize}. */
export interface StandardizeOptions extends Omit<AxisOptions, 'keepdims'> {
  /** Use this mean instead of that of the elements; it broadcasts against `x`. */
  mean?: ArrayLike;
  /** Use this variance instead of that of the elements; it broadcasts against `x`. */
  variance?: ArrayLike;
  /** Added to the variance; 1e-5 by default. */
  epsilon?: ArrayLike;
}

/**
 * (x - mean)/√(variance + epsilon), with mean and variance over `axis`, by default the last. The variance is that of
 * the deviations from the mean, which is accurate also where the mean is large.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.standardize(np.array([1, 3]), { epsilon: 0 }).js(); // => [-1, 1]
 * ```
 */
export function standardize(x: ArrayLike, axis?: AxisOr<StandardizeOptions>, options?: StandardizeOptions): NDArray {
  const op = 'standardize';
  const given = lastAxis(axis, options);
  // Halves only if all are; their squares are computed wide.
  const { mean: ofMean = 0, variance: ofVariance = 0, epsilon: ofEpsilon = 0 } = given;
  const { dtype } = nth(promoteInexact(op, x, ofMean, ofVariance, ofEpsilon), 0);
  const array = widenHalf(inexact(op, x));
  const axes = axesOf(op, array, given);
  const meanOf = (y: NDArray): NDArray =>
    kept(lax.mul(lax.reduceSum(y, axes), 1 / countOf(array, axes)), axes, { keepdims: true });
  const [whole, mean] = broadcastPair(op, array, given.mean ?? meanOf(array));
  const centred = lax.sub(whole, mean);
  const variance = given.variance ?? meanOf(lax.square(centred));
  const [spread, epsilon] = broadcastPair(op, inexact(op, variance), given.epsilon ?? 1e-5);
  const [deviation, factor] = broadcastPair(op, centred, lax.rsqrt(lax.add(spread, epsilon)));
  return lax.convertElementType(lax.mul(deviation, factor), dtype);
}

function broadcastPair(op: string, x: NDArray, y: ArrayLike): readonly [NDArray, NDArray] {
  const [a, b] = promoteInexact(op, x, y);
  return [a ?? x, b ?? x];
}

/** Options of {@link oneHot}. */
export interface OneHotOptions {
  /** Of the result; float32 by default. */
  dtype?: DType;
  /** Where the classes go in the result; the last axis by default. */
  axis?: number;
}

/**
 * 1 at the class and 0 elsewhere, along a new axis of length `numClasses`; rows whose class is outside
 * [0, numClasses) are 0. Throws ArgumentError for a class count that is no JS integer.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * const labels = np.array([0, 2], { dtype: 'int32' });
 * nn.oneHot(labels, 3).js(); // => [[1, 0, 0], [0, 0, 1]]
 * ```
 */
export function oneHot(
  x: ArrayLike,
  numClasses: number,
  { dtype = 'float32', axis = -1 }: OneHotOptions = {},
): NDArray {
  if (!Number.isInteger(numClasses) || numClasses < 0) {
    throw new ArgumentError(
      `oneHot: the number of classes must be a JS integer, got ${String(numClasses)}.${userLine()}`,
    );
  }
  const classes = numeric('oneHot', x);
  const at = canonicalAxis(axis, classes.ndim + 1, 'oneHot');
  const shape = [...classes.shape.slice(0, at), numClasses, ...classes.shape.slice(at)];
  const given = lax.broadcastInDim(
    classes,
    shape,
    range(shape.length).filter((d) => d !== at),
  );
  return lax.convertElementType(lax.eq(given, lax.broadcastedIota(classes.dtype, shape, at)), dtype);
}
