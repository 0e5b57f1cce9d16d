/**
 * Gradients of elementwise, reducing, linear and einsum functions: against central differences in float64, and the
 * places where a gradient is easily wrong (NaN beside a where, ties, zeros of a product, kinks).
 */
import type { NDArray } from 'cotangent';
import { grad, hessian, jvp, numpy as np } from 'cotangent';
import { describe, expect, test } from 'vitest';

type F = (...xs: NDArray[]) => NDArray;

/** Numbers in (low, high) that are not evenly spaced, always the same. */
function sample(shape: readonly number[], low: number, high: number, seed: number): NDArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, (_, i) => {
    const t = Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453;
    return low + (high - low) * (t - Math.floor(t));
  });
  return np.array(values, { dtype: 'float64', shape: [...shape] });
}

const STEP = 1e-5;
// Central differences in float64: truncation h² f'''/6 ~ 1e-10, rounding 1e-16/h ~ 1e-11; f''' may be large.
const TOLERANCE = 1e-6;

/** grad of Σ w f(xs) against differences, element by element, and the jvp in one direction against the gradient. */
function checkGradient(f: F, xs: readonly NDArray[]): void {
  const out = f(...xs);
  expect(out.dtype).toBe('float64');
  const weights = sample(out.shape, 0.5, 1.5, 7);
  const loss = (...args: NDArray[]): NDArray =>
    f(...args)
      .mul(weights)
      .sum();
  let directional = 0;
  const directions = xs.map((x, i) => sample(x.shape, -1, 1, 20 + i));
  xs.forEach((x, argnum) => {
    const gradient = grad((v: NDArray) => loss(...xs.map((other, i) => (i === argnum ? v : other))))(x);
    expect(gradient.shape).toEqual(x.shape);
    const values = Array.from(x.dataSync());
    const got = gradient.dataSync();
    const direction = directions[argnum]?.dataSync() ?? [];
    values.forEach((value, i) => {
      const at = (v: number): number => {
        const moved = np.array(
          values.map((old, j) => (j === i ? v : old)),
          { dtype: 'float64', shape: x.shape },
        );
        return Number(loss(...xs.map((other, k) => (k === argnum ? moved : other))).item());
      };
      const want = (at(value + STEP) - at(value - STEP)) / (2 * STEP);
      const error = Math.abs((got[i] ?? NaN) - want);
      if (!(error <= TOLERANCE * (1 + Math.abs(want)))) {
        expect.fail(`argument ${argnum}, element ${i}: gradient ${got[i]}, differences ${want}`);
      }
      directional += (got[i] ?? NaN) * (direction[i] ?? NaN);
    });
  });
  const [, tangent] = jvp<NDArray[], NDArray>(loss, [...xs], directions);
  expect(Number(tangent.item())).toBeCloseTo(directional, 9);
}

type Row = readonly [name: string, f: F, shapes: readonly (readonly number[])[], domain?: readonly [number, number]];

const unary = (names: readonly (keyof typeof np)[], low = -2, high = 2): Row[] =>
  names.map((name) => [name, np[name] as F, [[2, 3]], [low, high]]);
const binary = (names: readonly (keyof typeof np)[], low = 0.3, high = 2): Row[] =>
  names.map((name) => [name, np[name] as F, [[2, 3], [3]], [low, high]]);

const m = np.array([
  [true, false, true],
  [true, true, false],
]);
const holes = np.array(
  [
    [0, 0, 0],
    [0, NaN, 0],
  ],
  { dtype: 'float64' },
);

