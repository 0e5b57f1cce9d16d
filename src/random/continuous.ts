/** Samples of the other continuous distributions whose inverse distribution function is simple, and of the geometric. */
import { scalar } from '../core/concrete.js';
import { isInteger, type DType } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import type { Shape } from '../core/aval.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import {
  floatDType,
  FRACTION_BITS,
  parameter,
  sampleShape,
  shapeAndOptions,
  TINY,
  type FloatDType,
  type FloatOptions,
  type ShapeOr,
} from './arguments.js';
import { spawn } from './key.js';
import { rademacher } from './integers.js';
import { maxwell } from './normal.js';
import { uniformOn } from './uniform.js';

interface Sample {
  readonly op: string;
  readonly shape: Shape;
  readonly dtype: FloatDType;
}

function sampleOf(
  op: string,
  given: ShapeOr<FloatOptions> | undefined,
  options: FloatOptions,
  ...parameters: readonly ArrayLike[]
): Sample {
  const { shape, options: all } = shapeAndOptions(given, options);
  return { op, shape: sampleShape(op, shape, ...parameters), dtype: floatDType(op, all) };
}

const uniformFrom = (key: NDArray, { op, shape, dtype }: Sample, minval: number, maxval = 1): NDArray =>
  uniformOn(op, key, shape, dtype, minval, maxval);

const parameterOf = (x: ArrayLike, { op, shape, dtype }: Sample): NDArray => parameter(op, x, shape, dtype);

/** -log(1 - u): u is in [0, 1), so that the logarithm is finite. */
const exponentialOf = (key: NDArray, sample: Sample): NDArray =>
  lax.neg(lax.log1p(lax.neg(uniformFrom(key, sample, 0))));

/**
 * Samples of the exponential distribution of rate 1, density e⁻ˣ.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.exponential(random.key(0), [3]).shape; // => [3]
 * ```
 */
export function exponential(key: NDArray, shape?: ShapeOr<FloatOptions>, options: FloatOptions = {}): NDArray {
  return exponentialOf(key, sampleOf('random.exponential', shape, options));
}

/**
 * Samples of the Laplace distribution, density e^(-|x|)/2: sign(u) log(1 - |u|) for u uniform on (-1, 1).
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.laplace(random.key(0), [3]).shape; // => [3]
 * ```
 */
export function laplace(key: NDArray, shape?: ShapeOr<FloatOptions>, options: FloatOptions = {}): NDArray {
  const sample = sampleOf('random.laplace', shape, options);
  const u = uniformFrom(key, sample, -1 + 2 ** -(FRACTION_BITS[sample.dtype] + 1));
  return lax.mul(lax.sign(u), lax.log1p(lax.neg(lax.abs(u))));
}

/**
 * Samples of the logistic distribution, density e⁻ˣ/(1 + e⁻ˣ)²: log u - log(1 - u).
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.logistic(random.key(0), [3]).shape; // => [3]
 * ```
 */
export function logistic(key: NDArray, shape?: ShapeOr<FloatOptions>, options: FloatOptions = {}): NDArray {
  const sample = sampleOf('random.logistic', shape, options);
  const u = uniformFrom(key, sample, TINY[sample.dtype]);
  return lax.sub(lax.log(u), lax.log1p(lax.neg(u)));
}

/**
 * Samples of the Cauchy distribution, density 1/(π(1 + x²)): tan(π(u - 1/2)).
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.cauchy(random.key(0), [3]).shape; // => [3]
 * ```
 */
export function cauchy(key: NDArray, shape?: ShapeOr<FloatOptions>, options: FloatOptions = {}): NDArray {
  const sample = sampleOf('random.cauchy', shape, options);
  const u = uniformFrom(key, sample, 2 ** -FRACTION_BITS[sample.dtype]);
  return lax.tan(lax.mul(scalar(Math.PI, sample.dtype), lax.sub(u, scalar(0.5, sample.dtype))));
}

/**
 * Samples of the Pareto distribution on [1, ∞), density b/x^(b+1): exp(e/b) for e exponential.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.pareto(random.key(0), 3, [2]).shape; // => [2]
 * ```
 */
export function pareto(key: NDArray, b: ArrayLike, shape?: ShapeOr<FloatOptions>, options: FloatOptions = {}): NDArray {
  const sample = sampleOf('random.pareto', shape, options, b);
  return lax.exp(lax.div(exponentialOf(key, sample), parameterOf(b, sample)));
}

/**
 * Samples of the Rayleigh distribution, density x/σ² exp(-x²/(2σ²)): σ √(-2 log u); `scale` σ is 1 by default.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.rayleigh(random.key(0), 2, [3]).shape; // => [3]
 * ```
 */
