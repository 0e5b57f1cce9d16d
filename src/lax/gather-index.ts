/** Index arithmetic of gather and scatter: which operand element a result or update index meets (XLA's definition). */
import { computeType, isFloat, type DType } from '../core/dtype.js';
import { nth, range } from '../core/axes.js';
import type { Shape } from '../core/aval.js';
import { addIndex } from '../core/index-expr.js';
import type { Index, Operand } from '../core/lowering.js';
import * as s from '../core/scalar.js';

/** What happens to indices out of bounds: clamped, filled (gather) or dropped (scatter), or known not to occur. */
export type IndexMode = 'clip' | 'fill' | 'promise_in_bounds';

export type GatherDimensionNumbers = {
  readonly offsetDims: readonly number[];
  readonly collapsedSliceDims: readonly number[];
  readonly startIndexMap: readonly number[];
  readonly operandBatchingDims: readonly number[];
  readonly startIndicesBatchingDims: readonly number[];
};
export type GatherParams = {
  readonly dimensionNumbers: GatherDimensionNumbers;
  readonly sliceSizes: Shape;
  readonly mode: IndexMode;
  readonly fillValue: number | null;
};

export type ScatterDimensionNumbers = {
  readonly updateWindowDims: readonly number[];
  readonly insertedWindowDims: readonly number[];
  readonly scatterDimsToOperandDims: readonly number[];
  readonly operandBatchingDims: readonly number[];
  readonly scatterIndicesBatchingDims: readonly number[];
};
export type ScatterParams = {
  readonly dimensionNumbers: ScatterDimensionNumbers;
  readonly mode: IndexMode;
  readonly uniqueIndices: boolean;
};

export const toScatter = (dn: GatherDimensionNumbers): ScatterDimensionNumbers => ({
  updateWindowDims: dn.offsetDims,
  insertedWindowDims: dn.collapsedSliceDims,
  scatterDimsToOperandDims: dn.startIndexMap,
  operandBatchingDims: dn.operandBatchingDims,
  scatterIndicesBatchingDims: dn.startIndicesBatchingDims,
});
export const toGather = (dn: ScatterDimensionNumbers): GatherDimensionNumbers => ({
  offsetDims: dn.updateWindowDims,
  collapsedSliceDims: dn.insertedWindowDims,
  startIndexMap: dn.scatterDimsToOperandDims,
  operandBatchingDims: dn.operandBatchingDims,
  startIndicesBatchingDims: dn.scatterIndicesBatchingDims,
});

/** Start of the window that the batch part of a result index selects, per operand axis, before clamping. */
function windowStart(dn: GatherDimensionNumbers, indices: Operand, batch: Index, ndim: number): s.Expr[] {
  const start: s.Expr[] = range(ndim).map(() => s.int(0));
  dn.startIndexMap.forEach((d, k) => {
    start[d] = s.convert('int32', indices.at([...batch, s.int(k)]));
  });
  dn.operandBatchingDims.forEach((d, i) => {
    start[d] = nth(batch, nth(dn.startIndicesBatchingDims, i));
  });
  return start;
}

export const windowAxes = (dn: GatherDimensionNumbers, ndim: number): number[] =>
  range(ndim).filter((d) => !dn.collapsedSliceDims.includes(d) && !dn.operandBatchingDims.includes(d));

/** The operand index of a result index, the condition that its window is in bounds, by mode. */
export function locate(
  dn: GatherDimensionNumbers,
  sliceSizes: Shape,
  mode: IndexMode,
  operand: Shape,
  indices: Operand,
  index: Index,
): { index: s.Expr[]; inBounds: s.Expr } {
  const batch = index.filter((_, i) => !dn.offsetDims.includes(i));
  const offsets = dn.offsetDims.map((i) => nth(index, i));
  const start = windowStart(dn, indices, batch, operand.length);
  let inBounds: s.Expr = s.bool(true);
  const clamped = start.map((e, d) => {
    const last = nth(operand, d) - nth(sliceSizes, d);
    if (!dn.startIndexMap.includes(d) || mode === 'promise_in_bounds') return e;
    if (mode === 'fill') {
      const within = s.binary('and', s.binary('ge', e, s.int(0)), s.binary('le', e, s.int(last)));
      inBounds = inBounds.op === 'const' ? within : s.binary('and', inBounds, within);
    }
    return s.binary('max', s.int(0), s.binary('min', e, s.int(last)));
  });
  const window = windowAxes(dn, operand.length);
  return {
    index: clamped.map((e, d) => (window.includes(d) ? addIndex(e, nth(offsets, window.indexOf(d))) : e)),
    inBounds,
  };
}

/** The value that `fill` gives out of bounds: NaN, the smallest int32, the largest uint32, true (as JAX). */
export const fill = (dtype: DType, value: number | null): s.Expr =>
  s.constant(
    computeType(dtype),
    value ?? (isFloat(dtype) ? NaN : dtype === 'int32' ? -0x80000000 : dtype === 'uint32' ? 0xffffffff : 1),
  );

/** Dimension numbers of NumPy's `take` of rows along `axis`, for indices with `batchNdim` axes before the index vector. */
export function takeNumbers(ndim: number, batchNdim: number, axis: number): GatherDimensionNumbers {
  return {
    offsetDims: [...range(axis), ...range(ndim - axis - 1).map((i) => axis + batchNdim + i)],
    collapsedSliceDims: [axis],
    startIndexMap: [axis],
    operandBatchingDims: [],
    startIndicesBatchingDims: [],
  };
}

/** Window sizes of a scatter, from the shape of its updates. */
export function scatterSliceSizes(dn: GatherDimensionNumbers, operand: Shape, updates: Shape): number[] {
  const window = windowAxes(dn, operand.length);
  return operand.map((_, d) => (window.includes(d) ? nth(updates, nth(dn.offsetDims, window.indexOf(d))) : 1));
}
