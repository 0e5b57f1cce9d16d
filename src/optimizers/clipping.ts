/** Bounds and repairs of updates: clipping by value and by norm, NaN to zero, centring, trust ratios, constraints. */
import { range } from '../core/axes.js';
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { mean } from '../numpy/reductions.js';
import { checkNotNegative, checkPositive, plus, scalarOf, times, type Hyperparameter } from './hyper.js';
import type { AnyTree, EmptyState, GradientTransformation } from './transformation.js';
import { dotTrees, mapTrees, needParams } from './trees.js';

/** A transformation without memory. */
const stateless = (
  f: <P extends AnyTree>(updates: P, params: P | undefined) => P,
): GradientTransformation<EmptyState> => ({
  init: () => [],
  update: (updates, state, params) => [f(updates, params), state],
});

/**
 * The Euclidean norm of all elements of a tree together, a scalar of the widest float dtype of its leaves (float32 for halves).
 *
 * @throws ArgumentError for leaves that are no arrays.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * optimizers.globalNorm({ w: np.array([[1, 2]]), b: np.array(2) }).item(); // => 3
 * ```
 */
export const globalNorm = (tree: AnyTree): NDArray => lax.sqrt(dotTrees('globalNorm', tree, tree));

/**
 * Limits each element of the updates to [-maxDelta, maxDelta].
 *
 * @throws ArgumentError for a negative limit.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const g = np.array([0.5, -3]);
 * optimizers.clip(1).update(g, [])[0].js(); // => [0.5, -1]
 * ```
 */
export function clip(maxDelta: Hyperparameter): GradientTransformation<EmptyState> {
  checkNotNegative('clip', 'the limit', maxDelta);
  return stateless((updates) =>
    mapTrees(
      'clip',
      (g) => {
        const limit = scalarOf(maxDelta, g.dtype);
        return lax.clamp(lax.neg(limit), g, limit);
      },
      updates,
    ),
  );
}

/** min(1, limit/norm): 1 too for a norm of 0. */
const shrink = (norm: NDArray, limit: Hyperparameter): NDArray => {
  const bound = scalarOf(limit, norm.dtype);
  return lax.div(bound, lax.max(norm, bound));
};

/**
 * Scales the updates down so that their norm, that of all leaves together, is at most `maxNorm` (Pascanu et al., ICML 2013, arXiv
 * 1211.5063).
 *
 * @throws ArgumentError for a limit that is not positive.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const g = { w: np.array([3]), b: np.array(4) };
 * optimizers.clipByGlobalNorm(1).update(g, [])[0]; // => { b: 0.8, w: [0.6] }
 * ```
 */
export function clipByGlobalNorm(maxNorm: Hyperparameter): GradientTransformation<EmptyState> {
  checkPositive('clipByGlobalNorm', 'the limit', maxNorm);
  return stateless((updates) => {
    const factor = shrink(globalNorm(updates), maxNorm);
    return mapTrees('clipByGlobalNorm', (g) => times(g, factor), updates);
  });
}

/**
 * Scales each leaf of the updates down so that its own norm is at most `maxNorm`: Keras's `clipnorm`.
 *
 * @throws ArgumentError for a limit that is not positive.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const g = { w: np.array([3, 4]), b: np.array(0.5) };
 * optimizers.clipByNorm(1).update(g, [])[0]; // => { b: 0.5, w: [0.6, 0.8] }
 * ```
 */
export function clipByNorm(maxNorm: Hyperparameter): GradientTransformation<EmptyState> {
  checkPositive('clipByNorm', 'the limit', maxNorm);
  return stateless((updates) => mapTrees('clipByNorm', (g) => times(g, shrink(globalNorm(g), maxNorm)), updates));
}

/**
 * Replaces NaN in updates by 0.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * optimizers.zeroNans().update(np.array([1, NaN, -2]), [])[0].js(); // => [1, 0, -2]
 * ```
 */
export const zeroNans = (): GradientTransformation<EmptyState> =>
  stateless((updates) =>
    mapTrees('zeroNans', (g) => lax.select(lax.ne(g, g), lax.full(g.aval.shape, 0, g.dtype), g), updates),
  );

/**
 * Takes the mean off the updates of each output of a layer (Yong et al., ECCV 2020, arXiv 2004.01461): of each leaf of two axes or
 * more, the mean over all axes but the last. Weights of this library have their outputs on the last axis.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * optimizers.centralize().update(np.array([[1, 2], [3, 6]]), [])[0].js(); // => [[-1, -2], [1, 2]]
 * ```
 */
