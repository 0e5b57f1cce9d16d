/** Scaling by the size of past gradients: all of them (Adagrad), recent ones (RMSProp), or recent steps too (Adadelta). */
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { inFloat32 } from './halves.js';
import { checkNotNegative, checkRate, mean, plus, root, type Hyperparameter } from './hyper.js';
import type { GradientTransformation, StateKind } from './transformation.js';
import { mapTrees, zerosLike } from './trees.js';

const filled = <P>(op: string, params: P, value: number): P =>
  mapTrees(op, (x) => lax.full(x.aval.shape, value, x.dtype), params);

/** The sums of {@link scaleByRss}. */
export type SumOfSquares<P> = {
  readonly sumOfSquares: P;
};
/** State of {@link scaleByRss}. */
export interface RssState extends StateKind {
  readonly state: SumOfSquares<this['params']>;
}

/** Options of {@link scaleByRss} and {@link adagrad}, with PyTorch's defaults. */
export interface AdagradOptions {
  /** What the sum of squares begins with, 0; Keras and optax have 0.1. */
  initialAccumulatorValue?: number;
  /** Added to the root, 1e-10. */
  eps?: Hyperparameter;
  /** Added under the root, 0; Keras and optax have 1e-7 here and no `eps`. */
  epsRoot?: Hyperparameter;
}

/**
 * Divides by the root of the sum of all squares so far (Duchi et al., JMLR 12, 2011): s ← s + g², and the update is
 * g / (√(s + epsRoot) + eps).
 *
 * @throws ArgumentError for negative options; from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rss = optimizers.scaleByRss();
 * const [, state] = rss.update(np.array([3]), rss.init(np.array([0])));
 * rss.update(np.array([4]), state)[0].js(); // => [0.8]
 * ```
 */
export function scaleByRss(options: AdagradOptions = {}): GradientTransformation<RssState> {
  const op = 'scaleByRss';
  const { initialAccumulatorValue = 0, eps = 1e-10, epsRoot = 0 } = options;
  checkNotNegative(op, 'initialAccumulatorValue', initialAccumulatorValue);
  checkNotNegative(op, 'eps', eps);
  checkNotNegative(op, 'epsRoot', epsRoot);
  return inFloat32(op, {
    init: (params) => ({ sumOfSquares: filled(op, params, initialAccumulatorValue) }),
    update: (updates, state) => {
      const sumOfSquares = mapTrees(op, (g, s) => lax.add(s, lax.square(g)), updates, state.sumOfSquares);
      const scaled = mapTrees(op, (g, s) => lax.div(g, root(s, eps, epsRoot)), updates, sumOfSquares);
      return [scaled, { sumOfSquares }];
    },
  });
}

/** The means of {@link scaleByRms}. */
export type RmsMeans<P> = {
  /** Decaying mean of the squares. */
  readonly nu: P;
  /** Decaying mean of the gradients if `centered`, else nothing. */
  readonly mu: P | readonly [];
};
/** State of {@link scaleByRms}. */
export interface RmsState extends StateKind {
  readonly state: RmsMeans<this['params']>;
}

/** Options of {@link scaleByRms}, with PyTorch's defaults. */
export interface RmsOptions {
  /** Decay of the means, 0.99; Keras, optax and Hinton's lecture have 0.9. */
  decay?: Hyperparameter;
  /** Added to the root, 1e-8. */
  eps?: Hyperparameter;
  /** Added under the root, 0; Keras has 1e-7 and optax 1e-8 here, and no `eps`. */
  epsRoot?: Hyperparameter;
  /** Divide by the standard deviation: the square of the mean is taken off the mean of squares. */
  centered?: boolean;
  /** What the mean of squares begins with, 0. */
  initialScale?: number;
}

/**
 * Divides by the root of the decaying mean of squares (Hinton, "Neural networks for machine learning", lecture 6e, 2012):
 * v ← decay v + (1 - decay) g², and the update is g / (√(v + epsRoot) + eps). With `centered` (Graves, arXiv 1308.0850, equations 38 to 41)
 * v - m² takes the place of v, where m ← decay m + (1 - decay) g.
 *
 * @throws ArgumentError for a decay outside [0, 1) and for other options that are negative; from `update`, TreeError and ShapeError for gradients
 *   or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rms = optimizers.scaleByRms({ decay: 0.75 });
 * const g = np.array([1, -8]);
 * rms.update(g, rms.init(g))[0].js(); // => [2.0000, -2.0000]
 * ```
 */
