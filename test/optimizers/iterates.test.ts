/** The first 50 iterates of each optimizer, and the values of schedules, against PyTorch, Keras's formulas and the papers' (scripts/fixtures/optimizers.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { grad, jit, lax, numpy as np, optimizers as o, tree, valueAndGrad, type NDArray } from 'cotangent';

interface Fixtures {
  problem: { curvature: number[]; target: number[]; start: { m: number[][]; w: number[] } };
  iterates: Record<string, number[][]>;
  schedules: Record<string, number[]>;
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/optimizers.json', import.meta.url), 'utf8')) as Fixtures;
const f64 = (x: number[] | number[][]): NDArray => np.array(x, { dtype: 'float64' });

const { curvature, target, start } = fixtures.problem;
const begin = { m: f64(start.m), w: f64(start.w) };
type Params = typeof begin;
/** Coupled, the problem has no minimum, and a method that goes where it leads soon runs away: L-BFGS gets it uncoupled. */
const lossOf =
  (coupling: number) =>
  ({ m, w }: Params): NDArray => {
    const quadratic = f64(curvature)
      .mul(w.sub(f64(target)).square())
      .sum()
      .mul(0.5);
    const [x, y] = [m.slice([], 0), m.slice([], 1)];
    const valleys = np.square(np.subtract(1, x)).add(y.sub(x.square()).square().mul(5)).sum();
    return quadratic.add(valleys).add(w.slice(0).mul(m.slice(0, 1)).mul(coupling));
  };

const optimizers: Record<string, o.AnyTransformation> = {
  sgd: o.sgd(0.02),
  'sgd, L2': o.chain(o.addDecayedWeights(0.1), o.sgd(0.02)),
  momentum: o.momentum(0.005, 0.9),
  nesterov: o.nesterov(0.005, 0.9),
  adagrad: o.adagrad(0.3),
  'adagrad, lr_decay': o.adagrad(o.inverseTimeDecay(0.5, 1, 0.1), { initialAccumulatorValue: 0.1, eps: 1e-3 }),
  adadelta: o.adadelta(),
  'adadelta, options': o.adadelta(3, { rho: 0.8, eps: 1e-3 }),
  rmsprop: o.rmsprop(0.02),
  'rmsprop, centered': o.rmsprop(0.02, { decay: 0.9, eps: 1e-3, centered: true }),
  'rmsprop, momentum': o.rmsprop(0.005, { decay: 0.99, momentum: 0.9 }),
  'rmsprop, all': o.rmsprop(0.005, { decay: 0.95, momentum: 0.8, centered: true }),
  adam: o.adam(0.1),
  'adam, options': o.adam(0.1, { b1: 0.8, b2: 0.99, eps: 1e-3 }),
  'adam, L2': o.chain(o.addDecayedWeights(0.1), o.adam(0.1)),
  amsgrad: o.amsgrad(0.1, { b1: 0.9, b2: 0.9 }),
  adamW: o.adamW(0.1),
  'adamW, options': o.adamW(0.1, { b1: 0.8, b2: 0.99, weightDecay: 0.3 }),
  adamax: o.adamax(0.1),
  'adamax, options': o.adamax(0.1, { b1: 0.8, b2: 0.9, eps: 0.1 }),
  nadam: o.nadam(0.05),
  'nadam, options': o.nadam(0.05, { b1: 0.8, b2: 0.99, eps: 1e-3, momentumDecay: 0.1 }),
  radam: o.radam(0.02),
  'radam, options': o.radam(0.02, { b1: 0.8, b2: 0.95, eps: 1e-3 }),
  'rmsprop of Keras': o.rmsprop(0.02, { decay: 0.9, eps: 0, epsRoot: 1e-7, momentum: 0.5 }),
  'adagrad of Keras': o.adagrad(0.5, { initialAccumulatorValue: 0.1, eps: 0, epsRoot: 1e-7 }),
  'adadelta of Keras': o.adadelta(1, { rho: 0.95, eps: 1e-7 }),
  'nadam of Keras': o.nadam(0.05, { eps: 1e-7, momentumDecay: 1 }),
  'sgd of Keras, decay': o.sgd(o.inverseTimeDecay(0.01, 1, 0.1)),
  lion: o.lion(0.02, { weightDecay: 0.1 }),
  lamb: o.lamb(0.02, { weightDecay: 0.1 }),
  sm3: o.sm3(0.3),
  'lbfgs, fixed rate': o.lbfgs(0.5, { memorySize: 4, lineSearch: 'none' }),
  lbfgs: o.lbfgs(),
  'lbfgs, memory of 2': o.lbfgs(1, { memorySize: 2 }),
};

