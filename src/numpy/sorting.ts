/** Sorting and partial sorting. All are stable, and NaN sorts last. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { sameShape, showShape } from '../core/aval.js';
import { ArgumentError, AxisError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { single } from './promote.js';

/** Options of {@link sort} and {@link argsort}. */
export interface SortOptions {
  /** Largest first. Equal elements still keep their order, and NaN comes first. */
  descending?: boolean;
  /** Accepted for compatibility: sorting is always stable. */
  stable?: boolean;
}

/** The array flattened if `axis` is null, and the axis. */
function alongAxis(op: string, x: ArrayLike, axis: number | null): { array: NDArray; axis: number } {
  const array = single(op, x);
  if (axis === null) return { array: lax.reshape(array, [array.size]), axis: 0 };
  return { array, axis: canonicalAxis(axis, array.ndim, op) };
}

/** Sorted values and the positions they came from. */
function sortWithPositions(array: NDArray, axis: number, descending: boolean): readonly [NDArray, NDArray] {
  const turn = (x: NDArray): NDArray => (descending ? lax.rev(x, [axis]) : x);
  const positions = lax.broadcastedIota('int32', array.aval.shape, axis);
  // Descending is ascending from the back, read backward: equal elements are turned twice.
  const sorted = lax.sort([turn(array), turn(positions)], axis).map(turn);
  return [nth(sorted, 0), nth(sorted, 1)];
}

/**
 * `x` sorted along `axis` (the last one if absent; with null, its elements in row-major order).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.sort(np.array([3, 1, 2])).js(); // => [1, 2, 3]
 * np.sort(np.array([3, 1, 2]), -1, { descending: true }).js(); // => [3, 2, 1]
 * ```
 */
export function sort(x: ArrayLike, axis: number | null = -1, { descending = false }: SortOptions = {}): NDArray {
  const { array, axis: d0 } = alongAxis('sort', x, axis);
  const sorted = nth(lax.sort([array], d0), 0);
  return descending ? lax.rev(sorted, [d0]) : sorted;
}

/**
 * Positions (int32) along `axis` that sort `x`; equal elements keep their order.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.argsort(np.array([3, 1, 2])).js(); // => [1, 2, 0]
 * ```
 */
export function argsort(x: ArrayLike, axis: number | null = -1, { descending = false }: SortOptions = {}): NDArray {
  const { array, axis: d0 } = alongAxis('argsort', x, axis);
  return sortWithPositions(array, d0, descending)[1];
}

/**
 * Positions that sort by several keys of one shape, of which the last is the most important.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const [surname, name] = [np.array([1, 1, 0]), np.array([5, 4, 6])];
 * np.lexsort([name, surname]).js(); // => [2, 1, 0]
 * ```
 */
export function lexsort(keys: readonly ArrayLike[] | NDArray, axis = -1): NDArray {
  const list =
    keys instanceof NDArray
      ? range(keys.length).map((i) => lax.reshape(lax.sliceInDim(keys, i, i + 1), keys.shape.slice(1)))
      : keys;
  const arrays = list.map((key) => single('lexsort', key));
  const first = arrays[0];
  if (first === undefined) throw new ArgumentError(`lexsort: needs at least one key.${userLine()}`);
  if (!arrays.every((x) => sameShape(x.aval.shape, first.aval.shape))) {
    throw new ShapeError(
      `lexsort: keys have shapes ${arrays.map((x) => showShape(x.shape)).join(', ')}, which must be equal.${userLine()}`,
    );
  }
  if (first.ndim === 0) return lax.full([], 0, 'int32');
  const d0 = canonicalAxis(axis, first.ndim, 'lexsort');
  const positions = lax.broadcastedIota('int32', first.aval.shape, d0);
  const sorted = lax.sort([...arrays.reverse(), positions], d0, arrays.length);
  return nth(sorted, sorted.length - 1);
}

function checkKth(op: string, kth: number | readonly number[], n: number): void {
  const wrong = (typeof kth === 'number' ? [kth] : kth).find((k) => !Number.isInteger(k) || k < -n || k >= n);
  if (wrong !== undefined)
    throw new AxisError(`${op}: there is no position ${wrong} along an axis of length ${n}.${userLine()}`);
}

/**
 * `x` reordered along `axis` so that the element at position `kth` is the one that sorting puts there, with none larger
 * before it and none smaller after it. (The rest happens to be sorted too.)
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.partition(np.array([5, 1, 4, 2, 3]), 2).slice(2).js(); // => 3
 * ```
 */
export function partition(x: ArrayLike, kth: number | readonly number[], axis: number | null = -1): NDArray {
  const { array, axis: d0 } = alongAxis('partition', x, axis);
  checkKth('partition', kth, nth(array.aval.shape, d0));
  return sort(array, d0);
}

/**
 * Positions (int32) that reorder `x` as {@link partition} does.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.argpartition(np.array([5, 1, 4, 2, 3]), 2).slice(2).js(); // => 4
 * ```
 */
export function argpartition(x: ArrayLike, kth: number | readonly number[], axis: number | null = -1): NDArray {
  const { array, axis: d0 } = alongAxis('argpartition', x, axis);
  checkKth('argpartition', kth, nth(array.aval.shape, d0));
  return argsort(array, d0);
}
