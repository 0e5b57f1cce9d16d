/** Optimizers of the Adam family, and those with decoupled weight decay. */
import { scaleByAdam, scaleByAmsgrad, type AdamOptions, type AdamState, type AmsgradState } from './adam.js';
import {
  scaleByAdamax,
  scaleByLion,
  scaleByNadam,
  scaleByRadam,
  type LionOptions,
  type LionState,
  type NadamOptions,
  type NadamState,
  type RadamOptions,
} from './adam-variants.js';
import { scaleByTrustRatio } from './clipping.js';
import { addDecayedWeights, type DecayOptions } from './decay.js';
import type { Hyperparameter } from './hyper.js';
import { withRate, type OptimizerState } from './optimizers.js';
import { scaleByLearningRate, type CountState, type LearningRate } from './scaling.js';
import {
  chain,
  type ChainState,
  type EmptyState,
  type GradientTransformation,
  type StateKind,
} from './transformation.js';

/** State of {@link adam}: the moments, and the count of the learning rate. */
export type AdamOptimizerState = OptimizerState<AdamState>;

/**
 * Adam (Kingma and Ba, arXiv 1412.6980), as `adam(learningRate, b1, b2, eps)` or `adam(learningRate, { b1, b2, eps })`.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps` or `epsRoot`; from `update`, TreeError and ShapeError for gradients or
 *   a state of other parameters.
 *
 * @example
 * ```ts
 * import { grad, jit, numpy as np, optimizers, type NDArray } from 'cotangent';
 * const opt = optimizers.adam(0.1);
 * const loss = (w: NDArray) => w.sub(3).square().sum();
 * let w = np.array([0, 10]);
 * let state = opt.init(w);
 * const step = jit((v: NDArray, s: typeof state) => {
 *   const [updates, next] = opt.update(grad(loss)(v), s, v);
 *   return [optimizers.applyUpdates(v, updates), next] as const;
 * });
 * for (let i = 0; i < 500; i++) [w, state] = step(w, state);
 * Math.abs(Number(w.sub(3).abs().max().item())) < 0.01; // => true
 * ```
 */
export function adam(
  learningRate: LearningRate,
  b1?: number | AdamOptions,
  b2?: number,
  eps?: number,
): GradientTransformation<AdamOptimizerState> {
  const options =
    typeof b1 === 'object'
      ? b1
      : {
          ...(b1 === undefined ? {} : { b1 }),
          ...(b2 === undefined ? {} : { b2 }),
          ...(eps === undefined ? {} : { eps }),
        };
  return withRate(scaleByAdam(options), learningRate);
}

/**
 * AMSGrad: Adam with {@link scaleByAmsgrad}.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps` or `epsRoot`; from `update`, TreeError and ShapeError for gradients or
 *   a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.amsgrad(0.1);
 * const g = np.array([3, -20]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.1000, 0.1000]
 * ```
 */
export const amsgrad = (
  learningRate: LearningRate,
  options: AdamOptions = {},
): GradientTransformation<OptimizerState<AmsgradState>> => withRate(scaleByAmsgrad(options), learningRate);

/**
 * Adamax: Adam with {@link scaleByAdamax}.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps`; from `update`, TreeError and ShapeError for gradients or a state of
 *   other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.adamax(0.1);
 * const g = np.array([3, -20]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.1000, 0.1000]
 * ```
 */
export const adamax = (
  learningRate: LearningRate,
  options: Omit<AdamOptions, 'epsRoot'> = {},
): GradientTransformation<AdamOptimizerState> => withRate(scaleByAdamax(options), learningRate);

/**
 * NAdam: Adam with Nesterov's momentum, {@link scaleByNadam}.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps`, `epsRoot` or `momentumDecay`; from `update`, TreeError and ShapeError
 *   for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.nadam(0.1);
 * const g = np.array([1, -20]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.1056, 0.1056]
 * ```
 */
export const nadam = (
  learningRate: LearningRate,
  options: NadamOptions = {},
): GradientTransformation<OptimizerState<NadamState>> => withRate(scaleByNadam(options), learningRate);

/**
 * RAdam: Adam with a rectified start, {@link scaleByRadam}.
 *
 * @throws ArgumentError for decays outside [0, 1) and for a negative `eps` or `epsRoot` or a threshold below 4; from `update`, TreeError and
 *   ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.radam(0.1);
 * const g = np.array([1, -20]);
 * opt.update(g, opt.init(g))[0].js(); // => [-0.1000, 2.0000]
 * ```
 */
