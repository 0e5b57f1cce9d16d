/** The one-cycle policy: a schedule that rises to a peak and falls below where it began. */
import { checkCount } from '../core/counts.js';
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { check, checkPositive, scalarOf } from './hyper.js';
import type { ArraySchedule } from './scaling.js';
import { checkFinite, ofTime } from './schedule-time.js';

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
): ArraySchedule {
  checkCount(op, 'totalSteps', totalSteps, 2);
  checkFinite(op, 'peakValue', peakValue);
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
    let result = scalarOf(initial, t.dtype);
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
 * reaches the peak one count later.
 *
 * @throws ArgumentError unless `totalSteps` is a whole number from 2, the factors are positive, and `pctStart` is in (0, 1), with `threePhase` in
 *   (0, 0.5).
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
): ArraySchedule =>
  onecycle('cosineOnecycleSchedule', totalSteps, peakValue, options, (fraction) =>
    lax.mul(lax.sub(1, lax.cos(lax.mul(fraction, Math.PI))), 0.5),
  );

/**
 * {@link cosineOnecycleSchedule} in straight lines.
 *
 * @throws ArgumentError unless `totalSteps` is a whole number from 2, the factors are positive, and `pctStart` is in (0, 1), with `threePhase` in
 *   (0, 0.5).
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
): ArraySchedule => onecycle('linearOnecycleSchedule', totalSteps, peakValue, options, (fraction) => fraction);