// The valleys magnify rounding from step to step, by no more than this in 50; schedules are float32 for an int32 count.
const TOLERANCE = 1e-9;
const float32Rate = new Set(['adagrad, lr_decay', 'sgd of Keras, decay']);

describe('50 iterates', () => {
  test('there is an optimizer for each fixture', () => {
    expect(Object.keys(optimizers).sort()).toEqual(Object.keys(fixtures.iterates).sort());
  });
  test.each(Object.entries(optimizers))('%s', (name, given) => {
    const expected = fixtures.iterates[name];
    if (expected === undefined) throw new Error('no fixture');
    // One optimizer of any state: it gets states that it made.
    const opt = given as o.GradientTransformation<o.EmptyState>;
    const loss = lossOf(name.startsWith('lbfgs') ? 0 : 0.3);
    const step = ({ p, s }: { p: Params; s: readonly [] }): [{ p: Params; s: readonly [] }, NDArray] => {
      const [updates, next] = opt.update(grad(loss)(p), s, p, { value: loss(p), valueFn: loss });
      const after = o.applyUpdates(p, updates);
      return [{ p: after, s: next }, np.concatenate([after.m.ravel(), after.w])];
    };
    // All steps as one compiled loop, so that the optimizer is seen to be jittable, its state a tree of arrays.
    const run = jit((p: Params) => lax.scan((c: { p: Params; s: readonly [] }) => step(c), { p, s: opt.init(p) }, null, { length: 50 })[1]); // prettier-ignore
    const rows = run(begin).js() as number[][];
    expect(rows).toHaveLength(50);
    const tolerance = float32Rate.has(name) ? 1e-5 : TOLERANCE;
    rows.forEach((row, i) =>
      row.forEach((v, j) => {
        const want = expected[i]?.[j] ?? NaN;
        expect(Math.abs(v - want), `step ${i + 1}, parameter ${j}: ${v}, expected ${want}`).toBeLessThan(
          tolerance * (1 + Math.abs(want)),
        );
      }),
    );
    expect(tree.leaves<unknown>(opt.init(begin)).every((leaf) => leaf instanceof np.Array)).toBe(true);
  });
});

test('lbfgs: without the loss its line search says what it needs; options are checked', () => {
  const opt = o.lbfgs();
  expect(() => opt.update(begin, opt.init(begin), begin)).toThrow(
    /needs the loss: update\(gradients, state, params, \{ value, valueFn \}\)/,
  );
  expect(() => o.lbfgs(0)).toThrow(/learning rate must be a positive number, got 0/);
  expect(() => o.lbfgs(1, { memorySize: 0 })).toThrow(/memorySize must be a whole number from 1, got 0/);
  expect(() => o.lbfgs(1, { maxSteps: -1 })).toThrow(/maxSteps must be a whole number from 1, got -1/);
  expect(() => o.lbfgs(1, { c2: 1 })).toThrow(/c2 must be between 0 and 1, got 1/);
  expect(() => o.lbfgs(1, { c1: 0.5, c2: 0.5 })).toThrow(/c1 must be between 0 and c2, 0.5, got 0.5/);
});

