/** Index arithmetic: what a reshape does to an index and back again is nothing, and is seen to be nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearIndex, reshapeIndex, splitIndex } from '../../src/core/index-expr.js';
import { loopVar, type Expr } from '../../src/core/scalar.js';

function evaluate(e: Expr, values: readonly number[]): number {
  switch (e.op) {
    case 'const':
      return Number(e.value);
    case 'var':
      return values[e.id] ?? NaN;
    case 'add':
      return evaluate(e.x, values) + evaluate(e.y, values);
    case 'mul':
      return evaluate(e.x, values) * evaluate(e.y, values);
    case 'div':
      return Math.floor(evaluate(e.x, values) / evaluate(e.y, values));
    case 'rem':
      return evaluate(e.x, values) % evaluate(e.y, values);
    default:
      throw new Error(e.op);
  }
}

describe('digits of an index', () => {
  it('join to the index again', () => {
    const k = loopVar(0, 64);
    expect(linearIndex(splitIndex(k, [4, 4, 4]), [4, 4, 4])).toEqual(k);
    expect(linearIndex(splitIndex(k, [2, 2, 4, 4]), [2, 2, 4, 4])).toEqual(k);
    // A row of a batch, flattened and read as it was: [6, 4, 4, 4] as [6, 64].
    const i = loopVar(1, 6);
    expect(linearIndex(reshapeIndex([i, k], [6, 64], [6, 4, 4, 4]), [6, 4, 4, 4])).toEqual(
      linearIndex([i, k], [6, 64]),
    );
  });
  it('mean what they did', () => {
    const shape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shape, shape, fc.nat(), (from, to, seed) => {
        const size = (s: readonly number[]): number => s.reduce((a, b) => a * b, 1);
        fc.pre(size(from) % size(to) === 0);
        const target = [...to, size(from) / size(to)];
        const variables = from.map((n, d) => loopVar(d, n));
        const values = from.map((n, d) => (seed >> d) % n);
        const linear = linearIndex(reshapeIndex(variables, from, target), target);
        expect(evaluate(linear, values)).toBe(evaluate(linearIndex(variables, from), values));
      }),
    );
  });
});
