/** Cutting arrays into lists of arrays. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { reshape, sliceInDim } from '../lax/index.js';
import { single } from './promote.js';

/** A number of parts, or the positions where parts after the first begin. */
export type Sections = number | readonly number[];

function cut(op: string, x: ArrayLike, sections: Sections, axis: number, equal: boolean): NDArray[] {
  const array = single(op, x);
  const d0 = canonicalAxis(axis, array.ndim, op);
  const n = nth(array.aval.shape, d0);
  const starts =
    typeof sections === 'number' ? evenStarts(op, sections, n, equal) : sections.map((at) => clip(op, at, n));
  const bounds = [0, ...starts, n];
  return range(starts.length + 1).map((i) => {
    const from = nth(bounds, i);
    return sliceInDim(array, from, Math.max(from, nth(bounds, i + 1)), d0);
  });
}

function evenStarts(op: string, parts: number, n: number, equal: boolean): number[] {
  if (!Number.isInteger(parts) || parts < 1) {
    throw new ArgumentError(`${op}: the number of parts must be an integer of at least 1, got ${parts}.${userLine()}`);
  }
  if (equal && n % parts !== 0) {
    throw new ShapeError(
      `${op}: an axis of length ${n} does not divide into ${parts} equal parts; np.arraySplit makes parts that differ by one.${userLine()}`,
    );
  }
  // The first n % parts parts have one element more.
  return range(parts - 1).map((i) => (i + 1) * Math.floor(n / parts) + Math.min(i + 1, n % parts));
}

function clip(op: string, at: number, n: number): number {
  if (!Number.isInteger(at)) throw new ArgumentError(`${op}: the position ${at} is no integer.${userLine()}`);
  return Math.min(n, Math.max(0, at < 0 ? at + n : at));
}

/**
 * Cut `x` along `axis` into equal parts, or at the given positions. Throws ShapeError when the axis does not divide.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.split(np.array([1, 2, 3, 4]), 2); // => [[1, 2], [3, 4]]
 * np.split(np.array([1, 2, 3, 4]), [1, 3]); // => [[1], [2, 3], [4]]
 * ```
 */
export const split = (x: ArrayLike, indicesOrSections: Sections, axis = 0): NDArray[] =>
  cut('split', x, indicesOrSections, axis, true);

/**
 * {@link split} into parts that may differ by one in length, longer ones first.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arraySplit(np.array([1, 2, 3, 4, 5]), 3); // => [[1, 2], [3, 4], [5]]
 * ```
 */
export const arraySplit = (x: ArrayLike, indicesOrSections: Sections, axis = 0): NDArray[] =>
  cut('arraySplit', x, indicesOrSections, axis, false);

function cutAt(
  op: string,
  x: ArrayLike,
  sections: Sections,
  least: number,
  axisOf: (ndim: number) => number,
): NDArray[] {
  const array = single(op, x);
  if (array.ndim < least) {
    throw new ShapeError(`${op}: needs at least ${least} axes, got shape ${showShape(array.shape)}.${userLine()}`);
  }
  return cut(op, array, sections, axisOf(array.ndim), true);
}

/**
 * {@link split} along axis 1 (axis 0 of a vector).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.hsplit(np.array([[1, 2], [3, 4]]), 2); // => [[[1], [3]], [[2], [4]]]
 * ```
 */
export const hsplit = (x: ArrayLike, indicesOrSections: Sections): NDArray[] =>
  cutAt('hsplit', x, indicesOrSections, 1, (ndim) => (ndim === 1 ? 0 : 1));

/**
 * {@link split} along axis 0 of an array of at least two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.vsplit(np.array([[1, 2], [3, 4]]), 2); // => [[[1, 2]], [[3, 4]]]
 * ```
 */
export const vsplit = (x: ArrayLike, indicesOrSections: Sections): NDArray[] =>
  cutAt('vsplit', x, indicesOrSections, 2, () => 0);

/**
 * {@link split} along axis 2.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.reshape(np.arange(4), [1, 2, 2]);
 * np.dsplit(x, 2); // => [[[[0], [2]]], [[[1], [3]]]]
 * ```
 */
export const dsplit = (x: ArrayLike, indicesOrSections: Sections): NDArray[] =>
  cutAt('dsplit', x, indicesOrSections, 3, () => 2);

/**
 * The sub-arrays along `axis`, which they no longer have: the inverse of `stack`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.unstack(np.array([[1, 2], [3, 4]]), 1); // => [[1, 3], [2, 4]]
 * ```
 */
export function unstack(x: ArrayLike, axis = 0): NDArray[] {
  const array = single('unstack', x);
  const d0 = canonicalAxis(axis, array.ndim, 'unstack');
  const rest = array.aval.shape.filter((_, d) => d !== d0);
  return range(nth(array.aval.shape, d0)).map((i) => reshape(sliceInDim(array, i, i + 1, d0), rest));
}
