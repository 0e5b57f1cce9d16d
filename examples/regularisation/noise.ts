/**
 * Noise on the input of a linear model is weight decay (Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995): the
 * expected loss E |(x + ν)·w - y|² is |x·w - y|² + σ²|w|², whose minimum is ridge's closed form (XᵀX/n + σ²)⁻¹ Xᵀy/n. Trained with
 * `stax.GaussianNoise`, new noise in each step, the weights come to that.
 */
import assert from 'node:assert/strict';
import { pipe } from 'fp-ts/lib/function.js';
import { numpy as np, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { minimize, run, trainWith } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';
import { repeated, squaredError } from './topic.js';
import type { Data, Point, Topic } from './topic.js';

const [ROWS, FEATURES, STEPS] = [400, 6, 4000];
const SIGMAS = [0, 0.25, 0.5, 1, 2];

/** Ridge by gradient descent on its own normal equations, in float64, to the end. */
function ridge(X: NDArray, y: NDArray, sigma: number): NDArray {
  const A = X.transpose()
    .matmul(X)
    .div(ROWS)
    .add(np.eye(FEATURES, undefined, 0, 'float64').mul(sigma ** 2));
  const b = X.transpose().matmul(y).div(ROWS);
  let w = np.zeros([FEATURES, 1], { dtype: 'float64' });
  for (let i = 0; i < 2000; i++) w = w.sub(A.matmul(w).sub(b).mul(0.1));
  return w;
}

export async function noise(): Promise<Topic> {
  const x = random.normal(random.key(14), [ROWS, FEATURES]);
  const truth = np.array([2, -1, 0.5, 0, 0, 1]).reshape([FEATURES, 1]);
  const y = x.matmul(truth).add(random.normal(random.key(15), [ROWS, 1]).mul(0.5));
  const data: Data = { x, y };
  const points: Point[] = [];
  let worst = 0;
  for (const sigma of SIGMAS) {
    const [init, apply] = stax.serial(stax.GaussianNoise(sigma), stax.Dense(1, { useBias: false }));
    const { params } = init(random.key(16), [-1, FEATURES]);
    const loss = (p: typeof params, batch: Data, context: LossContext): NDArray =>
      squaredError(apply(p, batch.x, context), batch.y);
    // The rate falls to 0, so that the noise of single steps is averaged out.
    const { start, step } = minimize(loss, optimizers.sgd(optimizers.cosineDecaySchedule(0.02, STEPS)));
    const { state } = await pipe(repeated(data, STEPS), trainWith(step, start({ params })), run);
    const closed = ridge(x.astype('float64'), y.astype('float64'), sigma);
    worst = Math.max(worst, Number(state.params[1].W.sub(closed).abs().max()));
    const norm = (w: NDArray): number => Number(np.sqrt(w.square().sum()));
    points.push({ x: sigma, y: norm(state.params[1].W), of: 'trained with noise' });
    points.push({ x: sigma, y: norm(closed), of: "ridge's closed form" });
  }
  // What the noise of the last steps leaves, at rates near 0.
  assert.ok(worst < 0.03, `a weight differs by ${worst}`);
  return {
    title: 'Noise injection',
    lines: [
      `Gaussian noise of σ = ${SIGMAS.join(', ')} on the input of a linear model, against ridge with weight σ²:`,
      `the largest difference of any weight is ${worst.toFixed(4)}.`,
    ],
    panels: [{ title: 'Noise is weight decay', x: 'σ', y: '‖w‖', points }],
  };
}
