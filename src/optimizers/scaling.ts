/** The parts that optimizers are chained of: scaling by a number, by a schedule, by momentum, by Adam's moments. */
import { scalar } from '../core/concrete.js';
import { ArgumentError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { mapTrees, type EmptyState, type GradientTransformation, type StateKind } from './transformation.js';

/** A number that depends on the updates made so far: a function of their count, an int32 scalar that may be traced. */
export type Schedule = (count: NDArray) => NDArray | number;

/** A learning rate: a number, a scalar array (which may be an argument of a jitted step), or a schedule. */
export type LearningRate = number | NDArray | Schedule;

/** The number of updates so far. */
export interface Count {
  readonly count: NDArray;
}
/** State of transformations that count. */
export interface CountState extends StateKind {
  readonly state: Count;
}

const zeroCount = (): NDArray => scalar(0, 'int32');
const next = (count: NDArray): NDArray => lax.add(count, scalar(1, 'int32'));

const zerosLike = <P extends object>(op: string, params: P): P =>
  mapTrees(op, (x) => lax.full(x.aval.shape, 0, x.dtype), params);

/** `x` times a number or scalar array, in the dtype of `x`. */
const times = (x: NDArray, factor: NDArray | number): NDArray =>
  lax.mul(x, factor instanceof NDArray ? lax.convertElementType(factor, x.dtype) : factor);

function checkRate(op: string, what: string, value: number): void {
  if (!(value >= 0 && value < 1)) {
    throw new ArgumentError(`${op}: ${what} must be in [0, 1), got ${value}.${userLine()}`);
  }
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
export const scale = (factor: number): GradientTransformation<EmptyState> => ({
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
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const down = optimizers.scaleByLearningRate(0.1);
 * const g = np.array([1, -2]);
 * down.update(g, down.init(g))[0].js(); // => [-0.1, 0.2]
 * ```
 */
export function scaleByLearningRate(learningRate: LearningRate): GradientTransformation<CountState> {
  const rate = typeof learningRate === 'function' ? learningRate : () => learningRate;
  return scaleBySchedule((count) => {
    const value = rate(count);
    return value instanceof NDArray ? lax.neg(value) : -value;
  });
}

/** The running sums of {@link trace}. */
export interface Trace<P> {
  readonly trace: P;
}
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
 * Momentum: a decaying sum of the updates, t ← g + decay · t. Throws ArgumentError for a decay outside [0, 1).
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
export function trace(decay: number, { nesterov = false }: TraceOptions = {}): GradientTransformation<TraceState> {
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

/** Adam's moments. */
export interface Moments<P> {
  readonly count: NDArray;
  /** Decaying mean of the gradients. */
  readonly mu: P;
  /** Decaying mean of their squares. */
  readonly nu: P;
}
/** State of {@link scaleByAdam}. */
export interface AdamState extends StateKind {
  readonly state: Moments<this['params']>;
}

/** Options of {@link scaleByAdam} and {@link adam}, with the defaults of the paper. */
export interface AdamOptions {
  /** Decay of the mean of gradients, 0.9. */
  b1?: number;
  /** Decay of the mean of their squares, 0.999. */
  b2?: number;
  /** Added to the root, 1e-8. */
  eps?: number;
  /** Added under the root, 0. */
  epsRoot?: number;
}

/**
 * Divides the decaying mean of the gradients by the root of that of their squares, both corrected for having begun at 0
 * (Kingma and Ba, arXiv 1412.6980, algorithm 1): m ← b1 m + (1 - b1) g, v ← b2 v + (1 - b2) g², and the update is
 * m/(1 - b1ᵗ) / (√(v/(1 - b2ᵗ) + epsRoot) + eps). Throws ArgumentError for decays outside [0, 1).
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
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, epsRoot = 0 } = options;
  checkRate('scaleByAdam', 'b1', b1);
  checkRate('scaleByAdam', 'b2', b2);
  const mean = (decay: number, old: NDArray, value: NDArray): NDArray =>
    lax.add(times(old, decay), times(value, 1 - decay));
  // 1 - decayᵗ as -(e^(t ln decay) - 1): exact to rounding in float32, where 0.999 itself is not.
  const correction = (decay: number, count: NDArray, like: NDArray): NDArray =>
    lax.neg(lax.expm1(times(lax.convertElementType(count, like.dtype), Math.log(decay))));
  return {
    init: (params) => ({
      count: zeroCount(),
      mu: zerosLike('scaleByAdam', params),
      nu: zerosLike('scaleByAdam', params),
    }),
    update: (updates, state) => {
      const count = next(state.count);
      const mu = mapTrees('scaleByAdam', (g, m) => mean(b1, m, g), updates, state.mu);
      const nu = mapTrees('scaleByAdam', (g, v) => mean(b2, v, lax.square(g)), updates, state.nu);
      const scaled = mapTrees(
        'scaleByAdam',
        (m, second) => {
          const v = lax.div(second, correction(b2, count, m));
          const root = lax.sqrt(epsRoot === 0 ? v : lax.add(v, epsRoot));
          return lax.div(lax.div(m, correction(b1, count, m)), lax.add(root, eps));
        },
        mu,
        nu,
      );
      return [scaled, { count, mu, nu }];
    },
  };
}
