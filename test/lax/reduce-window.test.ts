/** Window reductions against their definition, for random windows; gradients, forms, errors. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad, jit, lax, makeJaxpr, numpy as np, vjp, type NDArray } from 'cotangent';
import {
  at,
  drawn as drawnFrom,
  indices,
  outLength,
  size,
  source,
  toArray as array,
  type Dense,
  type Window,
} from './naive-conv.js';

const configuration = fc.integer({ min: 1, max: 3 }).chain((rank) => {
  const perAxis = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.array(arbitrary, { minLength: rank, maxLength: rank });
  return fc.record({
    lengths: perAxis(fc.integer({ min: 0, max: 7 })),
    window: perAxis(fc.integer({ min: 1, max: 4 })),
    strides: perAxis(fc.integer({ min: 1, max: 4 })),
    padding: perAxis(fc.tuple(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -2, max: 3 }))),
    baseDilation: perAxis(fc.constantFrom(1, 1, 2, 3)),
    windowDilation: perAxis(fc.constantFrom(1, 1, 2)),
    op: fc.constantFrom<'add' | 'max' | 'min'>('add', 'max', 'min'),
    seed: fc.nat(),
  });
});
type Configuration = typeof configuration extends fc.Arbitrary<infer T> ? T : never;

/** Few distinct values, so that windows have ties. */
const drawn = (shape: readonly number[], seed: number): Dense => drawnFrom(shape, seed, 5);

const IDENTITY = { add: 0, max: -Infinity, min: Infinity } as const;
const COMBINE = {
  add: (a: number, b: number): number => a + b,
  max: (a: number, b: number): number => Math.max(a, b),
  min: (a: number, b: number): number => Math.min(a, b),
} as const;

const windowOf = (c: Configuration): Window => ({
  strides: c.strides,
  padding: c.padding,
  baseDilation: c.baseDilation,
  windowDilation: c.windowDilation,
});

/** Result, and for each window the flat positions of the elements of the array in it, in order. */
function naive(c: Configuration, x: Dense, init: number): { out: Dense; members: number[][] } {
  const w = windowOf(c);
  const shape = c.lengths.map((n, i) => outLength(n, c.window[i] ?? 1, w, i));
  const members: number[][] = [];
  const data = [...indices(shape)].map((o) => {
    const inside: number[] = [];
    let holes = false;
    for (const k of indices(c.window)) {
      const from = c.lengths.map((n, i) => source(n, w, i, o[i] ?? 0, k[i] ?? 0));
      if (from.some((i) => i === undefined)) holes = true;
      else inside.push(from.reduce<number>((flat, i, d) => flat * (c.lengths[d] ?? 1) + (i ?? 0), 0));
    }
    members.push(inside);
    let value: number = init;
    if (holes && c.op === 'add') value += init * (size(c.window) - inside.length);
    return inside.reduce((found, i) => COMBINE[c.op](found, x.data[i] ?? NaN), value);
  });
  return { out: { shape, data }, members };
}

const cropped = (c: Configuration): boolean =>
  c.lengths.some((n, i) => {
    const [low = 0, high = 0] = c.padding[i] ?? [];
    return (n === 0 ? 0 : (n - 1) * (c.baseDilation[i] ?? 1) + 1) + low + high < 0;
  });

const apply = (c: Configuration, x: NDArray, init: number): NDArray =>
  lax.reduceWindow(x, init, c.op, c.window, c.strides, c.padding, c.baseDilation, c.windowDilation);

const same = (actual: NDArray, expected: Dense): void => {
  expect(actual.shape).toEqual(expected.shape);
  expect([...actual.dataSync()].map((v) => v + 0)).toEqual(expected.data.map((v) => v + 0));
};

describe('the definition', () => {
  test('any window, stride, padding and dilation', () => {
    fc.assert(
      fc.property(configuration, fc.boolean(), (c, identity) => {
        if (cropped(c)) return;
        const x = drawn(c.lengths, c.seed);
        const init = identity ? IDENTITY[c.op] : 1;
        same(apply(c, array(x), init), naive(c, x, init).out);
      }),
      { numRuns: 200 },
    );
  });

  test('the gradient of an extremum goes to the first element that attains it, that of a sum to all', () => {
    fc.assert(
      fc.property(configuration, (c) => {
        if (cropped(c)) return;
        const x = drawn(c.lengths, c.seed);
        const { out, members } = naive(c, x, IDENTITY[c.op]);
        const ct = drawn(out.shape, c.seed + 1);
        const expected = x.data.map(() => 0);
        members.forEach((inside, o) => {
          const chosen = c.op === 'add' ? inside : inside.filter((i) => x.data[i] === out.data[o]).slice(0, 1);
          for (const i of chosen) expected[i] = (expected[i] ?? 0) + (ct.data[o] ?? 0);
        });
        const [, pullback] = vjp((a: NDArray) => apply(c, a, IDENTITY[c.op]), [array(x)]);
        same(pullback(array(ct))[0], { shape: x.shape, data: expected });
      }),
      { numRuns: 100 },
    );
  });
});

