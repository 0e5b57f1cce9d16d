/** Gradients against finite differences while training: what a wrong derivative of one's own is found by. */
import { CotangentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { CheckError } from '../testing/compare.js';
import { checkGrads, type CheckGradsOptions } from '../testing/check-grads.js';
import type { ArgumentsLike } from '../transforms/arguments.js';
import type { AnyIterable, Trained } from './loop.js';
import { checkEvery, isDue } from './validate.js';

/** Options of {@link checkGradients}: how often, and those of `checkGrads`. */
export interface CheckGradientsOptions extends CheckGradsOptions {
  /** Number of steps from one check to the next; an epoch by default, where the batches know it. */
  every?: number;
}

/** Gradients and finite differences disagreed after step `step`; the `cause` has what, where and by how much. */
export class GradientError extends CotangentError {
  override name = 'GradientError';

  constructor(
    readonly step: number,
    override readonly cause: CheckError,
  ) {
    super(`train: the gradient of the loss is wrong after step ${step}. ${cause.message}`);
  }
}

/**
 * Checks the gradient of `loss` by the parameters as they are at the end of each epoch, or of every so many steps: reverse mode, which
 * training goes by, against central differences along a random direction, in float64 (see `checkGrads` of `cotangent/testing`). That is a
 * few evaluations of the loss, however many parameters there are. `loss` is of the parameters alone, so it must draw the same numbers each time: dropout's key is fixed.
 *
 * By default the step of the differences is the one for networks with kinks, such as those of ReLU.
 *
 * The state is one that has `params`, such as that of {@link minimize}. For another, `tap((at) => checkGrads(loss, [at.state.weights]))`.
 *
 * @throws GradientError with the step, and as its `cause` the CheckError; ArgumentError if the batches do not know their epochs and there is
 *   no `every`.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers, type NDArray } from 'cotangent';
 * import { checkGradients, minimize, run, trainWith } from 'cotangent/train';
 *
 * const loss = ({ w }: { w: NDArray }, x: NDArray) => np.tanh(x.mul(w)).sub(0.5).square().mean();
 * const { start, step } = minimize(loss, optimizers.sgd(0.1));
 * const data = np.array([1, 2, 3]);
 * const steps = trainWith(step, start({ params: { w: np.array(1) } }))([data, data, data]);
 * (await run(checkGradients((p: { w: NDArray }) => loss(p, data), { every: 2 })(steps))).step; // => 3
 * ```
 */
export function checkGradients<P>(loss: (params: P) => NDArray, { every, ...options }: CheckGradientsOptions = {}) {
  checkEvery('checkGradients', every);
  return async function* <E extends Trained<{ readonly params: P }, unknown>>(
    stream: AnyIterable<E>,
  ): AsyncGenerator<E, void, void> {
    for await (const element of stream) {
      if (isDue(element, every, 'checkGradients')) {
        try {
          checkGrads<[P], NDArray>(loss, [element.state.params] as ArgumentsLike<[P]>, {
            order: 1,
            modes: ['rev'],
            kinks: true,
            name: 'loss',
            ...options,
          });
        } catch (error) {
          throw error instanceof CheckError ? new GradientError(element.step, error) : error;
        }
      }
      yield element;
    }
  };
}
