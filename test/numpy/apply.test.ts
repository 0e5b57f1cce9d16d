/** Functions applied along axes, dtypes given by place, frexp and unwrap. */
import { grad, jit, numpy as np, random, vmap, type NDArray } from 'cotangent';
import { describe, expect, test } from 'vitest';

const cube = random.normal(random.key(3), [2, 3, 4]);

describe('applyAlongAxis and applyOverAxes', () => {
  test.each([0, 1, 2, -1])('a result of any shape takes the place of axis %i', (axis) => {
    const n = cube.shape.at(axis) ?? 0;
    const sum = np.applyAlongAxis((v) => v.sum(), axis, cube);
    expect(np.allclose(sum, np.sum(cube, axis)).item()).toBe(true);
    const sorted = np.applyAlongAxis((v) => np.sort(v).mul(np.arange(n)), axis, cube);
    const weights = np.moveaxis(np.broadcastTo(np.arange(n), [1, 1, n]), -1, axis);
    expect(np.allclose(sorted, np.sort(cube, axis).mul(weights)).item()).toBe(true);
    const outer = np.applyAlongAxis((v) => np.outer(v, v), axis, cube);
    const at = axis < 0 ? axis + 3 : axis;
    expect(outer.shape).toEqual(cube.shape.flatMap((m, d) => (d === at ? [n, n] : [m])));
    expect(np.allclose(np.trace(outer, 0, at, at + 1), np.sum(np.square(cube), at), { rtol: 1e-4 }).item()).toBe(true);
  });

  test('under jit and grad', () => {
    const f = (x: NDArray): NDArray => np.applyAlongAxis((v) => np.square(v).sum(), 1, x).sum();
    expect(np.allclose(jit(grad(f))(cube), cube.mul(2)).item()).toBe(true);
  });

  test('one axis after the other', () => {
    const [twice, once] = [np.applyOverAxes(np.sum, cube, [0, -1]), np.sum(cube, [0, 2], { keepdims: true })];
    expect(twice.shape).toEqual([1, 3, 1]);
    expect(np.allclose(twice, once).item()).toBe(true);
    expect(np.applyOverAxes((x, axis) => np.sort(x, axis), cube, 1).js()).toEqual(np.sort(cube, 1).js());
    expect(() => np.applyOverAxes((x) => x.sum(), cube, [0])).toThrow(/applyOverAxes.*rank 0/);
  });
});

describe('dtypes by place, as NumPy has them', () => {
  test('creation', () => {
    expect(np.zeros([2], 'float64').dtype).toBe('float64');
    expect(np.ones(2, np.int32).dtype).toBe('int32');
    expect(np.full([2], 1, np.bool).js()).toEqual([true, true]);
    expect(np.array([1, 2], np.uint32).dtype).toBe('uint32');
    expect(np.asarray([1, 2], np.int32).dtype).toBe('int32');
    expect(np.empty([2], np.int32).dtype).toBe('int32');
    expect(np.zerosLike(cube, np.int32).dtype).toBe('int32');
    expect(np.onesLike(cube, { shape: [2], dtype: np.int32 }).js()).toEqual([1, 1]);
    expect(np.fullLike(cube, 2, np.int32).shape).toEqual([2, 3, 4]);
    expect(np.arange(0, 3, 1, np.float32).dtype).toBe('float32');
    expect(np.identity(2, np.int32).dtype).toBe('int32');
    expect(np.tri(2, 2, 0, np.bool).js()).toEqual([
      [true, false],
      [true, true],
    ]);
    // @ts-expect-error: not a dtype
    expect(() => np.zeros([2], 'float8')).toThrow(/no dtype float8/);
  });

  test('the diagonal of eye by place or by name', () => {
    expect(np.eye(3, 3, 1).js()).toEqual(np.eye(3, 3, { k: 1 }).js());
    expect(np.eye(3, null, -1, np.int32).dtype).toBe('int32');
    expect(np.eye(2, 3, 1, { dtype: 'bool' }).js()).toEqual([
      [false, true, false],
      [false, false, true],
    ]);
    expect(np.permuteDims(cube).shape).toEqual([4, 3, 2]);
    expect(np.hann(5).js()).toEqual(np.hanning(5).js());
  });
});

