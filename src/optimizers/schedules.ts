/**
 * Schedules: numbers that depend on the count of updates, for learning rates and other hyperparameters. Each takes the count, an int32
 * scalar that may be traced, and gives a float32 scalar; of a float count (`schedule(count.astype('float64'))`) it is of that dtype.
 * {@link constantSchedule} gives its number.
 */
import { checkCount } from '../core/counts.js';
import { nth } from '../core/axes.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { checkNotNegative, checkPositive, scalarOf } from './hyper.js';
import type { ArraySchedule, Schedule } from './scaling.js';
import { checkFinite, ofTime, time } from './schedule-time.js';

/**
 * Always the same.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * optimizers.constantSchedule(0.1)(np.array(7)); // => 0.1
 * ```
 */
export const constantSchedule =
  (value: number): ((count: NDArray) => number) =>
  () =>
    value;

/** Options of schedules that begin later. */
export interface TransitionOptions {
  /** The count before which the value is the initial one, 0. */
  transitionBegin?: number;
}

/** Options of {@link exponentialDecay}. */
export interface ExponentialDecayOptions extends TransitionOptions {
  /** Decay at every `transitionSteps`-th update instead of a little at each. */
  staircase?: boolean;
  /** The value at which the decay (or growth) ends. */
  endValue?: number;
}

/**
 * initValue · decayRate^(t/transitionSteps), t the count since `transitionBegin`; with `staircase` the exponent is rounded down. PyTorch's
 * ExponentialLR has 1 for transitionSteps, and StepLR is the staircase.
 *
 * @throws ArgumentError unless the steps and the rate are positive, and the value finite.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.exponentialDecay(0.8, 10, 0.5);
 * [rate(np.array(0)), rate(np.array(10)), rate(np.array(20))]; // => [0.8, 0.4, 0.2]
 * ```
 */
export function exponentialDecay(
  initValue: number,
  transitionSteps: number,
  decayRate: number,
  { transitionBegin = 0, staircase = false, endValue }: ExponentialDecayOptions = {},
): ArraySchedule {
  const op = 'exponentialDecay';
  checkFinite(op, 'initValue', initValue);
  checkPositive(op, 'transitionSteps', transitionSteps);
  checkPositive(op, 'decayRate', decayRate);
  return ofTime((count) => {
    const t = lax.div(lax.max(lax.sub(count, transitionBegin), 0), transitionSteps);
    const power = lax.pow(scalarOf(decayRate, t.dtype), staircase ? lax.floor(t) : t);
    const value = lax.mul(power, initValue);
    if (endValue === undefined) return value;
    // Growth of a positive value and decay of a negative one end from below.
    return decayRate > 1 === initValue > 0 ? lax.min(value, endValue) : lax.max(value, endValue);
  });
}

/** Options of {@link inverseTimeDecay}. */
export interface InverseTimeDecayOptions {
  /** Decay at every `decaySteps`-th update instead of a little at each. */
  staircase?: boolean;
}

/**
 * initValue / (1 + decayRate · t/decaySteps); with `staircase` t/decaySteps is rounded down. With decaySteps 1 it is the `decay` of Keras's
 * optimizers and the `lr_decay` of PyTorch's Adagrad.
 *
 * @throws ArgumentError unless the steps are positive, the rate is not negative, and the value finite.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.inverseTimeDecay(0.6, 1, 0.5);
 * [rate(np.array(0)), rate(np.array(2)), rate(np.array(4))]; // => [0.6, 0.3, 0.2]
 * ```
 */
export function inverseTimeDecay(
  initValue: number,
  decaySteps: number,
  decayRate: number,
  { staircase = false }: InverseTimeDecayOptions = {},
): ArraySchedule {
  const op = 'inverseTimeDecay';
  checkFinite(op, 'initValue', initValue);
  checkPositive(op, 'decaySteps', decaySteps);
  checkNotNegative(op, 'decayRate', decayRate);
  return ofTime((count) => {
    const t = lax.div(count, decaySteps);
    return lax.div(scalarOf(initValue, t.dtype), lax.add(lax.mul(staircase ? lax.floor(t) : t, decayRate), 1));
  });
}

/**
 * From initValue to endValue in `transitionSteps`: (initValue - endValue) (1 - t/transitionSteps)^power + endValue, and endValue from then on.
 * PyTorch's PolynomialLR has endValue 0.
 *
 * @throws ArgumentError unless steps and power are positive, and the values finite.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.polynomialSchedule(1, 0, 2, 10);
 * [rate(np.array(0)), rate(np.array(5)), rate(np.array(20))]; // => [1, 0.25, 0]
 * ```
 */
