/** Normal samples and what is made of them: by the inverse of the distribution function, as JAX does. */
import type { Shape } from '../core/aval.js';
import { scalar } from '../core/concrete.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { stopGradientArray } from '../lax/identity.js';
import {
  floatDType,
  FRACTION_BITS,
  parameter,
  sampleShape,
  shapeAndOptions,
  type FloatDType,
  type FloatOptions,
  type ShapeOr,
} from './arguments.js';
import { canonicalShape } from './key.js';
import { uniformOn } from './uniform.js';

/** {@link normal} for the other samplers, whose name `op` errors carry. */
export function normalOf(op: string, key: NDArray, shape: Shape, dtype: FloatDType): NDArray {
  // Next to -1, and inside: the inverse of erf is infinite at -1. (The spacing of numbers below 1 is half of that above.)
  const low = -(1 - 2 ** -(FRACTION_BITS[dtype] + 1));
  return lax.mul(scalar(Math.SQRT2, dtype), lax.erfInvGiles(uniformOn(op, key, shape, dtype, low, 1)));
}

/**
 * Samples of the standard normal distribution, √2 erf⁻¹(u) for u uniform on (-1, 1), of shape `shape` (a scalar by
 * default). Throws DTypeError for a dtype that is no float.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.normal(random.key(42)).item(); // => -0.0283046
 * random.normal(random.key(42), [3], { dtype: 'float64' }).dtype; // => float64
 * ```
 */
export function normal(key: NDArray, shape?: ShapeOr<FloatOptions>, options: FloatOptions = {}): NDArray {
  const given = shapeAndOptions(shape, options);
  const dims = canonicalShape('random.normal', given.shape ?? []);
  return normalOf('random.normal', key, dims, floatDType('random.normal', given.options));
}

/**
 * Samples of the standard normal distribution restricted to the open interval (lower, upper): √2 erf⁻¹(u) for u uniform
 * on (erf(lower/√2), erf(upper/√2)). The bounds are numbers or arrays; `shape` is by default their common shape.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * const x = random.truncatedNormal(random.key(0), -2, 2, [1000]);
 * x.abs().less(2).all().item(); // => true
 * ```
 */
export function truncatedNormal(
  key: NDArray,
  lower: ArrayLike,
  upper: ArrayLike,
  shape?: ShapeOr<FloatOptions>,
  options: FloatOptions = {},
): NDArray {
  const op = 'random.truncatedNormal';
  const given = shapeAndOptions(shape, options);
  const dtype = floatDType(op, given.options);
  const dims = sampleShape(op, given.shape, lower, upper);
  const sqrt2 = scalar(Math.SQRT2, dtype);
  const lo = parameter(op, lower, dims, dtype);
  const hi = parameter(op, upper, dims, dtype);
  const u = uniformOn(op, key, dims, dtype, lax.erf(lax.div(lo, sqrt2)), lax.erf(lax.div(hi, sqrt2)));
  const out = lax.mul(sqrt2, lax.erfInvGiles(u));
  // Rounding must not leave the open interval.
  const inside = (bound: NDArray, toward: number): NDArray =>
    lax.nextafter(stopGradientArray(bound), scalar(toward, dtype));
  return lax.min(lax.max(out, inside(lo, Infinity)), inside(hi, -Infinity));
}

/**
 * exp(sigma · z) for z standard normal; `sigma` is a number (1 by default) or an array.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.lognormal(random.key(0), 0.5, [3]).shape; // => [3]
 * ```
 */
export function lognormal(
  key: NDArray,
  sigma: ArrayLike = 1,
  shape?: ShapeOr<FloatOptions>,
  options: FloatOptions = {},
): NDArray {
  const op = 'random.lognormal';
  const given = shapeAndOptions(shape, options);
  const dtype = floatDType(op, given.options);
  const dims = sampleShape(op, given.shape, sigma);
  return lax.exp(lax.mul(normalOf(op, key, dims, dtype), parameter(op, sigma, dims, dtype)));
}

/**
 * Samples of the Maxwell distribution, density ∝ x² exp(-x²/2): lengths of vectors of three standard normals.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.maxwell(random.key(0), [3]).shape; // => [3]
 * ```
 */
export function maxwell(key: NDArray, shape?: ShapeOr<FloatOptions>, options: FloatOptions = {}): NDArray {
  const op = 'random.maxwell';
  const given = shapeAndOptions(shape, options);
  const dims = canonicalShape(op, given.shape ?? []);
  const z = normalOf(op, key, [...dims, 3], floatDType(op, given.options));
  return lax.sqrt(lax.reduceSum(lax.square(z), [dims.length]));
}
