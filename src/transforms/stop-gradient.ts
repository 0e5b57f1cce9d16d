/** stopGradient and blockUntilReady: functions of whole trees. */
import { NDArray } from '../core/ndarray.js';
import { flatten, unflatten } from '../core/tree.js';
import { stopGradientArray } from '../lax/identity.js';
import { leafArray, type ToArrays } from './arguments.js';

/**
 * The same values, with derivative zero.
 *
 * @example
 * ```ts
 * import { grad, stopGradient, numpy as np } from 'cotangent';
 * grad((x: np.Array) => x.mul(stopGradient(x)))(3).item(); // => 3
 * ```
 */
export function stopGradient<T>(value: T): ToArrays<T> {
  const [leaves, def] = flatten<unknown>(value);
  return unflatten(
    def,
    leaves.map((x) => stopGradientArray(leafArray(x, () => 'stopGradient: a leaf'))),
  ) as ToArrays<T>;
}

/**
 * Wait until every array of a tree is computed; returns the tree.
 *
 * @example
 * ```ts
 * import { blockUntilReady, numpy as np } from 'cotangent';
 * await blockUntilReady([np.zeros([2])]);
 * ```
 */
export async function blockUntilReady<T>(value: T): Promise<T> {
  const arrays = flatten<unknown>(value)[0].filter((x) => x instanceof NDArray);
  await Promise.all(arrays.map((x) => x.blockUntilReady()));
  return value;
}
