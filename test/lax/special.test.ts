/** Bessel, zeta and incomplete gamma functions against SciPy and mpmath (scripts/fixtures/special.py), reducePrecision, derivatives. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { grad, jit, jvp, lax, makeJaxpr, numpy as np, scipy, vmap, type DType, type NDArray } from 'cotangent';
import { checkGrads } from 'cotangent/testing';

const { special } = scipy;

type Numbers = readonly (number | string)[];
interface Fixtures {
  unary: Record<'i0e' | 'i1e' | 'i0' | 'i1', [Numbers, Numbers]>;
  zeta: [Numbers, Numbers, Numbers];
  zetaByOrder: [Numbers, Numbers, Numbers];
  incompleteGamma: Record<'to 100' | 'large', [Numbers, Numbers, Numbers, Numbers]>;
  gammaByShape: [Numbers, Numbers, Numbers];
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/special.json', import.meta.url), 'utf8')) as Fixtures;

const array = (values: Numbers, dtype: DType): NDArray => np.array(values.map(Number), { dtype });
const elements = (x: NDArray): number[] => [...x.dataSync()].map(Number);
const EPSILON = { float32: 2 ** -24, float64: 2 ** -53 } as const;
const SMALLEST = { float32: 2 ** -126, float64: 2 ** -1022 } as const;

/** Every element within `rtol` of its value, or `atol` of it. */
function expectClose(actual: NDArray, expected: Numbers, rtol: number, atol: number): void {
  const values = elements(actual);
  expect(values).toHaveLength(expected.length);
  values.forEach((v, i) => {
    const w = Number(expected[i]);
    if (!Number.isFinite(w)) expect(v, `element ${i}`).toEqual(w);
    else
      expect(Math.abs(v - w), `element ${i}: got ${v}, expected ${w}`).toBeLessThanOrEqual(rtol * Math.abs(w) + atol);
  });
}

describe.each(['float32', 'float64'] as const)('values in %s', (dtype) => {
  // i0 and i1 are products with e^|x|, which has its own rounding.
  test.each(Object.entries(fixtures.unary))('%s', (name, [x, expected]) => {
    const f = special[name as keyof Fixtures['unary']];
    const highest = dtype === 'float32' && !name.endsWith('e') ? 3.4e38 : Infinity;
    const inRange = expected.map((v) => (Math.abs(Number(v)) > highest ? 'Infinity' : v));
    expectClose(f(array(x, dtype)), inRange, 16 * EPSILON[dtype], SMALLEST[dtype]);
  });
  test('zeta', () => {
    const [x, q, expected] = fixtures.zeta;
    // The relative error of a power is that of its logarithm, up to 60 · ln 3 here, and 1/(x - 1) that of x.
    expectClose(lax.zeta(array(x, dtype), array(q, dtype)), expected, 64 * EPSILON[dtype], SMALLEST[dtype]);
  });
  test('the derivative of zeta by x', () => {
    const [x, q, expected] = fixtures.zetaByOrder;
    // It changes its sign for q > 1: the largest terms cancel.
    expectClose(
      lax.zetaDerivative(1, array(x, dtype), array(q, dtype)),
      expected,
      128 * EPSILON[dtype],
      128 * EPSILON[dtype],
    );
  });
  // As documented: of the smaller one, relative; of 1 minus it, absolute.
  test.each([
    ['to 100', { float32: 1e-5, float64: 1e-12 }],
    ['large', { float32: 5e-4, float64: 1e-11 }],
  ] as const)('igamma and igammac %s', (range, accuracy) => {
    const [a, x, p, q] = fixtures.incompleteGamma[range];
    const isLower = a.map((v, i) => Number(x[i]) < Number(v) + 1);
    const tolerance = accuracy[dtype];
    const [lower, upper] = [
      lax.igamma(array(a, dtype), array(x, dtype)),
      lax.igammac(array(a, dtype), array(x, dtype)),
    ];
    const where = (values: Numbers, side: boolean): Numbers => values.filter((_, i) => isLower[i] === side);
    const pick = (values: NDArray, side: boolean): NDArray => array(where(elements(values), side), dtype);
    // Below 1e-20 nothing of a float32 exponent of -46 or less is left but its rounding.
    const floor = dtype === 'float32' ? 1e-20 : SMALLEST[dtype];
    expectClose(pick(lower, true), where(p, true), tolerance, floor);
    expectClose(pick(upper, false), where(q, false), tolerance, floor);
    expectClose(lower, p, 0, tolerance);
    expectClose(upper, q, 0, tolerance);
    if (dtype === 'float32' && range === 'to 100') expectClose(lower, p, 0, 4e-6);
  });
});

