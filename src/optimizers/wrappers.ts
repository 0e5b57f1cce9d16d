/** Transformations around an optimizer: accumulation, guards against NaN, averages, lookahead. */
import { checkCount } from '../core/counts.js';
import { scalar } from '../core/concrete.js';
import type { NDArray } from '../core/ndarray.js';
import { leaves } from '../core/tree.js';
import * as lax from '../lax/index.js';
import { inFloat32 } from './halves.js';
import {
  checkRate,
  check,
  complement,
  correction,
  mean,
  next,
  times,
  zeroCount,
  type Hyperparameter,
} from './hyper.js';
import type { GradientTransformation, StateFor, StateKind } from './transformation.js';
import { branch, choose, copyTree, mapTrees, needParams, zerosLike } from './trees.js';

/** What {@link accumulate} remembers. */
export type Accumulated<P, S> = {
  /** Gradients since the last step: 0 to every - 1. */
  readonly miniStep: NDArray;
  /** Their mean. */
  readonly gradients: P;
  readonly inner: S;
};
/** State of {@link accumulate}. */
export interface AccumulateState<F extends StateKind> extends StateKind {
  readonly state: Accumulated<this['params'], StateFor<F, this['params']>>;
}

/**
 * Collects `every` gradients and gives their mean to an optimizer: large batches in small pieces. Updates are 0 except at every
 * `every`-th; optax calls it MultiSteps.
 *
 * @throws ArgumentError unless `every` is a whole number from 1; from `update`, TreeError and ShapeError for gradients or a state of other
 *   parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.accumulate(optimizers.sgd(1), 2);
 * const [first, state] = opt.update(np.array([1]), opt.init(np.array([0])));
 * const [second] = opt.update(np.array([3]), state);
 * [first.js(), second.js()]; // => [[0], [-2]]
 * ```
 */
export function accumulate<F extends StateKind>(
  inner: GradientTransformation<F>,
  every: number,
): GradientTransformation<AccumulateState<F>> {
  const op = 'accumulate';
  checkCount(op, 'the number of gradients', every);
  return {
    init: (params) => ({ miniStep: zeroCount(), gradients: zerosLike(op, params), inner: inner.init(params) }),
    update: (updates, state, params, extra) => {
      const count = next(state.miniStep);
      // In both branches, which write it to where it stays.
      const average = (): typeof updates =>
        mapTrees(
          op,
          (g, m) => lax.add(m, lax.div(lax.sub(g, m), lax.convertElementType(count, g.dtype))),
          updates,
          state.gradients,
        );
      const complete = lax.eq(count, every);
      const zeros = zerosLike(op, updates);
      type Step = readonly [updates: typeof updates, gradients: typeof updates, inner: typeof state.inner];
      const step = (): Step => {
        const [stepped, after] = inner.update(average(), state.inner, params, extra);
        return [stepped, zeros, after];
      };
      const wait = (): Step => [zeros, average(), state.inner];
      const [stepped, gradients, after] = branch<Step>(complete, step, wait);
      return [stepped, { miniStep: lax.select(complete, zeroCount(), count), gradients, inner: after }];
    },
  };
}

/** What {@link applyIfFinite} remembers. */
export type FiniteGuard<S> = {
  /** Bad gradients in a row, up to now. */
  readonly notFinite: NDArray;
  /** Bad gradients in all. */
  readonly total: NDArray;
  readonly inner: S;
};
/** State of {@link applyIfFinite}. */
export interface FiniteState<F extends StateKind> extends StateKind {
  readonly state: FiniteGuard<StateFor<F, this['params']>>;
}

/**
 * Passes over gradients with NaN or infinities: the updates are 0 and the optimizer's state stays. After `maxConsecutiveErrors` of them
 * in a row the next ones are taken as they are, so that a diverged training shows.
 *
 * @throws ArgumentError unless `maxConsecutiveErrors` is a whole number from 0.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.applyIfFinite(optimizers.sgd(1), 5);
 * const g = np.array([1, NaN]);
 * const [updates, state] = opt.update(g, opt.init(g));
 * [updates.js(), state.notFinite.item()]; // => [[0, 0], 1]
 * ```
 */
export function applyIfFinite<F extends StateKind>(
  inner: GradientTransformation<F>,
  maxConsecutiveErrors: number,
): GradientTransformation<FiniteState<F>> {
  const op = 'applyIfFinite';
  checkCount(op, 'maxConsecutiveErrors', maxConsecutiveErrors, 0);
  return {
    init: (params) => ({ notFinite: zeroCount(), total: zeroCount(), inner: inner.init(params) }),
    update: (updates, state, params, extra) => {
      const flags = mapTrees(op, (g) => lax.reduceAnd(lax.isFinite(g)), updates);
      const finite = leaves<NDArray>(flags).reduce<NDArray>((a, b) => lax.bitwiseAnd(a, b), scalar(true, 'bool'));
      const notFinite = lax.select(finite, zeroCount(), next(state.notFinite));
      const accepted = lax.bitwiseOr(finite, lax.gt(notFinite, maxConsecutiveErrors));
      type Step = readonly [updates: typeof updates, inner: typeof state.inner];
      const [stepped, after] = branch<Step>(
        accepted,
        () => inner.update(updates, state.inner, params, extra),
        () => [zerosLike(op, updates), state.inner],
      );
      return [stepped, { notFinite, total: lax.select(finite, state.total, next(state.total)), inner: after }];
    },
  };
}

