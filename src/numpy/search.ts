/** Binary search in sorted vectors. */
import { nth } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { gatherRows } from './gathers.js';
import { asIndex } from './positions.js';
import { promoteTypesOf } from './promote.js';

/** On which side of equal elements a value belongs. */
export type Side = 'left' | 'right';

/** a < b in the order that sorting uses: NaN last. */
function precedes(a: NDArray, b: NDArray): NDArray {
  const less = lax.lt(a, b);
  if (!isFloat(a.dtype)) return less;
  return lax.bitwiseOr(less, lax.bitwiseAnd(lax.ne(b, b), lax.eq(a, a)));
}

/**
 * Where each value belongs in a sorted vector, both of one dtype: the number of elements before it (`left`), or
 * before or equal to it (`right`). The number grows by powers of two while the element it passes belongs before the
 * value: ⌊log₂ n⌋ + 1 comparisons, without branches.
 */
export function insertionPoints(sorted: NDArray, values: NDArray, side: Side): NDArray {
  const n = sorted.size;
  let count = lax.full(values.aval.shape, 0, 'int32');
  if (n === 0) return count;
  for (let step = 2 ** Math.floor(Math.log2(n)); step >= 1; step /= 2) {
    const next = lax.add(count, step);
    const last = lax.sub(lax.min(next, n), 1);
    const passed = gatherRows(sorted, [0], [last], 0, { mode: 'promise_in_bounds' });
    const isBefore = side === 'left' ? precedes(passed, values) : lax.bitwiseNot(precedes(values, passed));
    count = lax.select(lax.bitwiseAnd(isBefore, lax.le(next, n)), next, count);
  }
  return count;
}

/** Options of {@link searchsorted}. */
export interface SearchsortedOptions {
  /** Indices that sort `sorted`, when it is not itself sorted. */
  sorter?: ArrayLike;
}

/**
 * Positions (int32) in the ascending vector `sorted` before which `values` belong: the first suitable one (`left`) or
 * the last (`right`). NaN counts as largest.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.searchsorted(np.array([1, 2, 2, 3]), np.array([2, 0, 9])).js(); // => [1, 0, 4]
 * np.searchsorted(np.array([1, 2, 2, 3]), 2, 'right').js(); // => 3
 * ```
 */
export function searchsorted(
  sorted: ArrayLike,
  values: ArrayLike,
  side: Side = 'left',
  { sorter }: SearchsortedOptions = {},
): NDArray {
  const promoted = promoteTypesOf('searchsorted', [sorted, values]);
  const [array, wanted] = [nth(promoted, 0), nth(promoted, 1)];
  if (array.ndim !== 1) {
    throw new ShapeError(
      `searchsorted: the first argument must be a vector, got shape ${showShape(array.shape)}.${userLine()}`,
    );
  }
  if (sorter === undefined) return insertionPoints(array, wanted, side);
  const order = asIndex('searchsorted', sorter);
  return insertionPoints(gatherRows(array, [0], [order], 0, { mode: 'clip' }), wanted, side);
}

/**
 * The bin each element of `x` falls into: `i` such that `bins[i - 1] ≤ x < bins[i]` (`bins[i - 1] < x ≤ bins[i]` if
 * `right`), for ascending `bins`; for descending ones the other way round.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.digitize(np.array([0.2, 6.4, 3]), np.array([0, 1, 3, 4])).js(); // => [1, 4, 3]
 * ```
 */
export function digitize(x: ArrayLike, bins: ArrayLike, right = false): NDArray {
  const promoted = promoteTypesOf('digitize', [x, bins]);
  const [values, edges] = [nth(promoted, 0), nth(promoted, 1)];
  if (edges.ndim !== 1)
    throw new ShapeError(`digitize: bins must be a vector, got shape ${showShape(edges.shape)}.${userLine()}`);
  const n = edges.size;
  const side = right ? 'left' : 'right';
  const rising = insertionPoints(edges, values, side);
  if (n < 2) return rising;
  // Descending edges read backward ascend, and the count is then from the other end.
  const falling = lax.neg(lax.sub(insertionPoints(lax.rev(edges, [0]), values, side), n));
  const at = (i: number): NDArray => lax.reshape(lax.sliceInDim(edges, i, i + 1), []);
  return lax.select(lax.le(at(0), at(n - 1)), rising, falling);
}