export const centralize = (): GradientTransformation<EmptyState> =>
  stateless((updates) =>
    mapTrees(
      'centralize',
      (g) => (g.ndim < 2 ? g : lax.sub(g, lax.broadcastInDim(mean(g, range(g.ndim - 1)), g.aval.shape, [g.ndim - 1]))),
      updates,
    ),
  );

/** Options of {@link scaleByTrustRatio}. */
export interface TrustRatioOptions {
  /** Norms of parameters and of updates count as at least this, 0. */
  minNorm?: Hyperparameter;
  /** Factor of the ratio, 1. */
  trustCoefficient?: Hyperparameter;
  /** Added to the norm of the updates, 0. */
  eps?: Hyperparameter;
}

/**
 * Scales the updates of each leaf by its trust ratio trustCoefficient · ‖w‖ / (‖u‖ + eps), 1 where a norm is 0 (You et al.,
 * arXiv 1708.03888 and 1904.00962).
 *
 * @throws ArgumentError for negative options, and when `update` gets no parameters; TreeError and ShapeError for gradients of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const w = np.array([6, 8]);
 * optimizers.scaleByTrustRatio().update(np.array([0, 0.5]), [], w)[0].js(); // => [0, 10]
 * ```
 */
export function scaleByTrustRatio(options: TrustRatioOptions = {}): GradientTransformation<EmptyState> {
  const op = 'scaleByTrustRatio';
  const { minNorm = 0, trustCoefficient = 1, eps = 0 } = options;
  checkNotNegative(op, 'minNorm', minNorm);
  checkNotNegative(op, 'trustCoefficient', trustCoefficient);
  checkNotNegative(op, 'eps', eps);
  const norm = (x: NDArray): NDArray => {
    const length = globalNorm(x);
    return minNorm === 0 ? length : lax.max(length, scalarOf(minNorm, length.dtype));
  };
  return stateless((updates, params) =>
    mapTrees(
      op,
      (u, w) => {
        const [ofUpdate, ofWeights] = [norm(u), lax.convertElementType(norm(w), norm(u).dtype)];
        const none = lax.bitwiseOr(lax.eq(ofUpdate, 0), lax.eq(ofWeights, 0));
        const one = lax.full([], 1, ofUpdate.dtype);
        const ratio = lax.div(times(ofWeights, trustCoefficient), lax.select(none, one, plus(ofUpdate, eps)));
        return times(u, lax.select(none, one, ratio));
      },
      updates,
      needParams(op, params),
    ),
  );
}

/**
 * Shortens updates that would take a parameter through a constraint: the parameters after the update are `project` of what they
 * would have been, leaf by leaf. Must be the last of a chain.
 *
 * @throws From `update`, ArgumentError without parameters; TreeError and ShapeError for gradients of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.chain(optimizers.sgd(1), optimizers.keepParams((w) => np.clip(w, 0, 1)));
 * const w = np.array([0.5, 0.5]);
 * const [updates] = opt.update(np.array([2, 0.25]), opt.init(w), w);
 * optimizers.applyUpdates(w, updates).js(); // => [0, 0.25]
 * ```
 */
export const keepParams = (project: (param: NDArray) => NDArray): GradientTransformation<EmptyState> =>
  stateless((updates, params) =>
    mapTrees(
      'keepParams',
      (u, w) => lax.sub(project(lax.add(w, lax.convertElementType(u, w.dtype))), w),
      updates,
      needParams('keepParams', params),
    ),
  );

/**
 * Shortens updates that would make a parameter negative: {@link keepParams} with max(w, 0).
 *
 * @throws From `update`, ArgumentError without parameters; TreeError and ShapeError for gradients of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const w = np.array([1, 1]);
 * optimizers.keepParamsNonnegative().update(np.array([-2, -0.5]), [], w)[0].js(); // => [-1, -0.5]
 * ```
 */
export const keepParamsNonnegative = (): GradientTransformation<EmptyState> =>
  stateless((updates, params) =>
    mapTrees(
      'keepParamsNonnegative',
      // The sum with -w is 0 exactly.
      (u, w) => lax.max(u, lax.neg(lax.convertElementType(w, u.dtype))),
      updates,
      needParams('keepParamsNonnegative', params),
    ),
  );
