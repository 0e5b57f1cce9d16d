/**
 * Sets as vectors of distinct elements. Results are sorted; their length depends on values, so under `jit` it must be
 * given as `size` (see `unique`).
 */
import { nth } from '../core/axes.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { gatherRows } from './gathers.js';
import { computeNow, resultSize, type SizeOptions } from './positions.js';
import { promoteTypesOf } from './promote.js';
import { insertionPoints } from './search.js';
import { distinct, selectRows, unique } from './unique.js';

/** Two arguments as vectors of one dtype. */
function vectors(op: string, a: ArrayLike, b: ArrayLike): readonly [NDArray, NDArray] {
  const both = promoteTypesOf(op, [a, b]).map((x) => lax.reshape(x, [x.size]));
  return [nth(both, 0), nth(both, 1)];
}

/** Whether each of `values` is in `set` (a vector), by binary search; NaN is in no set. */
function contains(set: NDArray, values: NDArray): NDArray {
  if (set.size === 0) return lax.full(values.aval.shape, false);
  const sorted = nth(lax.sort([set], 0), 0);
  const at = lax.min(insertionPoints(sorted, values, 'left'), set.size - 1);
  return lax.eq(gatherRows(sorted, [0], [at], 0, { mode: 'promise_in_bounds' }), values);
}

/** Options of {@link isin}. */
export interface IsinOptions {
  /** Return where elements are not in the set. */
  invert?: boolean;
}

/**
 * Where the elements of `x` are among those of `testElements`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isin(np.array([[1, 2], [3, 4]]), np.array([4, 1])).js(); // => [[true, false], [false, true]]
 * ```
 */
export function isin(x: ArrayLike, testElements: ArrayLike, { invert = false }: IsinOptions = {}): NDArray {
  const promoted = promoteTypesOf('isin', [x, testElements]);
  const [values, set] = [nth(promoted, 0), nth(promoted, 1)];
  const result = contains(lax.reshape(set, [set.size]), values);
  return invert ? lax.bitwiseNot(result) : result;
}

/** Options of the set functions. */
export interface SetOptions extends SizeOptions {
  /** The arguments have no element twice; `setdiff1d` then keeps the order of its first. */
  assumeUnique?: boolean;
}

/**
 * The distinct elements of both arrays, sorted.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.union1d(np.array([3, 1]), np.array([2, 3])).js(); // => [1, 2, 3]
 * ```
 */
export function union1d(a: ArrayLike, b: ArrayLike, options: SizeOptions = {}): NDArray {
  return computeNow([a, b], () => unique(lax.concatenate(vectors('union1d', a, b), 0), options));
}

/**
 * The distinct elements of `a` that are not in `b`, sorted (in the order of `a` with `assumeUnique`).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.setdiff1d(np.array([3, 1, 2]), np.array([2])).js(); // => [1, 3]
 * ```
 */
export function setdiff1d(a: ArrayLike, b: ArrayLike, { assumeUnique = false, ...sizes }: SetOptions = {}): NDArray {
  return computeNow([a, b], () => {
    const [x, y] = vectors('setdiff1d', a, b);
    const { sorted, isNew } = assumeUnique ? { sorted: x, isNew: lax.full([x.size], true) } : distinct(x, true);
    const mask = lax.bitwiseAnd(isNew, lax.bitwiseNot(contains(y, sorted)));
    return selectRows('setdiff1d', sorted, mask, sizes);
  });
}

/**
 * The distinct elements that are in exactly one of the arrays, sorted.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.setxor1d(np.array([3, 1]), np.array([2, 3])).js(); // => [1, 2]
 * ```
 */
export function setxor1d(a: ArrayLike, b: ArrayLike, options: SizeOptions = {}): NDArray {
  return computeNow([a, b], () => {
    const [x, y] = vectors('setxor1d', a, b);
    const { sorted, isNew } = distinct(lax.concatenate([x, y], 0), true);
    const mask = lax.bitwiseAnd(isNew, lax.ne(contains(x, sorted), contains(y, sorted)));
    return selectRows('setxor1d', sorted, mask, options);
  });
}

/** Options of {@link intersect1d}. */
export interface IntersectOptions extends SizeOptions {
  /** Also return where the elements occur first in each array. */
  returnIndices?: boolean;
}

/**
 * The distinct elements that are in both arrays, sorted; with `returnIndices` also the positions (int32) where they
 * occur first in `a` and in `b`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.intersect1d(np.array([3, 1, 2]), np.array([2, 3])).js(); // => [2, 3]
 * ```
 */
export function intersect1d(a: ArrayLike, b: ArrayLike, options?: SizeOptions & { returnIndices?: false }): NDArray;
export function intersect1d(a: ArrayLike, b: ArrayLike, options: IntersectOptions): NDArray[];
export function intersect1d(a: ArrayLike, b: ArrayLike, options: IntersectOptions = {}): NDArray | NDArray[] {
  const { returnIndices = false, ...sizes } = options;
  return computeNow([a, b], () => {
    const [x, y] = vectors('intersect1d', a, b);
    const { sorted, permutation, isNew } = distinct(x, true);
    const mask = lax.bitwiseAnd(isNew, contains(y, sorted));
    const size = resultSize('intersect1d', mask, sizes.size);
    const values = selectRows('intersect1d', sorted, mask, { ...sizes, size });
    if (!returnIndices) return values;
    const inFirst = selectRows('intersect1d', permutation, mask, { size });
    if (y.size === 0) return [values, inFirst, inFirst];
    const other = distinct(y, true);
    const unfilled = selectRows('intersect1d', sorted, mask, { size });
    const at = lax.min(insertionPoints(other.sorted, unfilled, 'left'), y.size - 1);
    return [values, inFirst, gatherRows(other.permutation, [0], [at], 0, { mode: 'promise_in_bounds' })];
  });
}
