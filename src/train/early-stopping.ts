/** Early stopping: training ends when a measure has not improved for a while, with the state it was best at. */
import { checkCount, checkNumber } from '../core/counts.js';
import { copyArrays } from './copy.js';
import type { AnyIterable, Trained } from './loop.js';
import { readMetric } from './measures.js';

/** Which measure of a stream is watched. */
export interface Monitor {
  /** A metric by its name; `loss` by default. It is looked for in the validation where {@link validateWith} comes before, else in the step's metrics. */
  monitor?: string;
  /** Whether less is better (`min`, the default) or more. */
  mode?: 'min' | 'max';
}

/** Options of {@link earlyStopping}. */
export interface EarlyStoppingOptions extends Monitor {
  /** How many measurements in a row without an improvement end training, as Keras counts them; 0 by default, which is as 1. */
  patience?: number;
  /** By how much a measurement must be better than the best to count as an improvement; 0 by default. */
  minDelta?: number;
  /** End with the best state, and not with the last; true by default. */
  restoreBest?: boolean;
}

/** The best measurement, and after which step it was. */
export interface Best {
  readonly step: number;
  readonly value: number;
}

/** The watched measure of an element; undefined between validations. */
export async function measure(
  element: Trained<unknown, unknown> & { readonly validation?: unknown },
  { monitor = 'loss' }: Monitor,
): Promise<number | undefined> {
  if (!('validation' in element)) return readMetric(element.metrics, monitor);
  return element.validation === undefined ? undefined : readMetric(element.validation, monitor);
}

/** Whether a measurement is better than the best so far by more than `minDelta`; NaN never is. */
export function isBetter(value: number, best: number | undefined, { mode = 'min' }: Monitor, minDelta = 0): boolean {
  if (best === undefined) return !Number.isNaN(value);
  return (mode === 'min' ? best - value : value - best) > minDelta;
}

/**
 * Ends the stream when the watched measure has not improved `patience` times in a row (Prechelt, "Early stopping - but when?",
 * 1998). The last element of the stream is the best one again, with `best` in it, whether training was stopped or came to
 * its end, so that `run` returns the best state. It is a copy: the step may donate its state. A measurement of NaN is a failure to improve. Of a
 * run that goes on from a checkpoint, what was measured before does not count.
 *
 * For the second pass on all data (Goodfellow, Bengio, Courville, "Deep Learning", algorithm 7.2), train anew with
 * `take(best.step)`.
 *
 * @throws ArgumentError for a patience that is no whole number from 0, a negative minDelta, or a metric that does not exist.
 *
 * @example
 * ```ts
 * import { earlyStopping, run, trainWith } from 'cotangent/train';
 *
 * const losses = [5, 3, 4, 2, 3, 3, 1];
 * const steps = trainWith((n: number, loss: number) => [n + 1, loss], 0)(losses);
 * const { state, best } = await run(earlyStopping({ patience: 2 })(steps));
 * [state, best]; // => [4, { step: 4, value: 2 }]
 * ```
 */
export function earlyStopping({
  patience = 0,
  minDelta = 0,
  restoreBest = true,
  ...monitor
}: EarlyStoppingOptions = {}) {
  checkCount('earlyStopping', 'patience', patience, 0);
  checkNumber('earlyStopping', 'minDelta', minDelta, (v) => v >= 0, 'a number from 0');
  return async function* <E extends Trained<unknown, unknown>>(
    stream: AnyIterable<E>,
  ): AsyncGenerator<E & { readonly best?: Best }, void, void> {
    let best: { readonly value: number; readonly element: E } | undefined;
    let failures = 0;
    for await (const element of stream) {
      yield element;
      const value = await measure(element, monitor);
      if (value === undefined) continue;
      if (isBetter(value, best?.value, monitor, minDelta)) {
        best = { value, element: restoreBest ? { ...element, state: copyArrays(element.state) } : element };
        failures = 0;
      } else if (++failures >= patience) {
        break;
      }
    }
    if (best !== undefined && restoreBest) {
      yield { ...best.element, best: { step: best.element.step, value: best.value } };
    }
  };
}
