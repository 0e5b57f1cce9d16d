/** The parts that optimizers are chained of: scaling by a number, by a schedule, by momentum. */
import { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { check, checkRate, next, times, zeroCount, type Hyperparameter } from './hyper.js';
import type { AnyTree, EmptyState, GradientTransformation, StateKind } from './transformation.js';
import { mapTrees, zerosLike } from './trees.js';

/** A number that depends on the updates made so far: a function of their count, an int32 scalar that may be traced. */
export type Schedule = (count: NDArray) => Hyperparameter;

/** A {@link Schedule} that always gives an array: those of this library, but for `constantSchedule`. */
export type ArraySchedule = (count: NDArray) => NDArray;

/** A learning rate: a number, a scalar array (which may be an argument of a jitted step), or a schedule. */
export type LearningRate = Hyperparameter | Schedule;

/** The number of updates so far. */
export type Count = {
  readonly count: NDArray;
};
/** State of transformations that count. */
export interface CountState extends StateKind {
  readonly state: Count;
}

/**
 * Multiplies updates by a number.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const half = optimizers.scale(0.5);
 * half.update(np.array([2, 4]), [])[0].js(); // => [1, 2]
 * ```
 */
export const scale = (factor: Hyperparameter): GradientTransformation<EmptyState> => ({
  init: () => [],
  update: (updates, state) => [mapTrees('scale', (g) => times(g, factor), updates), state],
});

/**
 * Multiplies updates by the value of a schedule at the count of updates so far: 0 at the first.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const decaying = optimizers.scaleBySchedule((count) => np.divide(1, np.add(count, 1)));
 * const g = np.array([6]);
 * const [first, state] = decaying.update(g, decaying.init(g));
 * const [second] = decaying.update(g, state);
 * [first.js(), second.js()]; // => [[6], [3]]
 * ```
 */
export const scaleBySchedule = (schedule: Schedule): GradientTransformation<CountState> => ({
  init: () => ({ count: zeroCount() }),
  update: (updates, { count }) => {
    const factor = schedule(count);
    return [mapTrees('scaleBySchedule', (g) => times(g, factor), updates), { count: next(count) }];
  },
});

/**
 * Multiplies updates by minus the learning rate: the last part of an optimizer, which makes gradients a step downhill.
 *
 * @throws ArgumentError for a rate that is NaN or infinite.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const down = optimizers.scaleByLearningRate(0.1);
 * const g = np.array([1, -2]);
 * down.update(g, down.init(g))[0].js(); // => [-0.1, 0.2]
 * ```
 */
export function scaleByLearningRate(learningRate: LearningRate): GradientTransformation<CountState> {
  if (typeof learningRate !== 'function') {
    check('scaleByLearningRate', 'the learning rate', learningRate, Number.isFinite, 'a finite number');
  }
  const rate = typeof learningRate === 'function' ? learningRate : () => learningRate;
  return scaleBySchedule((count) => {
    const value = rate(count);
    return value instanceof NDArray ? lax.neg(value) : -value;
  });
}

/** The running sums of {@link trace}. */
export type Trace<P> = {
  readonly trace: P;
};
/** State of {@link trace}. */
export interface TraceState extends StateKind {
  readonly state: Trace<this['params']>;
}

/** Options of {@link trace} and {@link momentum}. */
export interface TraceOptions {
  /** Look ahead: g + decay · (g + decay · trace) (Nesterov 1983, in the form of Sutskever et al., ICML 2013). */
  nesterov?: boolean;
}

/**
 * Momentum: a decaying sum of the updates, t ← g + decay · t.
 *
 * @throws ArgumentError for a decay outside [0, 1); from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const heavy = optimizers.trace(0.5);
 * const g = np.array([1]);
 * const [, state] = heavy.update(g, heavy.init(g));
 * heavy.update(g, state)[0].js(); // => [1.5]
 * ```
 */
export function trace(
  decay: Hyperparameter,
  { nesterov = false }: TraceOptions = {},
): GradientTransformation<TraceState> {
  checkRate('trace', 'the decay', decay);
  const step = (g: NDArray, t: NDArray): NDArray => lax.add(g, times(t, decay));
  return {
    init: (params) => ({ trace: zerosLike('trace', params) }),
    update: (updates, state) => {
      const sums = mapTrees('trace', (g, t) => step(g, t), updates, state.trace);
      return [nesterov ? mapTrees('trace', (g, t) => step(g, t), updates, sums) : sums, { trace: sums }];
    },
  };
}

/** The running sums of {@link rmsprop}: nothing without a momentum. */
export type OptionalTrace<P> = {
  readonly trace: P | readonly [];
};
/** State of a trace that may be none. */
export interface OptionalTraceState extends StateKind {
  readonly state: OptionalTrace<this['params']>;
}

/** {@link trace}, which without a momentum has no state and changes nothing. */
export function optionalTrace(
  decay: Hyperparameter,
  options: TraceOptions,
): GradientTransformation<OptionalTraceState> {
  if (decay === 0) return { init: () => ({ trace: [] }), update: (updates) => [updates, { trace: [] }] };
  const { init, update } = trace(decay, options);
  return {
    init,
    // The state came from the other one's init.
    update: <P extends AnyTree>(updates: P, state: OptionalTrace<P>) => update<P>(updates, { trace: state.trace as P }),
  };
}
