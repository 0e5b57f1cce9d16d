/** Relatives of Adam: another norm (Adamax), Nesterov's momentum (NAdam), a rectified start (RAdam), signs only (Lion). */
import type { NDArray } from '../core/ndarray.js';
import { full } from '../lax/index.js';
import * as lax from '../lax/index.js';
import { adamOptions, nextMoments, zeroMoments, type AdamOptions, type AdamState, type Moments } from './adam.js';
import { inFloat32 } from './halves.js';
import {
  check,
  checkNotNegative,
  checkRate,
  complement,
  correction,
  logPower,
  mean,
  next,
  plus,
  root,
  times,
  type Hyperparameter,
} from './hyper.js';
import type { GradientTransformation, StateKind } from './transformation.js';
import { floatOf, mapTrees, zerosLike } from './trees.js';

/**
 * Adam with the decaying maximum of the gradients' sizes in place of the root mean square (Kingma and Ba, arXiv 1412.6980,
 * algorithm 2): m ← b1 m + (1 - b1) g, u ← max(b2 u, |g| + eps), and the update is m/(1 - b1ᵗ) / u. The state's `nu` is u;
 * eps is where PyTorch and optax have it.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps`; from `update`, TreeError and ShapeError for gradients or a state of
 *   other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const adamax = optimizers.scaleByAdamax({ b1: 0, eps: 0 });
 * const [, state] = adamax.update(np.array([4]), adamax.init(np.array([0])));
 * adamax.update(np.array([2]), state)[0].js(); // => [0.5005]
 * ```
 */
export function scaleByAdamax(options: Omit<AdamOptions, 'epsRoot'> = {}): GradientTransformation<AdamState> {
  const op = 'scaleByAdamax';
  const { b1, b2, eps } = adamOptions(op, options);
  return inFloat32(op, {
    init: (params) => zeroMoments(op, params),
    update: (updates, state) => {
      const count = next(state.count);
      const mu = mapTrees(op, (g, m) => mean(b1, m, g), updates, state.mu);
      const nu = mapTrees(op, (g, u) => lax.max(times(u, b2), plus(lax.abs(g), eps)), updates, state.nu);
      const ofMean = correction(b1, count);
      const scaled = mapTrees(op, (m, u) => lax.div(lax.div(m, ofMean(m.dtype)), u), mu, nu);
      return [scaled, { count, mu, nu }];
    },
  });
}

/** Moments of {@link scaleByNadam}. */
export type NadamMoments<P> = Moments<P> & {
  /** Product of the momenta so far, a scalar. */
  readonly muProduct: NDArray;
};
/** State of {@link scaleByNadam}. */
export interface NadamState extends StateKind {
  readonly state: NadamMoments<this['params']>;
}

/** Options of {@link scaleByNadam}. */
export interface NadamOptions extends AdamOptions {
  /** How fast the momentum rises from b1/2 to b1, 0.004; Keras 3 has 1. */
  momentumDecay?: Hyperparameter;
}

/**
 * Adam with Nesterov's momentum (Dozat, ICLR workshop 2016): with μₜ = b1 (1 - 0.96^(t · momentumDecay)/2) and the moments
 * of {@link scaleByAdam}, the update is
 * (μₜ₊₁ m/(1 - μ₁⋯μₜ₊₁) + (1 - μₜ) g/(1 - μ₁⋯μₜ)) / (√(v/(1 - b2ᵗ) + epsRoot) + eps). This is PyTorch's; Keras 3 has
 * `momentumDecay: 1`, and optax a constant momentum.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps`, `epsRoot` or `momentumDecay`; from `update`, TreeError and ShapeError
 *   for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const nadam = optimizers.scaleByNadam();
 * const g = np.array([1, -20]);
 * nadam.update(g, nadam.init(g))[0].js(); // => [1.0565, -1.0565]
 * ```
 */
export function scaleByNadam(options: NadamOptions = {}): GradientTransformation<NadamState> {
  const op = 'scaleByNadam';
  const { b1, b2, eps, epsRoot } = adamOptions(op, options);
  const { momentumDecay = 0.004 } = options;
  checkNotNegative(op, 'momentumDecay', momentumDecay);
  return inFloat32(op, {
    init: (params) => ({ ...zeroMoments(op, params), muProduct: full([], 1, floatOf(params)) }),
    update: (updates, state) => {
      const moments = nextMoments(op, updates, state, b1, b2);
      const { count } = moments;
      const { dtype } = state.muProduct;
      const momentum = (t: NDArray): NDArray => {
        const power = lax.exp(times(logPower(0.96, t, dtype), momentumDecay));
        return times(lax.sub(1, lax.mul(power, 0.5)), b1);
      };
      const [now, later] = [momentum(count), momentum(next(count))];
      const muProduct = lax.mul(state.muProduct, now);
      const ofGradient = lax.div(lax.sub(1, now), lax.sub(1, muProduct));
      const ofMean = lax.div(later, lax.sub(1, lax.mul(muProduct, later)));
      const ofSquares = correction(b2, count);
      const scaled = mapTrees(
        op,
        (g, m, v) =>
          lax.div(lax.add(times(m, ofMean), times(g, ofGradient)), root(lax.div(v, ofSquares(v.dtype)), eps, epsRoot)),
        updates,
        moments.mu,
        moments.nu,
      );
      return [scaled, { ...moments, muProduct }];
    },
  });
}

/** Options of {@link scaleByRadam}. */
export interface RadamOptions extends Omit<AdamOptions, 'b2'> {
  /** Decay of the mean of squares, 0.999; a number. */
  b2?: number;
  /** Where the length ρₜ of the average begins to suffice, 5; the paper has 4. */
  threshold?: number;
}

