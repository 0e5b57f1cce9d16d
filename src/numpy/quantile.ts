/**
 * Quantiles: sort, then read between two neighbours. Positions follow NumPy: quantile q of n elements is at q(n - 1)
 * (Hyndman & Fan 1996, type 7).
 */
import { canonicalAxes, nth, range } from '../core/axes.js';
import { showShape, sizeOf, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike, type AxisArg } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { gatherAlong } from './gathers.js';
import { inexact } from './promote.js';
import { settle, type AxisOptions, type AxisOr } from './reduction.js';
import { moveaxis } from './shape.js';

/** What to take when a quantile falls between two elements. */
export type QuantileMethod = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';

/** Options of the quantile functions; they may also stand in the place of the axis. */
export interface QuantileOptions extends AxisOptions {
  method?: QuantileMethod;
}

interface Reduction {
  /** The reduced axes merged into the last one. */
  readonly rows: NDArray;
  /** The shape of the result for one quantile. */
  readonly shape: Shape;
}

function mergeAxes(op: string, x: NDArray, axis: AxisArg | undefined, keepdims: boolean): Reduction {
  const axes = canonicalAxes(axis, x.ndim, op);
  const { shape } = x.aval;
  const kept = range(x.ndim).filter((d) => !axes.includes(d));
  const keptShape = kept.map((d) => nth(shape, d));
  const n = sizeOf(axes.map((d) => nth(shape, d)));
  if (n === 0) {
    throw new ShapeError(
      `${op}: axes ${showShape(axes)} of shape ${showShape(shape)} have no elements, so there is no quantile.${userLine()}`,
    );
  }
  const rows = lax.reshape(lax.transpose(x, [...kept, ...axes]), [...keptShape, n]);
  return { rows, shape: keepdims ? shape.map((m, d) => (axes.includes(d) ? 1 : m)) : keptShape };
}

/** The two neighbours of a position and the weight of the upper one, by method. */
interface Place {
  readonly low: NDArray;
  readonly high: NDArray;
  readonly weight: NDArray;
}

/** Places at fractional positions in `[0, last]`; all three of one shape. */
function placesOf(position: NDArray, last: NDArray, method: QuantileMethod): Place {
  const [floor, ceil] = [lax.floor(position), lax.ceil(position)];
  const index = (x: NDArray): NDArray => lax.clamp(0, lax.convertElementType(x, 'int32'), last);
  const constant = (value: number): NDArray => lax.full(position.aval.shape, value, position.dtype);
  switch (method) {
    case 'linear':
      return { low: index(floor), high: index(ceil), weight: lax.sub(position, floor) };
    case 'lower':
      return { low: index(floor), high: index(floor), weight: constant(0) };
    case 'higher':
      return { low: index(ceil), high: index(ceil), weight: constant(0) };
    case 'midpoint':
      return {
        low: index(floor),
        high: index(ceil),
        weight: lax.select(lax.ne(floor, ceil), constant(0.5), constant(0)),
      };
    case 'nearest': {
      const at = index(lax.round(position, 'TO_NEAREST_EVEN'));
      return { low: at, high: at, weight: constant(0) };
    }
  }
}

/** {@link placesOf} one position known now, in double precision as NumPy has it: 0.1 of 11 elements is element 1. */
function placeAt(position: number, shape: Shape, dtype: DType, method: QuantileMethod): Place {
  const [floor, ceil] = [Math.floor(position), Math.ceil(position)];
  const even = floor % 2 === 0 ? floor : ceil;
  const nearest = position - floor === 0.5 ? even : Math.round(position);
  const place = (low: number, high: number, weight: number): Place => ({
    low: lax.full(shape, low, 'int32'),
    high: lax.full(shape, high, 'int32'),
    weight: lax.full(shape, weight, dtype),
  });
  switch (method) {
    case 'linear':
      return place(floor, ceil, position - floor);
    case 'lower':
      return place(floor, floor, 0);
    case 'higher':
      return place(ceil, ceil, 0);
    case 'midpoint':
      return place(floor, ceil, floor === ceil ? 0 : 0.5);
    case 'nearest':
      return place(nearest, nearest, 0);
  }
}

const METHODS: readonly string[] = ['linear', 'lower', 'higher', 'midpoint', 'nearest'] satisfies QuantileMethod[];

function checkQuantiles(op: string, q: ArrayLike, method: QuantileMethod, scale: number): void {
  if (typeof q === 'number' && !(q >= 0 && q <= scale)) {
    throw new ArgumentError(`${op}: a quantile must be between 0 and ${scale}, got ${q}.${userLine()}`);
  }
  if (!METHODS.includes(method)) {
    throw new ArgumentError(`${op}: there is no method '${method}'; use ${METHODS.join(', ')}.${userLine()}`);
  }
}

/** Interpolated elements of sorted rows: places have the shape of the rows but for their last axis. */
function readPlaces(sorted: NDArray, { low, high, weight }: Place): NDArray {
  const axis = sorted.ndim - 1;
  const read = (at: NDArray): NDArray => gatherAlong(sorted, axis, at, { mode: 'promise_in_bounds' });
  const below = read(low);
  const step = lax.mul(weight, lax.sub(read(high), below));
  // A weight of 0 must not turn the difference of infinities into NaN.
  return lax.select(lax.eq(weight, 0), below, lax.add(below, step));
}

