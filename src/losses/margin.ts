/** Losses of margins and distances: hinge, cosine, triplet. */
import { showShape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { checkLabels, scoreOf } from './labels.js';
import { floats, pairOf, reduceLoss, type LossOptions } from './reduction.js';

const relu = (x: NDArray): NDArray => lax.max(x, 0);

/**
 * max(0, 1 - t p), of targets that are -1 or 1.
 *
 * @param predictions - any shape
 * @param targets - of the same shape, -1 or 1
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ShapeError if the shapes differ or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.hinge(np.array([0.5, -3]), np.array([1, -1])).item(); // => 0.25
 * ```
 */
export function hinge(predictions: ArrayLike, targets: ArrayLike, options?: LossOptions): NDArray {
  const [p, t] = pairOf('hinge', predictions, targets);
  return reduceLoss('hinge', relu(lax.sub(1, lax.mul(p, t))), options);
}

/**
 * max(0, 1 - t p)², of targets that are -1 or 1.
 *
 * @param predictions - any shape
 * @param targets - of the same shape, -1 or 1
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ShapeError if the shapes differ or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.squaredHinge(np.array([0.5, -3]), np.array([1, -1])).item(); // => 0.125
 * ```
 */
export function squaredHinge(predictions: ArrayLike, targets: ArrayLike, options?: LossOptions): NDArray {
  const [p, t] = pairOf('squaredHinge', predictions, targets);
  return reduceLoss('squaredHinge', lax.square(relu(lax.sub(1, lax.mul(p, t)))), options);
}

/**
 * The hinge of several classes (Weston and Watkins, 1999), as PyTorch's `multi_margin_loss`: the mean over classes of
 * max(0, 1 - z_label + z_i), without the label's own.
 *
 * @param scores - [..., classes]
 * @param labels - [...], integers in [0, classes), or bools of two classes
 * @returns a scalar, or [...] with `reduction: 'none'`
 * @throws DTypeError for labels that are floats; ShapeError for labels or weights that do not fit; ArgumentError for a label that is no class and
 *   for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.multiclassHinge(np.array([[1, 0.5, -2]]), np.array([0], { dtype: 'int32' })).item(); // => 0.166667
 * ```
 */
export function multiclassHinge(scores: ArrayLike, labels: ArrayLike, options?: LossOptions): NDArray {
  const op = 'multiclassHinge';
  const z = floats(op, scores);
  const y = checkLabels(op, z, labels);
  const last = z.ndim - 1;
  const own = lax.broadcastInDim(scoreOf(z, y), z.aval.shape, [...y.aval.shape.keys()]);
  // The label's own term is the margin, 1.
  const sum = lax.sub(lax.reduceSum(relu(lax.add(lax.sub(z, own), 1)), [last]), 1);
  return reduceLoss(op, lax.mul(sum, 1 / (z.aval.shape[last] ?? 1)), options);
}

const dot = (x: NDArray, y: NDArray): NDArray => lax.reduceSum(lax.mul(x, y), [x.ndim - 1]);

function vectors(
  op: string,
  a: ArrayLike,
  b: ArrayLike,
  names?: readonly [string, string],
): readonly [NDArray, NDArray] {
  const [x, y] = pairOf(op, a, b, names);
  if (x.ndim > 0 && y.ndim > 0) return [x, y];
  throw new ShapeError(`${op}: vectors are the last axis, but there is none in ${showShape(x.shape)}.${userLine()}`);
}

/** Squared lengths below it count as it, so that the derivative of a vector of zeros is finite. */
const SMALLEST = 1e-16;

function cosine(x: NDArray, y: NDArray): NDArray {
  const inverse = (v: NDArray): NDArray => lax.rsqrt(lax.max(dot(v, v), SMALLEST));
  return lax.mul(lax.mul(dot(x, y), inverse(x)), inverse(y));
}

/**
 * The cosine of the angle between vectors along the last axis, x·y/(‖x‖ ‖y‖): [...]. It is 0 if one of them is zero.
 *
 * @param x - [..., features]
 * @param y - of the same shape
 * @throws ShapeError if the shapes differ or there is no axis.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.cosineSimilarity(np.array([3, 4]), np.array([4, 3])).item(); // => 0.96
 * ```
 */
export const cosineSimilarity = (x: ArrayLike, y: ArrayLike): NDArray =>
  cosine(...vectors('cosineSimilarity', x, y, ['x', 'y']));

/**
 * 1 - {@link cosineSimilarity}, reduced.
 *
 * @param predictions - [..., features]
 * @param targets - of the same shape
 * @returns a scalar, or [...] with `reduction: 'none'`
 * @throws ShapeError if the shapes differ, there is no axis, or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.cosineDistance(np.array([[3, 4]]), np.array([[4, 3]])).item(); // => 0.04
 * ```
 */
export const cosineDistance = (predictions: ArrayLike, targets: ArrayLike, options?: LossOptions): NDArray =>
  reduceLoss('cosineDistance', lax.sub(1, cosine(...vectors('cosineDistance', predictions, targets))), options);

/** Options of {@link triplet}. */
export interface TripletOptions extends LossOptions {
  /** By how much the negative must be farther; 1 by default. */
  margin?: number;
}

/**
 * max(0, ‖a - p‖ - ‖a - n‖ + margin) of vectors along the last axis: an anchor, one of its kind, one of another kind (Schroff,
 * Kalenichenko, Philbin, arXiv 1503.03832, with distances in place of their squares, as in PyTorch).
 *
 * @param anchor - [..., features]
 * @param positive - of the same shape, as is `negative`
 * @returns a scalar, or [...] with `reduction: 'none'`
 * @throws ShapeError if the shapes differ, there is no axis, or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * const [anchor, positive, negative] = [np.zeros([1, 2]), np.array([[3, 4]]), np.array([[0, 2]])];
 * losses.triplet(anchor, positive, negative).item(); // => 4
 * ```
 */
export function triplet(
  anchor: ArrayLike,
  positive: ArrayLike,
  negative: ArrayLike,
  options: TripletOptions = {},
): NDArray {
  const op = 'triplet';
  const { margin = 1 } = options;
  const distance = (other: ArrayLike, name: string): NDArray => {
    const difference = lax.sub(...vectors(op, anchor, other, ['the anchor', name]));
    return lax.sqrt(lax.max(dot(difference, difference), SMALLEST));
  };
  const [near, far] = [distance(positive, 'the positive'), distance(negative, 'the negative')];
  return reduceLoss(op, relu(lax.add(lax.sub(near, far), margin)), options);
}
