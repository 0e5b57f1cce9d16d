/** Piecewise linear interpolation. */
import { nth } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { gatherRows } from './gathers.js';
import { asArray, promoteTypesOf } from './promote.js';
import { insertionPoints } from './search.js';

/** Options of {@link interp}. */
export interface InterpOptions {
  /** Value for `x` below the first point, by default the first value. */
  left?: ArrayLike | null;
  /** Value for `x` above the last point, by default the last value. */
  right?: ArrayLike | null;
  /** Period of `x`; the points then need not be sorted, and `left` and `right` do not count. */
  period?: number | null;
}

/** Points sorted within one period, with the last before them and the first after them. */
function periodicPoints(xp: NDArray, fp: NDArray, period: number): readonly [NDArray, NDArray] {
  const n = xp.size;
  const sorted = lax.sort([floorMod(xp, period), fp], 0);
  const [x, f] = [nth(sorted, 0), nth(sorted, 1)];
  const ends = (v: NDArray): readonly [NDArray, NDArray] => [lax.sliceInDim(v, 0, 1), lax.sliceInDim(v, n - 1, n)];
  const [firstX, lastX] = ends(x);
  const [firstF, lastF] = ends(f);
  return [
    lax.concatenate([lax.sub(lastX, period), x, lax.add(firstX, period)], 0),
    lax.concatenate([lastF, f, firstF], 0),
  ];
}

function floorMod(x: NDArray, period: number): NDArray {
  const r = lax.rem(x, period);
  return lax.select(lax.lt(r, 0), lax.add(r, period), r);
}

/**
 * The values at `x` of the piecewise linear function through the points `(xp[i], fp[i])`, `xp` ascending; beyond its
 * ends, `left` and `right`. Differentiable in all three.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.interp(np.array([0, 1.5, 9]), np.array([1, 2, 3]), np.array([3, 2, 0])).js(); // => [3, 2.5, 0]
 * ```
 */
export function interp(
  x: ArrayLike,
  xp: ArrayLike,
  fp: ArrayLike,
  { left, right, period }: InterpOptions = {},
): NDArray {
  const promoted = promoteTypesOf('interp', [x, xp, fp], true);
  const [given, givenXp, givenFp] = [nth(promoted, 0), nth(promoted, 1), nth(promoted, 2)];
  if (givenXp.ndim !== 1 || givenFp.ndim !== 1 || givenXp.size !== givenFp.size || givenXp.size === 0) {
    throw new ShapeError(
      `interp: points must be two vectors of one length, not empty; got shapes ${showShape(givenXp.shape)} and ${showShape(givenFp.shape)}.${userLine()}`,
    );
  }
  const isPeriodic = period !== undefined && period !== null;
  if (isPeriodic && !(Math.abs(period) > 0))
    throw new ArgumentError(`interp: the period must not be 0, got ${period}.${userLine()}`);
  const cycle = Math.abs(period ?? 1);
  const at = isPeriodic ? floorMod(given, cycle) : given;
  const [points, values] = isPeriodic ? periodicPoints(givenXp, givenFp, cycle) : [givenXp, givenFp];
  const n = points.size;
  const read = (v: NDArray, index: NDArray): NDArray => gatherRows(v, [0], [index], 0, { mode: 'promise_in_bounds' });
  const end = (v: NDArray, i: number): NDArray =>
    lax.broadcastTo(lax.reshape(lax.sliceInDim(v, i, i + 1), []), at.aval.shape);
  const other = (value: ArrayLike | null | undefined, i: number): NDArray =>
    value === null || value === undefined || isPeriodic
      ? end(values, i)
      : lax.broadcastTo(lax.convertElementType(asArray(value, undefined, 'interp'), values.dtype), at.aval.shape);
  let inner: NDArray;
  if (n === 1) inner = end(values, 0);
  else {
    const high = lax.clamp(1, insertionPoints(points, at, 'right'), n - 1);
    const low = lax.sub(high, 1);
    const [x0, f0] = [read(points, low), read(values, low)];
    const width = lax.sub(read(points, high), x0);
    const rise = lax.sub(read(values, high), f0);
    // Two points at one place have no slope between them.
    const isStep = lax.eq(width, 0);
    const slope = lax.div(rise, lax.select(isStep, lax.full(width.aval.shape, 1, width.dtype), width));
    inner = lax.add(
      f0,
      lax.select(isStep, lax.full(slope.aval.shape, 0, slope.dtype), lax.mul(slope, lax.sub(at, x0))),
    );
  }
  const below = lax.select(lax.lt(at, end(points, 0)), other(left, 0), inner);
  return lax.select(lax.gt(at, end(points, n - 1)), other(right, n - 1), below);
}
