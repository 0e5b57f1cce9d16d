/** Window functions of signal processing; constants, computed in double precision on the host. */
import { range } from '../core/axes.js';
import { fromHost } from '../core/concrete.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { convertElementType } from '../lax/index.js';

/** Options of the window functions. */
export interface WindowOptions {
  dtype?: DType;
}

/** A symmetric window of `m` points; `at` gets the position from 0 to 1. A window of one point is 1. */
function sampled(op: string, m: number, { dtype = 'float32' }: WindowOptions, at: (t: number) => number): NDArray {
  if (!Number.isInteger(m))
    throw new ArgumentError(`${op}: the number of points must be an integer, got ${m}.${userLine()}`);
  const points = Math.max(0, m);
  const values = points === 1 ? [1] : range(points).map((i) => at(i / (points - 1)));
  if (dtype === 'float64') return fromHost(Float64Array.from(values), [points], 'float64');
  return convertElementType(fromHost(Float32Array.from(values), [points], 'float32'), dtype);
}

const cosines =
  (coefficients: readonly number[]) =>
  (t: number): number =>
    coefficients.reduce((sum, a, k) => sum + a * Math.cos(2 * Math.PI * k * t), 0);

/**
 * The Bartlett window, a triangle that is 0 at both ends.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bartlett(3).js(); // => [0, 1, 0]
 * ```
 */
export const bartlett = (m: number, options: WindowOptions = {}): NDArray =>
  sampled('bartlett', m, options, (t) => 1 - Math.abs(2 * t - 1));

/**
 * The Blackman window, 0.42 - 0.5 cos 2πt + 0.08 cos 4πt.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.blackman(1).js(); // => [1]
 * ```
 */
export const blackman = (m: number, options: WindowOptions = {}): NDArray =>
  sampled('blackman', m, options, cosines([0.42, -0.5, 0.08]));

/**
 * The Hamming window, 0.54 - 0.46 cos 2πt.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.hamming(3).js(); // => [0.08, 1.00, 0.08]
 * ```
 */
export const hamming = (m: number, options: WindowOptions = {}): NDArray =>
  sampled('hamming', m, options, cosines([0.54, -0.46]));

/**
 * The Hann window, 0.5 - 0.5 cos 2πt.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.hanning(3).js(); // => [0, 1, 0]
 * [np.bartlett(3), np.hamming(2)]; // => [[0, 1, 0], [0.08, 0.08]]
 * ```
 */
export const hanning = (m: number, options: WindowOptions = {}): NDArray =>
  sampled('hanning', m, options, cosines([0.5, -0.5]));

/**
 * {@link hanning} by jax-js's name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.hann(3).js(); // => [0, 1, 0]
 * ```
 */
export const hann = hanning;

/** The modified Bessel function I₀(x) = Σ ((x/2)ᵏ / k!)² (NIST DLMF 10.25.2). All terms are positive, so it is exact. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * Number.EPSILON; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * The Kaiser window, I₀(β √(1 - (2t - 1)²)) / I₀(β).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.kaiser(3, 0).js(); // => [1, 1, 1]
 * ```
 */
export const kaiser = (m: number, beta: number, options: WindowOptions = {}): NDArray =>
  sampled('kaiser', m, options, (t) => besselI0(beta * Math.sqrt(Math.max(0, 1 - (2 * t - 1) ** 2))) / besselI0(beta));
