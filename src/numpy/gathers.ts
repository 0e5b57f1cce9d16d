/** Gathers and scatters of whole rows, with the dimension numbers worked out from axes. */
import { nth, range } from '../core/axes.js';
import type { Shape } from '../core/aval.js';
import type { NDArray } from '../core/ndarray.js';
import {
  concatenate,
  gather,
  reshape,
  type GatherDimensionNumbers,
  type GatherOptions,
  type ScatterDimensionNumbers,
} from '../lax/index.js';

/** Index arrays of one shape as index vectors along a new last axis. */
export function stackIndices(indices: readonly NDArray[]): NDArray {
  const columns = indices.map((index) => reshape(index, [...index.aval.shape, 1]));
  return concatenate(columns, nth(columns, 0).ndim - 1);
}

/**
 * Dimension numbers of indices of shape `batch` that select single elements along `axes` of an array of `ndim` axes;
 * the axes of `batch` stand at `batchAt` of the result, the other axes around them in their order.
 */
export function rowNumbers(
  ndim: number,
  axes: readonly number[],
  batchNdim: number,
  batchAt: number,
): GatherDimensionNumbers {
  return {
    offsetDims: range(ndim - axes.length).map((i) => (i < batchAt ? i : i + batchNdim)),
    collapsedSliceDims: [...axes].sort((a, b) => a - b),
    startIndexMap: [...axes],
    operandBatchingDims: [],
    startIndicesBatchingDims: [],
  };
}

/** Dimension numbers of indices that have the shape of the array but for `axis`, along which they select. */
export function alongAxisNumbers(ndim: number, axis: number): GatherDimensionNumbers {
  const others = range(ndim).filter((d) => d !== axis);
  return {
    offsetDims: [],
    collapsedSliceDims: [axis],
    startIndexMap: [axis],
    operandBatchingDims: others,
    startIndicesBatchingDims: others,
  };
}

/** The numbers of the scatter that writes what a gather of these numbers reads. */
export const scatterNumbers = (dn: GatherDimensionNumbers): ScatterDimensionNumbers => ({
  updateWindowDims: dn.offsetDims,
  insertedWindowDims: dn.collapsedSliceDims,
  scatterDimsToOperandDims: dn.startIndexMap,
  operandBatchingDims: dn.operandBatchingDims,
  scatterIndicesBatchingDims: dn.startIndicesBatchingDims,
});

const rowSizes = (shape: Shape, axes: readonly number[]): number[] =>
  shape.map((n, d) => (axes.includes(d) ? Math.min(1, n) : n));

/** Elements of `x` at `indices` (of one shape, one per axis of `axes`); see {@link rowNumbers}. */
export function gatherRows(
  x: NDArray,
  axes: readonly number[],
  indices: readonly NDArray[],
  batchAt: number,
  options: GatherOptions,
): NDArray {
  const numbers = rowNumbers(x.ndim, axes, nth(indices, 0).ndim, batchAt);
  return gather(x, stackIndices(indices), numbers, rowSizes(x.aval.shape, axes), options);
}

/** Elements of `x` along `axis` at `indices`, which have the shape of `x` but for that axis. */
export function gatherAlong(x: NDArray, axis: number, indices: NDArray, options: GatherOptions): NDArray {
  const sizes = x.aval.shape.map((n) => Math.min(1, n));
  return gather(x, stackIndices([indices]), alongAxisNumbers(x.ndim, axis), sizes, options);
}
