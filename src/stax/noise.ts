/** Layers that are random in training and nothing in evaluation: Dropout, GaussianNoise. */
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { computeWide } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { inexact } from '../numpy/promote.js';
import { normal } from '../random/normal.js';
import { bernoulli } from '../random/uniform.js';
import { checkArray, checkShape } from './checks.js';
import { layer, NO_PARAMS, type Layer, type NoParams } from './layer.js';

/** A layer that is the identity but in training, where `perturb` changes its input by a key. */
const noise = (name: string, isActive: boolean, perturb: (key: NDArray, x: NDArray) => NDArray): Layer<NoParams> =>
  layer<NoParams>(
    (_key, inputShape) => ({ outputShape: checkShape(name, inputShape), params: NO_PARAMS }),
    (_params, input, { mode = 'eval', key } = {}) => {
      const x = inexact(name, checkArray(name, input));
      if (mode === 'eval' || !isActive) return x;
      if (key === undefined) {
        throw new ArgumentError(
          `${name}: training needs randomness: apply(params, x, { mode: 'train', key }), with another key for each step.${userLine()}`,
        );
      }
      return perturb(key, x);
    },
    name,
  );

/**
 * In training, sets each element to 0 with probability `rate` and divides the others by 1 - rate, so that the mean stays
 * (Srivastava et al., JMLR 2014, "inverted"); otherwise the identity. `rate` is the probability of *dropping*.
 *
 * `apply` takes `{ mode: 'train', key }`; without a mode it evaluates. Throws ArgumentError for a rate outside [0, 1) or
 * for training without a key.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [, apply] = stax.Dropout(0.5);
 * apply([], np.ones([3])).js(); // => [1, 1, 1]
 * apply([], np.ones([1000]), { mode: 'train', key: random.key(0) }).max().item(); // => 2
 * ```
 */
export function Dropout(rate: number): Layer<NoParams> {
  const name = `Dropout(${rate})`;
  if (!(rate >= 0 && rate < 1)) {
    throw new ArgumentError(`Dropout: the rate is the probability of dropping, in [0, 1), got ${rate}.${userLine()}`);
  }
  return noise(name, rate > 0, (key, x) => {
    const isKept = bernoulli(key, 1 - rate, x.shape);
    return lax.select(isKept, lax.mul(x, 1 / (1 - rate)), lax.scalarLike(0, x));
  });
}

/**
 * In training, adds normal noise of mean 0 and standard deviation `stddev`; otherwise the identity. On the input of a linear
 * model trained by squared error it is weight decay (Bishop, "Training with noise is equivalent to Tikhonov
 * regularization", 1995). Takes a key as {@link Dropout} does, and throws ArgumentError without it or for stddev < 0.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [, apply] = stax.GaussianNoise(0.1);
 * apply([], np.zeros([2])).js(); // => [0, 0]
 * const noisy = apply([], np.zeros([1000]), { mode: 'train', key: random.key(0) });
 * Math.abs(Number(noisy.std().item()) - 0.1) < 0.01; // => true
 * ```
 */
export function GaussianNoise(stddev: number): Layer<NoParams> {
  if (!(stddev >= 0)) {
    throw new ArgumentError(`GaussianNoise: the standard deviation must not be negative, got ${stddev}.${userLine()}`);
  }
  return noise(`GaussianNoise(${stddev})`, stddev > 0, (key, x) =>
    computeWide(x, (wide) => lax.add(wide, lax.mul(normal(key, x.shape, { dtype: wide.dtype }), stddev))),
  );
}
