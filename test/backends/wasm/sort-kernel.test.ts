/** Sorts of every dtype, shape and number of keys, against a stable sort of the host. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COMPUTE_TYPES, hostArray } from '../../../src/core/dtype.js';
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import type { SortKernel } from '../../../src/compiler/loop-ir.js';
import { EDGES, pick } from './generate.js';
import { programOf, runProgram, sameBits } from './harness.js';
import { interpretProgram } from './interpreter.js';

function sortKernel(
  dtypes: readonly DType[],
  outer: number,
  length: number,
  inner: number,
  numKeys: number,
): SortKernel {
  const size = outer * length * inner;
  return {
    kind: 'sort',
    name: 'sort',
    buffers: [
      ...dtypes.map((dtype) => ({ dtype, length: size, access: 'read' }) as const),
      ...dtypes.map((dtype) => ({ dtype, length: size, access: 'write' }) as const),
    ],
    outer,
    length,
    inner,
    numKeys,
  };
}

/** Few distinct values, edge cases among them, so that keys tie and stability shows. */
function fill(dtype: DType, length: number, seed: number): TypedArray {
  const data = hostArray(dtype, length);
  const values = EDGES[dtype];
  for (let i = 0; i < length; i++) data[i] = values[(Math.imul(i + seed + 1, 2654435761) >>> 12) % values.length] ?? 0;
  return data;
}

function check(kernel: SortKernel): void {
  const count = kernel.buffers.length / 2;
  const inputs = kernel.buffers.slice(0, count).map((slot, i) => fill(slot.dtype, slot.length, i * 1000));
  const expected = interpretProgram(programOf(kernel), inputs);
  runProgram(programOf(kernel), inputs).forEach((got, i) => {
    expect(sameBits(got, expected[i] ?? new Uint8Array()), `output ${i} of ${JSON.stringify(kernel)}`).toBe(true);
  });
}

test('one to three operands of any dtype, along any axis, by one or more keys', () => {
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const dtypes = Array.from({ length: g(fc.integer, { min: 1, max: 3 }) }, () => pick(g, COMPUTE_TYPES));
      const numKeys = g(fc.integer, { min: 1, max: dtypes.length });
      check(
        sortKernel(
          dtypes,
          g(fc.integer, { min: 0, max: 3 }),
          g(fc.integer, { min: 0, max: 70 }),
          g(fc.integer, { min: 1, max: 3 }),
          numKeys,
        ),
      );
    }),
    { numRuns: 200 },
  );
});

test.each(COMPUTE_TYPES)('lengths around the run length and powers of two, %s', (dtype) => {
  for (const length of [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 1000])
    check(sortKernel([dtype, 'int32'], 1, length, 1, 1));
});

test('a long row', () => {
  check(sortKernel(['float32', 'uint32'], 1, 50_000, 1, 1));
});
