/** Initial values of parameters: functions of a key and a shape, by the names of `jax.nn.initializers`. */
import { nth } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { foriLoop } from '../control/fori.js';
import * as lax from '../lax/index.js';
import * as random from '../random/index.js';

/** Makes an array of `shape` and `dtype` (float32 by default) from a key. */
export type Initializer = (key: NDArray, shape: Shape, dtype?: DType) => NDArray;

/** Random numbers are drawn in float32 or float64; halves are float32 rounded. */
const drawn = (dtype: DType, draw: (options: { dtype: DType }) => NDArray): NDArray =>
  dtype === 'float16' ? lax.convertElementType(draw({ dtype: 'float32' }), dtype) : draw({ dtype });

/** A standard deviation, or the end of an interval. */
function checkScale(op: string, scale: number): void {
  if (!(scale >= 0)) throw new ArgumentError(`stax.${op}: the scale must not be negative, got ${scale}.${userLine()}`);
}

/**
 * All zeros; itself an initializer.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.zeros(random.key(0), [2]).js(); // => [0, 0]
 * ```
 */
export const zeros: Initializer = (_key, shape, dtype = 'float32') => lax.full(shape, 0, dtype);

/**
 * All ones; itself an initializer.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.ones(random.key(0), [2]).js(); // => [1, 1]
 * ```
 */
export const ones: Initializer = (_key, shape, dtype = 'float32') => lax.full(shape, 1, dtype);

/**
 * All `value`.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.constant(0.5)(random.key(0), [2]).js(); // => [0.5, 0.5]
 * ```
 */
export const constant =
  (value: number): Initializer =>
  (_key, shape, dtype = 'float32') =>
    lax.full(shape, value, dtype);

/**
 * Normal samples of mean 0 and standard deviation `stddev`, 0.01 by default.
 *
 * @throws ArgumentError for a negative `stddev`.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.normal(1)(random.key(0), [2, 3]).shape; // => [2, 3]
 * ```
 */
export function normal(stddev = 0.01): Initializer {
  checkScale('normal', stddev);
  return (key, shape, dtype = 'float32') =>
    drawn(dtype, (options) => lax.mul(random.normal(key, shape, options), stddev));
}

/**
 * Samples uniform in [0, scale), 0.01 by default.
 *
 * @throws ArgumentError for a negative `scale`.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.uniform(1)(random.key(0), [2, 3]).shape; // => [2, 3]
 * ```
 */
export function uniform(scale = 0.01): Initializer {
  checkScale('uniform', scale);
  return (key, shape, dtype = 'float32') =>
    drawn(dtype, (options) => lax.mul(random.uniform(key, shape, options), scale));
}

/**
 * Normal samples between two standard deviations either side of 0, times `stddev`; the standard deviation of the result
 * is 0.88 of that.
 *
 * @throws ArgumentError for a negative `stddev`.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.truncatedNormal(1)(random.key(0), [1000]).abs().lessEqual(2).all().item(); // => true
 * ```
 */
export function truncatedNormal(stddev = 0.01): Initializer {
  checkScale('truncatedNormal', stddev);
  return (key, shape, dtype = 'float32') =>
    drawn(dtype, (options) => lax.mul(random.truncatedNormal(key, -2, 2, shape, options), stddev));
}

/** Which number of connections the variance is divided by. */
export type FanMode = 'fanIn' | 'fanOut' | 'fanAvg' | 'fanGeoAvg';

/** Where the inputs and outputs are in a kernel; the other axes are its receptive field. */
export interface FanAxes {
  /** -2 by default. */
  inAxis?: number;
  /** -1 by default. */
  outAxis?: number;
}

/** Options of {@link varianceScaling}. */
export interface VarianceScalingOptions extends FanAxes {
  /** Of the variance, 1 by default. */
  scale?: number;
  /** `fanIn` by default. */
  mode?: FanMode;
  /** `truncatedNormal` by default. */
  distribution?: 'truncatedNormal' | 'normal' | 'uniform';
}

