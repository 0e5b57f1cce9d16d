/** Schedules of half cosines: a decay, a decay after a warm-up, and such decays one after the other. */
import { checkCount } from '../core/counts.js';
import * as lax from '../lax/index.js';
import { check, checkPositive, scalarOf } from './hyper.js';
import type { ArraySchedule } from './scaling.js';
import { checkFinite, ofTime } from './schedule-time.js';
import { joinSchedules, linearSchedule } from './schedules.js';

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
 * its T_max, but rises again afterwards.
 *
 * @throws ArgumentError unless the steps and the exponent are positive and the values finite.
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
): ArraySchedule {
  const op = 'cosineDecaySchedule';
  checkFinite(op, 'initValue', initValue);
  checkPositive(op, 'decaySteps', decaySteps);
  checkFinite(op, 'alpha', alpha);
  checkPositive(op, 'exponent', exponent);
  return ofTime((count) => {
    const t = lax.clamp(0, lax.div(count, decaySteps), 1);
    const wave = lax.mul(lax.add(lax.cos(lax.mul(t, Math.PI)), 1), 0.5);
    const shape = exponent === 1 ? wave : lax.pow(wave, scalarOf(exponent, t.dtype));
    return lax.add(lax.mul(shape, initValue * (1 - alpha)), initValue * alpha);
  });
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
 * included).
 *
 * @throws ArgumentError unless `warmupSteps` is a whole number from 0, `decaySteps` is more, and the values are finite.
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
): ArraySchedule {
  const op = 'warmupCosineDecaySchedule';
  checkFinite(op, 'endValue', endValue);
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
 * the other. PyTorch's CosineAnnealingWarmRestarts is that of cycles without warm-up.
 *
 * @throws ArgumentError without cycles, and as {@link warmupCosineDecaySchedule} for each.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const cycle = { initValue: 1, peakValue: 1, warmupSteps: 0 };
 * const rate = optimizers.sgdrSchedule([{ ...cycle, decaySteps: 10 }, { ...cycle, decaySteps: 20 }]);
 * [rate(np.array(5)), rate(np.array(10)), rate(np.array(20))]; // => [0.5000, 1, 0.5000]
 * ```
 */
export function sgdrSchedule(cycles: readonly CosineCycle[]): ArraySchedule {
  let end = 0;
  const ends = cycles.map(({ decaySteps }) => (end += decaySteps));
  return joinSchedules(
    cycles.map(({ initValue, peakValue, warmupSteps, decaySteps, ...options }) =>
      warmupCosineDecaySchedule(initValue, peakValue, warmupSteps, decaySteps, options),
    ),
    ends.slice(0, -1),
  );
}
