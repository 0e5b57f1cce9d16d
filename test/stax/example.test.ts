/** The first example of the README's kind compiles under the strictest flags without casts, and trains. */
import { expect, test } from 'vitest';
import { grad, jit, nn, numpy as np, optimizers, random, stax, type NDArray } from 'cotangent';

test('a classifier of random points learns to separate them', () => {
  const [init, predict] = stax.serial(stax.Dense(32), stax.Relu, stax.Dense(10), stax.LogSoftmax);
  let { params } = init(random.key(0), [-1, 784]);
  const loss = (p: typeof params, x: NDArray, y: NDArray): NDArray =>
    np.sum(predict(p, x).mul(y), { axis: -1 }).mean().neg();

  const opt = optimizers.adam(1e-3);
  let state = opt.init(params);
  const step = jit(
    (p: typeof params, s: typeof state, x: NDArray, y: NDArray) => {
      const [updates, next] = opt.update(grad(loss)(p, x, y), s, p);
      return [optimizers.applyUpdates(p, updates), next] as const;
    },
    { donate: [0, 1] },
  );

  const x = random.normal(random.key(1), [40, 784]);
  const y = nn.oneHot(random.randint(random.key(2), [40], 0, 10), 10);
  const before = Number(loss(params, x, y).item());
  for (let i = 0; i < 30; i++) [params, state] = step(params, state, x, y);
  // 784 features separate 40 points: the training loss falls far below the log 10 of guessing.
  expect(before).toBeGreaterThan(1.5);
  expect(loss(params, x, y).item()).toBeLessThan(0.2);
});
