/** The logarithm of a sum of exponentials, and softmax: shifted by the largest element, so that nothing overflows. */
import { range } from '../../core/axes.js';
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import { stopGradientArray } from '../../lax/identity.js';
import * as lax from '../../lax/index.js';
import { inexact, promoteInexact } from '../../numpy/promote.js';
import { axesOf, kept, masked, maskOf, settle, type AxisOr, type WhereOptions } from '../../numpy/reduction.js';

/** Options of {@link softmax} and {@link logSoftmax}. */
export type SoftmaxOptions = Omit<WhereOptions, 'keepdims'>;

/** Options of {@link logsumexp}. */
export interface LogsumexpOptions extends WhereOptions {
  /** Factors of the exponentials, broadcast against them. */
  b?: ArrayLike;
}

/** A reduced array at the shape it was reduced from. */
const spread = (x: NDArray, like: NDArray, axes: readonly number[]): NDArray => {
  const rest = range(like.ndim).filter((d) => !axes.includes(d));
  return axes.length === 0 ? x : lax.broadcastInDim(x, like.aval.shape, rest);
};

/** The largest element over `axes`, 0 where that is infinite or NaN; it shifts the exponents, and its derivative cancels. */
function shiftOf(x: NDArray, axes: readonly number[]): NDArray {
  const largest = stopGradientArray(lax.reduceMax(x, axes));
  return lax.select(lax.isFinite(largest), largest, lax.scalarLike(0, x));
}

/**
 * log Σ b eˣ over `axis` (all axes by default), stable for elements of any size.
 *
 * The axis may be given as options: `logsumexp(x, { axis: -1 })`. Elements that are -∞ count as nothing, and so do those
 * outside `where`; the derivative by x is the softmax. The log of an empty sum is -∞.
 *
 * @example
 * ```ts
 * import { scipy, numpy as np } from 'cotangent';
 * scipy.special.logsumexp(np.array([1000, 1000])).item(); // => 1000.6932
 * ```
 */
export function logsumexp(x: ArrayLike, axis?: AxisOr<LogsumexpOptions>, options?: LogsumexpOptions): NDArray {
  const op = 'logsumexp';
  const given = settle(axis, options);
  const [whole, factor] = promoteInexact(op, x, ...(given.b === undefined ? [] : [given.b]));
  const narrow = whole ?? inexact(op, x);
  const array = factor === undefined || factor.ndim === 0 ? narrow : lax.broadcastTo(narrow, factor.aval.shape);
  const axes = axesOf(op, array, given);
  const elements = masked(op, array, given.where, -Infinity);
  const shift = shiftOf(elements, axes);
  const terms = lax.exp(lax.sub(elements, spread(shift, elements, axes)));
  const sum = lax.reduceSum(factor === undefined ? terms : lax.mul(terms, factor), axes);
  return kept(lax.add(lax.log(sum), shift), axes, given);
}

/**
 * eˣ/Σ eˣ along `axis`. SciPy's default is all axes; that of `nn.softmax` the last. Elements outside `where` get 0.
 *
 * @example
 * ```ts
 * import { scipy, numpy as np } from 'cotangent';
 * scipy.special.softmax(np.array([0, 0])).js(); // => [0.5, 0.5]
 * ```
 */
export function softmax(x: ArrayLike, axis?: AxisOr<SoftmaxOptions>, options?: SoftmaxOptions): NDArray {
  const op = 'softmax';
  const given = settle(axis, options);
  const array = inexact(op, x);
  const axes = axesOf(op, array, given);
  const elements = masked(op, array, given.where, -Infinity);
  const largest = stopGradientArray(lax.reduceMax(elements, axes));
  const terms = lax.exp(lax.sub(elements, spread(largest, elements, axes)));
  // One division for each sum, not for each element.
  const factor = lax.div(1, lax.reduceSum(terms, axes));
  const result = lax.mul(terms, spread(factor, terms, axes));
  if (given.where === undefined) return result;
  return lax.select(maskOf(op, array, given.where), result, lax.scalarLike(0, result));
}

/**
 * log {@link softmax}, computed as x - log Σ eˣ: accurate where the softmax is tiny. Elements outside `where` get -∞.
 *
 * @example
 * ```ts
 * import { scipy, numpy as np } from 'cotangent';
 * scipy.special.logSoftmax(np.array([0, 1000])).js(); // => [-1000, 0]
 * ```
 */
export function logSoftmax(x: ArrayLike, axis?: AxisOr<SoftmaxOptions>, options?: SoftmaxOptions): NDArray {
  const op = 'logSoftmax';
  const given = settle(axis, options);
  const array = inexact(op, x);
  const axes = axesOf(op, array, given);
  const elements = masked(op, array, given.where, -Infinity);
  const largest = stopGradientArray(lax.reduceMax(elements, axes));
  const shifted = lax.sub(elements, spread(largest, elements, axes));
  const logs = lax.log(lax.reduceSum(lax.exp(shifted), axes));
  return lax.sub(shifted, spread(logs, shifted, axes));
}
