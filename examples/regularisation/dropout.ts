/**
 * Dropout as an ensemble. A net trained with dropout is many nets; evaluation mode, the weight scaling rule, takes one for
 * them all. For a softmax of a linear map that is exact: the scaled net is the geometric mean of all 2ⁿ, renormalised (Goodfellow,
 * Bengio, Courville, "Deep Learning", 2016, section 7.12). For a deep net it is measured.
 */
import assert from 'node:assert/strict';
import { pipe } from 'fp-ts/lib/function.js';
import { jit, nn, numpy as np, optimizers, random, stax, vmap } from 'cotangent';
import type { NDArray } from 'cotangent';
import { minimize, run, trainWith } from 'cotangent/train';
import { percent } from '../lib/percent.js';
import { crossEntropy, errorRate, numbers, repeated, twoMoons } from './topic.js';
import type { Data, Point, Topic } from './topic.js';

const [STEPS, NETS] = [1500, 500];
const DTYPE = { dtype: 'float64' } as const;

/** How far a linear softmax in evaluation mode is from the geometric, and from the arithmetic, mean of its 2ⁿ dropped nets. */
function exactEnsemble(): { geometric: number; arithmetic: number } {
  const [N, CLASSES] = [10, 3];
  const rate = 0.5;
  const [init, apply] = stax.serial(
    stax.Dropout(rate),
    stax.Dense(CLASSES, { W: stax.normal(1), ...DTYPE }),
    stax.Softmax,
  );
  const { params } = init(random.key(0), [N]);
  const v = random.normal(random.key(1), [N], DTYPE);

  // All masks: the bits of 0 … 2ⁿ - 1. As in training, what stays is divided by 1 - rate.
  const masks = np.array(
    numbers(2 ** N).map((i) => numbers(N).map((bit) => (i >> bit) & 1)),
    'float64',
  );
  const members = vmap((mask: NDArray) => apply(params, v.mul(mask).div(1 - rate)))(masks);
  const geometric = nn.softmax(np.log(members).mean(0));
  const evaluated = apply(params, v);
  const distance = (p: NDArray): number => Number(p.sub(evaluated).abs().max());
  return { geometric: distance(geometric), arithmetic: distance(members.mean(0)) };
}

export async function dropout(): Promise<Topic> {
  const exact = exactEnsemble();
  assert.ok(exact.geometric < 1e-14, `the geometric mean is off by ${exact.geometric}`);
  assert.ok(exact.arithmetic > 1e-3);

  const train = twoMoons(random.key(2), 100, 0.3);
  const test = twoMoons(random.key(3), 1000, 0.3);
  const [init, apply] = stax.serial(
    stax.Dense(64),
    stax.Relu,
    stax.Dropout(0.5),
    stax.Dense(64),
    stax.Relu,
    stax.Dropout(0.5),
    stax.Dense(1),
  );
  const { params } = init(random.key(4), [-1, 2]);
  type Params = typeof params;
  const loss = (p: Params, { x, y }: Data, context: stax.Context): NDArray => crossEntropy(apply(p, x, context), y);
  const { start, step } = minimize(loss, optimizers.adam(3e-3));
  const { state } = await pipe(repeated(train, STEPS), trainWith(step, start({ params })), run);

  // One net of the ensemble for each key: probabilities [NETS, 1000].
  const member = (key: NDArray): NDArray => nn.sigmoid(apply(state.params, test.x, { mode: 'train', key })).ravel();
  const members = jit(vmap(member))(random.split(random.key(5), NETS));
  const scaled = apply(state.params, test.x).ravel();
  const y = test.y.ravel();

  const means = np.cumsum(members, 0).div(np.arange(1, NETS + 1).reshape([-1, 1]));
  const errors = [...np.notEqual(np.greater(means, 0.5), np.greater(y, 0.5)).astype('float32').mean(1).dataSync()];
  const alone = Number(np.notEqual(np.greater(members, 0.5), np.greater(y, 0.5)).astype('float32').mean());
  const [ensemble, scaling] = [errors.at(-1) ?? NaN, errorRate(scaled, y)];
  const mean = means.slice(-1);
  const agreement = Number(np.equal(np.greater(mean, 0.5), np.greater(scaled, 0)).astype('float32').mean());
  const distance = Number(mean.sub(nn.sigmoid(scaled)).abs().mean());

  assert.ok(ensemble < alone && scaling < alone, 'together they are right more often than each alone');
  assert.ok(agreement > 0.97 && Math.abs(ensemble - scaling) < 0.02);
  const points = errors.flatMap((error, i): Point[] => [
    { x: i + 1, y: 100 * error, of: 'mean of dropped nets' },
    { x: i + 1, y: 100 * scaling, of: 'weight scaling' },
    { x: i + 1, y: 100 * alone, of: 'a dropped net alone' },
  ]);
  return {
    title: 'Dropout',
    lines: [
      `Linear softmax, all 1024 masks: weight scaling is the geometric mean to ${exact.geometric.toExponential(0)}, the arithmetic to ${exact.arithmetic.toFixed(3)}.`,
      `A net for the two moons, errors on 1000 others: a dropped net alone ${percent(alone)}, the mean of ${NETS} ${percent(ensemble)}, weight scaling ${percent(scaling)};`,
      `mean and scaling agree on ${percent(agreement)} of the answers, and to ${distance.toFixed(3)} in probability on average.`,
    ],
    panels: [
      {
        title: 'Dropout as an ensemble',
        x: 'dropped nets averaged',
        y: 'test error (%)',
        points,
        log: ['x'],
        range: [10.5, 12.5],
      },
    ],
  };
}
