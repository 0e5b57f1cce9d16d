/** Sums, products, means, variances, extrema and logic over axes. */
import { nth, range } from '../core/axes.js';
import type { DType } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import { showShape } from '../core/aval.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { computeWide } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { truth } from './logic.js';
import { inexact, numeric, samePair, single } from './promote.js';
import {
  axesOf,
  countOf,
  inDType,
  initialOf,
  kept,
  masked,
  maskOf,
  refuseEmpty,
  settle,
  type AccumulateOptions,
  type AxisOptions,
  type AxisOr,
  type InitialOptions,
  type WhereOptions,
} from './reduction.js';

/**
 * The sum over `axis` (all axes if absent); booleans are counted, as int32.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[1, 2], [3, 4]]);
 * np.sum(x); // => 10
 * np.sum(x, 0); // => [4, 6]
 * np.sum(x, { axis: -1, keepdims: true }); // => [[3], [7]]
 * ```
 */
export function sum(x: ArrayLike, axis?: AxisOr<AccumulateOptions>, options?: AccumulateOptions): NDArray {
  const settings = settle(axis, options);
  const array = inDType('sum', numeric('sum', x), settings.dtype);
  const axes = axesOf('sum', array, settings);
  const total = kept(lax.reduceSum(masked('sum', array, settings.where, 0), axes), axes, settings);
  return settings.initial === undefined ? total : lax.add(total, initialOf('sum', settings.initial, total));
}

/**
 * The product over `axis`; booleans count as int32. The gradient is right at zeros.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.prod(np.array([2, 3, 4])); // => 24
 * ```
 */
export function prod(x: ArrayLike, axis?: AxisOr<AccumulateOptions>, options?: AccumulateOptions): NDArray {
  const settings = settle(axis, options);
  const array = inDType('prod', numeric('prod', x), settings.dtype);
  const axes = axesOf('prod', array, settings);
  const product = kept(lax.reduceProd(masked('prod', array, settings.where, 1), axes), axes, settings);
  return settings.initial === undefined ? product : lax.mul(product, initialOf('prod', settings.initial, product));
}

/** Options of {@link mean}. */
export interface MeanOptions extends WhereOptions {
  /** Convert to this dtype before averaging. */
  dtype?: DType;
}

/** The number of elements that the mask keeps in each result; one number for all without a mask. */
function keptCount(op: string, x: NDArray, axes: readonly number[], mask: ArrayLike | undefined): NDArray | number {
  if (mask === undefined) return countOf(x, axes);
  return lax.reduceSum(lax.convertElementType(maskOf(op, x, mask), x.dtype), axes);
}

const meanOf = (op: string, x: NDArray, axes: readonly number[], mask: ArrayLike | undefined): NDArray =>
  lax.div(lax.reduceSum(masked(op, x, mask, 0), axes), keptCount(op, x, axes, mask));

/** Repeat a reduced array over the axes that were reduced. */
const unreduce = (reduced: NDArray, x: NDArray, axes: readonly number[]): NDArray =>
  lax.broadcastInDim(
    reduced,
    x.aval.shape,
    range(x.ndim).filter((d) => !axes.includes(d)),
  );

/**
 * The mean over `axis`. Integers and booleans are averaged in float32; NaN of no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.mean(np.array([[1, 2], [3, 4]]), 0); // => [2, 3]
 * np.mean(np.arange(4)); // => 1.5
 * ```
 */
export function mean(x: ArrayLike, axis?: AxisOr<MeanOptions>, options?: MeanOptions): NDArray {
  const settings = settle(axis, options);
  const array = inDType('mean', inexact('mean', x), settings.dtype);
  const axes = axesOf('mean', array, settings);
  // Of halves in float32, as JAX does.
  return computeWide(array, (wide) => kept(meanOf('mean', wide, axes, settings.where), axes, settings));
}

/** Options of {@link variance} and {@link std}. */
export interface VarianceOptions extends MeanOptions {
  /** The divisor is the number of elements less this; 0 if absent. 1 gives the unbiased estimate. */
  ddof?: number;
  /** `ddof` by its Array API name. */
  correction?: number;
  /** The mean, if it is known, as `np.mean` with `keepdims` gives it: it broadcasts to the array. */
  mean?: ArrayLike;
}

/**
 * The variance over `axis`: the mean of |x - mean(x)|², divided by n - ddof instead of n. Exported as `np.var`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.var(np.array([1, 2, 3, 4])); // => 1.25
 * np.var(np.array([1, 2, 3, 4]), { ddof: 1 }); // => 1.666667
 * ```
 */
