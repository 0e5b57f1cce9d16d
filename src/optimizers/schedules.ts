/**
 * Schedules: numbers that depend on the count of updates, for learning rates and other hyperparameters. Each takes the count, an
 * int32 scalar that may be traced, and gives a float32 scalar; of a float count (`schedule(count.astype('float64'))`) it is of that dtype.
 */
import { nth } from '../core/axes.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { check, checkCount, checkNotNegative, checkPositive } from './hyper.js';
import type { Schedule } from './scaling.js';

const finite = (op: string, what: string, value: number): void => {
  check(op, what, value, Number.isFinite, 'a finite number');
};

/** The count as a float. */
const time = (count: NDArray): NDArray => (isFloat(count.dtype) ? count : lax.convertElementType(count, 'float32'));

const like = (value: NDArray | number, t: NDArray): NDArray =>
  value instanceof NDArray ? lax.convertElementType(value, t.dtype) : lax.full([], value, t.dtype);

/** A schedule of which `f` gives the value at a time that is a float. */
const ofTime =
  (f: (t: NDArray) => NDArray): ((count: NDArray) => NDArray) =>
  (count) =>
    f(time(count));

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
 * ExponentialLR has 1 for transitionSteps, and StepLR is the staircase. Throws ArgumentError unless the steps and the rate are positive.
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
): (count: NDArray) => NDArray {
  const op = 'exponentialDecay';
  finite(op, 'initValue', initValue);
  checkPositive(op, 'transitionSteps', transitionSteps);
  checkPositive(op, 'decayRate', decayRate);
  return ofTime((count) => {
    const t = lax.div(lax.max(lax.sub(count, transitionBegin), 0), transitionSteps);
    const power = lax.pow(like(decayRate, t), staircase ? lax.floor(t) : t);
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
 * optimizers and the `lr_decay` of PyTorch's Adagrad. Throws ArgumentError unless the steps are positive and the rate is not negative.
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
): (count: NDArray) => NDArray {
  const op = 'inverseTimeDecay';
  finite(op, 'initValue', initValue);
  checkPositive(op, 'decaySteps', decaySteps);
  checkNotNegative(op, 'decayRate', decayRate);
  return ofTime((count) => {
    const t = lax.div(count, decaySteps);
    return lax.div(like(initValue, t), lax.add(lax.mul(staircase ? lax.floor(t) : t, decayRate), 1));
  });
}

/**
 * From initValue to endValue in `transitionSteps`: (initValue - endValue) (1 - t/transitionSteps)^power + endValue, and endValue from then on.
 * PyTorch's PolynomialLR has endValue 0. Throws ArgumentError unless steps and power are positive.
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
): (count: NDArray) => NDArray {
  const op = 'polynomialSchedule';
  finite(op, 'initValue', initValue);
  finite(op, 'endValue', endValue);
  checkPositive(op, 'power', power);
  checkPositive(op, 'transitionSteps', transitionSteps);
  return ofTime((count) => {
    const t = lax.clamp(0, lax.div(lax.sub(count, transitionBegin), transitionSteps), 1);
    const left = lax.sub(1, t);
    const shape = power === 1 ? left : lax.pow(left, like(power, t));
    return lax.add(lax.mul(shape, initValue - endValue), endValue);
  });
}

/**
 * From initValue to endValue in a straight line of `transitionSteps`: {@link polynomialSchedule} of power 1.
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
): ((count: NDArray) => NDArray) => polynomialSchedule(initValue, endValue, 1, transitionSteps, options);

/**
 * A constant that is multiplied by a scale at each boundary, a count: `{ 100: 0.1 }` divides it by ten at count 100. Throws ArgumentError
 * for a boundary that is no whole number from 0.
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
): (count: NDArray) => NDArray {
  const op = 'piecewiseConstantSchedule';
  finite(op, 'initValue', initValue);
  const steps = Object.entries(boundariesAndScales)
    .map(([boundary, scale]) => [Number(boundary), scale] as const)
    .sort(([a], [b]) => a - b);
  steps.forEach(([boundary, scale]) => {
    checkCount(op, 'a boundary', boundary, 0);
    finite(op, 'a scale', scale);
  });
  return ofTime((t) => {
    let value = initValue;
    let result = like(value, t);
    for (const [boundary, scale] of steps) {
      value *= scale;
      result = lax.select(lax.lt(t, boundary), result, like(value, t));
    }
    return result;
  });
}

/** Options of {@link cosineDecaySchedule}. */
export interface CosineDecayOptions {
  /** The final value as a fraction of the initial one, 0. */
  alpha?: number;
  /** Power of the cosine, 1. */
  exponent?: number;
}

/**
 * Half a cosine from initValue to alpha · initValue (Loshchilov and Hutter, ICLR 2017, arXiv 1608.03983):
 * initValue ((1 - alpha) ((1 + cos(π t/decaySteps))/2)^exponent + alpha), and its end from then on. PyTorch's CosineAnnealingLR is the same up to
 * its T_max, but rises again afterwards. Throws ArgumentError unless the steps and the exponent are positive.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.cosineDecaySchedule(1, 10);
 * [rate(np.array(0)), rate(np.array(5)), rate(np.array(10))]; // => [1, 0.5000, 0]
 * ```
 */
export function cosineDecaySchedule(
  initValue: number,
  decaySteps: number,
  { alpha = 0, exponent = 1 }: CosineDecayOptions = {},
): (count: NDArray) => NDArray {
  const op = 'cosineDecaySchedule';
  finite(op, 'initValue', initValue);
  checkPositive(op, 'decaySteps', decaySteps);
  finite(op, 'alpha', alpha);
  checkPositive(op, 'exponent', exponent);
  return ofTime((count) => {
    const t = lax.clamp(0, lax.div(count, decaySteps), 1);
    const wave = lax.mul(lax.add(lax.cos(lax.mul(t, Math.PI)), 1), 0.5);
    const shape = exponent === 1 ? wave : lax.pow(wave, like(exponent, t));
    return lax.add(lax.mul(shape, initValue * (1 - alpha)), initValue * alpha);
  });
}

/**
 * One schedule after the other: the one at position i + 1 takes over at the count `boundaries[i]`, and counts from there. Throws ArgumentError unless there is
 * one boundary fewer than schedules, and they are whole numbers that do not decrease.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const { constantSchedule, joinSchedules, linearSchedule } = optimizers;
 * const rate = joinSchedules([linearSchedule(0, 1, 10), constantSchedule(0.5)], [10]);
 * [rate(np.array(5)), rate(np.array(10))]; // => [0.5, 0.5]
 * ```
 */
export function joinSchedules(
  schedules: readonly Schedule[],
  boundaries: readonly number[],
): (count: NDArray) => NDArray {
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
        const after = like(schedule(lax.sub(count, boundary)), t);
        return lax.select(lax.lt(count, boundary), before, after);
      },
      like(nth(schedules, 0)(count), t),
    );
  };
}

