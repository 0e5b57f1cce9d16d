/** Activation functions and softmax against NumPy and SciPy (scripts/fixtures/nn.py), their derivatives, and errors. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { grad, jit, nn, numpy as np, vmap, type DType, type NDArray } from 'cotangent';
import { checkGrads } from 'cotangent/testing';

interface Fixtures {
  x: number[];
  activations: Record<string, number[]>;
  softmax: Record<string, number[][]> & { logsumexpAll: number } & Record<
      'logsumexp' | 'logmeanexp' | 'hugeLogsumexp',
      number[]
    >;
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/nn.json', import.meta.url), 'utf8')) as Fixtures;

/** Rounding of the last bits, of a few operations and of the elementary functions (at most 4 ulp each). */
const TOLERANCE = { float32: 2e-6, float64: 1e-14 } as const;

function expectClose(actual: NDArray, expected: number[] | number[][], dtype: 'float32' | 'float64', slack = 1): void {
  const values = [...actual.dataSync()];
  const want = expected.flat();
  expect(actual.dtype).toBe(dtype);
  expect(values).toHaveLength(want.length);
  values.forEach((v, i) => {
    const w = want[i] ?? NaN;
    // Below the smallest normal number of the dtype, 0 is right.
    const floor = dtype === 'float32' ? 1e-37 : 1e-307;
    const error = Math.abs(v - w) / Math.max(Math.abs(w), floor);
    expect(error, `element ${i}: got ${v}, expected ${w}`).toBeLessThan(slack * TOLERANCE[dtype] + floor);
  });
}

const functions: Record<string, (x: NDArray) => NDArray> = {
  ...Object.fromEntries(
    (
      [
        'relu',
        'relu6',
        'sigmoid',
        'softplus',
        'sparsePlus',
        'sparseSigmoid',
        'softSign',
        'silu',
        'squareplus',
        'logSigmoid',
        'leakyRelu',
        'hardSigmoid',
        'hardSilu',
        'hardTanh',
        'tanh',
        'arctan',
        'elu',
        'celu',
        'selu',
        'gelu',
        'mish',
        'step',
        'ramp',
        'identity',
      ] as const
    ).map((name) => [name, (x: NDArray) => nn[name](x)]),
  ),
  geluExact: (x) => nn.gelu(x, { approximate: false }),
};
const smooth = [
  'sigmoid',
  'softplus',
  'softSign',
  'silu',
  'squareplus',
  'logSigmoid',
  'tanh',
  'arctan',
  'elu',
  'celu',
  'selu',
  'gelu',
  'geluExact',
  'mish',
] as const;
/** Cancellation: x + √(x² + 4) at -1e4, 1 + tanh in gelu, and Φ at -40 amplify rounding by the value's smallness. */
const CANCELS: Record<string, number> = { squareplus: Infinity, gelu: Infinity, geluExact: 400, mish: 4, silu: 4 };

