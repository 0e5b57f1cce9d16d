/** Random numbers against a second implementation (scripts/fixtures/random.py) and against published vectors. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { numpy as np, random, type NDArray } from 'cotangent';
import { threefry2x32 } from '../../src/random/threefry.js';
import { scalar } from '../../src/core/concrete.js';

interface Entry {
  seed: number;
  shape: number[];
  value: number[];
  dtype: 'float32' | 'float64' | 'int32' | 'uint32';
  minval: number;
  maxval: number;
  num: number[];
  data: number;
  n: number;
  axis: number;
}
interface Fixtures {
  threefry: { key: [number, number]; counter: [number, number]; value: [number, number] }[];
  independent: Entry;
  gumbel: Entry;
}
type Lists = 'key' | 'split' | 'foldIn' | 'bits' | 'uniform' | 'normal' | 'randint' | 'permutation' | 'categorical';
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/random.json', import.meta.url), 'utf8')) as Fixtures &
  Record<Lists, Entry[]>;

const list = (x: NDArray): number[] => [...x.dataSync()];
const word = (value: number): NDArray => scalar(value, 'uint32');
const { key } = random;

/** Largest absolute difference. */
const distance = (x: NDArray, expected: number[]): number => {
  const values = list(x);
  expect(values).toHaveLength(expected.length);
  return values.reduce((worst, v, i) => Math.max(worst, Math.abs(v - (expected[i] ?? NaN))), 0);
};

describe('threefry2x32', () => {
  test.each(fixtures.threefry)('of Random123: key $key, counter $counter', ({ key: [k0, k1], counter, value }) => {
    const [c0, c1] = counter;
    const words = threefry2x32(word(k0), word(k1), word(c0), word(c1)).map((x) => x.item());
    expect(words).toEqual(value);
  });
});

describe('keys', () => {
  test.each(fixtures.key)('of seed $seed', ({ seed, value }) => {
    expect(list(key(seed))).toEqual(value);
    expect(key(seed).dtype).toBe('uint32');
    if (seed >= 0) expect(list(key(BigInt(seed)))).toEqual(value);
  });
  test.each(fixtures.split)('split seed $seed into $num', ({ seed, num, shape, value }) => {
    const keys = random.split(key(seed), num.length === 1 ? (num[0] ?? 0) : num);
    expect(keys.shape).toEqual(shape);
    expect(list(keys)).toEqual(value);
  });
  test.each(fixtures.foldIn)('fold $data into seed $seed', ({ seed, data, value }) => {
    expect(list(random.foldIn(key(seed), data))).toEqual(value);
  });
});

describe('samples', () => {
  test.each(fixtures.bits)('bits $seed $shape', ({ seed, shape, value }) => {
    const x = random.bits(key(seed), shape);
    expect(x.shape).toEqual(shape);
    expect(list(x)).toEqual(value);
  });
  test.each(fixtures.uniform)('uniform $dtype $shape [$minval, $maxval)', ({ dtype, shape, minval, maxval, value }) => {
    const x = random.uniform(key(7), shape, { dtype, minval, maxval });
    expect(x.dtype).toBe(dtype);
    expect(x.shape).toEqual(shape);
    expect(list(x)).toEqual(value);
  });
  test.each(fixtures.normal)('normal $dtype', ({ dtype, shape, value }) => {
    // The reference is erfinv of SciPy in float64 of the same uniform samples u. In float32, XLA's formula rounds u² before
    // taking log(1 - u²), which moves a sample of size 3 (1 - |u| near 1e-3) by up to 1e-5.
    expect(distance(random.normal(key(3), shape, { dtype }), value)).toBeLessThan(dtype === 'float32' ? 1e-5 : 1e-13);
  });
  test.each(fixtures.randint)('randint $dtype [$minval, $maxval)', ({ dtype, shape, minval, maxval, value }) => {
    const x = random.randint(key(5), shape, minval, maxval, { dtype });
    expect(x.dtype).toBe(dtype);
    expect(list(x)).toEqual(value);
    expect(list(random.randint(key(5), { shape, minval, maxval, dtype }))).toEqual(value);
  });
  test.each(fixtures.permutation)('permutation of $n', ({ n, value }) => {
    expect(list(random.permutation(key(9), n))).toEqual(value);
  });
  test('independent permutation along an axis', () => {
    const { shape, value } = fixtures.independent;
    const x = random.permutation(key(9), 24);
    const ordered = x.sort().reshape(shape);
    expect(list(random.permutation(key(9), ordered, 1, { independent: true }))).toEqual(value);
  });
  test('gumbel', () => {
    expect(distance(random.gumbel(key(2), fixtures.gumbel.shape), fixtures.gumbel.value)).toBeLessThan(4e-6);
  });
  test.each(fixtures.categorical)('categorical axis $axis, shape $shape', ({ axis, shape, value }) => {
    const logits = logits23();
    const x = random.categorical(key(4), logits, { axis, shape });
    expect(x.dtype).toBe('int32');
    expect(x.shape).toEqual(shape);
    expect(list(x)).toEqual(value);
  });
});