export function variance(x: ArrayLike, axis?: AxisOr<VarianceOptions>, options?: VarianceOptions): NDArray {
  const settings = settle(axis, options);
  const array = inDType('var', inexact('var', x), settings.dtype);
  return computeWide(array, (wide) => varianceOf(wide, settings));
}
export { variance as var, variance as var_ };

function varianceOf(array: NDArray, settings: VarianceOptions & AxisOptions): NDArray {
  const axes = axesOf('var', array, settings);
  const mean =
    settings.mean === undefined
      ? unreduce(meanOf('var', array, axes, settings.where), array, axes)
      : lax.broadcastTo(inDType('var', inexact('var', settings.mean), array.dtype), array.aval.shape);
  const centred = lax.sub(array, mean);
  // Masked before squaring: the derivative of the square of a NaN that is left out would be NaN.
  const squares = lax.reduceSum(lax.square(masked('var', centred, settings.where, 0)), axes);
  const ddof = settings.ddof ?? settings.correction ?? 0;
  const count = keptCount('var', array, axes, settings.where);
  const divisor = typeof count === 'number' ? Math.max(count - ddof, 0) : lax.max(lax.sub(count, ddof), 0);
  return kept(lax.div(squares, divisor), axes, settings);
}

/** √x with derivative 0 where x is 0: there a standard deviation has its minimum. */
export function rootOfVariance(x: NDArray): NDArray {
  const isZero = lax.eq(x, 0);
  return lax.select(isZero, 0, lax.sqrt(lax.select(isZero, 1, x)));
}

/**
 * The standard deviation over `axis`: the square root of the variance. The gradient is 0 where all elements are equal.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.std(np.array([1, 3])); // => 1
 * ```
 */
export function std(x: ArrayLike, axis?: AxisOr<VarianceOptions>, options?: VarianceOptions): NDArray {
  const settings = settle(axis, options);
  const array = inDType('std', inexact('std', x), settings.dtype);
  return computeWide(array, (wide) => rootOfVariance(varianceOf(wide, settings)));
}

type Extremum = (x: ArrayLike, axis?: AxisOr<InitialOptions>, options?: InitialOptions) => NDArray;

function extremum(
  op: 'max' | 'min',
  reduce: (x: NDArray, axes: readonly number[]) => NDArray,
  pick: (x: NDArray, y: NDArray) => NDArray,
): Extremum {
  return (x, axis, options) => {
    const settings = settle(axis, options);
    const array = single(op, x);
    const axes = axesOf(op, array, settings);
    const { initial } = settings;
    if (initial === undefined) {
      refuseEmpty(op, array, axes);
      if (settings.where !== undefined) {
        throw new ShapeError(
          `${op}: with { where }, some results may have no elements; give { initial } for them to start from ` +
            `(shape ${showShape(array.shape)}).${userLine()}`,
        );
      }
      return kept(reduce(array, axes), axes, settings);
    }
    const start = initialOf(op, initial, array);
    const included = settings.where === undefined ? array : lax.select(maskOf(op, array, settings.where), array, start);
    return pick(kept(reduce(included, axes), axes, settings), start);
  };
}

/**
 * The largest element over `axis`; NaN if there is one. Elements that tie share the gradient. Throws ShapeError for no
 * elements without `initial`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.max(np.array([[1, 5], [4, 2]]), 0); // => [4, 5]
 * ```
 */
export const max: Extremum = extremum('max', lax.reduceMax, lax.max);

/**
 * The smallest element over `axis`; NaN if there is one. Elements that tie share the gradient. Throws ShapeError for
 * no elements without `initial`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.min(np.array([[1, 5], [4, 2]]), 0); // => [1, 2]
 * ```
 */
export const min: Extremum = extremum('min', lax.reduceMin, lax.min);

/**
 * {@link max} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.amax(np.array([1, 5])); // => 5
 * ```
 */
export const amax: Extremum = max;

/**
 * {@link min} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.amin(np.array([1, 5])); // => 1
 * ```
 */
export const amin: Extremum = min;

/**
 * The range of the values over `axis`: largest less smallest ("peak to peak").
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.ptp(np.array([3, 9, 5])); // => 6
 * ```
 */
export const ptp = (x: ArrayLike, axis?: AxisOr<AxisOptions>, options?: AxisOptions): NDArray =>
  lax.sub(max(numeric('ptp', x), axis, options), min(numeric('ptp', x), axis, options));

/**
 * Whether all elements over `axis` are true (not 0). Of no elements, true.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.all(np.array([[true, false], [true, true]]), 0); // => [true, false]
 * ```
 */
