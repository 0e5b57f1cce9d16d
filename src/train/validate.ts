/** Evaluation: of a state now and then while training, and of a function over batches. */
import { checkCount } from '../core/counts.js';
import { ArgumentError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { leaves } from '../core/tree.js';
import type { AnyIterable, Trained } from './loop.js';
import { readMetrics, type HistoryRow, type Metrics } from './measures.js';

/** A step after which there may have been an evaluation. */
export type Validated<E, V> = E & {
  /** What the evaluation found; undefined between evaluations. */
  readonly validation: V | undefined;
};

/** Options of {@link validateWith}. */
export interface ValidateOptions {
  /** Number of steps from one evaluation to the next; an epoch by default, where the batches know it. */
  every?: number;
}

/** Throws ArgumentError unless `every` is absent or a number of steps. */
export function checkEvery(op: string, every: number | undefined): void {
  if (every !== undefined) checkCount(op, 'every, a number of steps,', every);
}

/** Whether a step is the last of an epoch, or of `every` steps, or of all. */
export function isDue(
  { step, steps, perEpoch }: Trained<unknown, unknown>,
  every: number | undefined,
  op: string,
): boolean {
  // A list of batches is one epoch.
  const period = every ?? perEpoch ?? steps;
  if (period === undefined) {
    throw new ArgumentError(
      `${op}: these batches do not know how many an epoch has; say how often with { every: n }, in steps, or use batches of cotangent/data.${userLine()}`,
    );
  }
  return step % period === 0 || step === steps;
}

/**
 * Evaluates the state at the end of each epoch, or of every so many steps: `validation` of these elements is what `evaluate`
 * returns, which may be a promise. Early stopping and checkpoints of the best look at it.
 *
 * @throws ArgumentError if the batches do not know their epochs and there is no `every`, or it is no whole number.
 *
 * @example
 * ```ts
 * import { fold, trainWith, validateWith } from 'cotangent/train';
 *
 * const steps = trainWith((sum: number, n: number) => [sum + n, n], 0)([1, 2, 3]);
 * const all = fold((list: unknown[], { step, validation }: { step: number; validation: number | undefined }) => [...list, [step, validation]], []);
 * await all(validateWith((sum: number) => -sum, { every: 2 })(steps)); // => [[1, undefined], [2, -3], [3, -6]]
 * ```
 */
export function validateWith<E extends Trained<unknown, unknown>, V>(
  evaluate: (state: E['state']) => V | Promise<V>,
  options?: ValidateOptions,
): (stream: AnyIterable<E>) => AsyncGenerator<Validated<E, V>, void, void>;
export function validateWith<S, V>(
  evaluate: (state: S) => V | Promise<V>,
  options?: ValidateOptions,
): <E extends Trained<S, unknown>>(stream: AnyIterable<E>) => AsyncGenerator<Validated<E, V>, void, void>;
export function validateWith<S, V>(evaluate: (state: S) => V | Promise<V>, { every }: ValidateOptions = {}) {
  checkEvery('validateWith', every);
  return async function* <E extends Trained<S, unknown>>(
    stream: AnyIterable<E>,
  ): AsyncGenerator<Validated<E, V>, void, void> {
    for await (const element of stream) {
      const due = isDue(element, every, 'validateWith');
      yield { ...element, validation: due ? await evaluate(element.state) : undefined };
    }
  };
}

/** Rows of a batch: the length of the first axis of its first array. */
const rowsOf = (batch: object): number =>
  leaves<unknown>([batch]).find((x): x is NDArray => x instanceof NDArray)?.shape[0] ?? 1;

/**
 * The mean of what `measure` says of each batch that it says it of, each counting by its rows: a metric of a data set that is too large for
 * one batch. `measure` returns a number, a scalar array, or a record of them; the result is a record, a number alone being its
 * `loss`.
 *
 * @throws ArgumentError if there is no batch.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { batches } from 'cotangent/data';
 * import { evaluate } from 'cotangent/train';
 *
 * const data = { x: np.array([1, 2, 6]) };
 * await evaluate(({ x }) => ({ mean: x.mean() }), batches(data, { size: 2 })); // => { mean: 3 }
 * ```
 */
export async function evaluate<B extends object>(
  measure: (batch: B) => Metrics,
  batches: AnyIterable<B>,
): Promise<HistoryRow> {
  const totals = new Map<string, { sum: number; rows: number }>();
  const add = async ({ weight, reading }: { weight: number; reading: Promise<HistoryRow> }): Promise<void> => {
    const row = await reading;
    for (const [name, value] of Object.entries(row)) {
      const { sum, rows } = totals.get(name) ?? { sum: 0, rows: 0 };
      totals.set(name, { sum: sum + weight * value, rows: rows + weight });
    }
  };
  // A batch is launched before the one before it is read, so that a GPU need not wait for the reading.
  let before: Parameters<typeof add>[0] | undefined;
  for await (const batch of batches) {
    const launched = { weight: rowsOf(batch), reading: readMetrics(measure(batch)) };
    // An error is thrown where it is awaited, and must not be one of nobody's until then.
    launched.reading.catch(() => undefined);
    if (before !== undefined) await add(before);
    before = launched;
  }
  if (before !== undefined) await add(before);
  if (totals.size === 0) throw new ArgumentError(`evaluate: there is no batch to evaluate on.${userLine()}`);
  return Object.fromEntries([...totals].map(([name, { sum, rows }]) => [name, sum / rows]));
}