export const radam = (
  learningRate: LearningRate,
  options: RadamOptions = {},
): GradientTransformation<AdamOptimizerState> => withRate(scaleByRadam(options), learningRate);

/** State of a scaling, decayed weights and a learning rate. */
export type DecayedState<F extends StateKind> = ChainState<
  readonly [GradientTransformation<F>, GradientTransformation<EmptyState>, GradientTransformation<CountState>]
>;

/** Options of weight decay that is decoupled from the scaling. */
export interface WeightDecayOptions extends DecayOptions {
  /** The weight decay; each step takes learningRate · weightDecay · w off the weights. */
  weightDecay?: Hyperparameter;
}

const decayed = <F extends StateKind>(
  scaling: GradientTransformation<F>,
  learningRate: LearningRate,
  weightDecay: Hyperparameter,
  mask: DecayOptions['mask'],
): GradientTransformation<DecayedState<F>> =>
  chain(scaling, addDecayedWeights(weightDecay, mask === undefined ? {} : { mask }), scaleByLearningRate(learningRate));

/**
 * AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019, arXiv 1711.05101): the update is -learningRate · (adam +
 * weightDecay · w), which needs the parameters. The weight decay is 0.01 by default, as PyTorch's; optax's is 1e-4. `mask` says what decays.
 *
 * @throws ArgumentError for decays outside [0, 1), a negative `eps` or `epsRoot`, a negative weight decay, a mask with other leaves than
 *   booleans, and when `update` gets no parameters; TreeError and ShapeError for a mask, gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.adamW(0.1, { weightDecay: 0.5, mask: { w: true, b: false } });
 * const params = { w: np.array([4]), b: np.array(4) };
 * const zeros = { w: np.array([0]), b: np.array(0) };
 * opt.update(zeros, opt.init(params), params)[0]; // => { b: 0, w: [-0.2] }
 * ```
 */
export const adamW = (
  learningRate: LearningRate,
  { weightDecay = 0.01, mask, ...options }: AdamOptions & WeightDecayOptions = {},
): GradientTransformation<DecayedState<AdamState>> => decayed(scaleByAdam(options), learningRate, weightDecay, mask);

/**
 * Lion (Chen et al., arXiv 2302.06675): {@link scaleByLion} with decoupled weight decay, 0 by default. Its learning rate should be 3 to 10 times
 * smaller than Adam's, and its weight decay as much larger.
 *
 * @throws ArgumentError for decays outside [0, 1), a negative weight decay, a mask with other leaves than booleans, and when `update` gets no
 *   parameters; TreeError and ShapeError for a mask, gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.lion(0.1);
 * const w = np.array([1, 1]);
 * opt.update(np.array([3, -0.01]), opt.init(w), w)[0].js(); // => [-0.1, 0.1]
 * ```
 */
export const lion = (
  learningRate: LearningRate,
  { weightDecay = 0, mask, ...options }: LionOptions & WeightDecayOptions = {},
): GradientTransformation<DecayedState<LionState>> => decayed(scaleByLion(options), learningRate, weightDecay, mask);

/** State of {@link lamb}. */
export type LambState = ChainState<
  readonly [
    GradientTransformation<AdamState>,
    GradientTransformation<EmptyState>,
    GradientTransformation<EmptyState>,
    GradientTransformation<CountState>,
  ]
>;

/**
 * LAMB, for large batches (You et al., ICLR 2020, arXiv 1904.00962, algorithm 2): Adam's scaling with eps 1e-6, weight decay (0 by default), and
 * {@link scaleByTrustRatio} for each leaf. Needs the parameters.
 *
 * @throws ArgumentError for decays outside [0, 1), a negative `eps` or `epsRoot`, a negative weight decay, a mask with other leaves than
 *   booleans, and when `update` gets no parameters; TreeError and ShapeError for a mask, gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.lamb(0.1);
 * const w = np.array([3, 4]);
 * opt.update(np.array([8, 0]), opt.init(w), w)[0].js(); // => [-0.500, 0]
 * ```
 */
export const lamb = (
  learningRate: LearningRate,
  { weightDecay = 0, mask, eps = 1e-6, ...options }: AdamOptions & WeightDecayOptions = {},
): GradientTransformation<LambState> =>
  chain(
    scaleByAdam({ ...options, eps }),
    addDecayedWeights(weightDecay, mask === undefined ? {} : { mask }),
    scaleByTrustRatio(),
    scaleByLearningRate(learningRate),
  );
