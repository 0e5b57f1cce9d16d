/** Arrays of indices: where elements are not zero, diagonals and triangles, and conversions between index forms. */
import { nth, range } from '../core/axes.js';
import { showShape, sizeOf, stridesOf } from '../core/aval.js';
import { ConcreteArray, fromHost } from '../core/concrete.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { asIndex, asMask, positionsOf, unravel, type SizeOptions } from './positions.js';
import { single } from './promote.js';
import { boundIndices, type BoundsMode } from './take.js';

/** Options of {@link nonzero}; the fill value may be one per axis. */
export interface NonzeroOptions extends Omit<SizeOptions, 'fillValue'> {
  fillValue?: number | readonly number[];
}

/**
 * Indices of the elements that are not zero, in row-major order: one int32 vector per axis.
 *
 * Their number depends on values. Under `jit` say how many with `size`: excess ones are dropped and missing ones are
 * `fillValue` (default 0, or one per axis). Throws ConcretizationError for a traced array without `size`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.nonzero(np.array([[0, 1], [2, 0]])); // => [[0, 1], [1, 0]]
 * np.nonzero(np.array([0, 5, 6]), { size: 3, fillValue: -1 }); // => [[1, 2, -1]]
 * ```
 */
export function nonzero(x: ArrayLike, { size, fillValue = 0 }: NonzeroOptions = {}): NDArray[] {
  const array = single('nonzero', x);
  if (array.ndim === 0) throw new ShapeError(`nonzero: a rank-0 array has no axes; use np.atleast1d(x).${userLine()}`);
  // A concrete array is read as it is; converting it first would trace the conversion.
  const mask = size === undefined && array instanceof ConcreteArray ? array : asMask(array);
  const positions = positionsOf('nonzero', mask, size);
  const found = unravel(positions, array.aval.shape);
  if (size === undefined) return found;
  const isFound = lax.lt(positions, array.size);
  return found.map((index, d) => {
    const fill = typeof fillValue === 'number' ? fillValue : (fillValue[d] ?? 0);
    return lax.select(isFound, index, lax.full(index.aval.shape, fill, 'int32'));
  });
}

/**
 * Indices of the elements that are not zero, one per row; see {@link nonzero}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.argwhere(np.array([[0, 1], [2, 0]])).js(); // => [[0, 1], [1, 0]]
 * ```
 */
export function argwhere(x: ArrayLike, options: NonzeroOptions = {}): NDArray {
  const array = single('argwhere', x);
  if (array.ndim === 0) {
    const count = positionsOf('argwhere', array instanceof ConcreteArray ? array : asMask(array), options.size).size;
    return lax.full([count, 0], 0, 'int32');
  }
  const columns = nonzero(array, options).map((index) => lax.reshape(index, [index.size, 1]));
  return lax.concatenate(columns, 1);
}

/**
 * Row-major positions of the elements that are not zero; see {@link nonzero}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.flatnonzero(np.array([[0, 1], [2, 0]])).js(); // => [1, 2]
 * ```
 */
export function flatnonzero(x: ArrayLike, options: SizeOptions = {}): NDArray {
  const array = single('flatnonzero', x);
  return nth(nonzero(lax.reshape(array, [array.size]), options), 0);
}

/**
 * Indices, one array per axis, of row-major positions in an array of `shape`. Negative positions count from the end;
 * those out of bounds become the nearest index.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.unravelIndex(np.array([4, 5], { dtype: 'int32' }), [2, 3]); // => [[1, 1], [1, 2]]
 * ```
 */
export function unravelIndex(indices: ArrayLike, shape: number | readonly number[]): NDArray[] {
  const index = asIndex('unravelIndex', indices);
  const lengths = typeof shape === 'number' ? [shape] : shape;
  const total = sizeOf(lengths);
  if (total === 0 && index.size > 0) {
    throw new ShapeError(`unravelIndex: an array of shape ${showShape(lengths)} has no elements.${userLine()}`);
  }
  if (total === 0) return lengths.map(() => index);
  return unravel(lax.clamp(-total, index, total - 1), lengths);
}

/**
 * Row-major positions of elements given by one index array per axis of an array of shape `dims`. By default indices out
 * of bounds throw, for which they must not be traced; `clip` and `wrap` bring them in bounds.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const i = [np.array([0, 1], { dtype: 'int32' }), np.array([2, 1], { dtype: 'int32' })];
 * np.ravelMultiIndex(i, [2, 3]).js(); // => [2, 4]
 * ```
 */
