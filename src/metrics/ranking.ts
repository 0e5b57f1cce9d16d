/** Metrics of scores of one of two classes: how well they put the positive examples first. */
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { argsort, sort } from '../numpy/sorting.js';
import { cumsum } from '../numpy/cumulative.js';
import { take } from '../numpy/take.js';
import { searchsorted } from '../numpy/search.js';
import { inexact } from '../numpy/promote.js';
import { asarray } from '../numpy/creation.js';

function flat(op: string, scores: ArrayLike, labels: ArrayLike): { s: NDArray; y: NDArray } {
  const [s, y] = [inexact(op, scores), asarray(labels)];
  if (s.shape.join() !== y.shape.join()) {
    throw new ShapeError(
      `${op}: scores of shape ${showShape(s.shape)} and labels of shape ${showShape(y.shape)} must have one shape.${userLine()}`,
    );
  }
  if (s.size === 0) throw new ArgumentError(`${op}: there are no examples, shape ${showShape(s.shape)}.${userLine()}`);
  return { s: lax.reshape(s, [s.size]), y: lax.reshape(lax.convertElementType(y, 'float32'), [s.size]) };
}

const sum = (x: NDArray): NDArray => lax.reduceSum(x, [0]);

/**
 * The area under the receiver operating characteristic: the probability that a positive example has a higher score than a negative one,
 * ties counting half (Mann and Whitney, 1947). NaN if there are no positive or no negative examples.
 *
 * @param scores - any shape
 * @param labels - of the same shape, 0 or 1, or bool
 * @returns a float32 scalar
 * @throws ShapeError if the shapes differ; ArgumentError without examples.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * metrics.rocAuc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])).item(); // => 0.75
 * ```
 */
export function rocAuc(scores: ArrayLike, labels: ArrayLike): NDArray {
  const { s, y } = flat('rocAuc', scores, labels);
  const sorted = sort(s);
  const at = (side: 'left' | 'right'): NDArray => lax.convertElementType(searchsorted(sorted, s, side), 'float32');
  // The mean of the ranks, from 1, that equal scores share.
  const rank = lax.mul(lax.add(lax.add(at('left'), at('right')), 1), 0.5);
  const positives = sum(y);
  const negatives = lax.sub(s.size, positives);
  // The ranks of the positive examples from the middle one, less what they would be by chance: sums of ranks themselves would lose the
  // digits of few negative ones among many positive.
  const share = lax.div(positives, s.size);
  const above = sum(lax.mul(lax.sub(rank, (s.size + 1) / 2), lax.sub(y, share)));
  return lax.add(lax.div(above, lax.mul(positives, negatives)), 0.5);
}

/**
 * The area under the curve of precision against recall, as steps: Σ (Rₙ - Rₙ₋₁) Pₙ, scikit-learn's `average_precision_score`. Equal scores
 * are one step. NaN if there are no positive examples.
 *
 * @param scores - any shape
 * @param labels - of the same shape, 0 or 1, or bool
 * @returns a float32 scalar
 * @throws ShapeError if the shapes differ; ArgumentError without examples.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * metrics.averagePrecision(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])).item(); // => 0.833333
 * ```
 */
export function averagePrecision(scores: ArrayLike, labels: ArrayLike): NDArray {
  const { s, y } = flat('averagePrecision', scores, labels);
  const order = argsort(lax.neg(s));
  // Ascending, as a search wants them: minus the scores from the highest on.
  const ordered = lax.neg(take(s, order, 0));
  const hits = cumsum(take(y, order, 0));
  // Of all with a score, what holds at the last of them.
  const last = lax.sub(searchsorted(ordered, ordered, 'right'), 1);
  const hitsThere = take(hits, last, 0);
  const precision = lax.div(hitsThere, lax.add(lax.convertElementType(last, 'float32'), 1));
  return lax.div(sum(lax.mul(take(y, order, 0), precision)), sum(y));
}
