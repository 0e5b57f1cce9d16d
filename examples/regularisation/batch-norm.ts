/**
 * Batch normalisation (Ioffe and Szegedy, arXiv 1502.03167): a deep net of sigmoids, whose layers saturate. With it the net learns; without
 * it, at any of the rates tried, hardly.
 */
import assert from 'node:assert/strict';
import { pipe } from 'fp-ts/lib/function.js';
import { optimizers, random, stax } from 'cotangent';
import { minimize, run, stepHistory, tap, trainWith } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';
import { crossEntropy, numbers, repeated, twoMoons } from './topic.js';
import type { Data, Point, Topic } from './topic.js';

const [DEPTH, WIDTH, STEPS] = [8, 32, 300];
const RATES = [0.1, 1, 5];
const data = twoMoons(random.key(9), 300, 0.1);
const key = random.key(10);

/** The losses of each step of gradient descent without normalisation. */
async function without(rate: number): Promise<number[]> {
  const layers = numbers(DEPTH).map(() => stax.erase(stax.serial(stax.Dense(WIDTH), stax.Sigmoid)));
  const [init, apply] = stax.serial(...layers, stax.Dense(1));
  const { params } = init(key, [-1, 2]);
  const { start, step } = minimize(
    (p: typeof params, { x, y }: Data) => crossEntropy(apply(p, x), y),
    optimizers.sgd(rate),
  );
  const log = stepHistory();
  await pipe(repeated(data, STEPS), trainWith(step, start({ params })), tap(log.watch), run);
  return log.rows.map(({ loss = NaN }) => loss);
}

/** The same with it before each sigmoid: the layers have a state, the running averages. */
async function normalised(rate: number): Promise<number[]> {
  const layers = numbers(DEPTH).map(() => stax.erase(stax.serial(stax.Dense(WIDTH), stax.BatchNorm(), stax.Sigmoid)));
  const [init, apply] = stax.serial(...layers, stax.Dense(1));
  const { params, state } = init(key, [-1, 2]);
  const loss = (p: typeof params, { x, y }: Data, context: LossContext<typeof state>) => {
    const [z, next] = apply(p, x, context);
    return { loss: crossEntropy(z, y), state: next };
  };
  const { start, step } = minimize(loss, optimizers.sgd(rate));
  const log = stepHistory();
  await pipe(repeated(data, STEPS), trainWith(step, start({ params, state })), tap(log.watch), run);
  return log.rows.map(({ loss: value = NaN }) => value);
}

export async function batchNorm(): Promise<Topic> {
  const points: Point[] = [];
  const least = { normalised: Infinity, without: Infinity };
  for (const [name, losses] of [
    ['normalised', normalised],
    ['without', without],
  ] as const) {
    for (const rate of RATES) {
      const list = await losses(rate);
      least[name] = Math.min(least[name], list.at(-1) ?? Infinity);
      points.push(...list.map((y, i) => ({ x: i + 1, y, of: `${name}, rate ${rate}` })));
    }
  }
  assert.ok(least.normalised < 0.1 && least.without > 0.5, `${least.normalised}, without ${least.without}`);
  return {
    title: 'Batch normalisation',
    lines: [
      `${DEPTH} layers of sigmoids, the two moons, gradient descent at rates ${RATES.join(', ')}: after ${STEPS} steps the least loss`,
      `is ${least.normalised.toFixed(3)} with batch normalisation and ${least.without.toFixed(3)} without. (Guessing: 0.693.)`,
    ],
    panels: [{ title: 'Batch normalisation', x: 'step', y: 'loss', points, range: [0, 1] }],
  };
}