/** Options of {@link warmupCosineDecaySchedule}. */
export interface WarmupCosineOptions {
  /** The final value, 0. */
  endValue?: number;
  /** Power of the cosine, 1. */
  exponent?: number;
}

/**
 * A straight line from initValue to peakValue in `warmupSteps`, then half a cosine to `endValue`, reached at the count `decaySteps` (warm-up
 * included). Throws ArgumentError unless decaySteps is more than warmupSteps.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.warmupCosineDecaySchedule(0, 1, 10, 110);
 * [rate(np.array(5)), rate(np.array(10)), rate(np.array(60)), rate(np.array(110))]; // => [0.5, 1, 0.5000, 0]
 * ```
 */
export function warmupCosineDecaySchedule(
  initValue: number,
  peakValue: number,
  warmupSteps: number,
  decaySteps: number,
  { endValue = 0, exponent = 1 }: WarmupCosineOptions = {},
): (count: NDArray) => NDArray {
  const op = 'warmupCosineDecaySchedule';
  finite(op, 'endValue', endValue);
  checkCount(op, 'warmupSteps', warmupSteps, 0);
  check(
    op,
    'decaySteps',
    decaySteps,
    (n) => n > warmupSteps && n < Infinity,
    `more than the ${warmupSteps} of warm-up`,
  );
  const alpha = peakValue === 0 ? 0 : endValue / peakValue;
  const decay = cosineDecaySchedule(peakValue, decaySteps - warmupSteps, { alpha, exponent });
  if (warmupSteps === 0) return decay;
  return joinSchedules([linearSchedule(initValue, peakValue, warmupSteps), decay], [warmupSteps]);
}

/** One cycle of {@link sgdrSchedule}, as the arguments of {@link warmupCosineDecaySchedule}. */
export interface CosineCycle extends WarmupCosineOptions {
  initValue: number;
  peakValue: number;
  warmupSteps: number;
  decaySteps: number;
}