describe('frexp', () => {
  const extremes = {
    float32: [1, -1, 2, 0.5, 3, 0.999_999_94, 2 ** -126, 2 ** -149, -3 * 2 ** -140, 2 ** 127, 3.402_823_466e38, -0.1],
    float64: [1, -8, 0.1, 2 ** -1022, 2 ** -1074, 5 * 2 ** -1060, 2 ** 1023, Number.MAX_VALUE, -Math.PI],
  } as const;

  test.each(['float32', 'float64'] as const)('takes %s apart exactly, also the smallest and largest', (dtype) => {
    const x = np.array(extremes[dtype], dtype);
    const [m, e] = jit((x: NDArray) => np.frexp(x))(x);
    expect(e.dtype).toBe('int32');
    const size = np.abs(m);
    expect(np.all(size.greaterEqual(0.5).logicalAnd(size.less(1))).item()).toBe(true);
    // 2^e alone may overflow, so in two steps on the host, in double precision.
    const [ms, es] = [m.dataSync(), e.dataSync()];
    const back = Array.from(ms, (v, i) => v * 2 ** Math.ceil((es[i] ?? 0) / 2) * 2 ** Math.floor((es[i] ?? 0) / 2));
    expect(back).toEqual(Array.from(x.dataSync()));
  });

  test('leaves zeros, infinities and NaN; the gradient is 2^-e', () => {
    const [m, e] = np.frexp(np.array([0, -0, Infinity, -Infinity, NaN]));
    expect(m.js()).toEqual([0, -0, Infinity, -Infinity, NaN]);
    expect(e.js()).toEqual([0, 0, 0, 0, 0]);
    expect(grad((x: NDArray) => np.frexp(x)[0])(np.array(6)).item()).toBe(1 / 8);
  });
});

describe('unwrap', () => {
  test('undoes wrapping of a signal with small steps, along any axis, in any period', () => {
    const signal = np.cumsum(random.uniform(random.key(1), [50, 2], { minval: -3, maxval: 3, dtype: 'float64' }), 0);
    const wrap = (x: NDArray, period: number): NDArray => np.mod(x.add(period / 2), period).sub(period / 2);
    const start = (x: NDArray): NDArray => x.sub(x.slice([0, 1]));
    for (const period of [2 * Math.PI, 7]) {
      const back = np.unwrap(wrap(signal, period), null, 0, period);
      expect(np.allclose(start(back), start(signal), { atol: 1e-9 }).item()).toBe(true);
      const rows = vmap((row: NDArray) => np.unwrap(row, null, -1, period), 1, { outAxes: 1 })(wrap(signal, period));
      expect(np.allclose(rows, back).item()).toBe(true);
    }
  });

  // NumPy's own answers: np.unwrap(x, discont, period=p).
  test('steps of half a period keep their sign; discont spares smaller steps', () => {
    expect(np.unwrap(np.array([0, 2, 0, 2]), null, -1, 4).js()).toEqual([0, 2, 0, 2]);
    expect(np.unwrap(np.array([0, 3, 6, 0]), 5, -1, 4).js()).toEqual([0, 3, 6, 4]);
    expect(np.unwrap(np.array([0, 3, 6, 0]), null, -1, 4).js()).toEqual([0, -1, -2, -4]);
    expect(np.unwrap(np.array([1])).js()).toEqual([1]);
  });
});

test('var and std take a mean that is known', () => {
  const mean = np.mean(cube, 1, { keepdims: true });
  expect(np.allclose(np.var(cube, 1, { mean, ddof: 1 }), np.var(cube, 1, { ddof: 1 })).item()).toBe(true);
  expect(np.std(np.array([1, 3]), { mean: 0 }).item()).toBeCloseTo(Math.sqrt(5), 5);
  expect(() => np.var(cube, 1, { mean: np.ones([5]) })).toThrow(/\[5\]/);
});

test('isscalar takes arrays of rank 0 for scalars', () => {
  expect([3, true, np.array(1), np.array([1]), [1], 'a', null].map(np.isscalar)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
