/** A loss that is NaN or infinite ends training at once, and says where. */
import { CotangentError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { leavesWithPath, showPath } from '../core/tree.js';
import type { AnyIterable, Trained } from './loop.js';
import { readMetrics } from './measures.js';

/**
 * A measure of a step was NaN or infinite: {@link checkFinite} throws it. `step` is its number, `metric` which one, `leaves` the paths of the
 * arrays of the state that are not finite after it.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { checkFinite, NotFiniteError, run, trainWith } from 'cotangent/train';
 *
 * const steps = trainWith(({ w }, x: number) => [{ w: w.mul(x) }, x], { w: np.ones([3]) })([1, NaN]);
 * const error: unknown = await run(checkFinite()(steps)).catch((e: unknown) => e);
 * error instanceof NotFiniteError && [error.step, error.metric, error.leaves]; // => [2, "loss", ["state.w"]]
 * ```
 */
export class NotFiniteError extends CotangentError {
  override name = 'NotFiniteError';

  constructor(
    readonly step: number,
    readonly metric: string,
    readonly value: number,
    readonly leaves: readonly string[],
    details: readonly string[],
  ) {
    const where =
      leaves.length === 0
        ? 'All arrays of the state are finite still: look at the batch (a label or token out of range gives NaN in a compiled step) and at the loss (log of 0, 0/0)'
        : `Not finite in the state: ${details.slice(0, 5).join(', ')}${details.length > 5 ? `, and ${details.length - 5} more` : ''}`;
    super(
      `train: after step ${step} the ${metric} is ${value}. ${where}. Lower the learning rate, clip gradients ` +
        `(optimizers.clipByGlobalNorm), or find the operation by running the step with disableJit.${userLine()}`,
    );
  }
}

/** The arrays of a state that are not finite, with the number of their elements that are not. */
async function notFinite(state: unknown): Promise<readonly (readonly [path: string, detail: string])[]> {
  const found: (readonly [string, string])[] = [];
  for (const [path, leaf] of leavesWithPath<unknown>([state])) {
    if (!(leaf instanceof NDArray) || !leaf.dtype.startsWith('float')) continue;
    const count = Array.from(await leaf.data()).filter((v) => !Number.isFinite(v)).length;
    const name = showPath(path.slice(1), 'state');
    if (count > 0) found.push([name, `${name} (${count} of ${leaf.size})`]);
  }
  return found;
}

/**
 * Throws NotFiniteError as soon as a metric of a step is NaN or infinite: with the step, the metric, and the arrays of the state that
 * are not finite. Put it before what saves checkpoints, so that none is written of such a state.
 *
 * @throws NotFiniteError
 *
 * @example
 * ```ts
 * import { checkFinite, NotFiniteError, run, trainWith } from 'cotangent/train';
 *
 * const steps = trainWith((x: number, _batch: number) => [x * 10, Math.log(2 - x)], 1)([0, 0, 0]);
 * const problem: unknown = await run(checkFinite()(steps)).catch((error: unknown) => error);
 * problem instanceof NotFiniteError && problem.step; // => 2
 * ```
 */
export const checkFinite = () =>
  async function* <E extends Trained<unknown, unknown>>(stream: AnyIterable<E>): AsyncGenerator<E, void, void> {
    for await (const element of stream) {
      for (const [metric, value] of Object.entries(await readMetrics(element.metrics))) {
        if (Number.isFinite(value)) continue;
        const leaves = await notFinite(element.state);
        throw new NotFiniteError(
          element.step,
          metric,
          value,
          leaves.map(([path]) => path),
          leaves.map(([, detail]) => detail),
        );
      }
      yield element;
    }
  };
