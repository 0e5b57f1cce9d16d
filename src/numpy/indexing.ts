/** NumPy's index expressions: `x.slice(...)` reads, `x.at(...)` makes updated arrays. */
import type { IndexArg, NDArray } from '../core/ndarray.js';
import { planIndex } from './index-plan.js';
import { readPlan } from './index-read.js';

export { indexUpdate } from './index-update.js';

/**
 * `x[...index]` as NumPy reads it. Items are integers, slices `[start, stop, step]`, `null` for a new axis, `'...'`,
 * arrays of integers, and boolean masks; masks must have values, because shapes are static.
 *
 * Static integers out of bounds throw ShapeError; those in arrays are clamped. A traced mask throws
 * ConcretizationError.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[1, 2, 3], [4, 5, 6]]);
 * x.slice('...', [null, null, -1]).js(); // => [[3, 2, 1], [6, 5, 4]]
 * x.slice(np.array([0, 1, 1], { dtype: 'int32' }), 2).js(); // => [3, 6, 6]
 * ```
 */
export function indexArray(x: NDArray, index: readonly IndexArg[]): NDArray {
  return readPlan(x, planIndex('x.slice', x.aval.shape, index));
}