const rows: Row[] = [
  ...unary([
    'negative',
    'positive',
    'absolute',
    'fabs',
    'square',
    'exp',
    'exp2',
    'expm1',
    'sin',
    'cos',
    'arctan',
    'sinh',
    'cosh',
  ]),
  ...unary([
    'tanh',
    'arcsinh',
    'sinc',
    'deg2rad',
    'rad2deg',
    'sign',
    'floor',
    'ceil',
    'trunc',
    'rint',
    'round',
    'nanToNum',
  ]),
  ...unary(['sqrt', 'cbrt', 'log', 'log2', 'log10', 'log1p', 'reciprocal'], 0.2, 4),
  ...unary(['tan', 'arcsin', 'arccos', 'arctanh'], -0.9, 0.9),
  ...unary(['arccosh'], 1.2, 4),
  ...unary([
    'sum',
    'prod',
    'mean',
    'var',
    'std',
    'max',
    'min',
    'ptp',
    'cumsum',
    'cumprod',
    'trace',
    'diagonal',
    'tril',
    'triu',
    'diagflat',
  ]),
  ...unary([
    'nansum',
    'nanprod',
    'nanmean',
    'nanvar',
    'nanstd',
    'nanmax',
    'nanmin',
    'nancumsum',
    'nancumprod',
    'matrixTranspose',
  ]),
  ...binary([
    'add',
    'subtract',
    'multiply',
    'divide',
    'mod',
    'fmod',
    'floorDivide',
    'power',
    'floatPower',
    'maximum',
    'minimum',
    'fmax',
    'fmin',
  ]),
  ...binary([
    'arctan2',
    'hypot',
    'logaddexp',
    'logaddexp2',
    'copysign',
    'heaviside',
    'inner',
    'outer',
    'kron',
    'vecdot',
    'matvec',
  ]),
  ['power 3', (x) => np.power(x, 3), [[4]]],
  ['power -2', (x) => np.power(x, -2), [[4]], [0.5, 2]],
  ['2 ** x', (x) => np.power(2, x), [[4]]],
  ['clip', (x) => np.clip(x, -1, 1), [[6]], [-3, 3]],
  ['clip bounds', (x, a, b) => np.clip(x, a, b), [[6], [], [6]], [0, 1]],
  ['round 1', (x) => np.round(x, 1), [[4]]],
  ['modf', (x) => np.modf(x)[0], [[4]]],
  ['ldexp', (x) => np.ldexp(x, np.array([1, 2, -3])), [[3]]],
  ['where', (x, y) => np.where(m, x, y), [[2, 3], [3]]],
  ['select', (x, y) => np.select([m, np.logicalNot(m)], [x, y]), [[2, 3], [3]]],
  ['piecewise', (x) => np.piecewise(x, [x.less(0)], [(v) => v.mul(v), (v) => v.mul(3)]), [[6]], [-2, 2]],
  ['sum where', (x) => np.sum(x, 1, { where: m }), [[2, 3]]],
  ['mean where', (x) => np.mean(x, { axis: 0, where: m }), [[2, 3]]],
  ['prod where', (x) => np.prod(x, { axis: -1, keepdims: true, where: m }), [[2, 3]]],
  ['var where', (x) => np.var(x, { axis: 1, where: m, ddof: 1 }), [[2, 3]]],
  ['max where', (x) => np.max(x, { axis: 1, where: m, initial: -9 }), [[2, 3]]],
  ['average', (x, w) => np.average(x, { axis: 1, weights: w }), [[2, 3], [3]], [0.5, 2]],
  ['cumulativeSum', (x) => np.cumulativeSum(x, { axis: 1, includeInitial: true }), [[2, 3]]],
  ['nanmean beside NaN', (x) => np.nanmean(x.add(holes), 1), [[2, 3]]],
  ['nanvar beside NaN', (x) => np.nanvar(x.add(holes), { axis: 1, ddof: 1 }), [[2, 3]]],
  ['nanstd beside NaN', (x) => np.nanstd(x.add(holes), 0, { ddof: 0 }), [[2, 3]]],
  ['nanprod beside NaN', (x) => np.nanprod(x.add(holes), 0), [[2, 3]]],
  ['nanmax beside NaN', (x) => np.nanmax(x.add(holes), 1), [[2, 3]]],
  ['nanToNum beside NaN', (x) => np.nanToNum(x.add(holes)), [[2, 3]]],
  [
    'dot',
    np.dot,
    [
      [2, 3],
      [3, 2],
    ],
  ],
  [
    'vdot',
    np.vdot,
    [
      [2, 3],
      [3, 2],
    ],
  ],
  [
    'matmul',
    np.matmul,
    [
      [2, 3],
      [3, 2],
    ],
  ],
  [
    'matmul broadcast',
    np.matmul,
    [
      [2, 1, 2, 3],
      [4, 3, 2],
    ],
  ],
  ['matmul vector', np.matmul, [[3], [2, 3, 2]]],
  ['vecmat', np.vecmat, [[3], [3, 2]]],
  [
    'tensordot',
    (x, y) =>
      np.tensordot(x, y, [
        [1, 0],
        [0, 2],
      ]),
    [
      [2, 3],
      [3, 2, 2],
    ],
  ],
  ['cross', np.cross as F, [[2, 3], [3]]],
  [
    'cross of 2 with 3',
    np.cross as F,
    [
      [2, 2],
      [2, 3],
    ],
  ],
  ['multiDot', (x, y, z) => np.multiDot([x, y, z]), [[2, 3], [3, 2], [2]]],
  ['diagonal k', (x) => np.diagonal(x, 1, 0, 2), [[2, 2, 3]]],
  ['diag', (x) => np.diag(x, -1), [[3]]],
  ['vander', (x) => np.vander(x, { n: 4 }), [[3]]],
  ['meshgrid', (x, y) => np.meshgrid([x, y])[0]?.mul(np.meshgrid([x, y])[1] ?? 0) ?? x, [[2], [3]]],
  ['linspace', (x, y) => np.linspace(x, y, 4), [[2], []]],
  ['logspace', (x) => np.logspace(x, 1, 3), [[2]], [0, 1]],
  ['geomspace', (x, y) => np.geomspace(x, y, 4), [[2], [2]], [0.5, 3]],
  ['full', (x) => np.full([2, 3], x), [[3]]],
  ['array', (x, y) => np.array([x, y, [1, 2]]), [[2], [2]]],
  [
    'einsum ij,jk',
    (x, y) => np.einsum('ij,jk->ki', x, y),
    [
      [2, 3],
      [3, 2],
    ],
  ],
  ['einsum ii', (x) => np.einsum('ii', x), [[3, 3]]],
  ['einsum iij', (x) => np.einsum('iij->ji', x), [[2, 2, 3]]],
  [
    'einsum chain',
    (x, y, z) => np.einsum('ij,jk,kl->il', x, y, z),
    [
      [2, 3],
      [3, 2],
      [2, 2],
    ],
  ],
  [
    'einsum ellipsis',
    (x, y) => np.einsum('...ij,...jk->...ik', x, y),
    [
      [2, 2, 3],
      [3, 2],
    ],
  ],
  [
    'einsum broadcast',
    (x, y) => np.einsum('ij,ij->i', x, y),
    [
      [1, 3],
      [2, 3],
    ],
  ],
];

