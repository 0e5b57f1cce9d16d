/** The usual step: the same numbers as gradient and update by hand, state and keys threaded, the caller's parameters untouched. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { grad, numpy as np, optimizers, random, stax, tree, type NDArray } from 'cotangent';
import { minimize, run, trainWith, type LossContext } from 'cotangent/train';

const key = random.key(0);
const leaves = (value: object): number[][] => tree.leaves<NDArray>(value).map((x) => Array.from(x.dataSync(), Number));
interface Batch {
  x: NDArray;
  y: NDArray;
}
const batch: Batch = { x: random.normal(key, [8, 3]), y: random.normal(random.key(1), [8, 1]) };

describe('minimize', () => {
  const [init, apply] = stax.serial(stax.Dense(4), stax.Tanh, stax.Dense(1));
  const { params } = init(key, [-1, 3]);
  const loss = (p: typeof params, { x, y }: Batch): NDArray => apply(p, x).sub(y).square().mean();

  test('is gradient, update and applyUpdates', async () => {
    const opt = optimizers.adam(0.1);
    const { start, step } = minimize(loss, opt);
    const before = leaves(params);
    const { state, metrics } = await run(trainWith(step, start({ params }))([batch, batch, batch]));
    let [p, s, value] = [params, opt.init(params), np.zeros([])];
    for (let i = 0; i < 3; i++) {
      value = loss(p, batch);
      const [updates, next] = opt.update(grad(loss)(p, batch), s, p);
      [p, s] = [optimizers.applyUpdates(p, updates), next];
    }
    expectTypeOf(state.params).toEqualTypeOf<typeof params>();
    const [got, want] = [leaves([state.params, metrics]), leaves([p, { loss: value }])];
    // Fused and unfused sums of float32 differ in the last bits.
    got.forEach((list, i) => list.forEach((v, j) => expect(v).toBeCloseTo(want[i]?.[j] ?? NaN, 5)));
    expect(leaves(params)).toEqual(before);
  });
  test('threads the state of layers, reports metrics, projects', async () => {
    const net = stax.serial(
      stax.constrain(stax.Dense(4), { kernel: stax.maxNorm(0.1) }),
      stax.BatchNorm(),
      stax.Dense(1),
    );
    const { params: p, state } = net[0](key, [-1, 3]);
    const { start, step } = minimize(
      (q: typeof p, { x, y }: Batch, context: { key: NDArray; mode: 'train'; state: typeof state }) => {
        const [out, next] = net[1](q, x, context);
        return { loss: out.sub(y).square().mean(), state: next, metrics: { largest: out.max() } };
      },
      optimizers.sgd(0.1),
      { project: stax.constraints(net) },
    );
    const at = await run(trainWith(step, start({ params: p, state }))([batch, batch]));
    expect(Object.keys(at.metrics).sort()).toEqual(['largest', 'loss']);
    expect(leaves(at.state.state)).not.toEqual(leaves(state));
    expect(Math.max(...leaves(at.state.params[0].W.square().sum(0)).flat())).toBeLessThan(0.0101);
  });
  test('a state that is forgotten is an error, at the start by its type, in the step by what to do', () => {
    const net = stax.serial(stax.BatchNorm(), stax.Dense(1));
    const { params: p, state } = net[0](key, [-1, 3]);
    type Context = LossContext<typeof state>;
    const forgetful = minimize(
      (q: typeof p, { x, y }: Batch, context: Context) => net[1](q, x, context)[0].sub(y).square().mean(),
      optimizers.sgd(0.1),
    );
    // @ts-expect-error: the loss takes a state.
    expect(() => forgetful.step(forgetful.start({ params: p }), batch)).toThrow();
    expect(() => forgetful.step(forgetful.start({ params: p, state }), batch)).toThrow(
      /minimize: there is state, but the loss returned none.*return \{ loss, state \}/,
    );
  });
  test('another key in each step, the same ones for the same beginning', async () => {
    const noisy = minimize(
      (p: { w: NDArray }, _batch: number, { key: k }) => p.w.mul(random.normal(k)).sum(),
      optimizers.sgd(1),
    );
    const begin = { params: { w: np.ones([1]) } };
    const [once, again] = [0, 1].map(() => run(trainWith(noisy.step, noisy.start(begin))([0, 0])));
    const other = run(trainWith(noisy.step, noisy.start({ ...begin, key: random.key(7) }))([0, 0]));
    expect(leaves((await once)?.state.params ?? {})).toEqual(leaves((await again)?.state.params ?? {}));
    expect(leaves((await once)?.state.params ?? {})).not.toEqual(leaves((await other).state.params));
  });
  test('gives line searches the loss: L-BFGS solves a least-squares problem in a few steps', async () => {
    const [init1, linear] = stax.Dense(1, { dtype: 'float64' });
    const exact = { x: batch.x.astype('float64'), y: batch.x.astype('float64').sum(1, { keepdims: true }).add(2) };
    const { params: w } = init1(key, [-1, 3]);
    const { start, step } = minimize(
      (p: typeof w, { x, y }: Batch) => linear(p, x).sub(y).square().mean(),
      optimizers.lbfgs(),
    );
    const { metrics } = await run(trainWith(step, start({ params: w }))(Array.from({ length: 15 }, () => exact)));
    expect(Number(metrics.loss.item())).toBeLessThan(1e-12);
  });
  test('refuses a loss that is no scalar; the next step works', async () => {
    const bad = minimize((p: typeof params, { x }: Batch) => apply(p, x), optimizers.sgd(1));
    await expect(run(trainWith(bad.step, bad.start({ params }))([batch]))).rejects.toThrow(
      /loss must be a scalar, got shape \[8, 1\]/,
    );
    const good = minimize(loss, optimizers.sgd(1));
    expect((await run(trainWith(good.step, good.start({ params }))([batch]))).step).toBe(1);
  });
});
