/** Shapes of convolutions: the geometry of each spatial axis, and what operands and parameters must satisfy. */
import { nth, range } from '../core/axes.js';
import { showShape, type ShapedArray } from '../core/aval.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import { userLine } from '../core/source.js';
import type { ConvDimensionNumbers } from './conv-dimensions.js';
import { paddedLength, windowCount, type WindowAxis } from './windows.js';

export type ConvParams = {
  readonly windowStrides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly lhsDilation: readonly number[];
  readonly rhsDilation: readonly number[];
  readonly dimensionNumbers: ConvDimensionNumbers;
  readonly featureGroupCount: number;
  readonly batchGroupCount: number;
  readonly precision: null;
  readonly preferredElementType: null;
};

/** The windows along each spatial axis; the kernel is the window. */
export const convWindows = (rhs: ShapedArray, p: ConvParams): WindowAxis[] =>
  p.windowStrides.map((stride, i) => ({
    size: nth(rhs.shape, nth(p.dimensionNumbers.rhsSpec, i + 2)),
    stride,
    low: nth(nth(p.padding, i), 0),
    high: nth(nth(p.padding, i), 1),
    baseDilation: nth(p.lhsDilation, i),
    windowDilation: nth(p.rhsDilation, i),
  }));

/**
 * Throws ShapeError unless the lists of a window operation have one entry for each of `count` axes: positive integers,
 * and pairs of integers for the padding. `axes` says which axes, and of what.
 */
export function checkWindowLists(
  op: string,
  count: number,
  axes: string,
  lists: Readonly<Record<string, readonly number[]>>,
  padding: readonly (readonly number[])[],
): void {
  const fail = (name: string, list: string, expected: string): never => {
    throw new ShapeError(`${op}: ${name} ${list} must be ${expected}, one for each of the ${axes}.${userLine()}`);
  };
  for (const [name, list] of Object.entries(lists)) {
    if (list.length !== count || list.some((n) => !Number.isInteger(n) || n < 1))
      fail(name, showShape(list), 'positive integers');
  }
  if (padding.length !== count || padding.some((pair) => pair.length !== 2 || !pair.every(Number.isInteger)))
    fail('padding', JSON.stringify(padding), "'SAME', 'SAME_LOWER', 'VALID', or [low, high] pairs of integers");
}

/** The type of the result. Throws ShapeError or DTypeError for operands or parameters that do not fit. */
export function convShape(lhs: ShapedArray, rhs: ShapedArray, p: ConvParams): ShapedArray {
  const { lhsSpec, rhsSpec, outSpec } = p.dimensionNumbers;
  const operands = `input ${lhs.toString()} and kernel ${rhs.toString()}`;
  const fail = (message: string): never => {
    throw new ShapeError(`conv_general_dilated: ${message}.${userLine()}`);
  };
  if (lhs.dtype !== rhs.dtype || lhs.dtype === 'bool') {
    throw new DTypeError(
      `conv_general_dilated: ${operands} must be numbers of one dtype; convert one with x.astype(...).${userLine()}`,
    );
  }
  const { windowStrides, lhsDilation, rhsDilation } = p;
  checkWindowLists(
    'conv_general_dilated',
    lhs.ndim - 2,
    `${String(lhs.ndim - 2)} spatial axes of ${operands}`,
    { windowStrides, lhsDilation, rhsDilation },
    p.padding,
  );
  const counts = { featureGroupCount: p.featureGroupCount, batchGroupCount: p.batchGroupCount };
  for (const [name, count] of Object.entries(counts))
    if (!Number.isInteger(count) || count < 1) fail(`${name} must be a positive integer, got ${String(count)}`);
  const { featureGroupCount, batchGroupCount } = counts;
  if (featureGroupCount > 1 && batchGroupCount > 1)
    fail(
      `featureGroupCount ${String(featureGroupCount)} and batchGroupCount ${String(batchGroupCount)} cannot both be more than 1`,
    );
  const [batch, features] = [nth(lhs.shape, nth(lhsSpec, 0)), nth(lhs.shape, nth(lhsSpec, 1))];
  const [outFeatures, inFeatures] = [nth(rhs.shape, nth(rhsSpec, 0)), nth(rhs.shape, nth(rhsSpec, 1))];
  if (features !== inFeatures * featureGroupCount) {
    fail(
      `the input has ${String(features)} features (axis ${String(nth(lhsSpec, 1))} of ${lhs.toString()}), the kernel takes ${String(inFeatures)} ` +
        `(axis ${String(nth(rhsSpec, 1))} of ${rhs.toString()}) in ${String(featureGroupCount)} feature group${featureGroupCount === 1 ? '' : 's'}: ` +
        `they must be ${String(inFeatures * featureGroupCount)}`,
    );
  }
  const divides = (what: string, n: number, name: keyof typeof counts): void => {
    if (n % counts[name] !== 0)
      fail(`${name} ${String(counts[name])} does not divide the ${String(n)} ${what} of ${operands}`);
  };
  divides('output features', outFeatures, 'featureGroupCount');
  divides('output features', outFeatures, 'batchGroupCount');
  divides('examples in the batch', batch, 'batchGroupCount');
  const windows = convWindows(rhs, p);
  const lengths = windows.map((w, i) => {
    const n = nth(lhs.shape, nth(lhsSpec, i + 2));
    if (w.size === 0) fail(`kernel ${rhs.toString()} has no elements along spatial axis ${String(i)}`);
    if (paddedLength(n, w) < 0)
      fail(
        `padding ${showShape([w.low, w.high])} takes more than the ${String(n)} elements of spatial axis ${String(i)} of the input`,
      );
    return windowCount(n, w);
  });
  const shape = range(lhs.ndim);
  [batch / batchGroupCount, outFeatures, ...lengths].forEach((n, i) => (shape[nth(outSpec, i)] = n));
  return lhs.with({ shape, weakType: lhs.weakType && rhs.weakType });
}
