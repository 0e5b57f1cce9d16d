/** Optimizers: chains that end in a step downhill. */
import {
  scaleByAdam,
  scaleByLearningRate,
  trace,
  type AdamOptions,
  type AdamState,
  type CountState,
  type LearningRate,
  type TraceOptions,
  type TraceState,
} from './scaling.js';
import { chain, type ChainState, type GradientTransformation } from './transformation.js';

/** State of {@link momentum}: the trace, and the count of the learning rate. */
export type MomentumState = ChainState<
  readonly [GradientTransformation<TraceState>, GradientTransformation<CountState>]
>;
/** State of {@link adam}: the moments, and the count of the learning rate. */
export type AdamOptimizerState = ChainState<
  readonly [GradientTransformation<AdamState>, GradientTransformation<CountState>]
>;

/**
 * Gradient descent: the update is -learningRate · gradient.
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
 * Gradient descent with momentum `mass`: t ← g + mass · t, and the update is -learningRate · t.
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
  mass: number,
  options: TraceOptions = {},
): GradientTransformation<MomentumState> => chain(trace(mass, options), scaleByLearningRate(learningRate));

/**
 * Adam (Kingma and Ba, arXiv 1412.6980), as `adam(learningRate, b1, b2, eps)` or `adam(learningRate, { b1, b2, eps })`.
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
  return chain(scaleByAdam(options), scaleByLearningRate(learningRate));
}
