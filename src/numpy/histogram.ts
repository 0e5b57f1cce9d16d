/** Histograms: each element finds its bin by binary search among the edges, and bins count with a scatter. */
import { showShape } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { asIndex, computeNow, hostValues, VECTOR_SCATTER } from './positions.js';
import { asArray, inexact, single } from './promote.js';
import { insertionPoints } from './search.js';

/** A number of bins of equal width, or the edges of the bins. */
export type Bins = number | NDArray;

/** Lower and upper end of the bins; elements outside are not counted. */
export type HistogramRange = readonly [low: ArrayLike, high: ArrayLike];

/** Options of {@link histogram}. */
export interface HistogramOptions {
  /** Ends of the bins, by default the smallest and largest element. */
  range?: HistogramRange | null;
  /** What each element counts for, by default 1. */
  weights?: ArrayLike | null;
  /** Return densities, whose integral is 1, instead of counts. */
  density?: boolean;
}

/** Edges of the bins of `x`, in its (floating) dtype. */
function edgesOf(op: string, x: NDArray, bins: Bins, range: HistogramRange | null | undefined): NDArray {
  if (bins instanceof NDArray) {
    if (bins.ndim === 1 && bins.size > 1) return lax.convertElementType(bins, x.dtype);
    throw new ShapeError(
      `${op}: edges must be a vector of at least 2, got shape ${showShape(bins.shape)}.${userLine()}`,
    );
  }
  if (!Number.isInteger(bins) || bins < 1) {
    throw new ArgumentError(`${op}: the number of bins must be an integer of at least 1, got ${bins}.${userLine()}`);
  }
  const [low, high] = rangeOf(op, x, range);
  // Bins of no width would divide by zero: as NumPy, widen by 1/2 on both sides.
  const isFlat = lax.eq(low, high);
  const from = lax.select(isFlat, lax.sub(low, 0.5), low);
  const to = lax.select(isFlat, lax.add(high, 0.5), high);
  const steps = lax.div(lax.iota(x.dtype, bins), bins);
  const inner = lax.add(lax.mul(lax.sub(to, from), steps), from);
  return lax.concatenate([inner, lax.reshape(to, [1])], 0);
}

function rangeOf(op: string, x: NDArray, range: HistogramRange | null | undefined): readonly [NDArray, NDArray] {
  const scalar = (v: ArrayLike): NDArray => lax.convertElementType(asArray(v, undefined, op), x.dtype);
  if (range === null || range === undefined) {
    // Of no elements, NumPy takes [0, 1].
    return x.size === 0 ? [scalar(0), scalar(1)] : [lax.reduceMin(x), lax.reduceMax(x)];
  }
  const [low, high] = range;
  if (typeof low === 'number' && typeof high === 'number' && !(low <= high)) {
    throw new ArgumentError(
      `${op}: the range [${low}, ${high}] is empty; the first end must not be larger.${userLine()}`,
    );
  }
  return [scalar(low), scalar(high)];
}

/** The bin of each element, and `edges.size - 1` (out of bounds) outside of all; the last bin includes its upper edge. */
function binsOf(edges: NDArray, x: NDArray): NDArray {
  const count = edges.size - 1;
  const after = insertionPoints(edges, x, 'right');
  const top = lax.reshape(lax.sliceInDim(edges, count, count + 1), []);
  const bin = lax.select(lax.eq(x, top), lax.full(x.aval.shape, count, 'int32'), after);
  return lax.select(lax.eq(bin, 0), lax.full(x.aval.shape, count, 'int32'), lax.sub(bin, 1));
}

/** Sums of weights by bin; bins out of bounds are dropped. */
function sumByBin(bins: NDArray, weights: NDArray, count: number): NDArray {
  const n = bins.size;
  return lax.scatterAdd(lax.full([count], 0, weights.dtype), lax.reshape(bins, [n, 1]), weights, VECTOR_SCATTER);
}

/** Weights as a vector, of the elements of `x`; integers stay integers. */
function weightsOf(op: string, weights: ArrayLike | null | undefined, x: NDArray): NDArray {
  if (weights === null || weights === undefined) return lax.full([x.size], 1, 'int32');
  const array = single(op, weights);
  if (array.size !== x.size) {
    throw new ShapeError(
      `${op}: weights of shape ${showShape(array.shape)} for an array of shape ${showShape(x.shape)}; each element needs one.${userLine()}`,
    );
  }
  const flat = lax.reshape(array, [array.size]);
  return flat.dtype === 'bool' ? lax.convertElementType(flat, 'int32') : flat;
}

/**
 * The edges that {@link histogram} uses: `bins + 1` values from the smallest to the largest element, or over `range`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.histogramBinEdges(np.array([0, 3, 4]), 2).js(); // => [0, 2, 4]
 * ```
 */
export const histogramBinEdges = (
  x: ArrayLike,
  bins: Bins = 10,
  { range }: Pick<HistogramOptions, 'range'> = {},
): NDArray => edgesOf('histogramBinEdges', inexact('histogramBinEdges', x), bins, range);

/**
 * How many elements fall into each bin, and the edges of the bins. Bins are half open, `[a, b)`, but for the last, which
 * includes its end. Counts are int32 (the dtype of the weights if there are any); densities are floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.histogram(np.array([1, 2, 1, 4]), 3); // => [[2, 1, 1], [1, 2, 3, 4]]
 * ```
 */
