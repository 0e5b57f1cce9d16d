/** Samplers: distributions (Kolmogorov-Smirnov), shapes and dtypes, transforms, and errors. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad, jit, numpy as np, random, vmap, type NDArray } from 'cotangent';

const { key } = random;
const N = 20_000;
const list = (x: NDArray): number[] => [...x.dataSync()];

/**
 * The Kolmogorov-Smirnov statistic. For N samples of the right distribution, √N D exceeds 1.95 once in a thousand keys;
 * the keys here are fixed.
 */
function ks(x: NDArray, cdf: (v: number) => number): number {
  const sorted = list(x).sort((a, b) => a - b);
  const n = sorted.length;
  const worst = sorted.reduce((w, v, i) => Math.max(w, Math.abs(cdf(v) - i / n), Math.abs(cdf(v) - (i + 1) / n)), 0);
  return Math.sqrt(n) * worst;
}

/** Abramowitz and Stegun 7.1.26, error below 1.5e-7: far below the statistic's resolution. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const upper = 0.5 * poly * Math.exp(-z * z);
  return x < 0 ? upper : 1 - upper;
}
const maxwellCdf = (x: number): number => 2 * normalCdf(x) - 1 - Math.sqrt(2 / Math.PI) * x * Math.exp((-x * x) / 2);

const cases: [string, (options: { dtype: 'float32' | 'float64' }) => NDArray, (x: number) => number][] = [
  ['uniform', (o) => random.uniform(key(1), [N], { minval: -1, maxval: 3, ...o }), (x) => (x + 1) / 4],
  ['normal', (o) => random.normal(key(1), [N], o), normalCdf],
  [
    'truncatedNormal',
    (o) => random.truncatedNormal(key(1), -0.5, 2, [N], o),
    (x) => (normalCdf(x) - normalCdf(-0.5)) / (normalCdf(2) - normalCdf(-0.5)),
  ],
  ['lognormal', (o) => random.lognormal(key(1), 0.5, [N], o), (x) => normalCdf(Math.log(x) / 0.5)],
  ['maxwell', (o) => random.maxwell(key(1), [N], o), maxwellCdf],
  ['exponential', (o) => random.exponential(key(1), [N], o), (x) => 1 - Math.exp(-x)],
  ['laplace', (o) => random.laplace(key(1), [N], o), (x) => (x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2)],
  ['logistic', (o) => random.logistic(key(1), [N], o), (x) => 1 / (1 + Math.exp(-x))],
  ['cauchy', (o) => random.cauchy(key(1), [N], o), (x) => 0.5 + Math.atan(x) / Math.PI],
  ['gumbel', (o) => random.gumbel(key(1), [N], o), (x) => Math.exp(-Math.exp(-x))],
  ['gumbel high', (o) => random.gumbel(key(1), [N], { mode: 'high', ...o }), (x) => Math.exp(-Math.exp(-x))],
  ['pareto', (o) => random.pareto(key(1), 3, [N], o), (x) => 1 - x ** -3],
  ['rayleigh', (o) => random.rayleigh(key(1), 2, [N], o), (x) => 1 - Math.exp((-x * x) / 8)],
  ['weibullMin', (o) => random.weibullMin(key(1), 2, 1.5, [N], o), (x) => 1 - Math.exp(-((x / 2) ** 1.5))],
  [
    'triangular',
    (o) => random.triangular(key(1), -1, 0, 3, [N], o),
    (x) => (x < 0 ? (x + 1) ** 2 / 4 : 1 - (3 - x) ** 2 / 12),
  ],
  [
    'doubleSidedMaxwell',
    (o) => random.doubleSidedMaxwell(key(1), 1, 2, [N], o),
    (x) => 0.5 + (Math.sign(x - 1) * maxwellCdf(Math.abs(x - 1) / 2)) / 2,
  ],
];

describe('distributions', () => {
  test.each(cases)('%s', (_name, sample, cdf) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const x = sample({ dtype });
      expect(x.shape).toEqual([N]);
      expect(x.dtype).toBe(dtype);
      expect(ks(x, cdf)).toBeLessThan(1.95);
    }
  });
  const frequency = (x: NDArray, value: number): number => list(x).filter((v) => v === value).length / x.size;
  // Four standard deviations of a frequency at N samples are at most 0.0142.
  const TOLERANCE = 0.0142;

  test('bernoulli, rademacher, geometric', () => {
    for (const mode of ['low', 'high'] as const) {
      const coin = random.bernoulli(key(2), 0.3, [N], { mode });
      expect(coin.dtype).toBe('bool');
      expect(Math.abs(frequency(coin, 1) - 0.3)).toBeLessThan(TOLERANCE);
    }
    const sign = random.rademacher(key(2), [N]);
    expect(new Set(list(sign))).toEqual(new Set([-1, 1]));
    expect(Math.abs(frequency(sign, 1) - 0.5)).toBeLessThan(TOLERANCE);
    const trials = random.geometric(key(2), 0.25, [N]);
    for (const k of [1, 2, 3, 8]) {
      expect(Math.abs(frequency(trials, k) - 0.25 * 0.75 ** (k - 1))).toBeLessThan(TOLERANCE);
    }
  });
  test('randint and categorical', () => {
    const dice = random.randint(key(3), [N], 1, 7);
    for (let face = 1; face <= 6; face++) expect(Math.abs(frequency(dice, face) - 1 / 6)).toBeLessThan(TOLERANCE);
    const logits = np.log(np.array([0.1, 0.2, 0.7]));
    const drawn = random.categorical(key(3), logits, { shape: [N] });
    [0.1, 0.2, 0.7].forEach((p, i) => {
      expect(Math.abs(frequency(drawn, i) - p)).toBeLessThan(TOLERANCE);
    });
  });
  test('categorical without replacement draws each category once', () => {
    const logits = np
      .array([
        [0, 1, 2, 3],
        [3, 2, 1, 0],
      ])
      .astype('float32');
    const drawn = random.categorical(key(3), logits, { shape: [4, 2], replace: false });
    expect(drawn.sort(0).js()).toEqual([0, 1, 2, 3].map((c) => [c, c]));
  });
  test('choice', () => {
    const p = np.array([0.5, 0, 0.3, 0.2]);
    const drawn = random.choice(key(4), 4, { shape: [N], p });
    [0.5, 0, 0.3, 0.2].forEach((q, i) => {
      expect(Math.abs(frequency(drawn, i) - q)).toBeLessThan(TOLERANCE);
    });
    const some = random.choice(key(4), 4, { shape: [3], p, replace: false });
    expect(some.sort().js()).toEqual([0, 2, 3]);
    const without = random.choice(key(4), 10, { shape: [2, 5], replace: false });
    expect(without.shape).toEqual([2, 5]);
    expect(without.ravel().sort().js()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const rows = np.array([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(random.choice(key(4), rows, { shape: [2, 2] }).shape).toEqual([2, 2, 3]);
    const columns = random.choice(key(4), rows, { shape: [3], axis: 1, replace: false });
    expect(columns.sort(1).js()).toEqual(rows.js());
  });
  test('permutation moves whole slices', () => {
    const x = np.arange(12).reshape(4, 3);
    const rows = random.permutation(key(5), x).js() as number[][];
    expect([...rows].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual(x.js());
    expect(rows).not.toEqual(x.js());
    const columns = random.permutation(key(8), x, 1);
    expect(columns.sort(1).js()).toEqual(x.js());
  });
});

describe('structure', () => {
  test('a longer array begins with the shorter one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 }), (seed, n, more) => {
        const [short, long] = [list(random.bits(key(seed), [n])), list(random.bits(key(seed), [n + more]))];
        expect(long.slice(0, n)).toEqual(short);
      }),
      { numRuns: 25 },
    );
  });
  test('split is foldIn of the positions', () => {
    const keys = random.split(key(72), 3);
    for (let i = 0; i < 3; i++) expect(list(random.foldIn(key(72), i))).toEqual(list(keys.slice(i)));
  });
  test('a number is the length of a vector', () => {
    expect(list(random.normal(key(3), 4))).toEqual(list(random.normal(key(3), [4])));
    expect(random.bernoulli(key(3), 0.5, 4).shape).toEqual([4]);
    expect(list(random.randint(key(3), 4, 0, 9))).toEqual(list(random.randint(key(3), [4], 0, 9)));
    expect(random.uniform(key(3), 2, { dtype: 'float64' }).dtype).toBe('float64');
  });
  test('a dtype by place is refused with what to write', () => {
    // @ts-expect-error: a dtype stands in the options
    expect(() => random.normal(key(3), [4], 'float64')).toThrow(/\{ dtype: 'float64' \}/);
    // @ts-expect-error: a dtype stands in the options
    expect(() => random.normal(key(3), 'float64')).toThrow(/\{ dtype: 'float64' \}/);
  });
  test('parameters broadcast', () => {
    const sigma = np.array([1, 10]);
    expect(random.lognormal(key(0), sigma).shape).toEqual([2]);
    expect(random.uniform(key(0), [3, 2], { minval: sigma.neg(), maxval: sigma }).shape).toEqual([3, 2]);
    const bounds = np.array([1, 100, 10_000], { dtype: 'int32' });
    const traced = random.randint(key(0), [5, 3], 0, bounds);
    expect(traced.slice([0, null], 1).js()).toEqual(random.randint(key(0), [5, 3], 0, 100).slice([0, null], 1).js());
  });
});

describe('transforms', () => {
  test('jit gives the same bits, with the seed as an argument too', () => {
    const f = jit((s: NDArray, x: NDArray) => {
      const [a, b] = random.spawn(random.key(s));
      return [random.uniform(a, [5]).mul(x), random.randint(random.foldIn(b, s), [5], -3, 9)] as const;
    });
    const [a, b] = random.spawn(key(11));
    const [u, i] = f(np.array(11, { dtype: 'int32' }), np.array(2).astype('float32'));
    expect(list(u)).toEqual(list(random.uniform(a, [5]).mul(2)));
    expect(list(i)).toEqual(list(random.randint(random.foldIn(b, 11), [5], -3, 9)));
  });
  test('vmap over keys is a loop', () => {
    const keys = random.split(key(1), 4);
    const sample = (k: NDArray): NDArray => random.uniform(k, [3]);
    expect(vmap(sample)(keys).js()).toEqual([0, 1, 2, 3].map((i) => sample(keys.slice(i)).js()));
    const order = (k: NDArray): NDArray => random.permutation(k, 6);
    expect(vmap(order)(keys).js()).toEqual([0, 1, 2, 3].map((i) => order(keys.slice(i)).js()));
  });
  test('samples are differentiable in their parameters', () => {
    const z = random.normal(key(1), [4]);
    const mean = (mu: NDArray, sigma: NDArray): NDArray => random.normal(key(1), [4]).mul(sigma).add(mu).sum();
    expect(grad(mean, { argnums: 1 })(np.array(0.5), np.array(2)).item()).toBeCloseTo(Number(z.sum().item()), 5);
    const scale = grad((s: NDArray) => random.rayleigh(key(1), s, [4]).sum())(np.array(3).astype('float32'));
    expect(scale.item()).toBeCloseTo(Number(random.rayleigh(key(1), 1, [4]).sum().item()), 4);
  });
});

describe('errors teach', () => {
  const float = np.array([0.5, 0.5]);
  test.each([
    [
      'a float key',
      () => random.uniform(float, [2]),
      /random.uniform: a key is a uint32 array of shape \[2\], got float32/,
    ],
    [
      'several keys',
      () => random.normal(random.split(key(0), 3)),
      /several keys: take one, or map over them with vmap/,
    ],
    ['a fractional seed', () => key(0.5), /random.key: the seed must be an integer/],
    ['a vector of seeds', () => key(np.array([1, 2], { dtype: 'int32' })), /random.key: the seed must be a scalar/],
    ['a float seed', () => key(np.array(1.5)), /random.key: the seed must be an integer, got float32/],
    ['a negative length', () => random.normal(key(0), [-1, 2]), /random.normal: a shape is a list of integers/],
    [
      'a wrong dtype',
      () => random.normal(key(0), [2], { dtype: 'int32' }),
      /random.normal: samples are float32 or float64/,
    ],
    ['bits of another dtype', () => random.bits(key(0), [2], { dtype: 'int32' }), /random.bits: bits come as uint32/],
    ['fractional bounds', () => random.randint(key(0), [2], 0.5, 3), /random.randint: bounds are integers, got 0.5/],
    ['float randint', () => random.randint(key(0), [2], 0, 3, { dtype: 'float32' }), /int32 or uint32, not float32/],
    ['parameters that do not fit', () => random.pareto(key(0), np.ones([3]), [2]), /random.pareto/],
    [
      'integer logits',
      () => random.categorical(key(0), np.array([1, 2], { dtype: 'int32' })),
      /logits are floats, got int32/,
    ],
    [
      'integer probability',
      () => random.bernoulli(key(0), np.array([1], { dtype: 'int32' })),
      /must be a float, got int32/,
    ],
    [
      'too many draws',
      () => random.choice(key(0), 3, { shape: [4], replace: false }),
      /cannot draw 4 from 3 things without/,
    ],
    ['weights of another length', () => random.choice(key(0), 3, { p: float }), /one entry for each of the 3 things/],
    ['a scalar population', () => random.permutation(key(0), np.array(3)), /takes an integer or an array with axes/],
  ])('%s', (_name, f, message) => {
    expect(f).toThrow(message);
  });
});
