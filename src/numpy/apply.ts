/** Functions that apply a function along axes. */
import { canonicalAxis, range } from '../core/axes.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { vmap } from '../transforms/vmap.js';
import { single } from './promote.js';
import { moveaxis } from './shape.js';

/**
 * `f` applied to every vector of `x` along `axis`, by {@link vmap} over the other axes. What `f` returns, of any shape,
 * takes the place of that axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[3, 1], [5, 9]]);
 * np.applyAlongAxis((row) => np.max(row), 1, x); // => [3, 9]
 * np.applyAlongAxis((column) => np.stack([column.min(), column.sum(), column.max()]), 0, x).shape; // => [3, 2]
 * ```
 */
export function applyAlongAxis(f: (vector: NDArray) => NDArray, axis: number, x: ArrayLike): NDArray {
  const array = single('applyAlongAxis', x);
  const at = canonicalAxis(axis, array.ndim, 'applyAlongAxis');
  const others = range(array.ndim - 1);
  const last = moveaxis(array, at, -1);
  const result = others.reduce<(x: NDArray) => NDArray>((g) => vmap(g), f)(last);
  // The axes of the result of f come last; they belong where the axis was.
  const inner = range(result.ndim).slice(others.length);
  return lax.transpose(result, [...others.slice(0, at), ...inner, ...others.slice(at)]);
}

/**
 * `f(x, axis)` for one axis after the other, each on the result of the one before. Where `f` removes the axis, an axis of
 * length 1 is put back. Throws ShapeError when the rank of a result is neither that of `x` nor one less.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.applyOverAxes(np.sum, np.ones([2, 3, 4]), [0, 2]).shape; // => [1, 3, 1]
 * ```
 */
export function applyOverAxes(
  f: (x: NDArray, axis: number) => NDArray,
  x: ArrayLike,
  axes: number | readonly number[],
): NDArray {
  const array = single('applyOverAxes', x);
  return (typeof axes === 'number' ? [axes] : axes).reduce<NDArray>((value, given) => {
    const axis = canonicalAxis(given, array.ndim, 'applyOverAxes');
    const result = f(value, axis);
    if (result.ndim === array.ndim) return result;
    if (result.ndim === array.ndim - 1) return lax.expandDims(result, [axis]);
    throw new ShapeError(
      `applyOverAxes: the function must keep the ${array.ndim} axes or remove one, and returned an array of rank ${result.ndim}.${userLine()}`,
    );
  }, array);
}
