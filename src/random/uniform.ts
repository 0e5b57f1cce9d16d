/** Uniform samples of real numbers, and the coin tosses made of them. */
import type { Shape } from '../core/aval.js';
import { scalar } from '../core/concrete.js';
import { DTypeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
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
import { hash, randomBits } from './key.js';

/** Options of {@link uniform}. */
export interface UniformOptions extends FloatOptions {
  /** Smallest value, 0 by default; a number or an array that broadcasts to the shape. */
  minval?: ArrayLike;
  /** Values stay below it; 1 by default. */
  maxval?: ArrayLike;
}

/**
 * Multiples of 2⁻²³ (float32) or 2⁻⁵² (float64) in [0, 1). JAX writes as many random bits into the fraction of 1.0
 * and subtracts 1; both are exact, so the values are the same.
 */
function unit(op: string, key: NDArray, shape: Shape, dtype: FloatDType): NDArray {
  const scaled = (words: NDArray, exponent: number): NDArray =>
    lax.mul(lax.convertElementType(words, dtype), scalar(2 ** exponent, dtype));
  const top = (words: NDArray, count: number): NDArray => lax.shiftRightLogical(words, scalar(32 - count, 'uint32'));
  if (dtype === 'float32') return scaled(top(randomBits(op, key, shape), 23), -23);
  const [hi, lo] = hash(op, key, shape);
  return lax.add(scaled(hi, -32), scaled(top(lo, 20), -52));
}

/** {@link uniform} for the other samplers, whose name `op` errors carry. */
export function uniformOn(
  op: string,
  key: NDArray,
  shape: Shape,
  dtype: FloatDType,
  minval: ArrayLike = 0,
  maxval: ArrayLike = 1,
): NDArray {
  const values = unit(op, key, shape, dtype);
  if (minval === 0 && maxval === 1) return values;
  const lo = parameter(op, minval, shape, dtype);
  const hi = parameter(op, maxval, shape, dtype);
  // Rounding may take a value below minval, never to NaN.
  return lax.max(lo, lax.add(lax.mul(values, lax.sub(hi, lo)), lo));
}

/**
 * Uniform samples from [minval, maxval).
 *
 * `shape` is the shape of the result (a scalar by default); `dtype` float32 (default) or float64. The values are JAX's:
 * 23 (or 52) random bits as a fraction in [0, 1), scaled. Throws DTypeError for a dtype that is no float, ShapeError
 * for bounds that do not broadcast to `shape` or for what is no key.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.uniform(random.key(0)).item(); // => 0.947667
 * random.uniform(random.key(0), [2, 3], { minval: -1, maxval: 1 }).shape; // => [2, 3]
 * ```
 */
export function uniform(key: NDArray, shape?: ShapeOr<UniformOptions>, options: UniformOptions = {}): NDArray {
  const given = shapeAndOptions(shape, options);
  const { minval = 0, maxval = 1 } = given.options;
  const dims = sampleShape('random.uniform', given.shape ?? [], minval, maxval);
  return uniformOn('random.uniform', key, dims, floatDType('random.uniform', given.options), minval, maxval);
}

/** Options of {@link bernoulli}. */
export interface BernoulliOptions {
  /** `high` uses twice the bits, for probabilities below 1e-7. */
  mode?: 'low' | 'high';
}

/**
 * Tosses of a coin: bool, true with probability `p` (0.5 by default), of shape `shape`, by default the shape of `p`.
 * `p` is a number or a float array. Throws DTypeError for integer probabilities.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.bernoulli(random.key(0), 0.3, [4]).dtype; // => bool
 * ```
 */
export function bernoulli(
  key: NDArray,
  p: ArrayLike = 0.5,
  shape?: ShapeOr<BernoulliOptions>,
  options: BernoulliOptions = {},
): NDArray {
  const op = 'random.bernoulli';
  const given = shapeAndOptions(shape, options);
  const dtype = p instanceof NDArray ? p.dtype : 'float32';
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new DTypeError(
      `${op}: the probability must be a float, got ${dtype}; convert it with astype('float32').${userLine()}`,
    );
  }
  const dims = sampleShape(op, given.shape, p);
  const probability = parameter(op, p, dims, dtype);
  if (given.options.mode !== 'high') return lax.lt(uniformOn(op, key, dims, dtype), probability);
  const [coarse, fine] = halves(uniformOn(op, key, [2, ...dims], dtype));
  const resolution = scalar(2 ** -FRACTION_BITS[dtype], dtype);
  return lax.lt(lax.mul(fine, resolution), lax.sub(probability, coarse));
}

/** `x[0]` and `x[1]`. */
export const halves = (x: NDArray): readonly [NDArray, NDArray] => [
  lax.squeeze(lax.sliceInDim(x, 0, 1), [0]),
  lax.squeeze(lax.sliceInDim(x, 1, 2), [0]),
];
