/** Selecting by index arrays and conditions along axes: take, choose, compress, and their functional opposites. */
import { canonicalAxis, nth } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { gatherAlong, gatherRows } from './gathers.js';
import { asIndex, asMask, floorDivMod, hostValues, positionsOf, wrapNegative, type SizeOptions } from './positions.js';
import { promoteTypesOf, single } from './promote.js';

/**
 * What indices out of bounds give: `fill` (a fill value; updates are dropped), `clip` (the nearest element; negative
 * indices then do not count from the end), `wrap` (modulo the length).
 */
export type TakeMode = 'fill' | 'clip' | 'wrap';

/** Options of {@link take} and {@link takeAlongAxis}. */
export interface TakeOptions {
  mode?: TakeMode;
  /** What `fill` gives out of bounds: NaN, the smallest int32, the largest uint32 or true if absent. */
  fillValue?: number;
}

/** Indices into an axis of length `n` by mode, and how the gather treats the rest. */
export function resolveIndices(op: string, index: NDArray, n: number, mode: TakeMode): NDArray {
  if (n === 0 && index.size > 0) {
    throw new ShapeError(`${op}: an empty axis has no element to take at ${index.size} indices.${userLine()}`);
  }
  if (n === 0) return index;
  switch (mode) {
    case 'fill':
      return wrapNegative(index, n);
    case 'clip':
      return lax.clamp(0, index, n - 1);
    case 'wrap':
      return floorDivMod(index, n).remainder;
  }
}

const gatherOptions = ({ mode = 'fill', fillValue }: TakeOptions): lax.GatherOptions =>
  mode === 'fill' ? { mode, ...(fillValue === undefined ? {} : { fillValue }) } : { mode: 'promise_in_bounds' };

/**
 * Elements of `x` along `axis` at `indices`, whose shape replaces that axis; without an axis, of the elements in
 * row-major order. Negative indices count from the end. Out of bounds, by default, is NaN (see `TakeMode`), as in JAX.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const i = np.array([2, 0, -1], { dtype: 'int32' });
 * np.take(np.array([10, 20, 30]), i).js(); // => [30, 10, 30]
 * np.take(np.array([[1, 2, 3], [4, 5, 6]]), i, 1).js(); // => [[3, 1, 3], [6, 4, 6]]
 * ```
 */
export function take(x: ArrayLike, indices: ArrayLike, axis?: number | null, options: TakeOptions = {}): NDArray {
  const given = single('take', x);
  const array = axis === undefined || axis === null ? lax.reshape(given, [given.size]) : given;
  const d0 = canonicalAxis(axis ?? 0, array.ndim, 'take');
  const index = asIndex('take', indices);
  const at = resolveIndices('take', index, nth(array.aval.shape, d0), options.mode ?? 'fill');
  return gatherRows(array, [d0], [at], d0, gatherOptions(options));
}

/** Broadcast all axes but one, which may differ. */
function alignOthers(op: string, x: NDArray, index: NDArray, axis: number): { x: NDArray; index: NDArray } {
  if (index.ndim !== x.ndim) {
    throw new ShapeError(
      `${op}: indices of shape ${showShape(index.shape)} must have as many axes as the array of shape ${showShape(x.shape)}.${userLine()}`,
    );
  }
  const without = (shape: Shape): number[] => shape.map((n, d) => (d === axis ? 1 : n));
  const common = lax.broadcastShapes(op, without(x.aval.shape), without(index.aval.shape));
  const grow = (a: NDArray): NDArray =>
    lax.broadcastTo(
      a,
      common.map((n, d) => (d === axis ? nth(a.aval.shape, axis) : n)),
    );
  return { x: grow(x), index: grow(index) };
}

/**
 * Elements of `x` along `axis` at `indices`, which have as many axes as `x`: what `argsort` and `argmax` (with
 * `keepdims`) return. The other axes broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[3, 1, 2], [9, 8, 7]]);
 * np.takeAlongAxis(x, np.argsort(x, 1), 1).js(); // => [[1, 2, 3], [7, 8, 9]]
 * ```
 */
export function takeAlongAxis(
  x: ArrayLike,
  indices: ArrayLike,
  axis: number | null = -1,
  options: TakeOptions = {},
): NDArray {
  const given = single('takeAlongAxis', x);
  const array = axis === null ? lax.reshape(given, [given.size]) : given;
  const d0 = canonicalAxis(axis ?? 0, array.ndim, 'takeAlongAxis');
  const aligned = alignOthers('takeAlongAxis', array, asIndex('takeAlongAxis', indices), d0);
  const at = resolveIndices('takeAlongAxis', aligned.index, nth(array.aval.shape, d0), options.mode ?? 'fill');
  return gatherAlong(aligned.x, d0, at, gatherOptions(options));
}