describe('activation functions', () => {
  test('the fixtures cover all of them', () => {
    expect(Object.keys(fixtures.activations).sort()).toEqual(Object.keys(functions).sort());
  });
  test.each(Object.keys(functions))('%s', (name) => {
    const f = functions[name];
    const expected = fixtures.activations[name];
    if (f === undefined || expected === undefined) throw new Error(name);
    for (const dtype of ['float32', 'float64'] as const) {
      const x = np.array(fixtures.x, { dtype });
      if (CANCELS[name] === Infinity) {
        const got = [...f(x).dataSync()];
        got.forEach((v, i) => {
          const w = expected[i] ?? NaN;
          const magnitude = Math.max(Math.abs(fixtures.x[i] ?? 0), Math.abs(w));
          expect(Math.abs(v - w)).toBeLessThanOrEqual(TOLERANCE[dtype] * magnitude);
        });
      } else expectClose(f(x), expected, dtype, CANCELS[name] ?? 1);
      expect(jit(f)(x).js()).toEqual(f(x).js());
    }
  });
  test.each(smooth)('derivatives of %s', (name) => {
    const f = functions[name];
    if (f === undefined) throw new Error(name);
    const x = np.array([-3.1, -1.2, -0.4, 0.3, 0.9, 2.7], { dtype: 'float64' });
    checkGrads(f, [x], { order: 2 });
  });
  test.each(Object.keys(functions))('%s has finite derivatives far out', (name) => {
    const f = functions[name];
    if (f === undefined) throw new Error(name);
    const slope = vmap(grad((v: NDArray) => f(v)));
    for (const dtype of ['float32', 'float64'] as const) {
      const at = [...slope(np.array([-1e4, -500, 500, 1e4], { dtype })).dataSync()];
      for (const s of at) expect(Math.abs(s)).toBeLessThan(1.1);
    }
  });
  test('the formulas of the first neurons', () => {
    const us = [-3, -1, -0.25, 0, 0.5, 1, 2.5];
    const u = np.array(us, { dtype: 'float64' });
    const expectValues = (x: NDArray, f: (v: number) => number): void => {
      expectClose(x, us.map(f), 'float64');
    };
    expectValues(nn.step(u, 0.5), (v) => (v < 0.5 ? 0 : 1));
    expectValues(nn.ramp(u, -1, 2), (v) => (v < -1 ? -1 : v < 2 ? v : 2));
    expectValues(nn.relu(u), (v) => Math.max(0, v));
    expectValues(nn.leakyRelu(u, 0.1), (v) => (v < 0 ? 0.1 * v : v));
    expectValues(nn.arctan(u), Math.atan);
    expectValues(nn.sigmoid(u.mul(1.5)), (v) => 1 / (1 + Math.exp(-1.5 * v)));
    const total = us.reduce((sum, v) => sum + Math.exp(v), 0);
    expectValues(nn.softmax(u), (v) => Math.exp(v) / total);
    // σ' = σ (1 - σ).
    const sigma = nn.sigmoid(u);
    expectClose(vmap(grad(nn.sigmoid))(u), [...sigma.mul(np.subtract(1, sigma)).dataSync()], 'float64');
  });
  test('derivatives at the kinks are those of JAX', () => {
    const slopes = (f: (x: NDArray) => NDArray, at: number[]): unknown => vmap(grad(f))(np.array(at)).js();
    expect(slopes(nn.relu, [-1, 0, 1])).toEqual([0, 0, 1]);
    expect(slopes(nn.relu6, [0, 3, 6, 7])).toEqual([0, 1, 0, 0]);
    expect(slopes((x) => nn.leakyRelu(x, 0.5), [-1, 0, 1])).toEqual([0.5, 1, 1]);
    expect(slopes(nn.hardTanh, [-2, -1, 1, 2])).toEqual([0, 1, 1, 0]);
    expect(slopes((x) => nn.elu(x), [-0, 0, 1])).toEqual([1, 1, 1]);
    expect(slopes((x) => nn.ramp(x), [-1, 0, 0.5, 1])).toEqual([0, 0, 1, 0]);
    expect(slopes((x) => nn.step(x), [-1, 0, 1])).toEqual([0, 0, 0]);
    expect(slopes(nn.softplus, [0])).toEqual([0.5]);
    expect(slopes(grad(nn.softplus), [0])).toEqual([0.25]);
    expect(slopes(nn.sparsePlus, [-1, 0, 1])).toEqual([0, 0.5, 1]);
  });
  test('NaN stays NaN, integers of relu stay integers, numbers are taken', () => {
    for (const [name, f] of Object.entries(functions)) {
      if (name !== 'step') expect(f(np.array([NaN])).js(), name).toEqual([NaN]);
    }
    const counts = nn.relu(np.array([-2, 3], { dtype: 'int32' }));
    expect([counts.dtype, counts.js()]).toEqual(['int32', [0, 3]]);
    expect(nn.sigmoid(np.array([0], { dtype: 'int32' })).dtype).toBe('float32');
    expect(nn.tanh(0).item()).toBe(0);
    expect(nn.elu(np.array([-1, -1]), np.array([1, 2])).js()).toEqual([-0.6321205496788025, -1.264241099357605]);
    expect(nn.step(np.array([1, 2, 3]), 2).js()).toEqual([0, 1, 1]);
    expect(nn.ramp(np.array([-3, 0, 3]), -1, 2).js()).toEqual([-1, 0, 2]);
  });
  test('log1mexp near both ends', () => {
    const x = np.array([1e-10, 0.5, 0.7, 40], { dtype: 'float64' });
    const expected = [1e-10, 0.5, 0.7, 40].map((v) =>
      v > 0.6 ? Math.log1p(-Math.exp(-v)) : Math.log(-Math.expm1(-v)),
    );
    expectClose(nn.log1mexp(x), expected, 'float64');
    checkGrads(nn.log1mexp, [np.array([0.2, 0.6, 0.8, 3], { dtype: 'float64' })], { order: 2 });
  });
});

