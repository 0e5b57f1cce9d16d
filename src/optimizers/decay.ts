/** Terms added to updates: decayed weights, and noise. */
import { NDArray } from '../core/ndarray.js';
import { leaves } from '../core/tree.js';
import * as lax from '../lax/index.js';
import { key as keyOf, normal, split } from '../random/index.js';
import { inFloat32 } from './halves.js';
import { checkNotNegative, next, perDType, times, zeroCount, type Hyperparameter } from './hyper.js';
import { keptBy, type Mask } from './masks.js';
import type { EmptyState, GradientTransformation, StateKind } from './transformation.js';
import { copyTree, mapTreesWithIndex, needParams } from './trees.js';

/** Options of {@link addDecayedWeights}. */
export interface DecayOptions {
  /** Which parameters decay; all by default. */
  mask?: Mask;
}

/**
 * Adds the parameters times `weightDecay` to the updates. Before an optimizer it is the gradient of an L2 penalty of
 * weightDecay/2 · ‖w‖²; between its scaling and its learning rate it is decoupled weight decay (Loshchilov and Hutter, ICLR 2019,
 * arXiv 1711.05101), as in {@link adamW}.
 *
 * @throws ArgumentError for a negative weight decay, a mask with other leaves than booleans, and when `update` gets no parameters; TreeError and
 *   ShapeError for a mask or gradients of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.addDecayedWeights(0.5, { mask: { w: true, b: false } });
 * const params = { w: np.array([2, 4]), b: np.array(6) };
 * const zeros = { w: np.zeros([2]), b: np.array(0) };
 * opt.update(zeros, opt.init(params), params)[0]; // => { b: 0, w: [1, 2] }
 * ```
 */
export function addDecayedWeights(
  weightDecay: Hyperparameter,
  { mask }: DecayOptions = {},
): GradientTransformation<EmptyState> {
  const op = 'addDecayedWeights';
  checkNotNegative(op, 'the weight decay', weightDecay);
  return {
    init: (params) => {
      if (mask !== undefined) keptBy(op, mask, params);
      return [];
    },
    update: (updates, state, params) => {
      const weights = needParams(op, params);
      const kept = mask === undefined ? undefined : keptBy(op, mask, weights);
      const decayed = mapTreesWithIndex(
        op,
        (i, g, w) => (kept?.[i] === false ? g : lax.add(g, times(lax.convertElementType(w, g.dtype), weightDecay))),
        updates,
        weights,
      );
      return [decayed, state];
    },
  };
}

/** What {@link addNoise} remembers. */
export interface Noise {
  readonly count: NDArray;
  readonly key: NDArray;
}
/** State of {@link addNoise}. */
export interface NoiseState extends StateKind {
  readonly state: Noise;
}

/**
 * Adds normal noise of variance eta / (1 + t)^gamma, t the count of updates so far (Neelakantan et al., arXiv 1511.06807, which has
 * gamma 0.55). `key` is a seed or a key of `random`.
 *
 * @throws ArgumentError for a negative `eta` or `gamma`.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers, random } from 'cotangent';
 * const noisy = optimizers.addNoise(0.01, 0.55, random.key(0));
 * const g = np.zeros([1000]);
 * const [updates] = noisy.update(g, noisy.init(g));
 * Math.round(100 * Number(np.std(updates).item())); // => 10
 * ```
 */
export function addNoise(
  eta: Hyperparameter,
  gamma: Hyperparameter,
  key: number | NDArray,
): GradientTransformation<NoiseState> {
  const op = 'addNoise';
  checkNotNegative(op, 'eta', eta);
  checkNotNegative(op, 'gamma', gamma);
  return inFloat32(op, {
    init: () => ({ count: zeroCount(), key: key instanceof NDArray ? copyTree(op, key) : keyOf(key) }),
    update: (updates, state) => {
      const count = next(state.count);
      const keys = split(state.key, leaves<unknown>(updates).length + 1);
      const keyAt = (n: number): NDArray => lax.indexInDim(keys, n, 0, false);
      const deviation = perDType((dtype) => {
        const power = lax.exp(times(lax.neg(lax.log(lax.convertElementType(count, dtype))), gamma));
        return lax.sqrt(times(power, eta));
      });
      const noisy = mapTreesWithIndex(
        op,
        (i, g) => lax.add(g, lax.mul(normal(keyAt(i + 1), g.aval.shape, { dtype: g.dtype }), deviation(g.dtype))),
        updates,
      );
      return [noisy, { count, key: keyAt(0) }];
    },
  });
}