export function all(x: ArrayLike, axis?: AxisOr<WhereOptions>, options?: WhereOptions): NDArray {
  const settings = settle(axis, options);
  const array = truth(single('all', x));
  const axes = axesOf('all', array, settings);
  return kept(lax.reduceAnd(masked('all', array, settings.where, 1), axes), axes, settings);
}

/**
 * Whether any element over `axis` is true (not 0). Of no elements, false.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.any(np.array([[false, false], [false, true]]), 0); // => [false, true]
 * ```
 */
export function any(x: ArrayLike, axis?: AxisOr<WhereOptions>, options?: WhereOptions): NDArray {
  const settings = settle(axis, options);
  const array = truth(single('any', x));
  const axes = axesOf('any', array, settings);
  return kept(lax.reduceOr(masked('any', array, settings.where, 0), axes), axes, settings);
}

/**
 * The number of elements over `axis` that are not 0, as int32.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.countNonzero(np.array([0, 3, 0, 5])); // => 2
 * ```
 */
export const countNonzero = (x: ArrayLike, axis?: AxisOr<AxisOptions>, options?: AxisOptions): NDArray =>
  sum(truth(single('countNonzero', x)), axis, options);

/** Options of {@link average}. */
export interface AverageOptions extends AxisOptions {
  /** Weights of the shape of x, or a vector along the one axis; equal ones if absent. */
  weights?: ArrayLike;
}

/** Weights at the shape of `x`. */
function spreadWeights(x: NDArray, weights: NDArray, axes: readonly number[]): NDArray {
  if (weights.ndim === 1 && x.ndim !== 1 && axes.length === 1 && weights.size === x.aval.shape[nth(axes, 0)]) {
    return lax.broadcastInDim(weights, x.aval.shape, axes);
  }
  if (weights.ndim !== x.ndim || weights.aval.shape.some((n, d) => n !== x.aval.shape[d])) {
    throw new ShapeError(
      `average: weights have shape ${showShape(weights.shape)}, but must have the shape ${showShape(x.shape)} of the values, or ` +
        `be a vector along the one axis that is averaged over.${userLine()}`,
    );
  }
  return weights;
}

/**
 * The weighted mean over `axis`: Σ w x / Σ w.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.average(np.array([1, 2, 3]), { weights: np.array([3, 1, 0]) }); // => 1.25
 * ```
 */
export function average(x: ArrayLike, axis?: AxisOr<AverageOptions>, options?: AverageOptions): NDArray {
  const settings = settle(axis, options);
  if (settings.weights === undefined) return mean(x, settings);
  const [a, w] = samePair('average', inexact('average', x), single('average', settings.weights));
  const axes = axesOf('average', a, settings);
  const weights = spreadWeights(a, w, axes);
  return kept(lax.div(lax.reduceSum(lax.mul(a, weights), axes), lax.reduceSum(weights, axes)), axes, settings);
}

/** Options of {@link argmax} and {@link argmin}. */
export interface ArgOptions {
  /** The axis; the flattened array if absent or null. */
  axis?: number | null;
  keepdims?: boolean;
}

type Position = (x: ArrayLike, axis?: number | null | ArgOptions, options?: ArgOptions) => NDArray;

const position =
  (op: 'argmax' | 'argmin', find: (x: NDArray, axis: number) => NDArray): Position =>
  (x, axis, options) => {
    const { axis: along = null, keepdims = false } = settle<ArgOptions>(axis, options);
    // Comparing integers is comparing booleans.
    const array = numeric(op, x);
    if (along === null) {
      const flat = find(lax.reshape(array, [array.size]), 0);
      return keepdims
        ? lax.reshape(
            flat,
            array.aval.shape.map(() => 1),
          )
        : flat;
    }
    const found = find(array, along);
    return keepdims ? lax.expandDims(found, axesOf(op, array, { axis: along })) : found;
  };

/**
 * The position of the first largest element along `axis` (of the flattened array if absent), as int32; the first NaN
 * counts as largest. Throws ShapeError for no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.argmax(np.array([[1, 9], [7, 2]]), 1); // => [1, 0]
 * ```
 */
export const argmax: Position = position('argmax', lax.argmax);

/**
 * The position of the first smallest element along `axis` (of the flattened array if absent), as int32; the first NaN
 * counts as smallest. Throws ShapeError for no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.argmin(np.array([[1, 9], [7, 2]]), 1); // => [0, 1]
 * ```
 */
export const argmin: Position = position('argmin', lax.argmin);
