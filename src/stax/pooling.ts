/** Pooling over windows of images with features in the last axis, and over whole images. */
import { sizeOf, type Shape } from '../core/aval.js';
import type { NDArray } from '../core/ndarray.js';
import { computeWide } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import * as nn from '../nn/index.js';
import { inexact } from '../numpy/promote.js';
import { mean } from '../numpy/reductions.js';
import { checkArray, checkRank } from './checks.js';
import { spatialAxes } from './convolution.js';
import { layer, NO_PARAMS, type Layer, type NoParams } from './layer.js';
import { maskSteps } from './masks.js';
import { perAxis, windowedLengths, type PerAxis } from './windows.js';

/** Options of pooling. */
export interface PoolOptions {
  /** Distance between windows; as long as the window by default, so that they do not overlap. */
  strides?: PerAxis;
  /** `VALID` (the default), `SAME`, `SAME_LOWER`, or `[low, high]` for each spatial axis. */
  padding?: lax.Padding;
}

type Pool = (x: NDArray, window: readonly number[], options: nn.PoolOptions) => NDArray;

function pooling(op: string, pool: Pool) {
  return (window: PerAxis = 2, options: PoolOptions = {}): Layer<NoParams> => {
    const name = `${op}(${JSON.stringify(window)})`;
    const rank = typeof window === 'number' ? null : window.length;
    // A number is a window for as many spatial axes as the input has.
    const settle = (shape: Shape): { size: readonly number[]; strides: readonly number[] } => {
      const axes = rank ?? shape.length - 2;
      const layout = '[batch, ...spatial, features]';
      checkRank(name, shape, axes + 2, layout);
      checkRank(name, shape, 3, layout, true);
      const size = perAxis(name, 'the window', window, axes);
      return { size, strides: perAxis(name, 'strides', options.strides ?? size, axes) };
    };
    const { padding = 'VALID' } = options;
    return layer<NoParams>(
      (_key, inputShape) => {
        const { size, strides } = settle(inputShape);
        const lengths = windowedLengths(name, inputShape.slice(1, -1), size, strides, padding);
        return { outputShape: [inputShape[0] ?? -1, ...lengths, inputShape.at(-1) ?? -1], params: NO_PARAMS };
      },
      (_params, input) => {
        const x = inexact(name, checkArray(name, input));
        const { size, strides } = settle(x.shape);
        return pool(x, size, { strides, padding });
      },
      name,
    );
  };
}

/**
 * The largest element of each window, 2 by default, of images [batch, ...spatial, features]. A number is the window along
 * each spatial axis. Throws ShapeError where no window fits.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.MaxPool()[0](random.key(0), [-1, 28, 28, 8]).outputShape; // => [-1, 14, 14, 8]
 * stax.MaxPool([3, 3], { strides: 2 })[0](random.key(0), [-1, 28, 28, 8]).outputShape; // => [-1, 13, 13, 8]
 * ```
 */
export const MaxPool = pooling('MaxPool', nn.maxPool);

/**
 * The mean of each window; padding does not count. See {@link MaxPool}.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.AvgPool([2])[1]([], np.array([[[1], [3], [5], [9]]])).ravel().js(); // => [2, 7]
 * ```
 */
export const AvgPool = pooling('AvgPool', (x, window, options) =>
  nn.avgPool(x, window, { ...options, countIncludePad: options.padding === 'VALID' }),
);

/**
 * The sum of each window. See {@link MaxPool}.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.SumPool([2])[1]([], np.array([[[1], [3], [5], [9]]])).ravel().js(); // => [4, 14]
 * ```
 */
export const SumPool = pooling('SumPool', (x, window, options) =>
  lax.mul(nn.avgPool(x, window, options), sizeOf(window)),
);

/** A layer from [batch, ...spatial, features] to [batch, features]. */
const global = (
  name: string,
  reduce: (x: NDArray, axes: readonly number[], mask?: NDArray) => NDArray,
): Layer<NoParams> =>
  layer<NoParams>(
    (_key, shape) => {
      checkRank(name, shape, 3, '[batch, ...spatial, features]', true);
      return { outputShape: [shape[0] ?? -1, shape.at(-1) ?? -1], params: NO_PARAMS };
    },
    (_params, input, context) => {
      const x = inexact(name, checkArray(name, input));
      checkRank(name, x.shape, 3, '[batch, ...spatial, features]', true);
      return reduce(x, spatialAxes(x.ndim), x.ndim === 3 ? context?.mask : undefined);
    },
    name,
  );

/**
 * The mean over all spatial axes: [batch, ...spatial, features] to [batch, features]. With a mask, of sequences
 * [batch, time, features] the mean of the steps that are there.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const x = np.array([[[1], [3], [5]]]);
 * stax.GlobalAvgPool[1]([], x).js(); // => [[3]]
 * stax.GlobalAvgPool[1]([], x, { mask: np.array([[true, true, false]]) }).js(); // => [[2]]
 * ```
 */
export const GlobalAvgPool = global('GlobalAvgPool', (x, axes, mask) => {
  if (mask === undefined) return mean(x, axes);
  const there = maskSteps('GlobalAvgPool', mask, x);
  return computeWide(x, (wide) => {
    const count = lax.reduceSum(lax.convertElementType(there, wide.dtype), axes);
    return lax.div(lax.reduceSum(lax.select(there, wide, lax.scalarLike(0, wide)), axes), lax.max(count, 1));
  });
});

/**
 * The largest element over all spatial axes; with a mask, of the steps that are there, and 0 where none is. See
 * {@link GlobalAvgPool}.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.GlobalMaxPool[1]([], np.array([[[1], [3], [2]]])).js(); // => [[3]]
 * ```
 */
export const GlobalMaxPool = global('GlobalMaxPool', (x, axes, mask) => {
  if (mask === undefined) return lax.reduceMax(x, axes);
  const there = maskSteps('GlobalMaxPool', mask, x);
  const largest = lax.reduceMax(lax.select(there, x, lax.scalarLike(-Infinity, x)), axes);
  // The largest of nothing is -∞, of which a derivative would make NaN.
  return lax.select(lax.reduceOr(there, axes), largest, lax.scalarLike(0, largest));
});