describe('edges', () => {
  const f = (g: (x: NDArray, y: NDArray) => NDArray, x: Numbers, y: Numbers): number[] =>
    elements(g(array(x, 'float32'), array(y, 'float32')));
  test('zeta does what XLA does', () => {
    expect(f(lax.zeta, [1, 0.5, 2, 3, 2.5, NaN, 2, 2], [3, 3, -1, -1, -0.5, 1, NaN, 0])).toEqual([
      Infinity,
      NaN,
      Infinity,
      NaN,
      NaN,
      NaN,
      NaN,
      Infinity,
    ]);
    expect(f(lax.zeta, [Infinity, Infinity, 1e4, 2, 40], [2, 1, 1, Infinity, 1e30])).toEqual([0, 1, 1, 0, 0]);
    expect(f(lax.zeta, [2], [-30.5])).toEqual([NaN]);
  });
  test('igamma and igammac at the ends', () => {
    const [a, x] = [
      [1, 1, 0, -1, 1, Infinity, Infinity, NaN, 1],
      [0, Infinity, 1, 1, -1, 1, Infinity, 1, NaN],
    ];
    expect(f(lax.igamma, a, x)).toEqual([0, 1, NaN, NaN, NaN, 0, NaN, NaN, NaN]);
    expect(f(lax.igammac, a, x)).toEqual([1, 0, NaN, NaN, NaN, 1, NaN, NaN, NaN]);
  });
  test('Bessel functions at 0 keep the sign of zero', () => {
    expect(elements(lax.besselI1e(np.array([0, -0])))).toEqual([0, -0]);
    // Within one ulp: the Chebyshev sum is rounded term by term.
    for (const v of elements(lax.besselI0e(np.array([0, -0])))) expect(Math.abs(v - 1)).toBeLessThan(2e-7);
  });
});

describe('derivatives', () => {
  const float64 = { dtype: 'float64' } as const;
  const x = np.array([-9, -3, -0.4, 0.3, 2, 7.5, 20], float64);
  test.each([
    ['i0e', special.i0e],
    ['i1e', special.i1e],
  ] as const)('%s', (_name, f) => {
    checkGrads((v: NDArray) => f(v), [x], { order: 2 });
  });
  test.each([
    ['i0', special.i0],
    ['i1', special.i1],
  ] as const)('%s', (_name, f) => {
    checkGrads((v: NDArray) => f(v), [np.array([-3, -0.4, 0.3, 2], float64)], { order: 2 });
  });
  test('Bessel functions at 0 have the derivatives of JAX', () => {
    expect(grad(special.i0e)(np.array(0)).item()).toBe(0);
    expect(grad(special.i1e)(np.array(0)).item()).toBe(0.5);
    expect(grad(grad(special.i1e))(np.array(0)).item()).toBe(0);
  });
  test('zeta by both operands', () => {
    const [s, q] = [np.array([1.5, 2.5, 6], float64), np.array([0.6, 1, 3], float64)];
    checkGrads((u: NDArray, v: NDArray) => lax.zeta(u, v), [s, q], { order: 2 });
    checkGrads((u: NDArray, v: NDArray) => lax.zetaDerivative(2, u, v), [s, q], { order: 2 });
  });
  test.each([
    ['igamma', lax.igamma],
    ['igammac', lax.igammac],
  ] as const)('%s by both operands', (_name, f) => {
    const [a, t] = [np.array([0.3, 0.8, 2, 5, 12, 30], float64), np.array([0.2, 3, 2.5, 9, 8, 31.2], float64)];
    checkGrads((u: NDArray, v: NDArray) => f(u, v), [a, t], { order: 2 });
  });
  test('igamma by a, against mpmath', () => {
    const [a, t, expected] = fixtures.gammaByShape;
    const byShape = vmap(grad(lax.igamma));
    expectClose(byShape(array(a, 'float64'), array(t, 'float64')), expected, 1e-10, 1e-12);
    expectClose(byShape(array(a, 'float32'), array(t, 'float32')), expected, 1e-4, 2e-6);
    expect(grad(lax.igamma)(np.array(2), np.array(0)).item()).toBe(0);
  });
});

