/** Optimizers of float16 parameters: their updates are those of float32, rounded, and what they remember is float32. */
import { describe, expect, test } from 'vitest';
import { grad, jit, numpy as np, optimizers as o, tree, type NDArray } from 'cotangent';

const half = { dtype: 'float16' } as const;
// Squares of these overflow, vanish, and are nothing.
const gradients = { w: np.array([0, 1e-4, 1, 300, -1e-6, -6e4], half), b: [np.array(0, half)] };
const params = { w: np.ones([6], half), b: [np.array(2, half)] };
type Params = typeof params;
const flat = (value: object): number[] => tree.leaves<NDArray>(value).flatMap((x) => Array.from(x.dataSync(), Number));
const dtypes = (value: object): string[] => tree.leaves<NDArray>(value).map((x) => x.dtype);
const single = (p: Params): Params => tree.map((x: NDArray) => x.astype('float32'), p);

/** The updates of the third step, and the state after it. */
function third(given: o.AnyTransformation, [g, p]: readonly [Params, Params]): readonly [Params, object] {
  // One optimizer of any state: it gets states that it made.
  const opt = given as o.GradientTransformation<o.EmptyState>;
  const update = jit((s: readonly []) => opt.update(g, s, p));
  const [, second] = update(update(opt.init(p))[1]);
  return opt.update(g, second, p);
}

const optimizers: Record<string, o.AnyTransformation> = {
  adam: o.adam(0.1),
  amsgrad: o.amsgrad(0.1),
  adamax: o.adamax(0.1),
  nadam: o.nadam(0.1),
  radam: o.radam(0.1, { threshold: 4, b2: 0.9 }),
  adamW: o.adamW(0.1),
  lamb: o.lamb(0.1),
  lion: o.lion(0.1),
  adagrad: o.adagrad(0.1),
  adadelta: o.adadelta(),
  rmsprop: o.rmsprop(0.1),
  'rmsprop, centered': o.rmsprop(0.1, { centered: true }),
  sm3: o.sm3(0.1),
  'lbfgs, fixed rate': o.lbfgs(0.1, { lineSearch: 'none' }),
  ema: o.ema(0.999),
  noise: o.addNoise(0.1, 0.5, 0),
  clipByNorm: o.clipByNorm(1e-2),
  'a small rate': o.sgd(1e-8),
  scaleByTrustRatio: o.scaleByTrustRatio({ trustCoefficient: 1e-3 }),
  inject: o.injectHyperparams(({ rate }) => o.adam(rate), { rate: o.linearSchedule(0.1, 1, 10) }),
};

describe('updates are those of float32, rounded', () => {
  test.each(Object.entries(optimizers))('%s', (_name, opt) => {
    const [updates, state] = third(opt, [gradients, params]);
    const [expected] = third(opt, [single(gradients), single(params)]);
    expect(dtypes(updates)).toEqual(['float16', 'float16']);
    expect(dtypes(state)).not.toContain('float16');
    const want = flat(expected);
    flat(updates).forEach((v, i) => {
      // Scaling and rate each round to the 11 bits of a half, or to its smallest step.
      const w = want[i] ?? NaN;
      expect(Math.abs(v - w), `${i}: ${v}, expected ${w}`).toBeLessThanOrEqual(2 ** -9 * Math.abs(w) + 2 ** -23);
    });
  });
});

test('a mean of halves does not stand still for want of bits', () => {
  const average = o.ema(0.9999, { debias: false });
  let state = average.init(np.array(1, half));
  const step = jit((s: typeof state) => average.update(np.array(1, half), s)[1]);
  for (let i = 0; i < 1000; i++) state = step(state);
  expect(Number(state.ema.item())).toBeCloseTo(1 - 0.9999 ** 1000, 4);
});

test('centralize takes the mean off columns whose sums are no halves', () => {
  const g = np.array([[59392, 1], [51200, 3]], half); // prettier-ignore
  expect(o.centralize().update(g, [])[0].js()).toEqual([[4096, -1], [-4096, 1]]); // prettier-ignore
});

test('lbfgs gives its loss halves, and finds the minimum', () => {
  const seen = new Set<string>();
  const loss = (p: Params): NDArray => {
    seen.add(p.w.dtype);
    return np
      .square(p.w.astype('float32').sub(3))
      .sum()
      .add(np.square(p.b[0]?.sub(1) ?? 0));
  };
  const opt = o.lbfgs();
  let p: Params = params;
  let state = opt.init(p);
  for (let i = 0; i < 5; i++) {
    const [updates, next] = opt.update(grad(loss)(p), state, p, { value: loss(p), valueFn: loss });
    [p, state] = [o.applyUpdates(p, updates), next];
  }
  expect([...seen]).toEqual(['float16']);
  flat(p).forEach((v, i) => {
    expect(v).toBeCloseTo(i === 0 ? 1 : 3, 2);
  });
});
