/** checkGradients: right gradients pass, those of networks with kinks too; a wrong one ends training with the step and the leaf. */
import { pipe } from 'fp-ts/lib/function.js';
import { expect, test } from 'vitest';
import { customVjp, losses, numpy as np, optimizers, random, stax, type NDArray } from 'cotangent';
import { batches } from 'cotangent/data';
import { checkGradients, fold, GradientError, minimize, run, tap, trainWith } from 'cotangent/train';
import { CheckError } from 'cotangent/testing';

const { Conv2d, Dense, Dropout, Flatten, LayerNorm, MaxPool, Relu, Reshape, serial } = stax;
const data = {
  x: random.uniform(random.key(0), [48, 64]),
  y: random.randint(random.key(1), [48], 0, 4),
};

test('a network with ReLU, max pooling and dropout passes at the end of each epoch', async () => {
  const net = serial(Reshape([8, 8, 1]), Conv2d(6, 3), Relu, MaxPool(), Flatten, Dropout(0.3), LayerNorm(), Dense(4));
  const [init, apply] = net;
  const { params } = init(random.key(2), [-1, 64]);
  const loss = (p: typeof params, { x, y }: typeof data, context: { key: NDArray; mode: 'train' }) =>
    losses.crossEntropyWithLogits(apply(p, x, context), y);
  const { start, step } = minimize(loss, optimizers.adam(1e-2));
  let evaluations = 0;
  const fixed = (p: typeof params): NDArray => {
    evaluations++;
    return loss(p, data, { key: random.key(3), mode: 'train' });
  };
  const checkedAt: number[] = [];
  const { state } = await pipe(
    batches(data, { size: 16, key: random.key(4), epochs: 3 }),
    trainWith(step, start({ params })),
    checkGradients(fixed),
    tap(({ step: n }) => {
      if (evaluations > 0) checkedAt.push(n);
      evaluations = 0;
    }),
    run,
  );
  expect(checkedAt).toEqual([3, 6, 9]);
  // The stream's type has gone through.
  expect(state.params[1].b.shape).toEqual([6]);
});

test('a wrong derivative ends training, with the step, the leaf and both numbers', async () => {
  // The gradient of the square is 2x; this one says x above 1.
  const square = customVjp((x: NDArray) => x.mul(x));
  square.defvjp(
    (x) => [x.mul(x), x],
    (x, ct) => [ct.mul(np.where(x.greater(1), x, x.mul(2)))],
  );
  const loss = ({ w }: { w: NDArray }): NDArray => square(w.sub(3)).sum();
  const { start, step } = minimize<{ w: NDArray }, number, optimizers.EmptyState>(loss, optimizers.scale(-0.25));
  const steps = trainWith(step, start({ params: { w: np.array([2, 8]) } }))([1, 2, 3, 4]);
  const seen: number[] = [];
  const problem: unknown = await pipe(
    steps,
    checkGradients(loss, { every: 2 }),
    tap(({ step: n }) => void seen.push(n)),
    run,
  ).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(GradientError);
  const { message, step: at, cause } = problem as GradientError;
  expect(at).toBe(2);
  expect(seen).toEqual([1]);
  expect(cause).toBeInstanceOf(CheckError);
  expect(message).toMatch(/gradient of the loss is wrong after step 2.*w at|w.*\[1\]/s);
});

test('other errors of the loss are its own, and batches without epochs need to be told how often', async () => {
  const { start, step } = minimize(({ w }: { w: NDArray }, x: NDArray) => w.mul(x).sum(), optimizers.sgd(0.1));
  const begin = () => start({ params: { w: np.array(1) } });
  const one = np.array([1]);
  const failing = checkGradients((): NDArray => {
    throw new RangeError('mine');
  });
  await expect(run(failing(trainWith(step, begin())([one])))).rejects.toThrow(RangeError);
  const stream = (function* () {
    yield one;
  })();
  const steps = checkGradients(({ w }: { w: NDArray }) => w.sum())(trainWith(step, begin())(stream));
  await expect(fold((n: number) => n + 1, 0)(steps)).rejects.toThrow(/checkGradients.*every: n/);
});