/** The average of {@link ema}. */
export type Ema<P> = {
  readonly count: NDArray;
  readonly ema: P;
};
/** State of {@link ema}. */
export interface EmaState extends StateKind {
  readonly state: Ema<this['params']>;
}

/** Options of {@link ema}. */
export interface EmaOptions {
  /** Correct for having begun at 0: divide by 1 - decayᵗ. True by default. */
  debias?: boolean;
}

/**
 * The exponential moving average of the updates, m ← decay m + (1 - decay) g. With parameters in place of updates it averages those,
 * for evaluation.
 *
 * @throws ArgumentError for a decay outside [0, 1); from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const average = optimizers.ema(0.75);
 * const [first, state] = average.update(np.array([4]), average.init(np.array([0])));
 * const [second] = average.update(np.array([11]), state);
 * [first.js(), second.js()]; // => [[4.000], [8.000]]
 * ```
 */
export function ema(decay: Hyperparameter, { debias = true }: EmaOptions = {}): GradientTransformation<EmaState> {
  const op = 'ema';
  checkRate(op, 'the decay', decay);
  return inFloat32(op, {
    init: (params) => ({ count: zeroCount(), ema: zerosLike(op, params) }),
    update: (updates, state) => {
      const count = next(state.count);
      const average = mapTrees(op, (g, m) => mean(decay, m, g), updates, state.ema);
      const ofMean = correction(decay, count);
      const corrected = debias ? mapTrees(op, (m) => lax.div(m, ofMean(m.dtype)), average) : average;
      return [corrected, { count, ema: average }];
    },
  });
}

/** What {@link lookahead} remembers. */
export type Ahead<P, S> = {
  /** Steps since the slow parameters moved. */
  readonly count: NDArray;
  /** The slow parameters: those to evaluate with. */
  readonly slow: P;
  readonly inner: S;
};
/** State of {@link lookahead}. */
export interface LookaheadState<F extends StateKind> extends StateKind {
  readonly state: Ahead<this['params'], StateFor<F, this['params']>>;
}

/** Options of {@link lookahead}, with the paper's defaults. */
export interface LookaheadOptions {
  /** Steps of the fast parameters for each of the slow ones, 5. */
  syncPeriod?: number;
  /** How far the slow parameters go toward the fast ones, 0.5. */
  slowStepSize?: Hyperparameter;
}

/**
 * An optimizer that looks ahead (Zhang et al., NeurIPS 2019, arXiv 1907.08610, algorithm 1): the parameters are the fast ones, θ. After
 * every `syncPeriod` steps the slow ones follow, φ ← φ + slowStepSize (θ - φ), and θ begins again at φ. The slow parameters are in the
 * state, so that it is a transformation as others are; between synchronisations `state.slow` is what to evaluate with.
 *
 * @throws ArgumentError for a period that is no whole number from 1, a step size outside (0, 1], and when `update` gets no parameters; TreeError
 *   and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.lookahead(optimizers.sgd(1), { syncPeriod: 2 });
 * let w = np.array([8]);
 * let state = opt.init(w);
 * for (let i = 0; i < 2; i++) {
 *   const [updates, next] = opt.update(np.array([2]), state, w);
 *   [w, state] = [optimizers.applyUpdates(w, updates), next];
 * }
 * [w.js(), state.slow.js()]; // => [[6], [6]]
 * ```
 */
export function lookahead<F extends StateKind>(
  inner: GradientTransformation<F>,
  { syncPeriod = 5, slowStepSize = 0.5 }: LookaheadOptions = {},
): GradientTransformation<LookaheadState<F>> {
  const op = 'lookahead';
  checkCount(op, 'syncPeriod', syncPeriod);
  check(op, 'slowStepSize', slowStepSize, (v) => v > 0 && v <= 1, 'above 0 and at most 1');
  return {
    init: (params) => ({ count: zeroCount(), slow: copyTree(op, params), inner: inner.init(params) }),
    update: (updates, state, params, extra) => {
      const fast = needParams(op, params);
      const [stepped, after] = inner.update(updates, state.inner, fast, extra);
      const count = next(state.count);
      const sync = lax.eq(count, syncPeriod);
      const moved = mapTrees(
        op,
        (u, w, s) =>
          lax.add(
            times(s, complement(slowStepSize)),
            times(lax.add(w, lax.convertElementType(u, w.dtype)), slowStepSize),
          ),
        stepped,
        fast,
        state.slow,
      );
      const slow = choose(op, sync, moved, state.slow);
      const back = mapTrees(op, (s, w) => lax.sub(s, w), slow, fast);
      return [choose(op, sync, back, stepped), { count: lax.select(sync, zeroCount(), count), slow, inner: after }];
    },
  };
}