export function rayleigh(
  key: NDArray,
  scale: ArrayLike = 1,
  shape?: ShapeOr<FloatOptions>,
  options: FloatOptions = {},
): NDArray {
  const sample = sampleOf('random.rayleigh', shape, options, scale);
  const logs = lax.log(uniformFrom(key, sample, 0));
  return lax.mul(parameterOf(scale, sample), lax.sqrt(lax.mul(logs, scalar(-2, sample.dtype))));
}

/**
 * Samples of the Weibull distribution, density ∝ x^(c-1) exp(-(x/σ)^c): σ (-log(1 - u))^(1/c) for `scale` σ and
 * `concentration` c.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.weibullMin(random.key(0), 1, 2, [3]).shape; // => [3]
 * ```
 */
export function weibullMin(
  key: NDArray,
  scale: ArrayLike,
  concentration: ArrayLike,
  shape?: ShapeOr<FloatOptions>,
  options: FloatOptions = {},
): NDArray {
  const sample = sampleOf('random.weibullMin', shape, options, scale, concentration);
  const power = lax.div(scalar(1, sample.dtype), parameterOf(concentration, sample));
  return lax.mul(lax.pow(exponentialOf(key, sample), power), parameterOf(scale, sample));
}

/**
 * Samples of the triangular distribution on [left, right] with its peak at `mode`.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.triangular(random.key(0), 0, 0.2, 1, [3]).shape; // => [3]
 * ```
 */
export function triangular(
  key: NDArray,
  left: ArrayLike,
  mode: ArrayLike,
  right: ArrayLike,
  shape?: ShapeOr<FloatOptions>,
  options: FloatOptions = {},
): NDArray {
  const sample = sampleOf('random.triangular', shape, options, left, mode, right);
  const [a, b, c] = [parameterOf(left, sample), parameterOf(mode, sample), parameterOf(right, sample)];
  const width = lax.sub(c, a);
  const u = uniformFrom(key, sample, 0);
  const rising = lax.add(a, lax.sqrt(lax.mul(lax.mul(u, width), lax.sub(b, a))));
  const rest = lax.sub(scalar(1, sample.dtype), u);
  const falling = lax.sub(c, lax.sqrt(lax.mul(lax.mul(rest, width), lax.sub(c, b))));
  return lax.select(lax.lt(u, lax.div(lax.sub(b, a), width)), rising, falling);
}

/**
 * loc + scale · s · m for a random sign s and m of the {@link maxwell} distribution. As in JAX, the result has the
 * common shape of the parameters appended to `shape`.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.doubleSidedMaxwell(random.key(0), 0, 1, [3]).shape; // => [3]
 * ```
 */
export function doubleSidedMaxwell(
  key: NDArray,
  loc: ArrayLike,
  scale: ArrayLike,
  shape?: ShapeOr<FloatOptions>,
  options: FloatOptions = {},
): NDArray {
  const own = sampleOf('random.doubleSidedMaxwell', undefined, {}, loc, scale).shape;
  const given = shapeAndOptions(shape, options);
  const asked = given.shape === undefined || given.shape.length === 0 ? own : given.shape;
  const sample = sampleOf('random.doubleSidedMaxwell', [...asked, ...own], given.options, loc, scale);
  const [lengthKey, signKey] = spawn(key);
  const lengths = maxwell(lengthKey, sample.shape, { dtype: sample.dtype });
  const signed = lax.mul(rademacher(signKey, sample.shape, { dtype: sample.dtype }), lengths);
  return lax.add(lax.mul(signed, parameterOf(scale, sample)), parameterOf(loc, sample));
}

/** Options of {@link geometric}. */
export interface GeometricOptions {
  /** int32 (the default) or uint32. */
  dtype?: DType;
}

/**
 * The number of trials until the first success, each succeeding with probability `p`: ⌊log u / log(1 - p)⌋ + 1.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.geometric(random.key(0), 0.25, [3]).dtype; // => int32
 * ```
 */
export function geometric(
  key: NDArray,
  p: ArrayLike,
  shape?: ShapeOr<GeometricOptions>,
  options: GeometricOptions = {},
): NDArray {
  const op = 'random.geometric';
  const given = shapeAndOptions(shape, options);
  const { dtype = 'int32' } = given.options;
  if (!isInteger(dtype)) throw new DTypeError(`${op}: samples are int32 or uint32, not ${dtype}.${userLine()}`);
  const float = p instanceof NDArray && p.dtype === 'float64' ? 'float64' : 'float32';
  const sample: Sample = { op, shape: sampleShape(op, given.shape, p), dtype: float };
  const logs = lax.log(uniformFrom(key, sample, 0));
  const trials = lax.floor(lax.div(logs, lax.log1p(lax.neg(parameterOf(p, sample)))));
  return lax.convertElementType(lax.add(trials, scalar(1, float)), dtype);
}
