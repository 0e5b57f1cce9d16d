/** Adam's scaling by decaying moments of the gradients, and AMSGrad's, which never forgets a large one. */
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { inFloat32 } from './halves.js';
import { checkNotNegative, checkRate, correction, mean, next, root, zeroCount, type Hyperparameter } from './hyper.js';
import type { GradientTransformation, StateKind } from './transformation.js';
import { mapTrees, zerosLike } from './trees.js';

/** Adam's moments. */
export type Moments<P> = {
  readonly count: NDArray;
  /** Decaying mean of the gradients. */
  readonly mu: P;
  /** Decaying mean of their squares. */
  readonly nu: P;
};
/** State of {@link scaleByAdam}. */
export interface AdamState extends StateKind {
  readonly state: Moments<this['params']>;
}

/** Options of {@link scaleByAdam} and {@link adam}, with the defaults of the paper. */
export interface AdamOptions {
  /** Decay of the mean of gradients, 0.9. */
  b1?: Hyperparameter;
  /** Decay of the mean of their squares, 0.999. */
  b2?: Hyperparameter;
  /** Added to the root, 1e-8. */
  eps?: Hyperparameter;
  /** Added under the root, 0. */
  epsRoot?: Hyperparameter;
}

/** {@link AdamOptions} with defaults, checked. */
export function adamOptions(op: string, options: AdamOptions): Required<AdamOptions> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, epsRoot = 0 } = options;
  checkRate(op, 'b1', b1);
  checkRate(op, 'b2', b2);
  checkNotNegative(op, 'eps', eps);
  checkNotNegative(op, 'epsRoot', epsRoot);
  return { b1, b2, eps, epsRoot };
}

/** Moments of parameters before the first update. */
export const zeroMoments = <P>(op: string, params: P): Moments<P> => ({
  count: zeroCount(),
  mu: zerosLike(op, params),
  nu: zerosLike(op, params),
});

/** Moments after one more gradient. */
export const nextMoments = <P>(
  op: string,
  gradients: P,
  state: Moments<P>,
  b1: Hyperparameter,
  b2: Hyperparameter,
): Moments<P> => ({
  count: next(state.count),
  mu: mapTrees(op, (g, m) => mean(b1, m, g), gradients, state.mu),
  nu: mapTrees(op, (g, v) => mean(b2, v, lax.square(g)), gradients, state.nu),
});

/** m/(1 - b1ᵗ) / (√(v/(1 - b2ᵗ) + epsRoot) + eps), of a mean and a mean of squares after `count` updates. */
function ratioAt(count: NDArray, { b1, b2, eps, epsRoot }: Required<AdamOptions>): (m: NDArray, v: NDArray) => NDArray {
  const [ofMean, ofSquares] = [correction(b1, count), correction(b2, count)];
  return (m, v) => lax.div(lax.div(m, ofMean(m.dtype)), root(lax.div(v, ofSquares(v.dtype)), eps, epsRoot));
}

/**
 * Divides the decaying mean of the gradients by the root of that of their squares, both corrected for having begun at 0
 * (Kingma and Ba, arXiv 1412.6980, algorithm 1): m ← b1 m + (1 - b1) g, v ← b2 v + (1 - b2) g², and the update is
 * m/(1 - b1ᵗ) / (√(v/(1 - b2ᵗ) + epsRoot) + eps).
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps` or `epsRoot`; from `update`, TreeError and ShapeError for gradients or
 *   a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const adam = optimizers.scaleByAdam();
 * const g = np.array([0.1, -20]);
 * adam.update(g, adam.init(g))[0].js(); // => [1.000000, -1]
 * ```
 */
export function scaleByAdam(options: AdamOptions = {}): GradientTransformation<AdamState> {
  const op = 'scaleByAdam';
  const given = adamOptions(op, options);
  return inFloat32(op, {
    init: (params) => zeroMoments(op, params),
    update: (updates, state) => {
      const moments = nextMoments(op, updates, state, given.b1, given.b2);
      return [mapTrees(op, ratioAt(moments.count, given), moments.mu, moments.nu), moments];
    },
  });
}

/** Moments of {@link scaleByAmsgrad}. */
export type AmsgradMoments<P> = Moments<P> & {
  /** The largest mean of squares so far. */
  readonly nuMax: P;
};
/** State of {@link scaleByAmsgrad}. */
export interface AmsgradState extends StateKind {
  readonly state: AmsgradMoments<this['params']>;
}

/**
 * {@link scaleByAdam} with the largest mean of squares so far in place of the present one (Reddi et al., ICLR 2018,
 * arXiv 1904.09237): u ← max(u, v), and the update is m/(1 - b1ᵗ) / (√(u/(1 - b2ᵗ) + epsRoot) + eps). As in PyTorch, the maximum is of
 * means not corrected yet; optax's is of corrected ones.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps` or `epsRoot`; from `update`, TreeError and ShapeError for gradients or
 *   a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const amsgrad = optimizers.scaleByAmsgrad({ b1: 0, b2: 0.5 });
 * const [, state] = amsgrad.update(np.array([4]), amsgrad.init(np.array([0])));
 * const [updates, { nuMax }] = amsgrad.update(np.array([0]), state);
 * [updates.js(), nuMax.js()]; // => [[0], [8]]
 * ```
 */
export function scaleByAmsgrad(options: AdamOptions = {}): GradientTransformation<AmsgradState> {
  const op = 'scaleByAmsgrad';
  const given = adamOptions(op, options);
  return inFloat32(op, {
    init: (params) => ({ ...zeroMoments(op, params), nuMax: zerosLike(op, params) }),
    update: (updates, state) => {
      const moments = nextMoments(op, updates, state, given.b1, given.b2);
      const nuMax = mapTrees(op, (u, v) => lax.max(u, v), state.nuMax, moments.nu);
      const scaled = mapTrees(op, ratioAt(moments.count, given), moments.mu, nuMax);
      return [scaled, { ...moments, nuMax }];
    },
  });
}
