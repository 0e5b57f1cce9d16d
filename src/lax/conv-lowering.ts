/**
 * A convolution as a contraction, which is an implicit matrix product: its rows are the windows, its columns the output
 * features, and it sums over the elements of a window. What the left matrix would hold is read from the input while
 * it is packed: a strided access where no window meets padding or holes, else zero there.
 */
import { computeType } from '../core/dtype.js';
import { nth, range } from '../core/axes.js';
import type { ShapedArray } from '../core/aval.js';
import { addIndex, mulIndex } from '../core/index-expr.js';
import type { ContractLowering, Index } from '../core/lowering.js';
import * as s from '../core/scalar.js';
import { convShape, convWindows, type ConvParams } from './conv-shape.js';
import { both, windowElement } from './windows.js';

/** The loop variables of a list of axes; an axis of length 1 has none. */
interface Axis {
  /** Position in an operand's spec: 0 or 1 is the batch or feature axis, i + 2 spatial axis i. */
  readonly role: number;
  readonly extent: number;
}
const variableOf = (axes: readonly Axis[], variables: Index, role: number): s.Expr => {
  const i = axes.findIndex((a) => a.role === role);
  return i < 0 ? s.int(0) : nth(variables, i);
};

export function lowerConv(lhs: ShapedArray, rhs: ShapedArray, p: ConvParams): ContractLowering {
  const { lhsSpec, rhsSpec, outSpec } = p.dimensionNumbers;
  const { featureGroupCount, batchGroupCount } = p;
  const out = convShape(lhs, rhs, p);
  const windows = convWindows(rhs, p);
  const spatial = range(windows.length).map((i) => i + 2);
  const groups = Math.max(featureGroupCount, batchGroupCount);
  const examples = nth(out.shape, nth(outSpec, 0));
  const inFeatures = nth(rhs.shape, nth(rhsSpec, 1));
  const outFeatures = nth(rhs.shape, nth(rhsSpec, 0)) / groups;

  // The order in which memory runs: of windows, the result's; of a window's elements, the input's.
  const ordered = (axes: readonly Axis[], spec: readonly number[]): Axis[] =>
    axes.filter((a) => a.extent !== 1).sort((a, b) => nth(spec, a.role) - nth(spec, b.role));
  const rows = ordered(
    [{ role: 0, extent: examples }, ...spatial.map((role) => ({ role, extent: nth(out.shape, nth(outSpec, role)) }))],
    outSpec,
  );
  const inner = ordered(
    [{ role: 1, extent: inFeatures }, ...spatial.map((role) => ({ role, extent: nth(rhs.shape, nth(rhsSpec, role)) }))],
    lhsSpec,
  );
  const extents = (axes: readonly Axis[]): number[] => axes.map((a) => a.extent);
  /** Element `e` of group `batch` of an axis that has groups of `size`. */
  const grouped = (count: number, batch: Index, size: number, e: s.Expr): s.Expr =>
    count === 1 ? e : addIndex(mulIndex(nth(batch, 0), size), e);
  const place = (spec: readonly number[], values: readonly s.Expr[]): Index =>
    range(spec.length).map((d) => nth(values, spec.indexOf(d)));
  const zero = s.constant(computeType(lhs.dtype), 0);
  return {
    kind: 'contract',
    batch: groups === 1 ? [] : [groups],
    m: extents(rows),
    n: outFeatures === 1 ? [] : [outFeatures],
    k: extents(inner),
    lhs: (x, batch, m, k) => {
      if (lhs.size === 0) return zero;
      const elements = windows.map((w, i) =>
        windowElement(nth(lhs.shape, nth(lhsSpec, i + 2)), w, variableOf(rows, m, i + 2), variableOf(inner, k, i + 2)),
      );
      const value = x.at(
        place(lhsSpec, [
          grouped(batchGroupCount, batch, examples, variableOf(rows, m, 0)),
          grouped(featureGroupCount, batch, inFeatures, variableOf(inner, k, 1)),
          ...elements.map((e) => e.index),
        ]),
      );
      const inside = elements.reduce<s.Expr | undefined>((all, e) => both(all, e.inside), undefined);
      return inside === undefined ? value : s.select(inside, value, zero);
    },
    rhs: (y, batch, k, n) => {
      if (rhs.size === 0) return zero;
      return y.at(
        place(rhsSpec, [
          grouped(groups, batch, outFeatures, n[0] ?? s.int(0)),
          variableOf(inner, k, 1),
          ...spatial.map((role) => variableOf(inner, k, role)),
        ]),
      );
    },
    out: (batch, m, n) =>
      place(outSpec, [
        variableOf(rows, m, 0),
        grouped(groups, batch, outFeatures, n[0] ?? s.int(0)),
        ...spatial.map((role) => variableOf(rows, m, role)),
      ]),
  };
}
