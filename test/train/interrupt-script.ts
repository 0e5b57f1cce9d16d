/** A training run that never ends by itself, for the test that interrupts it: writes a checkpoint, and says when it has begun and how it ended. */
import { pipe } from 'fp-ts/lib/function.js';
import { numpy as np, optimizers, type NDArray } from 'cotangent';
import { checkpoint, minimize, run, tap, trainWith, untilInterrupted } from 'cotangent/train';

const { start, step } = minimize((w: NDArray, x: NDArray) => w.sub(x).square().mean(), optimizers.sgd(0.1));
function* forever(): Generator<NDArray> {
  for (;;) yield np.ones([4]);
}
const path = process.argv[2] ?? '';
const last = await pipe(
  forever(),
  untilInterrupted(),
  trainWith(step, start({ params: np.zeros([4]) })),
  checkpoint(path, { every: 1_000_000 }),
  tap((at) => {
    if (at.step === 5) console.log('begun');
  }),
  run,
);
console.log(`ended after ${last.step}`);
