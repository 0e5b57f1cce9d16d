/** Optimizers: chains that end in a step downhill. Those of the Adam family are in adam-optimizers.ts. */
import {
  scaleByAdadelta,
  scaleByRms,
  scaleByRss,
  type AdadeltaOptions,
  type AdadeltaState,
  type AdagradOptions,
  type RmsOptions,
  type RmsState,
  type RssState,
} from './adaptive.js';
import type { Hyperparameter } from './hyper.js';
import {
  optionalTrace,
  scaleByLearningRate,
  trace,
  type CountState,
  type LearningRate,
  type OptionalTraceState,
  type TraceOptions,
  type TraceState,
} from './scaling.js';
import { scaleBySm3, type Sm3Options, type Sm3State } from './sm3.js';
import { chain, type ChainState, type GradientTransformation, type StateKind } from './transformation.js';

/** State of a scaling that is followed by a learning rate: the scaling's, and the count of the learning rate. */
export type OptimizerState<F extends StateKind> = ChainState<
  readonly [GradientTransformation<F>, GradientTransformation<CountState>]
>;

/** State of {@link momentum}: the trace, and the count of the learning rate. */
export type MomentumState = OptimizerState<TraceState>;

/** A scaling, then the learning rate. */
export const withRate = <F extends StateKind>(
  scaling: GradientTransformation<F>,
  learningRate: LearningRate,
): GradientTransformation<OptimizerState<F>> => chain(scaling, scaleByLearningRate(learningRate));

/**
 * Gradient descent: the update is -learningRate · gradient. For an L2 penalty chain {@link addDecayedWeights} before it.
 *
 * @throws From `update`, ArgumentError for leaves that are no arrays.
 *
 * @example
 * ```ts
 * import { grad, numpy as np, optimizers, type NDArray } from 'cotangent';
 * const opt = optimizers.sgd(0.25);
 * const w = np.array([4]);
 * const [updates] = opt.update(grad((v: NDArray) => v.mul(v).sum())(w), opt.init(w), w);
 * optimizers.applyUpdates(w, updates).js(); // => [2]
 * ```
 */
export const sgd = (learningRate: LearningRate): GradientTransformation<CountState> =>
  scaleByLearningRate(learningRate);

/**
 * Gradient descent with momentum `mass`: t ← g + mass · t, and the update is -learningRate · t, as PyTorch's with dampening 0. Keras
 * has the learning rate inside the sum, which is the same while it does not change.
 *
 * @throws ArgumentError for a mass outside [0, 1); from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.momentum(0.1, 0.9, { nesterov: true });
 * const g = np.array([1]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.19]
 * ```
 */
export const momentum = (
  learningRate: LearningRate,
  mass: Hyperparameter,
  options: TraceOptions = {},
): GradientTransformation<MomentumState> => withRate(trace(mass, options), learningRate);

/**
 * {@link momentum} that looks ahead (Nesterov 1983, in the form of Sutskever et al., ICML 2013): t ← g + mass · t, and the update is
 * -learningRate · (g + mass · t).
 *
 * @throws ArgumentError for a mass outside [0, 1); from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.nesterov(0.1, 0.5);
 * const g = np.array([1]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.15]
 * ```
 */
export const nesterov = (learningRate: LearningRate, mass: Hyperparameter): GradientTransformation<MomentumState> =>
  momentum(learningRate, mass, { nesterov: true });

/**
 * Adagrad: {@link scaleByRss}. PyTorch's `lr_decay` is the learning rate `inverseTimeDecay(rate, 1, lrDecay)`.
 *
 * @throws ArgumentError for negative options; from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.adagrad(0.1);
 * const [, state] = opt.update(np.array([3]), opt.init(np.array([0])));
 * opt.update(np.array([4]), state)[0].js(); // => [-0.08]
 * ```
 */
export const adagrad = (
  learningRate: LearningRate,
  options: AdagradOptions = {},
): GradientTransformation<OptimizerState<RssState>> => withRate(scaleByRss(options), learningRate);

/**
 * Adadelta: {@link scaleByAdadelta}. The paper has no learning rate, which is 1.
 *
 * @throws ArgumentError for a `rho` outside [0, 1) and a negative `eps`; from `update`, TreeError and ShapeError for gradients or a state of
 *   other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.adadelta(1, { rho: 0.75, eps: 0.01 });
 * const g = np.array([2]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.199]
 * ```
 */
export const adadelta = (
  learningRate: LearningRate = 1,
  options: AdadeltaOptions = {},
): GradientTransformation<OptimizerState<AdadeltaState>> => withRate(scaleByAdadelta(options), learningRate);

/** Options of {@link rmsprop}. */
export interface RmspropOptions extends RmsOptions {
  /** Momentum of the scaled gradients, 0. */
  momentum?: Hyperparameter;
  /** Nesterov's form of the momentum. */
  nesterov?: boolean;
}

/** State of {@link rmsprop}. */
export type RmspropState = ChainState<
  readonly [
    GradientTransformation<RmsState>,
    GradientTransformation<OptionalTraceState>,
    GradientTransformation<CountState>,
  ]
>;

/**
 * RMSProp: {@link scaleByRms}, then momentum. Values are PyTorch's by default; Keras's are those of `{ decay: 0.9, eps: 0, epsRoot: 1e-7 }`, and
 * optax's those of `{ decay: 0.9, eps: 0, epsRoot: 1e-8 }`.
 *
 * @throws ArgumentError for a decay or momentum outside [0, 1) and for other options that are negative; from `update`, TreeError and ShapeError
 *   for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.rmsprop(0.1, { decay: 0.75, momentum: 0.9 });
 * const g = np.array([1, -8]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.200, 0.200]
 * ```
 */
export function rmsprop(
  learningRate: LearningRate,
  { momentum: mass = 0, nesterov: ahead = false, ...options }: RmspropOptions = {},
): GradientTransformation<RmspropState> {
  return chain(scaleByRms(options), optionalTrace(mass, { nesterov: ahead }), scaleByLearningRate(learningRate));
}

/**
 * SM3, for models whose optimizer would not fit beside them: {@link scaleBySm3}.
 *
 * @throws ArgumentError for a momentum outside [0, 1); from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.sm3(0.1, { momentum: 0 });
 * const g = np.array([[3, 0], [1, 2]]);
 * opt.update(g, opt.init(g))[0].js(); // => [[-0.1, 0], [-0.1, -0.1]]
 * ```
 */
export const sm3 = (
  learningRate: LearningRate,
  options: Sm3Options = {},
): GradientTransformation<OptimizerState<Sm3State>> => withRate(scaleBySm3(options), learningRate);
