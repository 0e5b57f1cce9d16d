/** Matrices made from nothing or from vectors: identities, diagonals, triangles, Vandermonde. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { AxisError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import {
  broadcastedIota,
  broadcastInDim,
  concatenate,
  convertElementType,
  cumprod,
  eq,
  full,
  ge,
  pad,
  reduceSum,
  reshape,
  rev,
  scalarLike,
  select,
  sliceInDim,
  sub,
  transpose,
} from '../lax/index.js';
import { dtypeOf, optionsOf, shapeOf, type DTypeOptions, type DTypeOr } from './creation.js';
import { numeric, single } from './promote.js';

const lengths = (op: string, n: number, m: number | null | undefined): number[] => shapeOf(op, [n, m ?? n]);

/** Column minus row, for every element of a matrix. */
const offsetOf = (shape: readonly number[]): NDArray =>
  sub(broadcastedIota('int32', shape, shape.length - 1), broadcastedIota('int32', shape, shape.length - 2));

/** Options of {@link eye} and {@link tri}. */
export interface DiagonalOptions extends DTypeOptions {
  /** The diagonal: 0 is the main one, positive ones lie above. */
  k?: number;
}

/**
 * `n` by `m` (by default square) with ones on the diagonal `k`, which stands by itself, as in NumPy, or in the options.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.eye(2); // => [[1, 0], [0, 1]]
 * np.eye(2, 3, 1); // => [[0, 1, 0], [0, 0, 1]]
 * np.eye(2, 3, { k: 1, dtype: 'int32' }); // => [[0, 1, 0], [0, 0, 1]]
 * ```
 */
export function eye(
  n: number,
  m?: number | null,
  diagonal: number | DiagonalOptions = {},
  options: DTypeOr<DTypeOptions> = {},
): NDArray {
  const given = typeof diagonal === 'number' ? { k: diagonal } : diagonal;
  const { k = 0, dtype = 'float32' } = { ...given, ...optionsOf(options) };
  const offset = offsetOf(lengths('eye', n, m));
  return convertElementType(eq(offset, scalarLike(k, offset)), dtypeOf('eye', dtype));
}

/**
 * The identity matrix of `n` rows.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.identity(2); // => [[1, 0], [0, 1]]
 * ```
 */
export const identity = (n: number, options: DTypeOr<DTypeOptions> = {}): NDArray => eye(n, n, 0, options);

/**
 * `n` by `m` with ones at and below the diagonal `k`, zeros above.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.tri(3); // => [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
 * ```
 */
export function tri(n: number, m?: number | null, k = 0, options: DTypeOr<DTypeOptions> = {}): NDArray {
  const offset = offsetOf(lengths('tri', n, m));
  return convertElementType(ge(scalarLike(k, offset), offset), dtypeOf('tri', optionsOf(options).dtype ?? 'float32'));
}

/** Keep the elements on one side of a diagonal. */
function triangle(op: string, x: ArrayLike, keep: (offset: NDArray) => NDArray): NDArray {
  const array = single(op, x);
  if (array.ndim < 2) {
    throw new ShapeError(
      `${op}: needs a matrix or a stack of matrices, got shape ${showShape(array.shape)}. Add an axis with x.reshape(1, -1).${userLine()}`,
    );
  }
  const mask = keep(offsetOf(array.aval.shape));
  return select(mask, array, scalarLike(0, array));
}

/**
 * The lower triangle of the last two axes: elements above the diagonal `k` become 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.tril(np.array([[1, 2], [3, 4]])); // => [[1, 0], [3, 4]]
 * ```
 */
export const tril = (x: ArrayLike, k = 0): NDArray =>
  triangle('tril', x, (offset) => ge(scalarLike(k, offset), offset));

/**
 * The upper triangle of the last two axes: elements below the diagonal `k` become 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.triu(np.array([[1, 2], [3, 4]])); // => [[1, 2], [0, 4]]
 * ```
 */
export const triu = (x: ArrayLike, k = 0): NDArray =>
  triangle('triu', x, (offset) => ge(offset, scalarLike(k, offset)));

/** The square matrix with `v` on the diagonal `k`: its elements are spread n + 1 apart in row-major order. */
function fromDiagonal(v: NDArray, k: number): NDArray {
  const length = nth(v.aval.shape, 0);
  const n = length + Math.abs(k);
  if (length === 0) return full([n, n], 0, v.dtype);
  const start = k >= 0 ? k : -k * n;
  const spread = (length - 1) * (n + 1) + 1;
  return reshape(pad(v, scalarLike(0, v), [[start, n * n - start - spread, n]]), [n, n]);
}

