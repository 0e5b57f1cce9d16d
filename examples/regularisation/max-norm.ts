/**
 * Max-norm (Srivastava et al., JMLR 2014, section 5.1): after each update the weights into a unit are scaled back into a ball. Those of a
 * net that is trained on and on grow without it, and stay in the ball with it.
 */
import assert from 'node:assert/strict';
import { pipe } from 'fp-ts/lib/function.js';
import { jit, numpy as np, optimizers, random, stax } from 'cotangent';
import { minimize, run, tap, trainWith } from 'cotangent/train';
import { percent } from '../lib/percent.js';
import { crossEntropy, errorRate, repeated, twoMoons } from './topic.js';
import type { Data, Point, Topic } from './topic.js';

const [BOUND, STEPS, EVERY] = [2, 1500, 10];

export async function maxNorm(): Promise<Topic> {
  const [train, test] = [twoMoons(random.key(11), 60, 0.35), twoMoons(random.key(12), 2000, 0.35)];

  /** The largest norm after each step, and the error on others at the end. */
  async function fit(constrained: boolean): Promise<{ norms: Point[]; error: number }> {
    const dense = stax.Dense(64);
    const hidden = constrained ? stax.constrain(dense, { kernel: stax.maxNorm(BOUND) }) : dense;
    const net = stax.serial(hidden, stax.Relu, hidden, stax.Relu, stax.Dense(1));
    const [init, apply] = net;
    const { params } = init(random.key(13), [-1, 2]);
    const { start, step } = minimize(
      (p: typeof params, { x, y }: Data) => crossEntropy(apply(p, x), y),
      optimizers.adam(0.03),
      { project: stax.constraints(net) },
    );
    const largest = jit((p: typeof params) =>
      np.sqrt(np.maximum(p[0].W.square().sum(0).max(), p[2].W.square().sum(0).max())),
    );
    const norms: Point[] = [];
    const { state } = await pipe(
      repeated(train, STEPS),
      trainWith(step, start({ params })),
      tap((at) => {
        const of = constrained ? `max-norm ${BOUND}` : 'without';
        if (at.step % EVERY === 0) norms.push({ x: at.step, y: Number(largest(at.state.params)), of });
      }),
      run,
    );
    return { norms, error: errorRate(apply(state.params, test.x), test.y) };
  }
  const [free, bound] = [await fit(false), await fit(true)];
  const last = (points: readonly Point[]): number => points.at(-1)?.y ?? NaN;
  // Some roundings above the bound.
  assert.ok(bound.norms.every(({ y }) => y <= BOUND * (1 + 1e-5)));
  assert.ok(last(free.norms) > 2 * BOUND);
  return {
    title: 'Max-norm',
    lines: [
      `The largest norm of the weights into a unit after ${STEPS} steps of Adam at 0.03: ${last(free.norms).toFixed(1)} without, ${last(bound.norms).toFixed(2)} with a bound of ${BOUND};`,
      `errors on others: ${percent(free.error)} and ${percent(bound.error)}.`,
    ],
    panels: [{ title: 'Max-norm', x: 'step', y: 'largest norm', points: [...free.norms, ...bound.norms] }],
  };
}
