/** Early stopping: training ends when a measure has not improved for a while, with the state it was best at. */
import { ArgumentError } from '../core/errors.js';
import { copyArrays } from './copy.js';
import type { AnyIterable, Trained } from './loop.js';
import { readMetric } from './measures.js';

/** Which measure of a stream is watched. */
export interface Monitor {
  /** A metric by its name; `loss` by default. It is looked for in the validation, or in the step's metrics if there never is one. */
  monitor?: string;
  /** Whether less is better (`min`, the default) or more. */
  mode?: 'min' | 'max';
}

/** Options of {@link earlyStopping}. */
export interface EarlyStoppingOptions extends Monitor {
  /** How many measurements in a row may fail to improve before training ends; 0 by default, as in Keras: none. */
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

/** The watched measure of an element; undefined where there is none. */
export async function measure(
  element: Trained<unknown, unknown> & { readonly validation?: unknown },
  validates: boolean,
  { monitor = 'loss' }: Monitor,
): Promise<number | undefined> {
  if ('validation' in element) return readMetric(element.validation, monitor);
  return validates ? undefined : readMetric(element.metrics, monitor);
}

/**
 * Ends the stream when the watched measure has not improved `patience` + 1 times in a row (Prechelt, "Early stopping - but when?",
 * 1998). The last element of the stream is the best one again, with `best` in it, whether training was stopped or came to
 * its end, so that `run` returns the best state. It is a copy: the step may donate its state.
 *
 * For the second pass on all data (Goodfellow, Bengio, Courville, "Deep Learning", algorithm 7.2), train anew with
 * `take(best.step)`.
 *
 * @throws ArgumentError for a patience that is no whole number from 0, or a metric that does not exist.
 *
 * @example
 * ```ts
 * import { earlyStopping, run, trainWith } from 'cotangent/train';
 *
 * const losses = [5, 3, 4, 2, 3, 3, 1];
 * const steps = trainWith((n: number, loss: number) => [n + 1, loss], 0)(losses);
 * const { state, best } = await run(earlyStopping({ patience: 1 })(steps));
 * [state, best]; // => [4, { step: 4, value: 2 }]
 * ```
 */
export function earlyStopping({
  patience = 0,
  minDelta = 0,
  restoreBest = true,
  mode = 'min',
  ...monitor
}: EarlyStoppingOptions = {}) {
  if (!Number.isInteger(patience) || patience < 0 || !(minDelta >= 0)) {
    throw new ArgumentError(
      `earlyStopping: patience must be a whole number from 0 and minDelta not negative, got ${patience} and ${minDelta}.`,
    );
  }
  return async function* <E extends Trained<unknown, unknown>>(
    stream: AnyIterable<E>,
  ): AsyncGenerator<E & { readonly best?: Best }, void, void> {
    let best: { readonly value: number; readonly element: E } | undefined;
    let validates = false;
    let failures = 0;
    for await (const element of stream) {
      validates ||= 'validation' in element;
      yield element;
      const value = await measure(element, validates, monitor);
      if (value === undefined) continue;
      const gain = best === undefined ? Infinity : mode === 'min' ? best.value - value : value - best.value;
      if (gain > minDelta) {
        best = { value, element: restoreBest ? { ...element, state: copyArrays(element.state) } : element };
        failures = 0;
      } else if (++failures > patience) {
        break;
      }
    }
    if (best !== undefined && restoreBest) {
      yield { ...best.element, best: { step: best.element.step, value: best.value } };
    }
  };
}