describe('forms', () => {
  const x = np.array([1, 3, 2, 5, 4, 0]);

  test('NaN, and the first of equals', () => {
    const pool = (a: NDArray): NDArray => lax.reduceWindow(a, -Infinity, lax.max, [3], [3]);
    const y = np.array([1, NaN, NaN, 2, 2, 1]);
    expect([...pool(y).dataSync()]).toEqual([NaN, 2]);
    expect(grad((a: NDArray) => pool(a).sum())(y).js()).toEqual([0, 1, 0, 1, 0, 0]);
  });

  test('any function of two arrays', () => {
    const products = lax.reduceWindow(x, 1, (a, b) => np.multiply(a, b), [2], [1], [[0, 1]]);
    expect(products.js()).toEqual([3, 6, 10, 20, 0, 0]);
    expect(grad((a: NDArray) => lax.reduceWindow(a, 1, lax.mul, [3], [3]).sum())(x).js()).toEqual([6, 2, 3, 0, 0, 20]);
  });

  test('an initial value that is an array', () => {
    expect(lax.reduceWindow(x, np.array(3), 'max', [2], [2]).js()).toEqual([3, 5, 4]);
  });

  test("jax-js's form: a function of one window, over the last axes", () => {
    const image = np.arange(24).reshape([2, 3, 4]).astype('float32');
    const max = lax.reduceWindow(image, np.max, [2, 2], [1, 2]);
    expect(max.js()).toEqual(lax.reduceWindow(image, -Infinity, 'max', [1, 2, 2], [1, 1, 2]).js());
    const text = String(makeJaxpr((a: NDArray) => lax.reduceWindow(a, np.max, [2, 2], [1, 2]))(image));
    expect(text).toContain('reduce_window_max');
    const range = lax.reduceWindow(image, (w) => np.max(w).sub(np.min(w)), [2, 2], [1, 2]);
    expect(range.js()).toEqual(np.full([2, 2, 2], 5).js());
    expect(lax.reduceWindow(x, np.prod, [3]).js()).toEqual([6, 30, 40, 0]);
  });

  test('named padding', () => {
    expect(lax.reduceWindow(x, 0, 'add', [3], [2], 'SAME').js()).toEqual([6, 11, 4]);
    expect(lax.reduceWindow(x, 0, 'add', [3], [2], 'SAME_LOWER').js()).toEqual([4, 10, 9]);
  });

  test('integers', () => {
    const ints = np.array([3, -1, 2, 7], { dtype: 'int32' });
    const max = lax.reduceWindow(ints, -Infinity, 'max', [2], [1], [[1, 0]]);
    expect([max.dtype, max.js()]).toEqual(['int32', [3, 3, 2, 7]]);
  });

  test("jaxprs print as JAX's", () => {
    const text = String(makeJaxpr((a: NDArray) => lax.reduceWindow(a, -Infinity, lax.max, [2], [2]))(x));
    expect(text).toBe(`\
{ lambda ; a:f32[6]. let
    b:f32[3] = reduce_window_max[
      base_dilation=(1,)
      padding=((0, 0),)
      window_dilation=(1,)
      window_dimensions=(2,)
      window_strides=(2,)
    ] a
  in (b,) }`);
  });

  test('a large window under jit is one of many', () => {
    const image = np.arange(400).reshape([20, 20]).astype('float32');
    const mean = jit((a: NDArray) => lax.reduceWindow(a, 0, 'add', [20, 20]));
    expect(mean(image).js()).toEqual([[79800]]);
  });
});

describe('errors', () => {
  const x = np.zeros([4, 5]);
  test.each<[string, () => unknown, string]>([
    [
      'window',
      () => lax.reduceWindow(x, 0, 'add', [2]),
      'ShapeError: reduce_window: windowDimensions [2] must be positive integers, one for each of the 2 axes of f32[4,5].',
    ],
    [
      'strides',
      () => lax.reduceWindow(x, 0, 'add', [2, 2], [1, 0]),
      'ShapeError: reduce_window: windowStrides [1, 0] must be positive integers, one for each of the 2 axes of f32[4,5].',
    ],
    [
      'padding',
      () => lax.reduceWindow(x, 0, 'add', [2, 2], [1, 1], [[1, 1]]),
      "ShapeError: reduce_window: padding [[1,1]] must be 'SAME', 'SAME_LOWER', 'VALID', or [low, high] pairs of integers, one for each of the 2 axes of f32[4,5].",
    ],
    [
      'too much cropped',
      () => lax.reduceWindow(x, 0, 'add', [2, 2], [1, 1], [[-5, 0], [0, 0]]), // prettier-ignore
      'ShapeError: reduce_window: padding [-5, 0] takes more than the 4 elements of axis 0 of f32[4,5].',
    ],
    [
      'bool',
      () => lax.reduceWindow(x.astype('bool'), false, 'add', [2, 2]),
      'DTypeError: reduce_window_sum: does not take bool.',
    ],
  ])('%s', (_what, f, expected) => {
    let message = '';
    try {
      f();
    } catch (error) {
      message = String(error).replace(/\n {2}at .*$/s, '');
    }
    expect(message).toBe(expected);
    expect(lax.reduceWindow(np.ones([2]), 0, 'add', [2]).js()).toEqual([2]);
  });
});

test('at reads what indices name', () => {
  const x = { shape: [2, 2], data: [1, 2, 3, 4] };
  expect([...indices(x.shape)].map((i) => at(x, i))).toEqual(x.data);
});
