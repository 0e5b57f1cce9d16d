/** Reductions that leave NaN out. Of integers they are the plain ones. */
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { isFloat } from '../core/dtype.js';
import * as lax from '../lax/index.js';
import { cumprod, cumsum, type CumulativeOptions } from './cumulative.js';
import { logicalAnd } from './logic.js';
import { inexact, numeric } from './promote.js';
import {
  argmax,
  argmin,
  max,
  mean,
  min,
  prod,
  rootOfVariance,
  sum,
  variance,
  type ArgOptions,
  type MeanOptions,
  type VarianceOptions,
} from './reductions.js';
import { axesOf, kept, settle, type AccumulateOptions, type AxisOptions, type AxisOr } from './reduction.js';

/** Where `x` is a number. */
const isNumber = (x: NDArray): NDArray => lax.eq(x, x);

/** `x` with NaN replaced. */
const without = (op: string, x: ArrayLike, value: number): NDArray => {
  const array = numeric(op, x);
  return isFloat(array.dtype) ? lax.select(isNumber(array), array, lax.scalarLike(value, array)) : array;
};

/** The mask of numbers, and-ed with the caller's own. */
const maskWith = (x: NDArray, where: ArrayLike | undefined): ArrayLike =>
  where === undefined ? isNumber(x) : logicalAnd(isNumber(x), where);

/**
 * The sum over `axis` of the elements that are not NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nansum(np.array([1, np.nan, 3])); // => 4
 * ```
 */
export const nansum = (x: ArrayLike, axis?: AxisOr<AccumulateOptions>, options?: AccumulateOptions): NDArray =>
  sum(without('nansum', x, 0), axis, options);

/**
 * The product over `axis` of the elements that are not NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanprod(np.array([2, np.nan, 3])); // => 6
 * ```
 */
export const nanprod = (x: ArrayLike, axis?: AxisOr<AccumulateOptions>, options?: AccumulateOptions): NDArray =>
  prod(without('nanprod', x, 1), axis, options);

/**
 * The mean over `axis` of the elements that are not NaN; NaN where there is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanmean(np.array([1, np.nan, 3])); // => 2
 * ```
 */
export function nanmean(x: ArrayLike, axis?: AxisOr<MeanOptions>, options?: MeanOptions): NDArray {
  const settings = settle(axis, options);
  const array = inexact('nanmean', x);
  return mean(array, { ...settings, where: maskWith(array, settings.where) });
}

/**
 * The variance over `axis` of the elements that are not NaN, with divisor n - ddof for n of them; NaN where n ≤ ddof.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanvar(np.array([1, np.nan, 3])); // => 1
 * ```
 */
export function nanvar(x: ArrayLike, axis?: AxisOr<VarianceOptions>, options?: VarianceOptions): NDArray {
  const settings = settle(axis, options);
  const array = inexact('nanvar', x);
  const mask = maskWith(array, settings.where);
  const result = variance(array, { ...settings, where: mask });
  const counts = sum(lax.convertElementType(mask, result.dtype), {
    ...(settings.axis === undefined ? {} : { axis: settings.axis }),
    keepdims: settings.keepdims ?? false,
  });
  const enough = lax.gt(counts, settings.ddof ?? settings.correction ?? 0);
  return lax.select(enough, result, lax.scalarLike(NaN, result));
}

/**
 * The standard deviation over `axis` of the elements that are not NaN: the square root of {@link nanvar}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanstd(np.array([1, np.nan, 3])); // => 1
 * ```
 */
export const nanstd = (x: ArrayLike, axis?: AxisOr<VarianceOptions>, options?: VarianceOptions): NDArray =>
  rootOfVariance(nanvar(x, axis, options));

type Extremum = (x: ArrayLike, axis?: AxisOr<AxisOptions>, options?: AxisOptions) => NDArray;

/** An extremum of the numbers, NaN where there is none. */
const ignoringNaN =
  (op: string, worst: number, reduce: (x: ArrayLike, options: AxisOptions) => NDArray): Extremum =>
  (x, axis, options) => {
    const settings = settle(axis, options);
    const array = numeric(op, x);
    if (!isFloat(array.dtype)) return reduce(array, settings);
    const result = reduce(without(op, array, worst), settings);
    const axes = axesOf(op, array, settings);
    const some = kept(lax.reduceOr(isNumber(array), axes), axes, settings);
    return lax.select(some, result, lax.scalarLike(NaN, result));
  };

/**
 * The largest element over `axis` that is not NaN; NaN where there is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanmax(np.array([1, np.nan, 3])); // => 3
 * ```
 */
export const nanmax: Extremum = ignoringNaN('nanmax', -Infinity, max);

/**
 * The smallest element over `axis` that is not NaN; NaN where there is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanmin(np.array([1, np.nan, 3])); // => 1
 * ```
 */
export const nanmin: Extremum = ignoringNaN('nanmin', Infinity, min);

type Position = (x: ArrayLike, axis?: number | null | ArgOptions, options?: ArgOptions) => NDArray;

/** A position among the numbers, -1 where there is none. */
const positionIgnoringNaN =
  (op: string, worst: number, find: Position): Position =>
  (x, axis, options) => {
    const settings = settle<ArgOptions>(axis, options);
    const array = numeric(op, x);
    if (!isFloat(array.dtype)) return find(array, settings);
    const axes = axesOf(op, array, settings);
    const some = kept(lax.reduceOr(isNumber(array), axes), axes, settings);
    const found = find(without(op, array, worst), settings);
    return lax.select(some, found, lax.scalarLike(-1, found));
  };

/**
 * The position of the first largest element along `axis` that is not NaN; -1 where there is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanargmax(np.array([np.nan, 1, 3])); // => 2
 * ```
 */
export const nanargmax: Position = positionIgnoringNaN('nanargmax', -Infinity, argmax);

/**
 * The position of the first smallest element along `axis` that is not NaN; -1 where there is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanargmin(np.array([np.nan, 1, 3])); // => 1
 * ```
 */
export const nanargmin: Position = positionIgnoringNaN('nanargmin', Infinity, argmin);

/**
 * Cumulative sums that take NaN as 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nancumsum(np.array([1, np.nan, 3])); // => [1, 1, 4]
 * ```
 */
export const nancumsum = (x: ArrayLike, axis?: number | null, options?: CumulativeOptions): NDArray =>
  cumsum(without('nancumsum', x, 0), axis, options);

/**
 * Cumulative products that take NaN as 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nancumprod(np.array([2, np.nan, 3])); // => [2, 2, 6]
 * ```
 */
export const nancumprod = (x: ArrayLike, axis?: number | null, options?: CumulativeOptions): NDArray =>
  cumprod(without('nancumprod', x, 1), axis, options);