/** Numbers of inputs and outputs that an element of each output and input is connected to. */
function fansOf(shape: Shape, { inAxis = -2, outAxis = -1 }: FanAxes): { fanIn: number; fanOut: number } {
  const length = (axis: number): number => {
    const d = axis < 0 ? axis + shape.length : axis;
    if (shape.length < 2 || d < 0 || d >= shape.length) {
      throw new ShapeError(
        `stax.varianceScaling: a shape ${showShape(shape)} has no axes ${inAxis} and ${outAxis} of inputs and outputs. ` +
          `Initialize vectors with stax.zeros or stax.normal.${userLine()}`,
      );
    }
    return nth(shape, d);
  };
  const [inputs, outputs] = [length(inAxis), length(outAxis)];
  const field = shape.reduce((a, b) => a * b, 1) / (inputs * outputs);
  return { fanIn: inputs * field, fanOut: outputs * field };
}

const DENOMINATORS: Readonly<Record<FanMode, (fanIn: number, fanOut: number) => number>> = {
  fanIn: (fanIn) => fanIn,
  fanOut: (_fanIn, fanOut) => fanOut,
  fanAvg: (fanIn, fanOut) => (fanIn + fanOut) / 2,
  fanGeoAvg: (fanIn, fanOut) => Math.sqrt(fanIn * fanOut),
};

/** Standard deviation of the standard normal distribution cut off at ±2. */
const TRUNCATED_STDDEV = 0.87962566103423978;

/**
 * Samples of mean 0 and variance scale/n, where n is the number of inputs (`fanIn`), of outputs (`fanOut`), or their
 * arithmetic (`fanAvg`) or geometric mean (`fanGeoAvg`), from a normal distribution, one cut off at two standard
 * deviations, or a uniform one.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * const init = stax.varianceScaling({ scale: 2, distribution: 'uniform' });
 * init(random.key(0), [600, 10]).abs().less(0.1).all().item(); // => true
 * ```
 */
export function varianceScaling(options: VarianceScalingOptions = {}): Initializer {
  const { scale = 1, mode = 'fanIn', distribution = 'truncatedNormal' } = options;
  if (!(scale > 0))
    throw new ArgumentError(`stax.varianceScaling: the scale must be positive, got ${scale}.${userLine()}`);
  return (key, shape, dtype = 'float32') => {
    const { fanIn, fanOut } = fansOf(shape, options);
    const variance = scale / DENOMINATORS[mode](fanIn, fanOut);
    switch (distribution) {
      case 'truncatedNormal':
        return truncatedNormal(Math.sqrt(variance) / TRUNCATED_STDDEV)(key, shape, dtype);
      case 'normal':
        return normal(Math.sqrt(variance))(key, shape, dtype);
      case 'uniform':
        return drawn(dtype, (of) =>
          lax.mul(random.uniform(key, shape, { minval: -1, maxval: 1, ...of }), Math.sqrt(3 * variance)),
        );
    }
  };
}

/**
 * Uniform with variance 2/(inputs + outputs) (Glorot and Bengio, AISTATS 2010; also known as Xavier).
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.glorotUniform()(random.key(0), [4, 2]).abs().lessEqual(1).all().item(); // => true
 * ```
 */
export const glorotUniform = (axes: FanAxes = {}): Initializer =>
  varianceScaling({ ...axes, mode: 'fanAvg', distribution: 'uniform' });

/**
 * Cut-off normal with variance 2/(inputs + outputs) (Glorot and Bengio, AISTATS 2010; also known as Xavier).
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.glorotNormal()(random.key(0), [4, 2]).shape; // => [4, 2]
 * ```
 */
export const glorotNormal = (axes: FanAxes = {}): Initializer =>
  varianceScaling({ ...axes, mode: 'fanAvg', distribution: 'truncatedNormal' });