describe('values printed in the documentation of JAX 0.5 and later', () => {
  const near = (x: NDArray, expected: readonly number[], digits: number): void => {
    list(x).forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i] ?? NaN, digits);
    });
  };

  test('jax.random: uniform', () => {
    near(random.uniform(key(0)), [0.947667], 6);
    const [, subkey] = random.spawn(key(0));
    near(random.uniform(subkey), [0.00729382], 8);
  });
  test('Pseudorandom numbers: normal, one by one and all at once', () => {
    near(random.normal(key(42)), [-0.028304616], 8);
    const subkeys = random.split(key(42), 3);
    near(random.normal(key(42), [3]), [-0.02830462, 0.46713185, 0.29570296], 7);
    [0.07592554, 0.60576403, 0.4323065].forEach((v, i) => {
      near(random.normal(subkeys.slice(i)), [v], 7);
    });
    let next = key(42);
    for (const v of [0.6057640314102173, -0.21089035272598267, -0.3948981463909149]) {
      const [newKey, subkey] = random.spawn(next);
      near(random.normal(subkey), [v], 6);
      next = newKey;
    }
  });
  test('jax.experimental.stateful_rng: foldIn, uniform, randint', () => {
    [0.5302608, 0.72766423, 0.6672406, 0.3890121].forEach((v, i) => {
      near(random.uniform(random.foldIn(key(42), i)), [v], 6);
    });
    expect(list(random.foldIn(key(42), 4))).toEqual([2954079971, 3276725750]);
    const child = (i: number): NDArray => random.foldIn(random.foldIn(key(123), i), 0);
    expect(list(random.randint(child(0), [2], 0, 10))).toEqual([1, 3]);
    expect(list(random.randint(child(1), [2], 0, 10))).toEqual([9, 9]);
  });
  test('Flax NNX, Rngs(params=0, dropout=1): the second key of each stream', () => {
    const x = random.normal(random.foldIn(key(0), 1), [3, 3]);
    const rows = [
      -2.4424558, -2.0356805, 0.20554423, -0.3535502, -0.76197404, -1.1785518, -1.1482196, 0.29716578, -1.3105359,
    ];
    near(x, rows, 6);
    const y = random.exponential(random.foldIn(key(1), 1), [10]);
    near(
      y,
      [
        0.5169214, 0.79605514, 0.2518507, 0.19346236, 2.1336777, 0.83475715, 0.10780825, 0.07331487, 0.5416562,
        1.9597657,
      ],
      6,
    );
  });
  test('split into eight', () => {
    expect(random.split(key(0), 8).js()).toEqual([
      [1797259609, 2579123966],
      [928981903, 3453687069],
      [4146024105, 2718843009],
      [2467461003, 3840466878],
      [2285895361, 433833334],
      [1524306142, 1887795613],
      [3792494674, 2909014575],
      [2716826189, 292468403],
    ]);
  });
});

/** log of [[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]. */
function logits23(): NDArray {
  const p = [0.1, 0.2, 0.7, 0.5, 0.25, 0.25];
  return np.array(p.map(Math.log)).reshape(2, 3);
}
