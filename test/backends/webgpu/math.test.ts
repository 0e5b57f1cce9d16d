/**
 * The mathematical functions on WebGPU against double precision, over all exponents and special values: within the bound that
 * holds on the CPU, or 4 ulps. WGSL lets a device flush subnormal numbers to zero (§15.7.3), so that where an operand or the result is
 * subnormal, the value at zero is right, too.
 */
import { describe, expect, test } from 'vitest';
import { binary, load, loopVar, unary, type Expr } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { BINARY, UNARY } from '../../compiler/math/bounds.js';
import { samples32, SPECIAL32, ulps32 } from '../../compiler/math/ulp.js';
import { programOf } from '../wasm/harness.js';
import { runOnGpu } from './run-program.js';

const point = (length: number): Expr => loopVar(0, length);

async function run(value: (i: Expr) => Expr, operands: readonly Float32Array[]): Promise<ArrayLike<number>> {
  const length = operands[0]?.length ?? 0;
  const i = point(length);
  const kernel: LoopKernel = {
    kind: 'loop',
    name: 'f',
    buffers: [
      ...operands.map(() => ({ dtype: 'float32', length, access: 'read' }) as const),
      { dtype: 'float32', length, access: 'write' },
    ],
    loops: [{ id: 0, extent: length }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [{ buffer: operands.length, index: i, value: value(i) }],
        ordered: false,
      },
    ],
  };
  const [result] = await runOnGpu(programOf(kernel), operands);
  if (result === undefined) throw new Error('no result');
  return result;
}

const LEAST_NORMAL = 2 ** -126;
const isSubnormal = (x: number): boolean => x !== 0 && Math.abs(x) < LEAST_NORMAL;
const flushed = (x: number): number => (isSubnormal(x) ? 0 * Math.sign(x) : x);

/** The least error against the references that are right. What is flushed on the way is worth as much as the least normal number. */
function errorOf(got: number, reference: (...xs: number[]) => number, xs: readonly number[]): number {
  const wanted = [reference(...xs), reference(...xs.map(flushed))];
  if (wanted.some((w) => Math.abs(got - w) <= LEAST_NORMAL)) return 0;
  return Math.min(...wanted.map((w) => ulps32(got, w)));
}

describe('functions of one number', () => {
  test.each(UNARY)('$op', async ({ op, reference, dense, ulps32: bound }) => {
    const xs = samples32(20, 5_000, ...dense);
    const got = await run((i) => unary(op, load('float32', 0, i)), [xs]);
    let worst = { error: 0, at: '' };
    xs.forEach((x, i) => {
      const error = errorOf(got[i] ?? NaN, reference, [x]);
      if (!(error <= worst.error))
        worst = { error, at: `f(${x}) = ${String(got[i])}, expected ${reference(x)}: ${error} ulps` };
    });
    expect(worst.error, worst.at).toBeLessThanOrEqual(Math.max(4, bound));
  });
});

describe('functions of two numbers', () => {
  const xs = Float32Array.from(SPECIAL32.flatMap((a) => SPECIAL32.map(() => a)));
  const ys = Float32Array.from(SPECIAL32.flatMap(() => SPECIAL32));
  test.each(BINARY)('$op of special values', async ({ op, reference, ulps32: bound }) => {
    const got = await run((i) => binary(op, load('float32', 0, i), load('float32', 1, i)), [xs, ys]);
    let worst = { error: 0, at: '' };
    xs.forEach((x, i) => {
      const y = ys[i] ?? NaN;
      const error = errorOf(got[i] ?? NaN, reference, [x, y]);
      if (!(error <= worst.error))
        worst = { error, at: `f(${x}, ${y}) = ${String(got[i])}, expected ${reference(x, y)}: ${error} ulps` };
    });
    expect(worst.error, worst.at).toBeLessThanOrEqual(Math.max(4, bound));
  });
});
