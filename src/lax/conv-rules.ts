/**
 * Rules of the convolution in terms of itself, as in JAX's lax/convolution.py: its transposes are convolutions with the
 * roles of axes, stride and dilation exchanged, and a batch axis of an operand becomes examples, features or groups.
 */
import { nth, range } from '../core/axes.js';
import type { ShapedArray } from '../core/aval.js';
import type { NDArray } from '../core/ndarray.js';
import type { ConvDimensionNumbers } from './conv-dimensions.js';
import { convShape, convWindows, type ConvParams } from './conv-shape.js';
import { batchOrRepeat, zerosOf } from './broadcast.js';
import { reshape, rev, transpose } from './reshape.js';
import { dilated, transposedWindow } from './windows.js';

type Conv = (lhs: NDArray, rhs: NDArray, params: ConvParams) => NDArray;

/** Split axis `axis` into two, the outer one of length `outer`. */
function splitAxis(x: NDArray, axis: number, outer: number): NDArray {
  const { shape } = x.aval;
  return reshape(x, [...shape.slice(0, axis), outer, nth(shape, axis) / outer, ...shape.slice(axis + 1)]);
}

/** Merge axis `from` into axis `into` (counted without `from`) as its outer part. */
function mergeAxis(x: NDArray, from: number, into: number): NDArray {
  const order = range(x.ndim).filter((d) => d !== from);
  order.splice(into, 0, from);
  const moved = transpose(x, order);
  const { shape } = moved.aval;
  return reshape(moved, [...shape.slice(0, into), nth(shape, into) * nth(shape, into + 1), ...shape.slice(into + 2)]);
}

/** The two leading roles of a spec exchanged: batch and features, or output and input features. */
const swapped = ([first = 0, second = 1, ...spatial]: readonly number[]): number[] => [second, first, ...spatial];

/** The cotangent of the input: the cotangent of the result convolved with the kernel turned around. */
export function convTransposeLhs(conv: Conv, ct: NDArray, lhs: ShapedArray, rhs: NDArray, p: ConvParams): NDArray {
  const { lhsSpec, rhsSpec, outSpec } = p.dimensionNumbers;
  const [outAxis, inAxis] = [nth(rhsSpec, 0), nth(rhsSpec, 1)];
  const groups = Math.max(p.featureGroupCount, p.batchGroupCount);
  // The groups of the kernel are those of its output features; they become those of its input features.
  const kernel = groups === 1 ? rhs : mergeAxis(splitAxis(rhs, outAxis, groups), outAxis, inAxis);
  const windows = convWindows(rhs.aval, p).map((w, i) =>
    transposedWindow(nth(lhs.shape, nth(lhsSpec, i + 2)), nth(ct.aval.shape, nth(outSpec, i + 2)), w),
  );
  const out = conv(ct, rev(kernel, rhsSpec.slice(2)), {
    ...p,
    windowStrides: p.lhsDilation,
    padding: windows.map((w) => [w.low, w.high] as const),
    lhsDilation: p.windowStrides,
    dimensionNumbers: { lhsSpec: outSpec, rhsSpec: swapped(rhsSpec), outSpec: lhsSpec },
    featureGroupCount: groups,
    batchGroupCount: 1,
  });
  if (p.batchGroupCount === 1) return out;
  const [batchAxis, featureAxis] = [nth(lhsSpec, 0), nth(lhsSpec, 1)];
  return mergeAxis(splitAxis(out, featureAxis, groups), featureAxis, batchAxis);
}

/** The cotangent of the kernel: the input convolved with the cotangent of the result, which is as large. */
export function convTransposeRhs(conv: Conv, ct: NDArray, lhs: NDArray, rhs: ShapedArray, p: ConvParams): NDArray {
  // A kernel of no elements is no kernel.
  if (ct.aval.size === 0) return zerosOf(rhs);
  const { lhsSpec, rhsSpec, outSpec } = p.dimensionNumbers;
  const dimensionNumbers: ConvDimensionNumbers = {
    lhsSpec: swapped(lhsSpec),
    rhsSpec: swapped(outSpec),
    outSpec: swapped(rhsSpec),
  };
  const padding = convWindows(rhs, p).map((w, i) => {
    const n = dilated(nth(lhs.aval.shape, nth(lhsSpec, i + 2)), w.baseDilation);
    const count = dilated(nth(ct.aval.shape, nth(outSpec, i + 2)), w.stride);
    // As much after the input as makes the number of windows the length of the kernel.
    return [w.low, count + dilated(w.size, w.windowDilation) - w.low - 1 - n] as const;
  });
  return conv(lhs, ct, {
    ...p,
    windowStrides: p.rhsDilation,
    padding,
    rhsDilation: p.windowStrides,
    dimensionNumbers,
    featureGroupCount: p.batchGroupCount,
    batchGroupCount: p.featureGroupCount,
  });
}

/** Batch axes of the operands; returns the result and its batch axis. */
export function batchConv(
  conv: Conv,
  size: number,
  lhs: NDArray,
  rhs: NDArray,
  [lhsDim, rhsDim]: readonly [number | null, number | null],
  p: ConvParams,
): { result: NDArray; dim: number } {
  const { lhsSpec, rhsSpec, outSpec } = p.dimensionNumbers;
  const [outBatch, outFeatures] = [nth(outSpec, 0), nth(outSpec, 1)];
  const without = (x: NDArray, dim: number | null): ShapedArray =>
    x.aval.with({ shape: x.aval.shape.filter((_, d) => d !== dim) });
  if (size === 0) {
    const { shape, dtype } = convShape(without(lhs, lhsDim), without(rhs, rhsDim), p);
    return { result: zerosOf(lhs.aval.with({ shape: [0, ...shape], dtype })), dim: 0 };
  }
  /** Examples of axis `dim` into axis `into`, inside of its `groups`. */
  const mergeInside = (x: NDArray, dim: number, into: number, groups: number): NDArray => {
    if (groups === 1) return mergeAxis(x, dim, into);
    const first = batchOrRepeat(x, dim, size);
    const split = splitAxis(first, into + 1, groups);
    // Axes are examples, …, groups, elements, …: the examples merge into the elements, then the groups around them.
    return mergeAxis(mergeAxis(split, 0, into + 1), into, into);
  };
  if (lhsDim !== null && rhsDim !== null) {
    const byBatch = p.batchGroupCount > 1;
    const result = conv(
      mergeAxis(lhs, lhsDim, nth(lhsSpec, byBatch ? 0 : 1)),
      mergeAxis(rhs, rhsDim, nth(rhsSpec, 0)),
      {
        ...p,
        featureGroupCount: byBatch ? 1 : p.featureGroupCount * size,
        batchGroupCount: byBatch ? p.batchGroupCount * size : 1,
      },
    );
    return { result: splitAxis(result, outFeatures, size), dim: outFeatures };
  }
  if (lhsDim !== null) {
    const result = conv(mergeInside(lhs, lhsDim, nth(lhsSpec, 0), p.batchGroupCount), rhs, p);
    return { result: splitAxis(result, outBatch, size), dim: outBatch };
  }
  const groups = Math.max(p.featureGroupCount, p.batchGroupCount);
  const result = conv(lhs, mergeInside(rhs, rhsDim ?? 0, nth(rhsSpec, 0), groups), p);
  if (groups === 1) return { result: splitAxis(result, outFeatures, size), dim: outFeatures };
  // Features of the result are groups, examples, elements: the groups go back around the elements.
  const split = splitAxis(splitAxis(result, outFeatures, groups), outFeatures + 1, size);
  return { result: mergeAxis(split, outFeatures, outFeatures + 1), dim: outFeatures };
}