test('lbfgs: a step into where the loss is no number, or infinite, is shortened', () => {
  const losses: [name: string, loss: (x: NDArray) => NDArray, start: number[], least: number][] = [
    ['NaN', (x) => x.sub(np.log(x)).sum(), [0.01, 5, 100], 3],
    ['infinite', (x) => np.where(x.greater(-2), x.add(1).mul(x.add(1)).mul(0.5), Infinity).sum(), [1000, 0.1], 0],
  ];
  for (const [name, loss, start, least] of losses) {
    const opt = o.lbfgs();
    const lossOf = (p: { x: NDArray }): NDArray => loss(p.x);
    const step = jit((p: { x: NDArray }, s: o.StateOf<typeof opt, { x: NDArray }>) => {
      const [value, gradients] = valueAndGrad(lossOf)(p);
      const [updates, state] = opt.update(gradients, s, p, { value, valueFn: lossOf });
      return [o.applyUpdates(p, updates), state] as const;
    });
    let params = { x: np.array(start, { dtype: 'float64' }) };
    let state = opt.init(params);
    for (let i = 0; i < 40; i++) [params, state] = step(params, state);
    expect(Number(lossOf(params).item()), name).toBeCloseTo(least, 10);
  }
});

test('lbfgs: the rate may be an array or a schedule, which counts from 0', () => {
  const at = (rate: o.LearningRate): NDArray => {
    const opt = o.lbfgs(rate, { lineSearch: 'none' });
    const g = { m: begin.m, w: begin.w.mul(2) };
    const [, state] = opt.update(begin, opt.init(begin), begin);
    return opt.update(g, state, begin)[0].w;
  };
  const halved = (count: NDArray): NDArray => np.divide(1, count.astype('float64').add(1));
  expect(at(np.array(0.5)).js()).toEqual(at(0.5).js());
  const first = o.lbfgs(halved, { lineSearch: 'none' });
  expect(first.update(begin, first.init(begin), begin)[0].w.js()).toEqual(
    o.lbfgs(1, { lineSearch: 'none' }).update(begin, first.init(begin), begin)[0].w.js(),
  );
  expect(at(halved).js()).not.toEqual(at(1).js());
});

describe('schedules', () => {
  const n = 60;
  const schedules: Record<string, o.Schedule> = {
    exponential: o.exponentialDecay(0.5, 1, 0.9),
    staircase: o.exponentialDecay(0.5, 7, 0.3, { staircase: true }),
    'multi-step': o.piecewiseConstantSchedule(0.5, { 5: 0.3, 20: 0.3, 21: 0.3 }),
    linear: o.linearSchedule(0.1, 0.5, 30),
    cosine: o.cosineDecaySchedule(0.5, n - 1, { alpha: 0.1 }),
    restarts: o.sgdrSchedule(
      [10, 20, 40].map((decaySteps) => ({ initValue: 0.5, peakValue: 0.5, warmupSteps: 0, decaySteps })),
    ),
    'one cycle, cosine': o.cosineOnecycleSchedule(n + 1, 0.5, { pctStart: 0.31 }),
    'one cycle, linear': o.linearOnecycleSchedule(n + 1, 0.5, { divFactor: 10, finalDivFactor: 50 }),
    'one cycle, three phases': o.cosineOnecycleSchedule(n + 1, 0.5, { pctStart: 0.4, threePhase: true }),
    polynomial: o.polynomialSchedule(0.5, 0, 1.7, 40),
    'inverse time': o.inverseTimeDecay(0.5, 4, 0.3),
    'inverse time, staircase': o.inverseTimeDecay(0.5, 4, 0.3, { staircase: true }),
    'warm-up, cosine': o.warmupCosineDecaySchedule(0.1, 0.5, 10, 40, { endValue: 0.02 }),
  };
  test('there is one for each fixture', () => {
    expect(Object.keys(schedules).sort()).toEqual(Object.keys(fixtures.schedules).sort());
  });
  test.each(Object.entries(schedules))('%s', (name, schedule) => {
    const value = jit((count: NDArray) => np.add(schedule(count), 0));
    const expected = fixtures.schedules[name] ?? [];
    expect(expected).toHaveLength(n);
    expected.forEach((want, t) => {
      const got = Number(value(np.array(t, { dtype: 'int32' })).item());
      // In float32; differences of cosines near 1 lose a digit.
      expect(Math.abs(got - want), `at ${t}: ${got}, expected ${want}`).toBeLessThan(2e-6);
    });
  });
});
