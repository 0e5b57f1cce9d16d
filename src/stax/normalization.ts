/** Normalisation: of batches (with running averages as state), of layers, of groups of features, and AlexNet's of neighbours. */
import { checkCount } from '../core/counts.js';
import { nth, range } from '../core/axes.js';
import { showShape, sizeOf, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { computeWide, widenHalf } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { inexact } from '../numpy/promote.js';
import { checkArray, checkRank, knownFeatures, promoteFloats } from './checks.js';
import { describeLayer, layer, NO_PARAMS, type Context, type Layer, type NoParams } from './layer.js';

/** Parameters of normalisations: a factor and a summand for each feature. */
export type NormParams = {
  readonly scale: NDArray;
  readonly offset: NDArray;
};

/** State of {@link BatchNorm}: running averages of mean and variance, for each feature; of float16 parameters in float32. */
export type BatchNormState = {
  readonly mean: NDArray;
  readonly variance: NDArray;
};

/** Options of normalisations. */
export interface NormOptions {
  /** Added to the variance; 1e-5 by default. */
  epsilon?: number;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

/** Options of {@link BatchNorm}. */
export interface BatchNormOptions extends NormOptions {
  /** How much of the running averages stays at each step; 0.9 by default. */
  momentum?: number;
}

const initParams = (features: number, dtype: DType = 'float32'): NormParams => ({
  scale: lax.full([features], 1, dtype),
  offset: lax.full([features], 0, dtype),
});

/** Mean over `axes`, which stay with length 1 where `keep`. */
function meanOver(x: NDArray, axes: readonly number[]): NDArray {
  return lax.mul(lax.reduceSum(x, axes), 1 / sizeOf(axes.map((d) => nth(x.aval.shape, d))));
}

/** An array of the axes other than `axes`, repeated along these. */
const spread = (x: NDArray, shape: Shape, axes: readonly number[]): NDArray =>
  lax.broadcastInDim(
    x,
    shape,
    range(shape.length).filter((d) => !axes.includes(d)),
  );

/** Mean and variance over `axes`: the variance is that of deviations, which is accurate where the mean is large. */
function moments(x: NDArray, axes: readonly number[]): { mean: NDArray; variance: NDArray; centred: NDArray } {
  const mean = meanOver(x, axes);
  const centred = lax.sub(x, spread(mean, x.aval.shape, axes));
  return { mean, variance: meanOver(lax.square(centred), axes), centred };
}

/** (x - mean)/√(variance + epsilon) over `axes`. */
const standardized = (x: NDArray, axes: readonly number[], epsilon: number): NDArray =>
  computeWide(x, (wide) => {
    const { variance, centred } = moments(wide, axes);
    return lax.mul(centred, spread(lax.rsqrt(lax.add(variance, epsilon)), wide.aval.shape, axes));
  });

/** x scale + offset, both along the last axis. */
function scaleFeatures(name: string, x: NDArray, { scale, offset }: NormParams): NDArray {
  const last = [x.ndim - 1];
  if (x.aval.shape.at(-1) !== scale.aval.shape[0]) {
    throw new ShapeError(
      `${name}: x of shape ${showShape(x.shape)} has ${x.aval.shape.at(-1) ?? 'no'} features, but the parameters are for ` +
        `${scale.aval.shape[0] ?? 'none'}.${userLine()}`,
    );
  }
  const [y, factor, summand] = promoteFloats(name, x, scale, offset);
  return lax.add(
    lax.mul(y, lax.broadcastInDim(factor, y.aval.shape, last)),
    lax.broadcastInDim(summand, y.aval.shape, last),
  );
}

/** The context, with the state that the layer cannot do without. */
function stateIn(
  name: string,
  context: (Context & { readonly state?: BatchNormState | null }) | undefined,
): Context & { readonly state: BatchNormState } {
  const state = context?.state;
  if (state !== undefined && state !== null) return { ...context, state };
  throw new ArgumentError(
    `${name}: has a state, its running averages: apply(params, x, { mode, state }) with what init, or the apply before, returned as ` +
      `state, and use the next one, [y, next].${userLine()}`,
  );
}

function checkFraction(name: string, what: string, value: number): void {
  if (!(value >= 0 && value < 1))
    throw new ArgumentError(`${name}: ${what} must be in [0, 1), got ${value}.${userLine()}`);
}

/**
 * Batch normalisation (Ioffe and Szegedy, arXiv 1502.03167) of features, the last axis, over all other axes:
 * (x - mean)/√(variance + epsilon) · scale + offset.
 *
 * In training, mean and variance (of the population: the sum over n) are those of the batch, and the next state is
 * momentum · state + (1 - momentum) · batch's; in evaluation they are those of the state, which stays. So `apply` takes
 * `{ state, mode }` and gives [output, next state].
 *
 * @throws ShapeError for another number of features, or a batch of none in training; ArgumentError without a state.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.BatchNorm({ momentum: 0.5, epsilon: 0 });
 * const { params, state } = init(random.key(0), [-1, 1]);
 * const [y, next] = apply(params, np.array([[1], [3]]), { state, mode: 'train' });
 * y.js(); // => [[-1], [1]]
 * next; // => { mean: [1], variance: [1] }
 * ```
 */
export function BatchNorm({ epsilon = 1e-5, momentum = 0.9, dtype }: BatchNormOptions = {}): Layer<
  NormParams,
  NDArray,
  NDArray,
  BatchNormState
> {
  const name = 'BatchNorm';
  checkFraction(name, 'momentum', momentum);
  return describeLayer<Layer<NormParams, NDArray, NDArray, BatchNormState>>(
    [
      (_key, inputShape) => {
        checkRank(name, inputShape, 2, '[batch, ..., features]', true);
        const params = initParams(knownFeatures(name, inputShape), dtype);
        const state = { mean: widenHalf(params.offset), variance: widenHalf(params.scale) };
        return { outputShape: inputShape, params, state };
      },
      (params, input, context) => {
        const given = inexact(name, checkArray(name, input));
        const { mode = 'eval', state } = stateIn(name, context);
        checkRank(name, given.shape, 2, '[batch, ..., features]', true);
        const x = widenHalf(given);
        const axes = range(x.ndim - 1);
        const scaled = (centred: NDArray, variance: NDArray): NDArray => {
          const root = lax.rsqrt(lax.add(variance, epsilon));
          const unscaled = lax.mul(centred, spread(root, x.aval.shape, axes));
          return scaleFeatures(name, x === given ? unscaled : lax.convertElementType(unscaled, given.dtype), params);
        };
        if (mode === 'eval') {
          const [y, mean, variance] = promoteFloats(name, x, state.mean, state.variance);
          return [scaled(lax.sub(y, spread(mean, y.aval.shape, axes)), variance), state];
        }
        if (x.size === 0) {
          throw new ShapeError(
            `${name}: x of shape ${showShape(x.shape)} has no examples to take the mean of.${userLine()}`,
          );
        }
        const { mean, variance, centred } = moments(x, axes);
        const next = (old: NDArray, value: NDArray): NDArray =>
          lax.add(
            lax.mul(old, momentum),
            lax.mul(lax.convertElementType(lax.stopGradient(value), old.dtype), 1 - momentum),
          );
        return [scaled(centred, variance), { mean: next(state.mean, mean), variance: next(state.variance, variance) }];
      },
    ],
    { name },
  );
}

/**
 * Layer normalisation (Ba, Kiros, Hinton, arXiv 1607.06450): each vector along the last axis to mean 0 and variance 1, then
 * scale and offset for each feature. The same in training and evaluation.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.LayerNorm({ epsilon: 0 });
 * const { params } = init(random.key(0), [-1, 2]);
 * apply(params, np.array([[1, 3]])).js(); // => [[-1, 1]]
 * ```
 */
export function LayerNorm({ epsilon = 1e-5, dtype }: NormOptions = {}): Layer<NormParams> {
  const name = 'LayerNorm';
  return layer<NormParams>(
    (_key, inputShape) => ({ outputShape: inputShape, params: initParams(knownFeatures(name, inputShape), dtype) }),
    (params, input) => {
      const x = inexact(name, checkArray(name, input));
      checkRank(name, x.shape, 1, '[..., features]', true);
      return scaleFeatures(name, standardized(x, [x.ndim - 1], epsilon), params);
    },
    name,
  );
}

/**
 * Group normalisation (Wu and He, arXiv 1803.08494): of each example, the features in `groups` of neighbours, each group to
 * mean 0 and variance 1 over its features and all spatial axes; then scale and offset for each feature. One group for each
 * feature is instance normalisation. Throws ShapeError unless `groups` divides the features.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.GroupNorm(2, { epsilon: 0 });
 * const { params } = init(random.key(0), [-1, 4]);
 * apply(params, np.array([[1, 3, 10, 30]])).js(); // => [[-1, 1, -1, 1]]
 * ```
 */
export function GroupNorm(groups: number, { epsilon = 1e-5, dtype }: NormOptions = {}): Layer<NormParams> {
  const name = `GroupNorm(${groups})`;
  checkCount('GroupNorm', 'the number of groups', groups);
  const divide = (shape: Shape): number => {
    const features = knownFeatures(name, checkRank(name, shape, 2, '[batch, ..., features]', true));
    if (features % groups === 0) return features / groups;
    throw new ShapeError(`${name}: ${features} features do not divide into ${groups} groups.${userLine()}`);
  };
  return layer<NormParams>(
    (_key, inputShape) => {
      const size = divide(inputShape);
      return { outputShape: inputShape, params: initParams(groups * size, dtype) };
    },
    (params, input) => {
      const x = inexact(name, checkArray(name, input));
      const size = divide(x.shape);
      const grouped = lax.reshape(x, [...x.shape.slice(0, -1), groups, size]);
      const axes = range(grouped.ndim).filter((d) => d !== 0 && d !== grouped.ndim - 2);
      return scaleFeatures(name, lax.reshape(standardized(grouped, axes, epsilon), x.shape), params);
    },
    name,
  );
}

/** Options of {@link LocalResponseNorm}, with AlexNet's values as defaults. */
export interface LocalResponseNormOptions {
  /** Number of neighbours, the feature itself in their middle; 5 by default. */
  size?: number;
  /** 2 by default. */
  k?: number;
  /** 1e-4 by default. */
  alpha?: number;
  /** 0.75 by default. */
  beta?: number;
}

/**
 * Local response normalisation (Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural
 * networks", 2012, section 3.3): each feature a becomes a/(k + alpha Σ a²)^beta, the sum over the `size` features around it.
 * PyTorch's `alpha` is divided by `size`; this one, as the paper's and TensorFlow's, is not.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const [, apply] = stax.LocalResponseNorm({ size: 3, k: 0, alpha: 1, beta: 0.5 });
 * apply([], np.array([[3, 4, 0]])).js(); // => [[0.6, 0.8, 0]]
 * ```
 */
export function LocalResponseNorm(options: LocalResponseNormOptions = {}): Layer<NoParams> {
  const { size = 5, k = 2, alpha = 1e-4, beta = 0.75 } = options;
  const name = `LocalResponseNorm(${size})`;
  checkCount('LocalResponseNorm', 'the number of neighbours', size);
  return layer<NoParams>(
    (_key, inputShape) => {
      knownFeatures(name, inputShape);
      return { outputShape: inputShape, params: NO_PARAMS };
    },
    (_params, input) => {
      const x = inexact(name, checkArray(name, input));
      checkRank(name, x.shape, 1, '[..., features]', true);
      const before = range(x.ndim - 1);
      const after = Math.floor((size - 1) / 2);
      return computeWide(x, (wide) => {
        const sums = lax.reduceWindow(
          lax.square(wide),
          0,
          'add',
          [...before.map(() => 1), size],
          range(x.ndim).map(() => 1),
          [...before.map(() => [0, 0] as const), [size - 1 - after, after]],
        );
        const base = lax.add(lax.mul(sums, alpha), k);
        return lax.mul(wide, lax.exp(lax.mul(lax.log(base), -beta)));
      });
    },
    name,
  );
}
