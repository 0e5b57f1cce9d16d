/** NumPy's writing functions in functional form: each returns a new array. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { sameShape, showShape, sizeOf, stridesOf } from '../core/aval.js';
import { fromHost } from '../core/concrete.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { alongAxisNumbers, gatherRows, scatterNumbers, stackIndices } from './gathers.js';
import { asIndex, asMask, VECTOR_SCATTER, wrapNegative } from './positions.js';
import { asArray, single } from './promote.js';
import { tile } from './reorder.js';
import { resolveIndices, type TakeMode } from './take.js';

/** `values` as a vector of `n` elements, repeated as often as needed. */
function repeated(op: string, values: ArrayLike, like: NDArray, n: number): NDArray {
  const array = lax.convertElementType(asArray(values, undefined, op), like.dtype);
  if (array.size === 0 && n > 0) throw new ShapeError(`${op}: no values to write at ${n} places.${userLine()}`);
  const flat = lax.reshape(array, [array.size]);
  return array.size === 0 ? flat : lax.sliceInDim(tile(flat, Math.ceil(n / array.size)), 0, n);
}

/** `x` with a vector of values at row-major positions, those out of bounds dropped. */
function writeFlat(x: NDArray, positions: NDArray, values: NDArray): NDArray {
  if (positions.size === 0) return x;
  const flat = lax.reshape(x, [x.size]);
  const written = lax.scatter(flat, lax.reshape(positions, [positions.size, 1]), values, VECTOR_SCATTER);
  return lax.reshape(written, x.aval.shape);
}

/**
 * `x` with `values` written at row-major positions; values repeat if there are fewer. Positions out of bounds are
 * dropped (`fill`), clamped (`clip`) or taken modulo the size (`wrap`).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.put(np.zeros([2, 2]), np.array([0, -1], { dtype: 'int32' }), 7).js(); // => [[7, 0], [0, 7]]
 * ```
 */
export function put(x: ArrayLike, indices: ArrayLike, values: ArrayLike, mode: TakeMode = 'fill'): NDArray {
  const array = single('put', x);
  const index = asIndex('put', indices);
  const flat = lax.reshape(index, [index.size]);
  return writeFlat(array, resolveIndices('put', flat, array.size, mode), repeated('put', values, array, index.size));
}

/**
 * `x` with the elements where `mask` is true replaced, in row-major order, by the elements of `values` in turn, from
 * the first again after the last.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.place(np.array([1, 2, 3, 4]), np.array([true, false, true, true]), np.array([8, 9])).js(); // => [8, 2, 9, 8]
 * ```
 */
export function place(x: ArrayLike, mask: ArrayLike, values: ArrayLike): NDArray {
  const array = single('place', x);
  const where = asMask(single('place', mask));
  if (where.size !== array.size) {
    throw new ShapeError(
      `place: a mask of shape ${showShape(where.shape)} does not fit shape ${showShape(array.shape)}; they need as many elements.${userLine()}`,
    );
  }
  const given = lax.convertElementType(asArray(values, undefined, 'place'), array.dtype);
  if (array.size === 0) return array;
  if (given.size === 0) throw new ShapeError(`place: no values to write.${userLine()}`);
  const flat = lax.reshape(where, [where.size]);
  const turn = lax.rem(lax.sub(lax.cumsum(lax.convertElementType(flat, 'int32')), 1), given.size);
  // Before the first true element the count is -1; that value is not used.
  const values1 = gatherRows(lax.reshape(given, [given.size]), [0], [turn], 0, { mode: 'clip' });
  return lax.reshape(lax.select(flat, values1, lax.reshape(array, [array.size])), array.aval.shape);
}

/**
 * `x` with `values` written along `axis` at `indices`, which have as many axes as `x`; the other axes broadcast. The
 * opposite of `takeAlongAxis`. Indices out of bounds are dropped.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[3, 1], [9, 8]]);
 * np.putAlongAxis(x, np.array([[1], [0]], { dtype: 'int32' }), 0, 1).js(); // => [[3, 0], [0, 8]]
 * ```
 */
export function putAlongAxis(x: ArrayLike, indices: ArrayLike, values: ArrayLike, axis: number | null): NDArray {
  const given = single('putAlongAxis', x);
  const array = axis === null ? lax.reshape(given, [given.size]) : given;
  const d0 = canonicalAxis(axis ?? 0, array.ndim, 'putAlongAxis');
  const index = asIndex('putAlongAxis', indices);
  if (index.ndim !== array.ndim) {
    throw new ShapeError(
      `putAlongAxis: indices of shape ${showShape(index.shape)} must have as many axes as the array of shape ${showShape(array.shape)}.${userLine()}`,
    );
  }
  const shape = array.aval.shape.map((n, d) => (d === d0 ? nth(index.aval.shape, d) : n));
  const at = wrapNegative(lax.broadcastTo(index, shape), nth(array.aval.shape, d0));
  const written = lax.convertElementType(asArray(values, undefined, 'putAlongAxis'), array.dtype);
  const updates = lax.broadcastTo(written, shape);
  if (updates.size === 0) return given;
  const numbers = scatterNumbers(alongAxisNumbers(array.ndim, d0));
  return lax.reshape(lax.scatter(array, stackIndices([at]), updates, numbers), given.aval.shape);
}

/** Options of {@link fillDiagonal}. */
export interface FillDiagonalOptions {
  /** Begin again below the square part of a tall matrix. */
  wrap?: boolean;
}

/**
 * `x` with its main diagonal (elements whose indices are equal) replaced by `value`; an array of values is written
 * along it, repeated if short. Throws ShapeError for a vector, or unequal lengths of more than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fillDiagonal(np.zeros([2, 3]), 5).js(); // => [[5, 0, 0], [0, 5, 0]]
 * ```
 */
export function fillDiagonal(x: ArrayLike, value: ArrayLike, { wrap = false }: FillDiagonalOptions = {}): NDArray {
  const array = single('fillDiagonal', x);
  const { shape } = array.aval;
  if (array.ndim < 2 || (array.ndim > 2 && !shape.every((n) => n === shape[0]))) {
    throw new ShapeError(
      `fillDiagonal: needs a matrix, or more axes of one length; got shape ${showShape(shape)}.${userLine()}`,
    );
  }
  const step = stridesOf(shape).reduce((a, b) => a + b, 0);
  const end = array.ndim === 2 && !wrap ? nth(shape, 1) * nth(shape, 1) : sizeOf(shape);
  const count = Math.max(0, Math.ceil(Math.min(end, array.size) / step));
  const positions = Int32Array.from(range(count).map((i) => i * step));
  const index = fromHost(positions, [count], 'int32');
  return writeFlat(array, index, repeated('fillDiagonal', value, array, count));
}

/**
 * `x` where `mask` is false; where it is true, the element of `values` (in row-major order, repeated) at the same place.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.putmask(np.array([1, 2, 3]), np.array([true, false, true]), 0).js(); // => [0, 2, 0]
 * ```
 */
export function putmask(x: ArrayLike, mask: ArrayLike, values: ArrayLike): NDArray {
  const array = single('putmask', x);
  const where = asMask(single('putmask', mask));
  if (!sameShape(where.aval.shape, array.aval.shape)) {
    throw new ShapeError(
      `putmask: the mask of shape ${showShape(where.shape)} must have the shape ${showShape(array.shape)} of the array.${userLine()}`,
    );
  }
  const flat = repeated('putmask', values, array, array.size);
  return array.size === 0 ? array : lax.select(where, lax.reshape(flat, array.aval.shape), array);
}