/** Quantiles of the rows, the axes of `q` first. With `ignoreNaN` each row has its own number of elements. */
function quantiles(
  op: string,
  x: ArrayLike,
  q: ArrayLike,
  axisOr: AxisOr<QuantileOptions> | undefined,
  options: QuantileOptions | undefined,
  scale: number,
  ignoreNaN: boolean,
): NDArray {
  const { axis, method = 'linear', keepdims = false } = settle(axisOr, options);
  checkQuantiles(op, q, method, scale);
  const array = inexact(op, x);
  const { rows, shape } = mergeAxes(op, array, axis, keepdims);
  const [sorted] = lax.sort([rows], rows.ndim - 1);
  if (sorted === undefined) throw new Error('unreachable');
  const n = nth(rows.aval.shape, rows.ndim - 1);
  const lead = rows.aval.shape.slice(0, -1);
  const { shape: qShape, values } = quantileVector(op, q, scale, array);
  const placeShape = [...lead, values.size];
  const wide = lax.broadcastInDim(values, placeShape, [lead.length]);
  let result: NDArray;
  if (ignoreNaN) {
    const present = lax.convertElementType(lax.eq(rows, rows), 'int32');
    const counts = lax.reduceSum(present, [rows.ndim - 1]);
    const last = lax.max(lax.sub(lax.broadcastInDim(counts, placeShape, range(lead.length)), 1), 0);
    const position = lax.mul(wide, lax.convertElementType(last, wide.dtype));
    // Of nothing, the element read is the first NaN.
    result = readPlaces(sorted, placesOf(position, last, method));
  } else {
    const place =
      q instanceof NDArray
        ? placesOf(lax.mul(wide, n - 1), lax.full(placeShape, n - 1, 'int32'), method)
        : placeAt((Number(q) / scale) * (n - 1), placeShape, array.dtype, method);
    const value = readPlaces(sorted, place);
    const largest = lax.broadcastTo(lax.sliceInDim(sorted, n - 1, n, lead.length), placeShape);
    result = lax.select(lax.ne(largest, largest), largest, value);
  }
  return lax.reshape(moveaxis(result, -1, 0), [...qShape, ...shape]);
}

function quantileVector(op: string, q: ArrayLike, scale: number, like: NDArray): { shape: Shape; values: NDArray } {
  if (!(q instanceof NDArray)) return { shape: [], values: lax.full([1], Number(q) / scale, like.dtype) };
  const given = inexact(op, q);
  const values = lax.convertElementType(given, like.dtype);
  return { shape: given.aval.shape, values: lax.reshape(scale === 1 ? values : lax.div(values, scale), [given.size]) };
}

/**
 * Quantiles of `x` over `axis` (all elements if absent): for each `q` in [0, 1] the value at position q(n - 1) of the
 * sorted elements, interpolated by `method`. The axes of `q` come first. NaN if an element is NaN.
 *
 * Integers are taken as float32. Throws ShapeError when there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[10, 7, 4], [3, 2, 1]]);
 * np.quantile(x, 0.5).js(); // => 3.5
 * np.quantile(x, np.array([0, 1]), 1).js(); // => [[4, 1], [10, 3]]
 * ```
 */
export const quantile = (
  x: ArrayLike,
  q: ArrayLike,
  axis?: AxisOr<QuantileOptions>,
  options?: QuantileOptions,
): NDArray => quantiles('quantile', x, q, axis, options, 1, false);

/**
 * {@link quantile} for `q` in percent, [0, 100].
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.percentile(np.array([1, 2, 3, 4, 5]), 75).js(); // => 4
 * ```
 */
export const percentile = (
  x: ArrayLike,
  q: ArrayLike,
  axis?: AxisOr<QuantileOptions>,
  options?: QuantileOptions,
): NDArray => quantiles('percentile', x, q, axis, options, 100, false);

/**
 * The middle element in sorted order, or the mean of the two in the middle. NaN if an element is NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.median(np.array([[10, 7, 4], [3, 2, 1]]), 1).js(); // => [7, 2]
 * ```
 */
export const median = (x: ArrayLike, axis?: AxisOr<AxisOptions>, options?: AxisOptions): NDArray =>
  quantiles('median', x, 0.5, { ...settle(axis, options), method: 'midpoint' }, undefined, 1, false);

/**
 * {@link quantile} of the elements that are not NaN; NaN where there are none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanquantile(np.array([1, NaN, 3]), 0.5).js(); // => 2
 * ```
 */
export const nanquantile = (
  x: ArrayLike,
  q: ArrayLike,
  axis?: AxisOr<QuantileOptions>,
  options?: QuantileOptions,
): NDArray => quantiles('nanquantile', x, q, axis, options, 1, true);

/**
 * {@link nanquantile} for `q` in percent.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanpercentile(np.array([1, NaN, 3]), 50).js(); // => 2
 * ```
 */
export const nanpercentile = (
  x: ArrayLike,
  q: ArrayLike,
  axis?: AxisOr<QuantileOptions>,
  options?: QuantileOptions,
): NDArray => quantiles('nanpercentile', x, q, axis, options, 100, true);

/**
 * {@link median} of the elements that are not NaN; NaN where there are none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nanmedian(np.array([4, NaN, 1, 2])).js(); // => 2
 * ```
 */
export const nanmedian = (x: ArrayLike, axis?: AxisOr<AxisOptions>, options?: AxisOptions): NDArray =>
  quantiles('nanmedian', x, 0.5, { ...settle(axis, options), method: 'midpoint' }, undefined, 1, true);