/** {@link diagonal} of an array: along the last axis, elements n + 1 apart in row-major order of the plane. */
export function diagonalOf(op: string, x: NDArray, offset = 0, axis1 = 0, axis2 = 1): NDArray {
  if (x.ndim < 2) {
    throw new ShapeError(`${op}: needs at least two axes, got shape ${showShape(x.shape)}.${userLine()}`);
  }
  const [a, b] = [canonicalAxis(axis1, x.ndim, op), canonicalAxis(axis2, x.ndim, op)];
  if (a === b)
    throw new AxisError(`${op}: axis1 and axis2 are the same axis, ${a}; they span the planes.${userLine()}`);
  const rest = range(x.ndim).filter((d) => d !== a && d !== b);
  const planes = transpose(x, [...rest, a, b]);
  const shape = planes.aval.shape;
  const [rows, columns] = [nth(shape, rest.length), nth(shape, rest.length + 1)];
  const length = Math.max(0, Math.min(rows - Math.max(0, -offset), columns - Math.max(0, offset)));
  const outer = shape.slice(0, rest.length);
  const flat = reshape(planes, [...outer, rows * columns]);
  if (length === 0) return sliceInDim(flat, 0, 0, rest.length);
  const start = offset >= 0 ? offset : -offset * columns;
  return sliceInDim(flat, start, start + (length - 1) * (columns + 1) + 1, rest.length, columns + 1);
}

/**
 * A matrix with the vector `v` on the diagonal `k`; of a matrix, its diagonal `k`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.diag(np.array([1, 2])); // => [[1, 0], [0, 2]]
 * np.diag(np.array([[1, 2], [3, 4]])); // => [1, 4]
 * ```
 */
export function diag(v: ArrayLike, k = 0): NDArray {
  const x = single('diag', v);
  if (x.ndim === 1) return fromDiagonal(x, k);
  if (x.ndim === 2) return diagonalOf('diag', x, k);
  throw new ShapeError(
    `diag: takes a vector or a matrix, got shape ${showShape(x.shape)}. For stacks of matrices use np.diagonal; to flatten ` +
      `first, np.diagflat.${userLine()}`,
  );
}

/**
 * A matrix with the elements of `v`, flattened, on the diagonal `k`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.diagflat(np.array([[1], [2]])); // => [[1, 0], [0, 2]]
 * ```
 */
export function diagflat(v: ArrayLike, k = 0): NDArray {
  const x = single('diagflat', v);
  return fromDiagonal(reshape(x, [x.size]), k);
}

/**
 * The diagonal `offset` of the planes of `axis1` and `axis2`, along a new last axis. Throws ShapeError for fewer than
 * two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.diagonal(np.array([[1, 2], [3, 4]])); // => [1, 4]
 * np.diagonal(np.array([[1, 2], [3, 4]]), 1); // => [2]
 * ```
 */
export function diagonal(x: ArrayLike, offset = 0, axis1 = 0, axis2 = 1): NDArray {
  return diagonalOf('diagonal', single('diagonal', x), offset, axis1, axis2);
}

/**
 * The sum of the diagonal `offset` of the planes of `axis1` and `axis2`; booleans are counted.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.trace(np.array([[1, 2], [3, 4]])); // => 5
 * ```
 */
export function trace(x: ArrayLike, offset = 0, axis1 = 0, axis2 = 1): NDArray {
  const d = diagonalOf('trace', numeric('trace', x), offset, axis1, axis2);
  return reduceSum(d, [d.ndim - 1]);
}

/** Options of {@link vander}. */
export interface VanderOptions {
  /** Number of columns; as many as elements if absent. */
  n?: number;
  /** Powers from 0 up instead of down to 0. */
  increasing?: boolean;
}

/**
 * The Vandermonde matrix of a vector: column j holds x to the power n - 1 - j.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.vander(np.array([1, 2, 3])); // => [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
 * ```
 */
export function vander(x: ArrayLike, options: VanderOptions = {}): NDArray {
  const v = numeric('vander', x);
  if (v.ndim !== 1) throw new ShapeError(`vander: takes a vector, got shape ${showShape(v.shape)}.${userLine()}`);
  const rows = v.size;
  const columns = options.n ?? rows;
  shapeOf('vander', columns);
  if (columns === 0) return full([rows, 0], 0, v.dtype);
  // Powers as a cumulative product of 1, x, x, …: exact for integers, and differentiable at 0.
  const factors = concatenate([full([rows, 1], 1, v.dtype), broadcastInDim(v, [rows, columns - 1], [0])], 1);
  const powers = cumprod(factors, 1);
  return options.increasing === true ? powers : rev(powers, [1]);
}