/** What {@link choose} and `ravelMultiIndex` do with indices out of bounds. */
export type BoundsMode = 'raise' | 'wrap' | 'clip';

/** Indices brought into `[0, n)`; `raise` checks them, for which they must not be traced. */
export function boundIndices(op: string, index: NDArray, n: number, mode: BoundsMode): NDArray {
  if (mode === 'clip') return lax.clamp(0, index, n - 1);
  if (mode === 'wrap') return floorDivMod(index, n).remainder;
  const why = "mode 'raise' checks the indices";
  const values = hostValues(op, index, why, "Pass mode 'clip' or 'wrap'");
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < 0 || value >= n) {
      throw new ShapeError(
        `${op}: index ${value} is out of bounds for length ${n}; use mode 'clip' or 'wrap' to allow it.${userLine()}`,
      );
    }
  }
  return index;
}

/**
 * Elementwise `choices[which]`: at each place the element of the choice that `which` names. All broadcast together.
 * By default (`raise`) indices out of bounds throw, for which `which` must not be traced.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const which = np.array([1, 0, 1], { dtype: 'int32' });
 * np.choose(which, [np.array([1, 2, 3]), np.array([10, 20, 30])]).js(); // => [10, 2, 30]
 * ```
 */
export function choose(which: ArrayLike, choices: readonly ArrayLike[], mode: BoundsMode = 'raise'): NDArray {
  if (choices.length === 0) throw new ArgumentError(`choose: needs at least one choice.${userLine()}`);
  const index = boundIndices('choose', asIndex('choose', which), choices.length, mode);
  const cases = promoteTypesOf('choose', choices);
  const shape = lax.broadcastShapes('choose', index.aval.shape, ...cases.map((c) => c.aval.shape));
  return lax.selectN(lax.broadcastTo(index, shape), ...cases.map((c) => lax.broadcastTo(c, shape)));
}

/**
 * The elements of `x` along `axis` where the vector `condition` (which may be shorter) is true; without an axis, of
 * its elements in row-major order. Under `jit` say how many with `size`; missing ones are `fillValue` (0).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.compress(np.array([false, true, true]), np.array([[1, 2, 3]]), 1).js(); // => [[2, 3]]
 * ```
 */
export function compress(condition: ArrayLike, x: ArrayLike, axis?: number | null, options: SizeOptions = {}): NDArray {
  const mask = asMask(single('compress', condition));
  const given = single('compress', x);
  const array = axis === undefined || axis === null ? lax.reshape(given, [given.size]) : given;
  const d0 = canonicalAxis(axis ?? 0, array.ndim, 'compress');
  const n = nth(array.aval.shape, d0);
  if (mask.ndim !== 1 || mask.size > n) {
    throw new ShapeError(
      `compress: the condition must be a vector no longer than the axis, which has length ${n}; got shape ${showShape(mask.shape)}.${userLine()}`,
    );
  }
  const padded = lax.pad(mask, false, [[0, n - mask.size, 0]]);
  return selected('compress', array, d0, padded, options);
}

/** Elements along an axis where a mask is true. */
function selected(
  op: string,
  array: NDArray,
  axis: number,
  mask: NDArray,
  { size, fillValue = 0 }: SizeOptions,
): NDArray {
  const at = positionsOf(op, mask, size);
  return gatherRows(
    array,
    [axis],
    [at],
    axis,
    size === undefined ? { mode: 'promise_in_bounds' } : { mode: 'fill', fillValue },
  );
}

/**
 * The elements of `x`, in row-major order, where `condition` (of the same size) is not zero. Under `jit` say how many
 * with `size`; missing ones are `fillValue` (0).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[1, 2], [3, 4]]);
 * np.extract(np.array([[true, false], [false, true]]), x).js(); // => [1, 4]
 * ```
 */
export function extract(condition: ArrayLike, x: ArrayLike, options: SizeOptions = {}): NDArray {
  const mask = asMask(single('extract', condition));
  const array = single('extract', x);
  if (mask.size !== array.size) {
    throw new ShapeError(
      `extract: the condition of shape ${showShape(mask.shape)} and the array of shape ${showShape(array.shape)} must have as many elements.${userLine()}`,
    );
  }
  return selected('extract', lax.reshape(array, [array.size]), 0, lax.reshape(mask, [mask.size]), options);
}
