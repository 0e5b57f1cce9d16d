/** scipy.special against SciPy (scripts/fixtures/nn.py), and derivatives. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { grad, numpy as np, scipy, type NDArray } from 'cotangent';
import { checkGrads } from 'cotangent/testing';

const { special } = scipy;

type Numbers = (number | string)[];
interface Fixtures {
  special: Record<
    | 'erf'
    | 'erfc'
    | 'erfinv'
    | 'ndtr'
    | 'logNdtr'
    | 'ndtri'
    | 'expit'
    | 'logExpit'
    | 'logit'
    | 'gammaln'
    | 'digamma'
    | 'entr',
    [Numbers, Numbers]
  >;
  binary: Record<'xlogy' | 'xlog1py' | 'relEntr' | 'klDiv' | 'betaln', [Numbers, Numbers, Numbers]>;
  parameter: Record<'polygamma' | 'multigammaln', [number, number[], number[]][]>;
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/nn.json', import.meta.url), 'utf8')) as Fixtures;
const float64 = { dtype: 'float64' } as const;
const numbers = (values: Numbers): number[] => values.map(Number);

/** Relative to the value, or for logarithms of ratios to 1, where they cancel. */
function expectClose(actual: NDArray, expected: Numbers, rtol: number, atol: number): void {
  const values = [...actual.dataSync()];
  const want = numbers(expected);
  expect(values).toHaveLength(want.length);
  values.forEach((v, i) => {
    const w = want[i] ?? NaN;
    if (!Number.isFinite(w)) expect(v).toEqual(w);
    else
      expect(Math.abs(v - w), `element ${i}: got ${v}, expected ${w}`).toBeLessThanOrEqual(rtol * Math.abs(w) + atol);
  });
}

/** A few ulp; erfinv near ±1, lgamma and digamma near their zeros lose more, which the absolute part allows. */
const RTOL = { float32: 4e-6, float64: 2e-14 } as const;
const ATOL = { float32: 1e-6, float64: 1e-14 } as const;
/** Functions that are exact to rounding also where they are tiny. */
const RELATIVE = new Set(['erfc', 'ndtr', 'expit', 'logExpit']);

describe.each(['float32', 'float64'] as const)('values in %s', (dtype) => {
  test.each(Object.entries(fixtures.special))('%s', (name, [x, expected]) => {
    const f = special[name as keyof Fixtures['special']];
    // Subnormal results may be 0.
    const atol = RELATIVE.has(name) ? (dtype === 'float32' ? 1e-37 : 1e-307) : ATOL[dtype];
    // exp(-x²) in the tail magnifies the rounding of x² ≈ 800.
    const slack = name === 'erfc' || name === 'ndtr' ? 20 : 1;
    expectClose(f(np.array(numbers(x), { dtype })), expected, slack * RTOL[dtype], atol);
  });
  test.each(Object.entries(fixtures.binary))('%s', (name, [x, y, expected]) => {
    const f = special[name as keyof Fixtures['binary']];
    const scale = name === 'betaln' ? 200 : 4;
    expectClose(
      f(np.array(numbers(x), { dtype }), np.array(numbers(y), { dtype })),
      expected,
      RTOL[dtype],
      scale * ATOL[dtype],
    );
  });
  test.each(fixtures.parameter.polygamma)('polygamma(%i)', (n, x, expected) => {
    expectClose(special.polygamma(n, np.array(x, { dtype })), expected, RTOL[dtype], ATOL[dtype]);
  });
  test.each(fixtures.parameter.multigammaln)('multigammaln of dimension %i', (d, x, expected) => {
    expectClose(special.multigammaln(np.array(x, { dtype }), d), expected, RTOL[dtype], ATOL[dtype]);
  });
});

describe('derivatives', () => {
  const x = np.array([-0.9, -0.3, 0.2, 0.7], float64);
  const positive = np.array([0.3, 0.9, 1.7, 4.2], float64);
  const probability = np.array([0.1, 0.4, 0.8], float64);
  test.each([
    ['erf', special.erf, x],
    ['erfc', special.erfc, x],
    ['erfinv', special.erfinv, x],
    ['ndtr', special.ndtr, x],
    ['ndtri', special.ndtri, probability],
    ['logNdtr', special.logNdtr, np.array([-35, -28, -3, 0.5, 4], float64)],
    ['expit', special.expit, x],
    ['logExpit', special.logExpit, x],
    ['softplus', special.softplus, x],
    ['logit', special.logit, probability],
    ['gammaln', special.gammaln, positive],
    ['digamma', special.digamma, positive],
    ['entr', special.entr, positive],
    ['multigammaln', (v: NDArray) => special.multigammaln(v.add(3), 3), positive],
    ['polygamma', (v: NDArray) => special.polygamma(1, v), positive],
  ] as const)('%s', (_name, f, at) => {
    checkGrads((v: NDArray) => f(v), [at], { order: 2 });
  });
  test.each([
    ['xlogy', special.xlogy],
    ['xlog1py', special.xlog1py],
    ['relEntr', special.relEntr],
    ['klDiv', special.klDiv],
    ['betaln', special.betaln],
  ] as const)('%s', (_name, f) => {
    const [p, q] = [np.array([0.3, 1.2, 2.5], float64), np.array([0.5, 1.1, 0.4], float64)];
    checkGrads((a: NDArray, b: NDArray) => f(a, b), [p, q], { order: 2 });
  });
  test('0 log 0 has the derivatives of JAX, and nothing becomes NaN', () => {
    const zero = np.array(0);
    expect(grad(special.xlogy)(zero, np.array(2)).item()).toBeCloseTo(Math.LN2, 6);
    expect(grad(special.xlogy, { argnums: 1 })(zero, np.array(2)).item()).toBe(0);
    expect(grad(special.relEntr)(np.array(2), np.array(1)).item()).toBeCloseTo(1 + Math.LN2, 6);
    expect(grad(special.relEntr, { argnums: 1 })(zero, np.array(1)).item()).toBe(0);
    expect(grad(special.logNdtr)(np.array(-1000)).item()).toBeCloseTo(1000, 0);
  });
});

test('errors name the function', () => {
  expect(() => special.polygamma(1.5, 2)).toThrow(/polygamma: the order must be an integer/);
  expect(() => special.multigammaln(3, 0)).toThrow(/multigammaln: the dimension must be a positive integer/);
  expect(() => special.xlogy(np.ones([2]), np.ones([3]))).toThrow(/xlogy/);
});