test.each(rows.map(([name, f, shapes, domain]) => ({ name, f, shapes, domain })))('$name', ({ f, shapes, domain }) => {
  const [low, high] = domain ?? [-2, 2];
  checkGradient(
    f,
    shapes.map((shape, i) => sample(shape, low, high, i + 1)),
  );
});

const scalarGrad = (f: (x: NDArray) => NDArray, x: number): number => Number(grad(f)(np.array(x)).item());

describe('where a gradient is easily wrong', () => {
  test('where with a safe argument on the other side', () => {
    const f = (x: NDArray): NDArray => {
      const isPositive = x.greater(0);
      return np.where(isPositive, np.sqrt(np.where(isPositive, x, 1)), 0).sum();
    };
    expect(grad(f)(np.array([-1, 0, 4])).js()).toEqual([0, 0, 0.25]);
  });

  test('ties of max, min and maximum share the gradient', () => {
    expect(grad((x: NDArray) => np.max(x))(np.array([1, 3, 3])).js()).toEqual([0, 0.5, 0.5]);
    expect(grad((x: NDArray) => np.min(x))(np.array([1, 1, 3])).js()).toEqual([0.5, 0.5, 0]);
    expect(scalarGrad((x) => np.maximum(x, 2), 2)).toBe(0.5);
  });

  test('products with zeros', () => {
    expect(grad((x: NDArray) => np.prod(x))(np.array([2, 0, 3])).js()).toEqual([0, 6, 0]);
    expect(grad((x: NDArray) => np.cumprod(x).sum())(np.array([2, 0, 3])).js()).toEqual([1, 8, 0]);
  });

  test('hypot at the origin and its Hessian on the diagonal', () => {
    expect(scalarGrad((x) => np.hypot(x, 0), 0)).toBe(0);
    // ∂²√(x²+y²)/∂x² = y²/r³ = 1/(2√2) at (1, 1).
    const h = hessian((v: NDArray) => np.hypot(v.slice(0), v.slice(1)))(np.array([1, 1], { dtype: 'float64' }));
    const c = 1 / (2 * Math.SQRT2);
    const flat = Array.from(h.dataSync());
    [c, -c, -c, c].forEach((want, i) => expect(flat[i]).toBeCloseTo(want, 12));
  });

  test('logaddexp at ties and infinities', () => {
    const h = hessian((v: NDArray) => np.logaddexp(v.slice(0), v.slice(1)))(np.array([1, 1], { dtype: 'float64' }));
    [0.25, -0.25, -0.25, 0.25].forEach((want, i) => expect(h.dataSync()[i]).toBeCloseTo(want, 12));
    expect(scalarGrad((x) => np.logaddexp(x, -Infinity), 1)).toBe(1);
    expect(scalarGrad((x) => np.logaddexp(x, 1), -Infinity)).toBe(0);
  });

  test('sinc has its derivatives at 0', () => {
    const second = grad(grad((x: NDArray) => np.sinc(x)))(np.array(0, { dtype: 'float64' }));
    expect(second.item()).toBeCloseTo(-(Math.PI ** 2) / 3, 12);
    const fourth = grad(grad(grad(grad((x: NDArray) => np.sinc(x)))))(np.array(0, { dtype: 'float64' }));
    expect(fourth.item()).toBeCloseTo(Math.PI ** 4 / 5, 10);
  });

  test('integer powers at 0, and rounding', () => {
    expect(scalarGrad((x) => np.power(x, 0), 0)).toBe(0);
    expect(scalarGrad((x) => np.power(x, 1), 0)).toBe(1);
    expect(scalarGrad((x) => np.power(x, 2), 0)).toBe(0);
    expect(scalarGrad((x) => np.floorDivide(x, 0), 3)).toBe(0);
    expect(scalarGrad((x) => np.mod(x, 2), 3)).toBe(1);
    expect(scalarGrad((x) => np.absolute(x), 0)).toBe(0);
  });

  test('the standard deviation of equal elements', () => {
    expect(grad((x: NDArray) => np.std(x))(np.array([2, 2])).js()).toEqual([0, 0]);
  });

  test('all NaN: the gradient of a nan-reduction is 0, not NaN', () => {
    expect(grad((x: NDArray) => np.nansum(x))(np.array([NaN, 1])).js()).toEqual([0, 1]);
    expect(grad((x: NDArray) => np.nanvar(x))(np.array([NaN, 1, 3])).js()).toEqual([0, -1, 1]);
    expect(grad((x: NDArray) => np.nanmax(x))(np.array([NaN, 1, 3])).js()).toEqual([0, 0, 1]);
  });
});
