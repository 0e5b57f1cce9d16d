/**
 * Early stopping, and what to do with the data that it set aside (Goodfellow, Bengio, Courville, "Deep Learning", 2016, section
 * 7.8): train anew on all data for the number of steps that was best (algorithm 7.2), or go on from there with all data until
 * the loss on the validation set is below the training loss at the stop (algorithm 7.3).
 */
import assert from 'node:assert/strict';
import { pipe } from 'fp-ts/lib/function.js';
import { jit, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { splitRows } from 'cotangent/data';
import { earlyStopping, minimize, run, stepHistory, take, tap, trainWith, validateWith } from 'cotangent/train';
import type { HistoryRow } from 'cotangent/train';
import { repeated, squaredError } from './topic.js';
import type { Data, Point, Topic } from './topic.js';

const [MOST, EVERY, PATIENCE] = [4000, 10, 30];

/** A cubic with noise. */
function noisyPolynomial(key: NDArray, count: number): Data {
  const [forX, forNoise] = random.spawn(key);
  const x = random.uniform(forX, [count, 1], { minval: -1, maxval: 1 });
  const y = x.mul(x).mul(x).mul(4).sub(x.mul(3));
  return { x, y: y.add(random.normal(forNoise, [count, 1]).mul(0.4)) };
}

export async function early(): Promise<Topic> {
  const all = noisyPolynomial(random.key(6), 40);
  const test = noisyPolynomial(random.key(7), 2000);
  const [subtrain, valid] = splitRows(all, 0.3);

  const [init, apply] = stax.serial(stax.Dense(64), stax.Tanh, stax.Dense(64), stax.Tanh, stax.Dense(1));
  const { params } = init(random.key(8), [-1, 1]);
  type Params = typeof params;
  const loss = (p: Params, { x, y }: Data): NDArray => squaredError(apply(p, x), y);
  const compiled = jit(loss);
  const lossOn = (data: Data) => (state: { params: Params }) => Number(compiled(state.params, data));
  const { start, step } = minimize(loss, optimizers.adam(2e-3));
  const begin = start({ params });
  const onAll = repeated(all, MOST);
  const validated = validateWith(lossOn(valid), { every: EVERY });

  const first = stepHistory();
  const stopped = await pipe(
    repeated(subtrain, MOST),
    trainWith(step, start({ params })),
    validated,
    tap(first.watch),
    earlyStopping({ patience: PATIENCE }),
    run,
  );
  const best = stopped.best ?? assert.fail();
  const target = lossOn(subtrain)(stopped.state);
  const measured = { stopped: lossOn(test)(stopped.state), train: target };

  // Algorithm 7.2: anew, on all data, as many steps.
  const anew = await pipe(onAll, trainWith(step, begin), take(best.step), run);
  const testAnew = lossOn(test)(anew.state);

  // Algorithm 7.3: on from the best state, on all data, until the validation loss is below the training loss there.
  const second = stepHistory();
  const goOn = pipe(onAll, trainWith(step, stopped.state, { done: best.step }), validated, tap(second.watch));
  let continued: { readonly state: typeof stopped.state; readonly step: number } = stopped;
  for await (const element of goOn) {
    continued = element;
    if ((element.validation ?? Infinity) <= target) break;
  }
  const testContinued = lossOn(test)(continued.state);
  const testLast = lossOn(test)((await pipe(repeated(subtrain, MOST), trainWith(step, start({ params })), run)).state);

  assert.ok(best.step < MOST / 2, `the best step is ${best.step}`);
  assert.ok(measured.stopped < testLast, 'stopping early is better than going on');
  assert.ok(testAnew < testLast && testContinued < testLast, 'so are both strategies');
  const losses = (rows: readonly HistoryRow[], part: string): Point[] =>
    rows.flatMap((row) => [
      ...(row['step'] === undefined || row['loss'] === undefined || row['step'] % EVERY !== 0
        ? []
        : [{ x: row['step'], y: row['loss'], of: `training, ${part}` }]),
      ...(row['step'] === undefined || row['val_loss'] === undefined
        ? []
        : [{ x: row['step'], y: row['val_loss'], of: `validation, ${part}` }]),
    ]);
  return {
    title: 'Early stopping',
    lines: [
      `A net of 64-64 units and 28 noisy points of a cubic: the validation loss is least after ${best.step} of ${MOST} steps.`,
      `Error on others: ${testLast.toFixed(3)} after all steps, ${measured.stopped.toFixed(3)} stopped; anew on all 40 points for ${best.step} steps ${testAnew.toFixed(3)};`,
      `on with all points until the validation loss is the training loss at the stop, ${continued.step - best.step} more steps, ${testContinued.toFixed(3)}. (0.16 is the noise.)`,
    ],
    panels: [
      {
        title: 'Early stopping',
        x: 'step',
        y: 'mean squared error',
        points: [...losses(first.rows, 'to the stop'), ...losses(second.rows, 'on with all data')],
        range: [0, 0.6],
      },
    ],
  };
}
