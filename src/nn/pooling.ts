/** Pooling over the spatial axes of arrays whose last axis is the features, as Flax has it. */
import { nth } from '../core/axes.js';
import { showShape, sizeOf } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { computeWide } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { promoteInexact } from '../numpy/promote.js';

export interface PoolOptions {
  /** Distance between windows along each axis of the window; default 1. */
  strides?: readonly number[];
  /** `VALID` (the default), `SAME`, `SAME_LOWER`, or `[low, high]` for each axis of the window. */
  padding?: lax.Padding;
}
export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts as zeros that are averaged over; default true. */
  countIncludePad?: boolean;
}

function pool(
  op: string,
  x: NDArray,
  init: number,
  combine: lax.WindowOp,
  window: readonly number[],
  { strides, padding = 'VALID' }: PoolOptions,
): NDArray {
  const batch = x.ndim - 1 - window.length;
  const wrong = [strides, typeof padding === 'string' ? undefined : padding].some(
    (list) => list !== undefined && list.length !== window.length,
  );
  if (batch < 0 || wrong) {
    throw new ShapeError(
      `${op}: window ${showShape(window)}, strides and padding must have one entry for each spatial axis of ${x.aval.toString()}, ` +
        `which are those before the last (features).${userLine()}`,
    );
  }
  const around = <T>(value: T, list: readonly T[]): T[] => [
    ...Array.from({ length: batch }, () => value),
    ...list,
    value,
  ];
  return lax.reduceWindow(
    x,
    init,
    combine,
    around(1, window),
    around(1, strides ?? window.map(() => 1)),
    typeof padding === 'string' ? padding : around<readonly [number, number]>([0, 0], padding),
  );
}

/**
 * Largest element of each window of `windowShape`, over the axes before the last; padding is never the largest.
 *
 * @param x - [...batch, ...spatial, features] of floats.
 * @returns the batch and feature axes as they are, a spatial axis as long as it has windows.
 * @throws ShapeError for lists of the wrong length.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * const x = np.arange(16).reshape([1, 4, 4, 1]).astype('float32');
 * nn.maxPool(x, [2, 2], { strides: [2, 2] }).ravel().js(); // => [5, 7, 13, 15]
 * ```
 */
export const maxPool = (x: ArrayLike, windowShape: readonly number[], options: PoolOptions = {}): NDArray =>
  pool('max_pool', nth(promoteInexact('max_pool', x), 0), -Infinity, 'max', windowShape, options);

/**
 * Smallest element of each window; see {@link maxPool}.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.minPool(np.array([[[3], [1], [2]]]), [2]).ravel().js(); // => [1, 1]
 * ```
 */
export const minPool = (x: ArrayLike, windowShape: readonly number[], options: PoolOptions = {}): NDArray =>
  pool('min_pool', nth(promoteInexact('min_pool', x), 0), Infinity, 'min', windowShape, options);

/**
 * Mean of each window; see {@link maxPool}.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * const x = np.array([[[1], [2], [3]]]);
 * nn.avgPool(x, [3], { padding: 'SAME' }).ravel().js(); // => [1, 2, 1.6667]
 * nn.avgPool(x, [3], { padding: 'SAME', countIncludePad: false }).ravel().js(); // => [1.5, 2, 2.5]
 * ```
 */
export function avgPool(
  x: ArrayLike,
  windowShape: readonly number[],
  { countIncludePad = true, ...options }: AvgPoolOptions = {},
): NDArray {
  const [array] = promoteInexact('avg_pool', x);
  if (array === undefined) throw new Error('unreachable');
  return computeWide(array, (wide) => {
    const sums = pool('avg_pool', wide, 0, 'add', windowShape, options);
    if (countIncludePad) return lax.div(sums, sizeOf(windowShape));
    const ones = lax.full(wide.aval.shape, 1, wide.dtype);
    return lax.div(sums, pool('avg_pool', ones, 0, 'add', windowShape, options));
  });
}