describe('softmax and its relatives', () => {
  const { softmax: want } = fixtures;
  const matrix = (dtype: DType): NDArray => np.array(want['matrix'] ?? [], { dtype });
  const huge = (dtype: DType): NDArray => np.array(want['huge'] ?? [], { dtype });

  test.each(['float32', 'float64'] as const)('%s', (dtype) => {
    const x = matrix(dtype);
    expectClose(nn.softmax(x), want['softmax'] ?? [], dtype);
    expectClose(nn.softmax(x, 0), want['softmax0'] ?? [], dtype, 2);
    expectClose(nn.softmax(x, { axis: 0 }), want['softmax0'] ?? [], dtype, 2);
    // Near 0 the logarithm of a sum near 1 has the rounding of that sum: here of -0.005.
    expectClose(nn.logSoftmax(x), want['logSoftmax'] ?? [], dtype, 20);
    expectClose(nn.logsumexp(x, 1), want.logsumexp, dtype);
    expectClose(nn.logsumexp(x), [want.logsumexpAll], dtype);
    expectClose(nn.logmeanexp(x, { axis: 1 }), want.logmeanexp, dtype, 4);
    expectClose(nn.standardize(x), want['standardize'] ?? [], dtype, 20);
    expectClose(nn.softmax(huge(dtype)), want['hugeSoftmax'] ?? [], dtype);
    expectClose(nn.logSoftmax(huge(dtype)), want['hugeLogSoftmax'] ?? [], dtype);
    expectClose(nn.logsumexp(huge(dtype), { axis: -1 }), want.hugeLogsumexp, dtype);
  });
  test('keepdims, several axes, factors, masks', () => {
    const x = np.array([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(nn.logsumexp(x, 1, { keepdims: true }).shape).toEqual([2, 1]);
    expect(nn.logsumexp(x, [0, 1]).item()).toBeCloseTo(
      Math.log([0, 1, 2, 3, 4, 5].reduce((s, v) => s + Math.exp(v), 0)),
      5,
    );
    expect(nn.softmax(x, [0, 1]).sum().item()).toBeCloseTo(1, 6);
    expect(nn.logsumexp(x, 1, { b: np.array([1, 0, 0]) }).js()).toEqual([0, 3]);
    const mask = np.array([true, true, false]);
    expect(nn.softmax(x, { where: mask }).sum(1).js()).toEqual([1, 1]);
    expect(nn.softmax(x, { where: mask }).slice([], 2).js()).toEqual([0, 0]);
    expect(nn.logSoftmax(x, { where: mask }).slice([], 2).js()).toEqual([-Infinity, -Infinity]);
    expect(nn.logsumexp(x, 1, { where: mask }).slice(0).item()).toBeCloseTo(Math.log(1 + Math.E), 6);
  });
  test('derivatives, also beside -Infinity', () => {
    const x = matrix('float64');
    checkGrads((v: NDArray) => nn.softmax(v), [x], { order: 2 });
    checkGrads((v: NDArray) => nn.logSoftmax(v), [x], { order: 2 });
    checkGrads((v: NDArray) => nn.logsumexp(v, 1), [x], { order: 2 });
    checkGrads((v: NDArray) => nn.standardize(v), [x], { order: 2 });
    const partial = np.array([-Infinity, 0, 0]);
    expect(nn.logsumexp(partial).item()).toBeCloseTo(Math.LN2, 6);
    expect(grad((v: NDArray) => nn.logsumexp(v))(partial).js()).toEqual([0, 0.5, 0.5]);
    expect(grad((v: NDArray) => nn.softmax(v).slice(1))(partial).js()).toEqual([-0, 0.25, -0.25]);
    expect(nn.logsumexp(np.array([-Infinity, -Infinity])).item()).toBe(-Infinity);
    expect(nn.logsumexp(np.array([Infinity, 0])).item()).toBe(Infinity);
    expect(nn.logsumexp(np.zeros([0])).item()).toBe(-Infinity);
    const logits = np.array([1e4, -1e4, 0]);
    expect(grad((v: NDArray) => nn.logSoftmax(v).slice(1))(logits).js()).toEqual([-1, 1, 0]);
  });
  test('standardize with given moments and large means', () => {
    const x = np.array([1e4 + 1, 1e4 + 3]);
    expect(nn.standardize(x, { epsilon: 0 }).js()).toEqual([-1, 1]);
    expect(nn.standardize(x, { mean: 1e4, variance: 4, epsilon: 0 }).js()).toEqual([0.5, 1.5]);
    expect(nn.standardize(np.ones([2, 3]), 0, { mean: np.array([1, 2, 3]), variance: 1, epsilon: 0 }).js()).toEqual([
      [0, -1, -2],
      [0, -1, -2],
    ]);
  });
});

describe('oneHot and glu', () => {
  test('oneHot', () => {
    const labels = np.array([0, 2, 3, -1], { dtype: 'int32' });
    const rows = [
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 0],
      [0, 0, 0],
    ];
    expect(nn.oneHot(labels, 3).js()).toEqual(rows);
    expect(nn.oneHot(np.array([0, 2, 3, -1]), 3).js()).toEqual(rows);
    expect(nn.oneHot(labels, 3, { axis: 0 }).T.js()).toEqual(rows);
    expect(nn.oneHot(2, 3, { dtype: 'bool' }).js()).toEqual([false, false, true]);
    expect(vmap((l: NDArray) => nn.oneHot(l, 3))(labels).js()).toEqual(rows);
    expect(() => nn.oneHot(labels, 2.5)).toThrow(/oneHot: the number of classes must be a JS integer, got 2.5/);
  });
  test('glu', () => {
    const x = np.arange(8).reshape(2, 4);
    expect(nn.glu(x, 0).js()).toEqual(
      x
        .slice(0)
        .mul(nn.sigmoid(x.slice(1)))
        .reshape(1, 4)
        .js(),
    );
    expect(() => nn.glu(np.ones([2, 3]))).toThrow(/glu: axis 1 of shape \[2, 3\] has odd length 3/);
  });
});