export function histogram(
  x: ArrayLike,
  bins: Bins = 10,
  options: HistogramOptions = {},
): [counts: NDArray, edges: NDArray] {
  const array = inexact('histogram', x);
  const edges = edgesOf('histogram', array, bins, options.range);
  const flat = lax.reshape(array, [array.size]);
  const counts = sumByBin(binsOf(edges, flat), weightsOf('histogram', options.weights, array), edges.size - 1);
  if (options.density !== true) return [counts, edges];
  const total = lax.convertElementType(counts, isFloat(counts.dtype) ? counts.dtype : edges.dtype);
  return [lax.div(lax.div(total, widthsOf(edges, total)), lax.reduceSum(total)), edges];
}

/** Distances between neighbouring edges. */
const widthsOf = (edges: NDArray, like: NDArray): NDArray =>
  lax.convertElementType(
    lax.sub(lax.sliceInDim(edges, 1, edges.size), lax.sliceInDim(edges, 0, edges.size - 1)),
    like.dtype,
  );

/** Options of {@link histogram2d}; the range is one pair per coordinate. */
export interface Histogram2dOptions extends Omit<HistogramOptions, 'range'> {
  range?: readonly [HistogramRange | null, HistogramRange | null] | null;
}

/**
 * How many of the points `(x[i], y[i])` fall into each cell of a grid, as floats, and the edges of its rows (for x) and
 * columns (for y). `bins` is one number or one vector of edges for both, or a pair of these.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const [counts] = np.histogram2d(np.array([0, 0, 1]), np.array([0, 1, 1]), 2);
 * counts.js(); // => [[1, 1], [0, 1]]
 * ```
 */
export function histogram2d(
  x: ArrayLike,
  y: ArrayLike,
  bins: Bins | readonly [Bins, Bins] = 10,
  options: Histogram2dOptions = {},
): [counts: NDArray, xEdges: NDArray, yEdges: NDArray] {
  const [a, b] = [inexact('histogram2d', x), inexact('histogram2d', y)];
  if (a.ndim !== 1 || b.ndim !== 1 || a.size !== b.size) {
    throw new ShapeError(
      `histogram2d: coordinates must be two vectors of one length, got shapes ${showShape(a.shape)} and ${showShape(b.shape)}.${userLine()}`,
    );
  }
  const [forX, forY] = typeof bins === 'number' || bins instanceof NDArray ? [bins, bins] : bins;
  const xEdges = edgesOf('histogram2d', a, forX, options.range?.[0]);
  const yEdges = edgesOf('histogram2d', b, forY, options.range?.[1]);
  const [rows, columns] = [xEdges.size - 1, yEdges.size - 1];
  const [row, column] = [binsOf(xEdges, a), binsOf(yEdges, b)];
  const cell = lax.add(lax.mul(row, columns), column);
  // A column out of bounds must not become one of the next row.
  const inside = lax.bitwiseAnd(lax.lt(row, rows), lax.lt(column, columns));
  const bin = lax.select(inside, cell, lax.full([a.size], rows * columns, 'int32'));
  const weights = weightsOf('histogram2d', options.weights, a);
  const summed = sumByBin(
    bin,
    isFloat(weights.dtype) ? weights : lax.convertElementType(weights, xEdges.dtype),
    rows * columns,
  );
  const counts = lax.reshape(summed, [rows, columns]);
  if (options.density !== true) return [counts, xEdges, yEdges];
  const area = lax.mul(
    lax.broadcastInDim(widthsOf(xEdges, counts), [rows, columns], [0]),
    lax.broadcastInDim(widthsOf(yEdges, counts), [rows, columns], [1]),
  );
  return [lax.div(lax.div(counts, area), lax.reduceSum(counts)), xEdges, yEdges];
}

/** Options of {@link bincount}. */
export interface BincountOptions {
  /** What each element counts for, by default 1. */
  weights?: ArrayLike | null;
  /** Least length of the result. */
  minlength?: number;
  /** Length of the result; needed under `jit`, where the largest element is not known. */
  length?: number;
}

/**
 * How often each integer 0, 1, 2, … occurs in the vector `x`. The result is as long as the largest element asks for, or
 * `length`, beyond which elements are dropped. Negative elements count as 0 under `jit` and throw outside of it.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bincount(np.array([1, 3, 1], { dtype: 'int32' })).js(); // => [0, 2, 0, 1]
 * ```
 */
export function bincount(x: ArrayLike, { weights, minlength = 0, length }: BincountOptions = {}): NDArray {
  const index = asIndex('bincount', x);
  if (index.ndim !== 1)
    throw new ShapeError(`bincount: takes a vector, got shape ${showShape(index.shape)}.${userLine()}`);
  const count = length ?? Math.max(minlength, largest(x) + 1);
  return sumByBin(lax.max(index, 0), weightsOf('bincount', weights, index), count);
}

function largest(x: ArrayLike): number {
  return computeNow([x], () => {
    const why = 'the length of the result depends on the largest element';
    const values = hostValues('bincount', asIndex('bincount', x), why, 'Shapes are static: pass { length: n }');
    let most = -1;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (value < 0) throw new ArgumentError(`bincount: the element ${value} is negative.${userLine()}`);
      most = Math.max(most, value);
    }
    return most;
  });
}