/** Terms Bₙ/n! of x/(eˣ - 1) = 1 - x/2 + x²/12 - … (Bernoulli numbers), from n = 2 on, n even. */
const BERNOULLI = [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160];

/**
 * ρₜ = ρ∞ - 2 t βᵗ/(1 - βᵗ), ρ∞ = 2/(1 - β) - 1. The difference is small against its terms, so it is taken apart: with
 * λ = -ln β and x = λ t it is (ρ∞ - 2/λ) + 2/λ · (1 - x/(eˣ - 1)), the last by its series where x is small.
 */
function averageLength(beta: number, count: NDArray, dtype: NDArray['dtype']): NDArray {
  const x = lax.neg(logPower(beta, count, dtype));
  const square = lax.square(x);
  const tail = BERNOULLI.reduceRight<NDArray>((sum, c) => lax.mul(lax.add(sum, c), square), full([], 0, dtype));
  const series = lax.sub(lax.mul(x, 0.5), tail);
  const plain = lax.sub(1, lax.div(x, lax.expm1(x)));
  const scale = -2 / Math.log(beta);
  const small = lax.mul(lax.select(lax.lt(x, 0.3), series, plain), scale);
  return lax.add(small, 2 / (1 - beta) - 1 - scale);
}

/**
 * Adam that is momentum alone until the average of squares is long enough to be trusted, and rectified from then on (Liu
 * et al., ICLR 2020, arXiv 1908.03265, algorithm 2): the update is m/(1 - b1ᵗ) while ρₜ ≤ threshold, and then
 * m/(1 - b1ᵗ) · r √(1 - b2ᵗ) / (√(v + epsRoot) + eps) with r² = (ρₜ - 4)(ρₜ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρₜ). The threshold and the place
 * of eps (beside √v, not beside √(v/(1 - b2ᵗ))) are PyTorch's.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps` or `epsRoot` or a threshold below 4; from `update`, TreeError and
 *   ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const radam = optimizers.scaleByRadam();
 * const g = np.array([3, -20]);
 * radam.update(g, radam.init(g))[0].js(); // => [3.0000, -20.0000]
 * ```
 */
export function scaleByRadam(options: RadamOptions = {}): GradientTransformation<AdamState> {
  const op = 'scaleByRadam';
  const { b1, eps, epsRoot } = adamOptions(op, options);
  const { b2 = 0.999, threshold = 5 } = options;
  check(op, 'the threshold', threshold, (v) => v >= 4, 'a number from 4, from where the root exists');
  const limit = 2 / (1 - b2) - 1;
  const rectified = limit / ((limit - 4) * (limit - 2));
  return inFloat32(op, {
    init: (params) => zeroMoments(op, params),
    update: (updates, state) => {
      const moments = nextMoments(op, updates, state, b1, b2);
      const { count } = moments;
      const dtype = floatOf(updates);
      const rho = averageLength(b2, count, dtype);
      const trusted = lax.gt(rho, threshold);
      // Where it is not used it has a root and derivatives all the same.
      const length = lax.select(trusted, rho, full([], threshold + 1, dtype));
      const product = lax.mul(lax.sub(length, 4), lax.sub(length, 2));
      const r = lax.sqrt(lax.mul(lax.div(product, length), rectified));
      const factor = lax.mul(r, lax.sqrt(correction(b2, count)(dtype)));
      const ofMean = correction(b1, count);
      const scaled = mapTrees(
        op,
        (m, v) => {
          const unbiased = lax.div(m, ofMean(m.dtype));
          return lax.select(trusted, times(lax.div(unbiased, root(v, eps, epsRoot)), factor), unbiased);
        },
        moments.mu,
        moments.nu,
      );
      return [scaled, moments];
    },
  });
}

/** The mean of {@link scaleByLion}. */
export type LionMean<P> = {
  readonly mu: P;
};
/** State of {@link scaleByLion}. */
export interface LionState extends StateKind {
  readonly state: LionMean<this['params']>;
}

/** Options of {@link scaleByLion}. */
export interface LionOptions {
  /** Weight of the mean in the update, 0.9. */
  b1?: Hyperparameter;
  /** Decay of the mean, 0.99. */
  b2?: Hyperparameter;
}

/**
 * The sign of an interpolation between gradient and momentum (Chen et al., arXiv 2302.06675, algorithm 2): the update is
 * sign(b1 m + (1 - b1) g), and then m ← b2 m + (1 - b2) g.
 *
 * @throws ArgumentError for decays outside [0, 1); from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const lion = optimizers.scaleByLion();
 * const g = np.array([0.1, -20, 0]);
 * const [updates, { mu }] = lion.update(g, lion.init(g));
 * [updates.js(), mu.js()]; // => [[1, -1, 0], [0.001, -0.200, 0]]
 * ```
 */
export function scaleByLion({ b1 = 0.9, b2 = 0.99 }: LionOptions = {}): GradientTransformation<LionState> {
  const op = 'scaleByLion';
  checkRate(op, 'b1', b1);
  checkRate(op, 'b2', b2);
  return inFloat32(op, {
    init: (params) => ({ mu: zerosLike(op, params) }),
    update: (updates, { mu }) => [
      mapTrees(op, (g, m) => lax.sign(lax.add(times(m, b1), times(g, complement(b1)))), updates, mu),
      { mu: mapTrees(op, (g, m) => mean(b2, m, g), updates, mu) },
    ],
  });
}
