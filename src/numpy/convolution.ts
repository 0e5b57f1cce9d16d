/**
 * Convolution and correlation of vectors. The products aᵢ vⱼ of the shorter vector (rows) with the longer (columns) are
 * laid out so that row i is shifted by i: pad each row by the number of rows, read the matrix as a vector, cut off
 * the last elements, and read it as rows one element shorter. Column sums are then Σ aᵢ vₖ₋ᵢ. Padding and reshaping are
 * index arithmetic, so one reduction computes it all.
 */
import { nth } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { promoteTypesOf } from './promote.js';

/** Which places of the result: all with any overlap, as many as the longer vector has, or those of full overlap. */
export type ConvolveMode = 'full' | 'same' | 'valid';

function vectors(op: string, a: ArrayLike, v: ArrayLike): readonly [NDArray, NDArray] {
  const both = promoteTypesOf(op, [a, v]).map((x) => (x.dtype === 'bool' ? lax.convertElementType(x, 'int32') : x));
  if (both.some((x) => x.ndim !== 1 || x.size === 0)) {
    throw new ShapeError(
      `${op}: takes two vectors that are not empty, got shapes ${both.map((x) => showShape(x.shape)).join(' and ')}.${userLine()}`,
    );
  }
  return [nth(both, 0), nth(both, 1)];
}

/** All n + m - 1 places of the convolution; `rows` should be the shorter one. */
function fullConvolution(rows: NDArray, columns: NDArray): NDArray {
  const [m, n] = [rows.size, columns.size];
  const products = lax.mul(lax.broadcastInDim(rows, [m, n], [0]), lax.broadcastInDim(columns, [m, n], [1]));
  const padded = lax.pad(products, 0, [
    [0, 0, 0],
    [0, m, 0],
  ]);
  const shifted = lax.reshape(lax.sliceInDim(lax.reshape(padded, [m * (n + m)]), 0, m * (n + m - 1)), [m, n + m - 1]);
  return lax.reduceSum(shifted, [0]);
}

/** The places of a full result that a mode keeps, for lengths n ≥ m. */
function places(op: string, full: NDArray, n: number, m: number, mode: ConvolveMode): NDArray {
  switch (mode) {
    case 'full':
      return full;
    case 'same': {
      const start = Math.floor((m - 1) / 2);
      return lax.sliceInDim(full, start, start + n);
    }
    case 'valid':
      return lax.sliceInDim(full, m - 1, n);
    default:
      throw new ArgumentError(`${op}: there is no mode '${String(mode)}'; use full, same or valid.${userLine()}`);
  }
}

/**
 * The convolution of two vectors, (a * v)ₖ = Σᵢ aᵢ vₖ₋ᵢ. Cost: the product of the shorter length with the sum of both.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.convolve(np.array([1, 2, 3]), np.array([0, 1, 0.5])).js(); // => [0, 1, 2.5, 4, 1.5]
 * np.convolve(np.array([1, 2, 3]), np.array([0, 1, 0.5]), 'same').js(); // => [1, 2.5, 4]
 * ```
 */
export function convolve(a: ArrayLike, v: ArrayLike, mode: ConvolveMode = 'full'): NDArray {
  const [x, y] = vectors('convolve', a, v);
  const [long, short] = x.size >= y.size ? [x, y] : [y, x];
  return places('convolve', fullConvolution(short, long), long.size, short.size, mode);
}

/**
 * The correlation of two vectors, cₖ = Σᵢ aᵢ₊ₖ vᵢ.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.correlate(np.array([1, 2, 3]), np.array([0, 1, 0.5])).js(); // => [3.5]
 * np.correlate(np.array([1, 2, 3]), np.array([0, 1, 0.5]), 'full').js(); // => [0.5, 2, 3.5, 3, 0]
 * ```
 */
export function correlate(a: ArrayLike, v: ArrayLike, mode: ConvolveMode = 'valid'): NDArray {
  const [x, y] = vectors('correlate', a, v);
  if (x.size >= y.size) return places('correlate', fullConvolution(lax.rev(y, [0]), x), x.size, y.size, mode);
  // Exchanging the vectors turns the result around.
  return lax.rev(places('correlate', fullConvolution(lax.rev(x, [0]), y), y.size, x.size, mode), [0]);
}
