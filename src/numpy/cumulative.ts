/** Cumulative sums and products. */
import { canonicalAxis } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { dtypeOf } from './creation.js';
import { numeric } from './promote.js';

/** Options of {@link cumsum} and {@link cumprod}. */
export interface CumulativeOptions {
  /** Convert to this dtype first; booleans become int32 anyway. */
  dtype?: DType;
}

type Scan = (x: NDArray, axis: number) => NDArray;

function cumulative(op: string, scan: Scan, x: ArrayLike, axis: number | null, dtype: DType | undefined): NDArray {
  const numbers = numeric(op, x);
  const array = dtype === undefined ? numbers : lax.convertElementType(numbers, dtypeOf(op, dtype));
  return axis === null ? scan(lax.reshape(array, [array.size]), 0) : scan(array, canonicalAxis(axis, array.ndim, op));
}

/**
 * Sums of the elements up to and including each one along `axis`; of the flattened array if it is absent or null.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cumsum(np.array([1, 2, 3])); // => [1, 3, 6]
 * ```
 */
export const cumsum = (x: ArrayLike, axis: number | null = null, { dtype }: CumulativeOptions = {}): NDArray =>
  cumulative('cumsum', lax.cumsum, x, axis, dtype);

/**
 * Products of the elements up to and including each one along `axis`; of the flattened array if it is absent or null.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cumprod(np.array([2, 3, 4])); // => [2, 6, 24]
 * ```
 */
export const cumprod = (x: ArrayLike, axis: number | null = null, { dtype }: CumulativeOptions = {}): NDArray =>
  cumulative('cumprod', lax.cumprod, x, axis, dtype);

/** Options of {@link cumulativeSum} and {@link cumulativeProd}. */
export interface CumulativeInitialOptions extends CumulativeOptions {
  /** The axis; may be left out for vectors. */
  axis?: number;
  /** Put the sum (product) of nothing in front. */
  includeInitial?: boolean;
}

function withInitial(
  op: string,
  scan: Scan,
  neutral: number,
  x: ArrayLike,
  options: CumulativeInitialOptions,
): NDArray {
  const { axis, includeInitial = false, dtype } = options;
  const { ndim, shape } = numeric(op, x);
  if (axis === undefined && ndim !== 1) {
    throw new ArgumentError(`${op}: shape ${showShape(shape)} has ${ndim} axes; say which with { axis }.${userLine()}`);
  }
  const along = canonicalAxis(axis ?? 0, ndim, op);
  const result = cumulative(op, scan, x, along, dtype);
  if (!includeInitial) return result;
  const first = lax.full(
    shape.map((n, d) => (d === along ? 1 : n)),
    neutral,
    result.dtype,
  );
  return lax.concatenate([first, result], along);
}

/**
 * {@link cumsum} by the Array API: the axis is required unless `x` is a vector, and a 0 may be put in front.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cumulativeSum(np.array([1, 2, 3]), { includeInitial: true }); // => [0, 1, 3, 6]
 * ```
 */
export const cumulativeSum = (x: ArrayLike, options: CumulativeInitialOptions = {}): NDArray =>
  withInitial('cumulativeSum', lax.cumsum, 0, x, options);

/**
 * {@link cumprod} by the Array API: the axis is required unless `x` is a vector, and a 1 may be put in front.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cumulativeProd(np.array([2, 3]), { includeInitial: true }); // => [1, 2, 6]
 * ```
 */
export const cumulativeProd = (x: ArrayLike, options: CumulativeInitialOptions = {}): NDArray =>
  withInitial('cumulativeProd', lax.cumprod, 1, x, options);