export function polynomialSchedule(
  initValue: number,
  endValue: number,
  power: number,
  transitionSteps: number,
  { transitionBegin = 0 }: TransitionOptions = {},
): ArraySchedule {
  const op = 'polynomialSchedule';
  checkFinite(op, 'initValue', initValue);
  checkFinite(op, 'endValue', endValue);
  checkPositive(op, 'power', power);
  checkPositive(op, 'transitionSteps', transitionSteps);
  return ofTime((count) => {
    const t = lax.clamp(0, lax.div(lax.sub(count, transitionBegin), transitionSteps), 1);
    const left = lax.sub(1, t);
    const shape = power === 1 ? left : lax.pow(left, scalarOf(power, t.dtype));
    return lax.add(lax.mul(shape, initValue - endValue), endValue);
  });
}

/**
 * From initValue to endValue in a straight line of `transitionSteps`: {@link polynomialSchedule} of power 1.
 *
 * @throws ArgumentError unless the steps are positive, and the values finite.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.linearSchedule(0, 1, 10);
 * [rate(np.array(0)), rate(np.array(5)), rate(np.array(20))]; // => [0, 0.5, 1]
 * ```
 */
export const linearSchedule = (
  initValue: number,
  endValue: number,
  transitionSteps: number,
  options: TransitionOptions = {},
): ArraySchedule => polynomialSchedule(initValue, endValue, 1, transitionSteps, options);

/**
 * A constant that is multiplied by a scale at each boundary, a count: `{ 100: 0.1 }` divides it by ten at count 100.
 *
 * @throws ArgumentError for a boundary that is no whole number from 0, and values or scales that are not finite.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.piecewiseConstantSchedule(1, { 10: 0.5, 20: 0.5 });
 * [rate(np.array(9)), rate(np.array(10)), rate(np.array(20))]; // => [1, 0.5, 0.25]
 * ```
 */
export function piecewiseConstantSchedule(
  initValue: number,
  boundariesAndScales: Readonly<Record<number, number>> = {},
): ArraySchedule {
  const op = 'piecewiseConstantSchedule';
  checkFinite(op, 'initValue', initValue);
  const steps = Object.entries(boundariesAndScales)
    .map(([boundary, scale]) => [Number(boundary), scale] as const)
    .sort(([a], [b]) => a - b);
  steps.forEach(([boundary, scale]) => {
    checkCount(op, 'a boundary', boundary, 0);
    checkFinite(op, 'a scale', scale);
  });
  return ofTime((t) => {
    let value = initValue;
    let result = scalarOf(value, t.dtype);
    for (const [boundary, scale] of steps) {
      value *= scale;
      result = lax.select(lax.lt(t, boundary), result, scalarOf(value, t.dtype));
    }
    return result;
  });
}

/**
 * One schedule after the other: the one at position i + 1 takes over at the count `boundaries[i]`, and counts from there.
 *
 * @throws ArgumentError unless there is one boundary fewer than schedules, and they are whole numbers that do not decrease.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const { constantSchedule, joinSchedules, linearSchedule } = optimizers;
 * const rate = joinSchedules([linearSchedule(0, 1, 10), constantSchedule(0.5)], [10]);
 * [rate(np.array(5)), rate(np.array(10))]; // => [0.5, 0.5]
 * ```
 */
export function joinSchedules(schedules: readonly Schedule[], boundaries: readonly number[]): ArraySchedule {
  const op = 'joinSchedules';
  if (schedules.length === 0 || boundaries.length !== schedules.length - 1) {
    throw new ArgumentError(
      `${op}: needs at least one schedule, and a boundary between any two; got ${schedules.length} schedules and ` +
        `${boundaries.length} boundaries.${userLine()}`,
    );
  }
  boundaries.forEach((b, i) => {
    checkCount(op, `boundary ${i}`, b, i === 0 ? 0 : nth(boundaries, i - 1));
  });
  return (count) => {
    const t = time(count);
    return schedules.slice(1).reduce<NDArray>(
      (before, schedule, i) => {
        const boundary = nth(boundaries, i);
        const after = scalarOf(schedule(lax.sub(count, boundary)), t.dtype);
        return lax.select(lax.lt(count, boundary), before, after);
      },
      scalarOf(nth(schedules, 0)(count), t.dtype),
    );
  };
}
