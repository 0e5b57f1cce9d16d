/** Coordinate arrays: grids of given axes, and the indices of a shape. */
import { nth } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { broadcastedIota, broadcastInDim, concatenate, expandDims, full, iota, reshape } from '../lax/index.js';
import { dtypeOf, shapeOf, type DTypeOptions, type ShapeArg } from './creation.js';
import { single } from './promote.js';

/** A vector along one axis of a grid: repeated over the others, or with length 1 there. */
const along = (x: NDArray, shape: Shape, axis: number, sparse: boolean): NDArray =>
  sparse
    ? reshape(
        x,
        shape.map((_, d) => (d === axis ? x.size : 1)),
      )
    : broadcastInDim(x, shape, [axis]);

/** Options of {@link meshgrid}. */
export interface MeshgridOptions {
  /** `xy` (the default) gives the first input the second axis, as plots want it; `ij` the first. */
  indexing?: 'xy' | 'ij';
  /** Leave length 1 where an array would only repeat. */
  sparse?: boolean;
}

/**
 * Coordinate arrays of the grid that the vectors span, one per vector.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const [x, y] = np.meshgrid([np.array([1, 2, 3]), np.array([4, 5])]);
 * x; // => [[1, 2, 3], [1, 2, 3]]
 * y; // => [[4, 4, 4], [5, 5, 5]]
 * ```
 */
export function meshgrid(
  xs: readonly ArrayLike[],
  { indexing = 'xy', sparse = false }: MeshgridOptions = {},
): NDArray[] {
  const vectors = xs.map((x) => {
    const array = single('meshgrid', x);
    if (array.ndim > 1) {
      throw new ShapeError(
        `meshgrid: takes vectors, got shape ${showShape(array.shape)}; flatten it with x.ravel().${userLine()}`,
      );
    }
    return reshape(array, [array.size]);
  });
  const swap = indexing === 'xy' && vectors.length > 1;
  const axisOf = (i: number): number => (swap && i < 2 ? 1 - i : i);
  const shape = vectors.map((_, d) => nth(vectors, axisOf(d)).size);
  return vectors.map((x, i) => along(x, shape, axisOf(i), sparse));
}

/** The index along `axis` of every element of `shape`. */
export const indexAlong = (shape: Shape, axis: number, dtype: DType): NDArray => broadcastedIota(dtype, shape, axis);

/** Options of {@link indices}. */
export interface IndicesOptions extends DTypeOptions {
  sparse?: boolean;
}

/**
 * The indices of an array of shape `dimensions`: element `[d, i, j, …]` of the result is the d-th of `i, j, …`. int32
 * unless `dtype` is given. With `sparse`, a list of arrays that broadcast to these.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.indices([2, 2]); // => [[[0, 0], [1, 1]], [[0, 1], [0, 1]]]
 * ```
 */
export function indices(dimensions: ShapeArg, options?: IndicesOptions & { sparse?: false }): NDArray;
export function indices(dimensions: ShapeArg, options: IndicesOptions & { sparse: true }): NDArray[];
export function indices(
  dimensions: ShapeArg,
  { dtype = 'int32', sparse = false }: IndicesOptions = {},
): NDArray | NDArray[] {
  const shape = shapeOf('indices', dimensions);
  const to = dtypeOf('indices', dtype);
  if (sparse) return shape.map((n, axis) => along(iota(to, n), shape, axis, true));
  if (shape.length === 0) return full([0], 0, to);
  return concatenate(
    shape.map((_, axis) => expandDims(indexAlong(shape, axis, to), [0])),
    0,
  );
}

/**
 * `f` of the index arrays of `shape`: `f(i, j, …)` gets, for every element, its index along each axis (float32 unless
 * `dtype` is given), and should be elementwise. The result is what `f` returns.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fromfunction((i, j) => i.mul(10).add(j), [2, 3]); // => [[0, 1, 2], [10, 11, 12]]
 * ```
 */
export function fromfunction<R>(
  f: (...indices: NDArray[]) => R,
  shape: ShapeArg,
  { dtype = 'float32' }: DTypeOptions = {},
): R {
  const lengths = shapeOf('fromfunction', shape);
  const to = dtypeOf('fromfunction', dtype);
  return f(...lengths.map((_, axis) => indexAlong(lengths, axis, to)));
}