describe('reducePrecision', () => {
  const round = (values: number[], exponentBits: number, mantissaBits: number, dtype: DType = 'float32'): number[] =>
    elements(lax.reducePrecision(array(values, dtype), exponentBits, mantissaBits));
  test('to nearest, ties to even', () => {
    const ulp = 2 ** -7;
    expect(round([1 + ulp / 2, 1 + 1.5 * ulp, 1 + 0.51 * ulp, -1 - 0.49 * ulp], 8, 7)).toEqual([
      1,
      1 + 2 * ulp,
      1 + ulp,
      -1,
    ]);
    expect(round([1 + 2 ** -11, 1 + 3 * 2 ** -11, 1.9999], 5, 10, 'float64')).toEqual([1, 1 + 2 ** -9, 2]);
    expect(round([3.7, 1.5, 2.5], 8, 0)).toEqual([4, 2, 2]);
  });
  test('in float64 to float32 is rounding to float32', () => {
    const values = [Math.PI, -1e-30, 1e30, 0.1, 16777217];
    expect(round(values, 8, 23, 'float64')).toEqual(values.map(Math.fround));
    expect(round([1e39, -1e39, 1e-39, -1e-39], 8, 23, 'float64')).toEqual([Infinity, -Infinity, 0, -0]);
  });
  test('range of exponents', () => {
    expect(round([65504, 65519, 65520, -7e4, 2 ** -14, -(2 ** -15), 2 ** -15], 5, 10)).toEqual([
      65504,
      65504,
      Infinity,
      -Infinity,
      2 ** -14,
      -0,
      0,
    ]);
  });
  test('special values', () => {
    expect(round([NaN, Infinity, -Infinity, 0, -0], 5, 10)).toEqual([NaN, Infinity, -Infinity, 0, -0]);
    expect(round([NaN, Infinity], 5, 0)).toEqual([Infinity, Infinity]);
    expect(round([Math.PI, 1e-40], 11, 52)).toEqual([Math.fround(Math.PI), Math.fround(1e-40)]);
  });
  test('compiled the same', () => {
    const x = np.array([Math.PI, -1e-6, 7e4, 0.1]);
    const f = (v: NDArray): NDArray => lax.reducePrecision(v, 5, 10);
    expect(jit(f)(x).js()).toEqual(f(x).js());
  });
  test('tangents and cotangents are rounded too, as in JAX', () => {
    const f = (v: NDArray): NDArray => lax.reducePrecision(v, 8, 7);
    const [, tangent] = jvp(f, [np.array(1)], [np.array(1.001)]);
    expect(tangent.item()).toBe(1);
    expect(grad((v: NDArray) => f(v).mul(1.001))(np.array(1)).item()).toBe(1);
  });
  test('jaxpr and errors', () => {
    expect(makeJaxpr((v: NDArray) => lax.reducePrecision(v, 8, 7))(np.array(1)).toString()).toMatch(
      /reduce_precision\[\s*exponent_bits=8\s+mantissa_bits=7\s*\]/,
    );
    expect(() => lax.reducePrecision(1, 0, 7)).toThrow(/reduce_precision: needs .* got 0 and 7/);
    expect(() => lax.reducePrecision(1, 8, 1.5)).toThrow(/got 8 and 1.5/);
  });
});

test('errors name the function', () => {
  expect(() => lax.zeta(np.ones([2]), np.ones([3]))).toThrow(/zeta: operands have shapes/);
  expect(() => lax.igamma(np.array([1], { dtype: 'int32' }), np.array([1], { dtype: 'int32' }))).toThrow(
    /igamma: takes/,
  );
  expect(() => lax.zetaDerivative(-1, 2, 1)).toThrow(/zeta_derivative: the order must be a natural number/);
  expect(() => special.gammainc(np.ones([2]), np.ones([3]))).toThrow(/gammainc/);
});
