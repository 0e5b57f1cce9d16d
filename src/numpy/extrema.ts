/** The larger and smaller of two, limits, and the step function. */
import { isFloat } from '../core/dtype.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { asArray, promoteArrays } from './promote.js';
import { inexactBinary, promotedBinary, type Binary } from './ufunc.js';

/**
 * The larger of x and y, elementwise; NaN if either is NaN. Ties split the gradient evenly.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.maximum(np.array([1, 5]), 3); // => [3, 5]
 * ```
 */
export const maximum: Binary = promotedBinary('maximum', lax.max);

/**
 * The smaller of x and y, elementwise; NaN if either is NaN. Ties split the gradient evenly.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.minimum(np.array([1, 5]), 3); // => [1, 3]
 * ```
 */
export const minimum: Binary = promotedBinary('minimum', lax.min);

/** `pick` of the two, and where one is NaN the other. */
const ignoringNaN =
  (pick: (x: NDArray, y: NDArray) => NDArray) =>
  (x: NDArray, y: NDArray): NDArray =>
    isFloat(x.dtype) ? lax.select(lax.ne(y, y), x, lax.select(lax.ne(x, x), y, pick(x, y))) : pick(x, y);

/**
 * The larger of x and y, elementwise; where one is NaN, the other.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fmax(np.array([1, np.nan]), 0); // => [1, 0]
 * ```
 */
export const fmax: Binary = promotedBinary('fmax', ignoringNaN(lax.max));

/**
 * The smaller of x and y, elementwise; where one is NaN, the other.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fmin(np.array([1, np.nan]), 0); // => [0, 0]
 * ```
 */
export const fmin: Binary = promotedBinary('fmin', ignoringNaN(lax.min));

/**
 * x limited to [min, max]: `minimum(maximum(x, min), max)`; a bound that is absent or null does not limit. Where
 * min > max the result is max.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.clip(np.array([-2, 0.5, 7]), -1, 1); // => [-1, 0.5, 1]
 * np.clip(np.array([-2, 0.5, 7]), 0); // => [0, 0.5, 7]
 * ```
 */
export function clip(x: ArrayLike, min?: ArrayLike | null, max?: ArrayLike | null): NDArray {
  const bounds = [min, max].filter((b) => b !== undefined && b !== null);
  const [array = asArray(x), ...limits] = promoteArrays('clip', x, ...bounds);
  const low = min === undefined || min === null ? undefined : limits.shift();
  const raised = low === undefined ? array : lax.max(array, low);
  const high = limits.shift();
  return high === undefined ? raised : lax.min(raised, high);
}

/**
 * The step function: 0 for x < 0, 1 for x > 0, and `atZero` where x is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.heaviside(np.array([-2, 0, 3]), 0.5); // => [0, 0.5, 1]
 * ```
 */
export const heaviside: Binary = inexactBinary('heaviside', (x, atZero) => {
  const step = lax.select(lax.lt(x, 0), 0, lax.select(lax.gt(x, 0), 1, lax.scalarLike(NaN, x)));
  return lax.select(lax.eq(x, 0), atZero, step);
});
