/** Convolution and correlation of vectors. */
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

/** Σᵢ longₖ₊ᵢ₋ₚ kernelᵢ for the places k that a mode keeps, for lengths n ≥ m; p is the padding before. */
function correlation(op: string, long: NDArray, kernel: NDArray, mode: ConvolveMode): NDArray {
  const m = kernel.size;
  const most = m - 1;
  const half = Math.floor(most / 2);
  const padding = { full: [most, most], same: [most - half, half], valid: [0, 0] } as const;
  if (!Object.hasOwn(padding, mode))
    throw new ArgumentError(`${op}: there is no mode '${mode}'; use full, same or valid.${userLine()}`);
  const out = lax.conv(lax.reshape(long, [1, 1, long.size]), lax.reshape(kernel, [1, 1, m]), [1], [padding[mode]]);
  return lax.reshape(out, [out.size]);
}

/**
 * The convolution of two vectors, (a * v)ₖ = Σᵢ aᵢ vₖ₋ᵢ. Cost: the product of the lengths.
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
  return correlation('convolve', long, lax.rev(short, [0]), mode);
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
  if (x.size >= y.size) return correlation('correlate', x, y, mode);
  // Exchanging the vectors turns the result around.
  return lax.rev(correlation('correlate', y, x, mode), [0]);
}
