/** float64 expansions against values computed with mpmath (scripts/fixtures/math_fixtures.py), and the special values. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { binary, int, load, unary } from '../../../src/core/scalar.js';
import { expandMath } from '../../../src/compiler/math/expand.js';
import { BINARY, GAMMA, REFLECTED, UNARY } from './bounds.js';
import { compile } from './evaluate.js';
import { spacing64, ulps64 } from './ulp.js';

const x = load('float64', 0, int(0));
const y = load('float64', 1, int(0));

const FIXTURES = JSON.parse(readFileSync(new URL('../../fixtures/math.json', import.meta.url), 'utf8')) as Record<
  string,
  number[][]
>;
const rows = (op: string): number[][] => {
  const found = FIXTURES[op === 'erfInvGiles' ? 'erfInv' : op];
  if (found === undefined || found.length < 100) throw new Error(`too few fixtures for ${op}`);
  return found;
};
const column = (table: number[][], i: number): number[] => table.map((row) => row[i] ?? NaN);

const SPECIAL64 = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -3,
  Infinity,
  -Infinity,
  NaN,
  2 ** -1074,
  -(2 ** -1074),
  2 ** -1022,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  1e-310,
  2 ** 52,
  2 ** 53,
  -(2 ** 53),
  0.49999999999999994,
  709.79,
  -745.2,
  -746,
];

describe('unary functions', () => {
  it.each(UNARY.filter(({ op }) => op !== 'round'))('$op is within $ulps64 ulp', ({ op, ulps64: bound }) => {
    const table = rows(op);
    const values = compile(expandMath(unary(op, x)))(column(table, 0));
    table.forEach(([v = NaN, wanted = NaN, fraction = NaN], i) => {
      const got = values[i] ?? NaN;
      const error = ulps64(got, wanted, fraction);
      if (!(error <= bound)) expect.fail(`${op}(${v}) = ${got}, expected ${wanted}: ${error} ulp`);
    });
    expect(values.length).toBeGreaterThan(100);
  });

  it.each([...UNARY, ...GAMMA])('$op has the special values of its double reference', ({ op, reference }) => {
    const values = compile(expandMath(unary(op, x)))(SPECIAL64);
    SPECIAL64.forEach((v, i) => {
      const wanted = reference(v);
      const got = values[i] ?? NaN;
      if (Number.isFinite(wanted) && wanted !== 0) {
        expect(Math.abs(got - wanted), `${op}(${v}) = ${got}`).toBeLessThanOrEqual(
          1e-13 * Math.abs(wanted) + 2 ** -1073,
        );
      } else expect(got, `${op}(${v})`).toBe(wanted);
    });
  });
});

describe('gamma functions', () => {
  it.each(GAMMA)('$op is within $ulps64 ulp, or of its terms below zero', ({ op, ulps64: bound, scale }) => {
    const table = rows(op);
    const values = compile(expandMath(unary(op, x)))(column(table, 0));
    table.forEach(([v = NaN, wanted = NaN, fraction = NaN], i) => {
      const got = values[i] ?? NaN;
      const error = ulps64(got, wanted, fraction);
      if (error <= bound) return;
      expect(v, `${op}(${v}) = ${got}, expected ${wanted}`).toBeLessThan(0);
      expect(
        Math.abs(got - wanted) / spacing64(scale(v)),
        `${op}(${v}) = ${got}, expected ${wanted}`,
      ).toBeLessThanOrEqual(REFLECTED);
    });
  });
});

describe('binary functions', () => {
  it.each(BINARY)('$op is within $ulps64 ulp', ({ op, ulps64: bound }) => {
    const table = rows(op);
    const values = compile(expandMath(binary(op, x, y)))(column(table, 0), column(table, 1));
    table.forEach(([v = NaN, w = NaN, wanted = NaN, fraction = NaN], i) => {
      const got = values[i] ?? NaN;
      const error = ulps64(got, wanted, fraction);
      if (!(error <= bound)) expect.fail(`${op}(${v}, ${w}) = ${got}, expected ${wanted}: ${error} ulp`);
    });
    expect(values.length).toBeGreaterThan(100);
  });

  const pairs = SPECIAL64.flatMap((a) => SPECIAL64.map((b): [number, number] => [a, b]));
  it.each(BINARY)('$op has the special values of C99', ({ op, reference }) => {
    const values = compile(expandMath(binary(op, x, y)))(
      pairs.map((p) => p[0]),
      pairs.map((p) => p[1]),
    );
    pairs.forEach(([v, w], i) => {
      const wanted = reference(v, w);
      const got = values[i] ?? NaN;
      if (Number.isFinite(wanted) && wanted !== 0) {
        expect(Math.abs(got - wanted), `${op}(${v}, ${w}) = ${got}`).toBeLessThanOrEqual(
          1e-13 * Math.abs(wanted) + 2 ** -1073,
        );
      } else expect(got, `${op}(${v}, ${w})`).toBe(wanted);
    });
  });

  it('nextafter steps by one unit of the bit pattern', () => {
    const values = compile(expandMath(binary('nextafter', x, y)))(
      [0, 0, 1, 1, -1, 2 ** -1074, Number.MAX_VALUE, Infinity, -Infinity, 5, NaN],
      [1, -1, 2, 0, 0, 0, Infinity, 0, 0, 5, 1],
    );
    expect([...values]).toEqual([
      2 ** -1074,
      -(2 ** -1074),
      1 + 2 ** -52,
      1 - 2 ** -53,
      -1 + 2 ** -53,
      0,
      Infinity,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      5,
      NaN,
    ]);
  });
});