export function scaleByRms(options: RmsOptions = {}): GradientTransformation<RmsState> {
  const op = 'scaleByRms';
  const { decay = 0.99, eps = 1e-8, epsRoot = 0, centered = false, initialScale = 0 } = options;
  checkRate(op, 'the decay', decay);
  checkNotNegative(op, 'eps', eps);
  checkNotNegative(op, 'epsRoot', epsRoot);
  checkNotNegative(op, 'initialScale', initialScale);
  // Rounding must not make a variance negative.
  const variance = (v: NDArray, m: NDArray): NDArray => lax.max(lax.sub(v, lax.square(m)), 0);
  return inFloat32(op, {
    init: (params) => ({ nu: filled(op, params, initialScale), mu: centered ? zerosLike(op, params) : [] }),
    update: (updates, state) => {
      const nu = mapTrees(op, (g, v) => mean(decay, v, lax.square(g)), updates, state.nu);
      if (!centered) {
        return [mapTrees(op, (g, v) => lax.div(g, root(v, eps, epsRoot)), updates, nu), { nu, mu: [] }];
      }
      const mu = mapTrees(op, (g, m) => mean(decay, m, g), updates, state.mu);
      const scaled = mapTrees(op, (g, v, m) => lax.div(g, root(variance(v, m), eps, epsRoot)), updates, nu, mu);
      return [scaled, { nu, mu }];
    },
  });
}

/** The means of {@link scaleByAdadelta}. */
export type AdadeltaMeans<P> = {
  /** Decaying mean of the squares of gradients. */
  readonly gradients: P;
  /** Decaying mean of the squares of updates. */
  readonly updates: P;
};
/** State of {@link scaleByAdadelta}. */
export interface AdadeltaState extends StateKind {
  readonly state: AdadeltaMeans<this['params']>;
}

/** Options of {@link scaleByAdadelta} and {@link adadelta}, with PyTorch's defaults. */
export interface AdadeltaOptions {
  /** Decay of the means, 0.9; Keras has 0.95. */
  rho?: Hyperparameter;
  /** Added under both roots, 1e-6; Keras has 1e-7. */
  eps?: Hyperparameter;
}

/**
 * Gives updates the size of past updates (Zeiler, arXiv 1212.5701, algorithm 1): v ← ρ v + (1 - ρ) g², the update is
 * u = √(d + eps) / √(v + eps) · g, and then d ← ρ d + (1 - ρ) u².
 *
 * @throws ArgumentError for a `rho` outside [0, 1) and a negative `eps`; from `update`, TreeError and ShapeError for gradients or a state of
 *   other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const adadelta = optimizers.scaleByAdadelta({ rho: 0.75, eps: 0.01 });
 * const g = np.array([2, -20]);
 * adadelta.update(g, adadelta.init(g))[0].js(); // => [0.199, -0.200]
 * ```
 */
export function scaleByAdadelta({
  rho = 0.9,
  eps = 1e-6,
}: AdadeltaOptions = {}): GradientTransformation<AdadeltaState> {
  const op = 'scaleByAdadelta';
  checkRate(op, 'rho', rho);
  checkNotNegative(op, 'eps', eps);
  const rms = (x: NDArray): NDArray => lax.sqrt(plus(x, eps));
  return inFloat32(op, {
    init: (params) => ({ gradients: zerosLike(op, params), updates: zerosLike(op, params) }),
    update: (updates, state) => {
      const gradients = mapTrees(op, (g, v) => mean(rho, v, lax.square(g)), updates, state.gradients);
      const scaled = mapTrees(op, (g, v, d) => lax.mul(lax.div(rms(d), rms(v)), g), updates, gradients, state.updates);
      return [
        scaled,
        { gradients, updates: mapTrees(op, (u, d) => mean(rho, d, lax.square(u)), scaled, state.updates) },
      ];
    },
  });
}