export function ravelMultiIndex(
  multiIndex: readonly ArrayLike[],
  dims: readonly number[],
  mode: BoundsMode = 'raise',
): NDArray {
  if (multiIndex.length !== dims.length || dims.length === 0) {
    throw new ArgumentError(
      `ravelMultiIndex: ${multiIndex.length} index arrays for ${dims.length} axes; give one for each.${userLine()}`,
    );
  }
  const indices = multiIndex.map((x, d) =>
    boundIndices('ravelMultiIndex', asIndex('ravelMultiIndex', x), nth(dims, d), mode),
  );
  const shape = lax.broadcastShapes('ravelMultiIndex', ...indices.map((x) => x.aval.shape));
  const strides = stridesOf(dims);
  return indices.map((x, d) => lax.mul(lax.broadcastTo(x, shape), nth(strides, d))).reduce((sum, x) => lax.add(sum, x));
}

/**
 * An open mesh: vectors shaped so that, as an index, they select their cross product. A boolean vector stands for the
 * positions where it is true.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.reshape(np.arange(9), [3, 3]);
 * const [i, j] = [np.array([0, 2], { dtype: 'int32' }), np.array([true, false, true])];
 * x.slice(...np.ix_(i, j)).js(); // => [[0, 2], [6, 8]]
 * ```
 */
export function ix_(...vectors: readonly NDArray[]): NDArray[] {
  return vectors.map((vector, d) => {
    if (vector.ndim !== 1)
      throw new ShapeError(`ix_: takes vectors, got shape ${showShape(vector.shape)}.${userLine()}`);
    const index = vector.dtype === 'bool' ? flatnonzero(vector) : vector;
    return lax.reshape(
      index,
      vectors.map((_, k) => (k === d ? index.size : 1)),
    );
  });
}

const hostIndex = (values: readonly number[]): NDArray => fromHost(Int32Array.from(values), [values.length], 'int32');

/**
 * Indices of the main diagonal of an array of `ndim` axes of length `n`: the same int32 vector for each axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.diagIndices(3); // => [[0, 1, 2], [0, 1, 2]]
 * ```
 */
export const diagIndices = (n: number, ndim = 2): NDArray[] => {
  const index = hostIndex(range(n));
  return range(ndim).map(() => index);
};

/**
 * {@link diagIndices} of an array with at least two axes, all of one length.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.diagIndicesFrom(np.zeros([2, 2])); // => [[0, 1], [0, 1]]
 * ```
 */
export function diagIndicesFrom(x: ArrayLike): NDArray[] {
  const { shape } = single('diagIndicesFrom', x);
  const [n] = shape;
  if (n === undefined || shape.length < 2 || !shape.every((m) => m === n)) {
    throw new ShapeError(
      `diagIndicesFrom: needs at least two axes, all of one length; got shape ${showShape(shape)}.${userLine()}`,
    );
  }
  return diagIndices(n, shape.length);
}

function triangle(n: number, m: number, isIn: (row: number, column: number) => boolean): [NDArray, NDArray] {
  const found = range(n).flatMap((i) => range(m).flatMap((j) => (isIn(i, j) ? [[i, j] as const] : [])));
  return [hostIndex(found.map(([i]) => i)), hostIndex(found.map(([, j]) => j))];
}

/**
 * Rows and columns of the elements of an `n`-by-`m` matrix on and below diagonal `k`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.trilIndices(2); // => [[0, 1, 1], [0, 0, 1]]
 * ```
 */
export const trilIndices = (n: number, k = 0, m: number = n): [NDArray, NDArray] =>
  triangle(n, m, (i, j) => j - i <= k);

/**
 * Rows and columns of the elements of an `n`-by-`m` matrix on and above diagonal `k`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.triuIndices(2); // => [[0, 0, 1], [0, 1, 1]]
 * ```
 */
export const triuIndices = (n: number, k = 0, m: number = n): [NDArray, NDArray] =>
  triangle(n, m, (i, j) => j - i >= k);

function matrixShape(op: string, x: ArrayLike): [number, number] {
  const { shape } = single(op, x);
  const [n, m] = shape;
  if (n === undefined || m === undefined || shape.length !== 2) {
    throw new ShapeError(`${op}: takes a matrix, got shape ${showShape(shape)}.${userLine()}`);
  }
  return [n, m];
}

/**
 * {@link trilIndices} for the shape of a matrix.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.trilIndicesFrom(np.zeros([2, 3])); // => [[0, 1, 1], [0, 0, 1]]
 * ```
 */
export function trilIndicesFrom(x: ArrayLike, k = 0): [NDArray, NDArray] {
  const [n, m] = matrixShape('trilIndicesFrom', x);
  return trilIndices(n, k, m);
}

/**
 * {@link triuIndices} for the shape of a matrix.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.triuIndicesFrom(np.zeros([2, 2])); // => [[0, 0, 1], [0, 1, 1]]
 * ```
 */
export function triuIndicesFrom(x: ArrayLike, k = 0): [NDArray, NDArray] {
  const [n, m] = matrixShape('triuIndicesFrom', x);
  return triuIndices(n, k, m);
}