/**
 * Uniform with variance 1/inputs (LeCun, Bottou, Orr, Müller: "Efficient backprop", 1998).
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.lecunUniform()(random.key(0), [3, 2]).abs().lessEqual(1).all().item(); // => true
 * ```
 */
export const lecunUniform = (axes: FanAxes = {}): Initializer => varianceScaling({ ...axes, distribution: 'uniform' });

/**
 * Cut-off normal with variance 1/inputs (LeCun, Bottou, Orr, Müller: "Efficient backprop", 1998).
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.lecunNormal()(random.key(0), [3, 2]).shape; // => [3, 2]
 * ```
 */
export const lecunNormal = (axes: FanAxes = {}): Initializer => varianceScaling(axes);

/**
 * Uniform with variance 2/inputs, for relu (He, Zhang, Ren, Sun, arXiv 1502.01852; also known as Kaiming).
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.heUniform()(random.key(0), [6, 2]).abs().lessEqual(1).all().item(); // => true
 * ```
 */
export const heUniform = (axes: FanAxes = {}): Initializer =>
  varianceScaling({ ...axes, scale: 2, distribution: 'uniform' });

/**
 * Cut-off normal with variance 2/inputs, for relu (He, Zhang, Ren, Sun, arXiv 1502.01852; also known as Kaiming).
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.heNormal()(random.key(0), [6, 2]).shape; // => [6, 2]
 * ```
 */
export const heNormal = (axes: FanAxes = {}): Initializer => varianceScaling({ ...axes, scale: 2 });

/**
 * Orthonormal columns (rows, where there are fewer rows than columns), uniformly distributed, times `scale` (Saxe, McClelland,
 * Ganguli, arXiv 1312.6120): a matrix of normal samples, made orthonormal column by column, twice, so that rounding does not show
 * (Giraud et al., "The loss of orthogonality in the Gram-Schmidt orthogonalization process", 2005). Axes before the last count as one.
 *
 * Throws ShapeError for fewer than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const Q = stax.orthogonal()(random.key(0), [5, 3]);
 * np.allclose(Q.transpose().matmul(Q), np.eye(3), { atol: 1e-6 }).item(); // => true
 * ```
 */
export const orthogonal =
  (scale = 1): Initializer =>
  (key, shape, dtype = 'float32') => {
    const columns = shape.at(-1);
    if (columns === undefined || shape.length < 2) {
      throw new ShapeError(`stax.orthogonal: needs a matrix, got shape ${showShape(shape)}.${userLine()}`);
    }
    const rows = shape.reduce((a, b) => a * b, 1) / Math.max(columns, 1);
    const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
    return drawn(dtype, (options) => {
      const vectors = orthonormalRows(random.normal(key, [short, long], options));
      const matrix = rows >= columns ? lax.transpose(vectors, [1, 0]) : vectors;
      return lax.mul(lax.reshape(matrix, shape), scale);
    });
  };

/** Each row minus its part along the rows before it, twice, at length 1. */
function orthonormalRows(samples: NDArray): NDArray {
  const product = (a: NDArray, b: NDArray, axes: readonly [number, number]): NDArray =>
    lax.dotGeneral(a, b, [
      [[axes[0]], [axes[1]]],
      [[], []],
    ]);
  if (samples.size === 0) return samples;
  const [count = 0] = samples.shape;
  return foriLoop(
    0,
    count,
    (i, done: NDArray) => {
      let row = lax.dynamicIndexInDim(samples, i, 0, false);
      // Rows of `done` from the i-th on are zeros still, and take nothing away.
      for (let pass = 0; pass < 2; pass++) row = lax.sub(row, product(product(done, row, [1, 0]), done, [0, 0]));
      const length = lax.sqrt(lax.reduceSum(lax.square(row), [0]));
      const unit = lax.expandDims(lax.div(row, length), [0]);
      return lax.dynamicUpdateSlice(done, unit, [i, 0]);
    },
    lax.full(samples.aval.shape, 0, samples.dtype),
  );
}
