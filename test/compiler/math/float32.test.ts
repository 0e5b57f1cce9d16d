/** float32 expansions against double-precision references over all exponents, the usual ranges and the special values. */
import { describe, expect, it } from 'vitest';
import { binary, int, load, unary } from '../../../src/core/scalar.js';
import { expandMath } from '../../../src/compiler/math/expand.js';
import { BINARY, GAMMA, REFLECTED, UNARY } from './bounds.js';
import { compile } from './evaluate.js';
import { SPECIAL32, randomBits, samples32, spacing32, ulps32 } from './ulp.js';

const x = load('float32', 0, int(0));
const y = load('float32', 1, int(0));

interface Worst {
  readonly error: number;
  readonly at: string;
}
const report = (error: number, at: readonly (number | undefined)[], got: number, wanted: number): Worst => ({
  error,
  at: `f(${at.join(', ')}) = ${got}, expected ${wanted}: ${error} ulp`,
});

describe('unary functions', () => {
  it.each(UNARY)('$op is within $ulps32 ulp', ({ op, reference, dense, ulps32: bound }) => {
    const f = compile(expandMath(unary(op, x)));
    const xs = samples32(150, 40_000, ...dense);
    const values = f(xs);
    let worst: Worst = { error: 0, at: '' };
    xs.forEach((v, i) => {
      const wanted = reference(v);
      const got = values[i] ?? NaN;
      const error = ulps32(got, wanted);
      if (!(error <= worst.error)) worst = report(error, [v], got, wanted);
    });
    expect(worst.error, worst.at).toBeLessThanOrEqual(bound);
  });
});

describe('gamma functions', () => {
  it.each(GAMMA)(
    '$op is within $ulps32 ulp, or of its terms below zero',
    ({ op, reference, dense, ulps32: bound, scale }) => {
      const f = compile(expandMath(unary(op, x)));
      const xs = samples32(100, 40_000, ...dense);
      const values = f(xs);
      xs.forEach((v, i) => {
        const wanted = reference(v);
        const got = values[i] ?? NaN;
        const error = ulps32(got, wanted);
        if (error <= bound) return;
        // The references are doubles themselves: cot(pi x) and log|sin(pi x)| next to a pole are not checked closer than that.
        expect(v, `f(${v}) = ${got}, expected ${wanted}`).toBeLessThan(0);
        expect(
          Math.abs(got - wanted) / spacing32(scale(v)),
          `f(${v}) = ${got}, expected ${wanted}`,
        ).toBeLessThanOrEqual(REFLECTED);
      });
    },
  );
});

describe('binary functions', () => {
  const random = randomBits(7);
  const bits = new Uint32Array(80_000).map(() => random());
  const anyFloat = new Float32Array(bits.buffer);
  const pairs: [number, number][] = SPECIAL32.flatMap((a) => SPECIAL32.map((b): [number, number] => [a, b]));
  for (let i = 0; i + 1 < anyFloat.length; i += 2) {
    const a = anyFloat[i] ?? 0;
    const b = anyFloat[i + 1] ?? 0;
    const near = Math.fround(0.5 + (random() / 2 ** 32) * 1.5);
    const small = Math.fround((random() / 2 ** 32 - 0.5) * 250);
    pairs.push([a, b], [near, small], [Math.abs(a), Math.fround(small / 25)], [small, near]);
  }
  const xs = Float32Array.from(pairs, (p) => p[0]);
  const ys = Float32Array.from(pairs, (p) => p[1]);

  it.each(BINARY)('$op is within $ulps32 ulp', ({ op, reference, ulps32: bound }) => {
    const values = compile(expandMath(binary(op, x, y)))(xs, ys);
    let worst: Worst = { error: 0, at: '' };
    xs.forEach((v, i) => {
      const w = ys[i] ?? NaN;
      const wanted = reference(v, w);
      const got = values[i] ?? NaN;
      const error = ulps32(got, wanted);
      if (!(error <= worst.error)) worst = report(error, [v, w], got, wanted);
    });
    expect(worst.error, worst.at).toBeLessThanOrEqual(bound);
  });

  it('nextafter steps by one unit of the bit pattern', () => {
    const values = compile(expandMath(binary('nextafter', x, y)))(xs, ys);
    const view = new DataView(new ArrayBuffer(4));
    /** Position on the line of all floats. */
    const rank = (v: number): number => {
      view.setFloat32(0, v);
      const n = view.getInt32(0);
      return n < 0 ? -(n & 0x7fffffff) : n;
    };
    xs.forEach((v, i) => {
      const w = ys[i] ?? NaN;
      const got = values[i] ?? NaN;
      if (Number.isNaN(v) || Number.isNaN(w)) expect(got).toBeNaN();
      else if (v === w) expect(got).toBe(w);
      else if (rank(got) - rank(v) !== Math.sign(w - v) && !Number.isNaN(w - v))
        expect.fail(`nextafter(${v}, ${w}) = ${got}`);
    });
    expect(values.length).toBe(xs.length);
  });
});

describe('values that must be exact', () => {
  const at = (op: Parameters<typeof unary>[0], v: number): number =>
    compile(expandMath(unary(op, x)))([Math.fround(v)])[0] ?? NaN;

  it('keeps identities at simple arguments', () => {
    expect(at('exp', 0)).toBe(1);
    expect(at('cos', 0)).toBe(1);
    expect(at('cosh', 0)).toBe(1);
    expect(at('logistic', 0)).toBe(0.5);
    expect(at('log', 1)).toBe(0);
    expect(at('erfc', 0)).toBe(1);
    expect(at('acos', 1)).toBe(0);
    expect(at('lgamma', 1)).toBe(0);
    expect(at('lgamma', 2)).toBe(0);
    expect(at('cbrt', 27)).toBe(3);
    for (let k = -149; k < 128; k++) {
      expect(at('exp2', k)).toBe(2 ** k);
      expect(at('log2', 2 ** k)).toBe(k);
    }
  });

  it('never leaves the range of sin, cos, tanh, erf and logistic', () => {
    const xs = samples32(200, 100_000, -20, 20);
    for (const op of ['sin', 'cos', 'tanh', 'erf', 'logistic'] as const) {
      const largest = compile(expandMath(unary(op, x)))(xs).reduce((m, v) => (Math.abs(v) > m ? Math.abs(v) : m), 0);
      expect(largest, op).toBe(1);
    }
  });
});
