/** Inserting, deleting and appending elements. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { concatenate } from './join.js';
import { asIndex, hostPositions, hostValues } from './positions.js';
import { asArray, single } from './promote.js';
import { moveaxis } from './shape.js';
import { otherPositions, takeStatic } from './static-take.js';

/** Positions along an axis: integers (here a JS array lists them), an integer array, or a boolean mask. */
export type Positions = number | readonly number[] | NDArray;

/** The array flattened if `axis` is null, and the axis. */
function flattened(op: string, x: ArrayLike, axis: number | null | undefined): { array: NDArray; axis: number } {
  const array = single(op, x);
  if (axis === null || axis === undefined) return { array: lax.reshape(array, [array.size]), axis: 0 };
  return { array, axis: canonicalAxis(axis, array.ndim, op) };
}

/** Positions in `[0, limit]` from the start; `limit` is the last one allowed. */
function readPositions(op: string, obj: Positions, n: number, limit: number): number[] {
  const found = obj instanceof NDArray ? readArray(op, obj) : typeof obj === 'number' ? [obj] : [...obj];
  return found.map((i) => {
    if (!Number.isInteger(i)) throw new ArgumentError(`${op}: the position ${i} is no integer.${userLine()}`);
    if (i < -n || i > limit) {
      throw new ShapeError(
        `${op}: position ${i} is out of bounds for an axis of length ${n} (use -${n} … ${limit}).${userLine()}`,
      );
    }
    return i < 0 ? i + n : i;
  });
}

function readArray(op: string, obj: NDArray): number[] {
  const why = 'the shape of the result depends on the positions';
  const values = hostValues(
    op,
    obj.dtype === 'bool' ? obj : asIndex(op, obj),
    why,
    'Pass positions that are not traced',
  );
  return obj.dtype === 'bool' ? hostPositions(values) : range(values.length).map((i) => values[i] ?? 0);
}

/**
 * `x` with `values` inserted before the given positions (counted in `x`) along `axis`; without an axis, into its
 * elements in row-major order. Values take the dtype of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.insert(np.array([1, 2, 3]), 1, 9).js(); // => [1, 9, 2, 3]
 * np.insert(np.array([[1, 2], [3, 4]]), [0, 2], 9, 1).js(); // => [[9, 1, 2, 9], [9, 3, 4, 9]]
 * ```
 */
export function insert(x: ArrayLike, obj: Positions, values: ArrayLike, axis?: number | null): NDArray {
  const { array, axis: d0 } = flattened('insert', x, axis);
  const n = nth(array.aval.shape, d0);
  const at = readPositions('insert', obj, n, n);
  const given = lax.convertElementType(asArray(values, undefined, 'insert'), array.dtype);
  const ones = range(Math.max(0, array.ndim - given.ndim)).map(() => 1);
  const atLeast = lax.reshape(given, [...ones, ...given.aval.shape]);
  const isScalar = typeof obj === 'number' || (obj instanceof NDArray && obj.ndim === 0);
  // As NumPy: one position given as a number takes all rows of `values`, whose first axis is then the one inserted.
  const aligned = isScalar ? moveaxis(atLeast, 0, d0) : atLeast;
  const count = at.length === 1 ? nth(aligned.aval.shape, d0) : at.length;
  const part = lax.broadcastTo(
    aligned,
    array.aval.shape.map((m, d) => (d === d0 ? count : m)),
  );
  const joined = lax.concatenate([array, part], d0);
  const places = at.length === 1 ? range(count).map(() => nth(at, 0)) : at;
  // Values that go to one position keep their order.
  const order = range(count).sort((a, b) => nth(places, a) - nth(places, b) || a - b);
  const sources: number[] = [];
  let next = 0;
  for (let i = 0; i <= n; i++) {
    for (let k = order[next]; k !== undefined && places[k] === i; k = order[++next]) sources.push(n + k);
    if (i < n) sources.push(i);
  }
  return takeStatic(joined, d0, sources);
}

/**
 * `x` without the elements at the given positions along `axis`; without an axis, of its elements in row-major order.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.delete(np.array([1, 2, 3, 4]), [0, 2]).js(); // => [2, 4]
 * np.delete(np.array([[1, 2], [3, 4]]), 0, 1).js(); // => [[2], [4]]
 * ```
 */
export function delete_(x: ArrayLike, obj: Positions, axis?: number | null): NDArray {
  const { array, axis: d0 } = flattened('delete', x, axis);
  const n = nth(array.aval.shape, d0);
  if (obj instanceof NDArray && obj.dtype === 'bool' && obj.size !== n) {
    throw new ShapeError(
      `delete: a mask of shape ${showShape(obj.shape)} for an axis of length ${n}; they must agree.${userLine()}`,
    );
  }
  return takeStatic(array, d0, otherPositions(n, new Set(readPositions('delete', obj, n, n - 1))));
}
export { delete_ as delete };

/**
 * `values` joined to the end of `x` along `axis`; without an axis, as vectors.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.append(np.array([1, 2]), 3).js(); // => [1, 2, 3]
 * ```
 */
export const append = (x: ArrayLike, values: ArrayLike, axis: number | null = null): NDArray =>
  concatenate([x, values], axis);

/**
 * A vector without the zeros at its front (`f`) and back (`b`). How many there are depends on values, so `x` must not
 * be traced.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.trimZeros(np.array([0, 1, 0, 2, 0])).js(); // => [1, 0, 2]
 * ```
 */
export function trimZeros(x: ArrayLike, trim: 'f' | 'b' | 'fb' = 'fb'): NDArray {
  const array = single('trimZeros', x);
  if (array.ndim !== 1)
    throw new ShapeError(`trimZeros: takes a vector, got shape ${showShape(array.shape)}.${userLine()}`);
  const why = 'the length of the result depends on values';
  const kept = hostPositions(hostValues('trimZeros', array, why, 'Use it outside of jit, grad and vmap'));
  const [first, last] = [kept[0], kept[kept.length - 1]];
  if (first === undefined || last === undefined) return lax.sliceInDim(array, 0, 0);
  return lax.sliceInDim(array, trim.includes('f') ? first : 0, trim.includes('b') ? last + 1 : array.size);
}