/**
 * Cosine decay with warm restarts (SGDR, Loshchilov and Hutter, ICLR 2017, arXiv 1608.03983): cycles of {@link warmupCosineDecaySchedule}, one after
 * the other. PyTorch's CosineAnnealingWarmRestarts is that of cycles without warm-up. Throws ArgumentError without cycles.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const cycle = { initValue: 1, peakValue: 1, warmupSteps: 0 };
 * const rate = optimizers.sgdrSchedule([{ ...cycle, decaySteps: 10 }, { ...cycle, decaySteps: 20 }]);
 * [rate(np.array(5)), rate(np.array(10)), rate(np.array(20))]; // => [0.5000, 1, 0.5000]
 * ```
 */
export function sgdrSchedule(cycles: readonly CosineCycle[]): (count: NDArray) => NDArray {
  let end = 0;
  const ends = cycles.map(({ decaySteps }) => (end += decaySteps));
  return joinSchedules(
    cycles.map(({ initValue, peakValue, warmupSteps, decaySteps, ...options }) =>
      warmupCosineDecaySchedule(initValue, peakValue, warmupSteps, decaySteps, options),
    ),
    ends.slice(0, -1),
  );
}

/** Options of {@link cosineOnecycleSchedule} and {@link linearOnecycleSchedule}, with PyTorch's defaults. */
export interface OnecycleOptions {
  /** The fraction of the steps in which the value rises, 0.3. */
  pctStart?: number;
  /** The value begins at the peak divided by this, 25. */
  divFactor?: number;
  /** It ends at the initial value divided by this, 10⁴. */
  finalDivFactor?: number;
  /** Fall to the initial value in as many steps as it rose, and only then to the final one. */
  threePhase?: boolean;
}

function onecycle(
  op: string,
  totalSteps: number,
  peakValue: number,
  { pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4, threePhase = false }: OnecycleOptions,
  shape: (fraction: NDArray) => NDArray,
): (count: NDArray) => NDArray {
  checkCount(op, 'totalSteps', totalSteps, 2);
  finite(op, 'peakValue', peakValue);
  check(op, 'pctStart', pctStart, (v) => v > 0 && v < (threePhase ? 0.5 : 1), threePhase ? 'in (0, 0.5)' : 'in (0, 1)');
  checkPositive(op, 'divFactor', divFactor);
  checkPositive(op, 'finalDivFactor', finalDivFactor);
  const initial = peakValue / divFactor;
  const final = initial / finalDivFactor;
  const rise = pctStart * totalSteps - 1;
  const turns = threePhase
    ? [
        [rise, peakValue],
        [2 * rise, initial],
        [totalSteps - 1, final],
      ]
    : [
        [rise, peakValue],
        [totalSteps - 1, final],
      ];
  return ofTime((t) => {
    let [start, from] = [0, initial];
    let result = like(initial, t);
    for (const [end = 0, to = 0] of turns) {
      if (end > start) {
        const fraction = lax.clamp(0, lax.div(lax.sub(t, start), end - start), 1);
        const value = lax.add(lax.mul(shape(fraction), to - from), from);
        result = start === 0 ? value : lax.select(lax.gt(t, start), value, result);
        start = end;
      }
      from = to;
    }
    return result;
  });
}

/**
 * The one-cycle policy (Smith and Topin, arXiv 1708.07120) in half cosines: from peakValue/divFactor up to peakValue at the count
 * pctStart · totalSteps - 1, and down to peakValue/(divFactor · finalDivFactor) at totalSteps - 1. These counts are those of PyTorch's OneCycleLR; optax
 * reaches the peak one count later. Throws ArgumentError for fractions outside (0, 1), factors that are not positive, and fewer than two steps.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.cosineOnecycleSchedule(110, 1, { pctStart: 0.1 });
 * [rate(np.array(0)), rate(np.array(5)), rate(np.array(10)), rate(np.array(109))]; // => [0.04, 0.52, 1, 0.000004]
 * ```
 */
export const cosineOnecycleSchedule = (
  totalSteps: number,
  peakValue: number,
  options: OnecycleOptions = {},
): ((count: NDArray) => NDArray) =>
  onecycle('cosineOnecycleSchedule', totalSteps, peakValue, options, (fraction) =>
    lax.mul(lax.sub(1, lax.cos(lax.mul(fraction, Math.PI))), 0.5),
  );

/**
 * {@link cosineOnecycleSchedule} in straight lines.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const rate = optimizers.linearOnecycleSchedule(110, 1, { pctStart: 0.1 });
 * [rate(np.array(0)), rate(np.array(5)), rate(np.array(10)), rate(np.array(109))]; // => [0.04, 0.52, 1, 0.000004]
 * ```
 */
export const linearOnecycleSchedule = (
  totalSteps: number,
  peakValue: number,
  options: OnecycleOptions = {},
): ((count: NDArray) => NDArray) =>
  onecycle('linearOnecycleSchedule', totalSteps, peakValue, options, (fraction) => fraction);
