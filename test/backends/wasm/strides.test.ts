/** Loads of every short stride, forwards and backwards, of every length: the lanes are the elements asked for. */
import { expect, test } from 'vitest';
import { DTYPES, hostArray } from '../../../src/core/dtype.js';
import type { DType } from '../../../src/core/dtype.js';
import { binary, int, load, loopVar } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { programOf, runProgram, sameBits, VECTOR_MODES } from './harness.js';

function strided(dtype: DType, length: number, stride: number, offset: number): LoopKernel {
  const span = Math.abs(stride) * (length - 1) + 1 + offset;
  const i = loopVar(0, length);
  const first = stride < 0 ? span - 1 : offset;
  return {
    kind: 'loop',
    name: 'strided',
    buffers: [
      { dtype, length: span, access: 'read' },
      { dtype, length, access: 'write' },
    ],
    loops: [{ id: 0, extent: length }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [
          { buffer: 1, index: i, value: load(dtype, 0, binary('add', binary('mul', i, int(stride)), int(first))) },
        ],
        ordered: false,
      },
    ],
  };
}

test.each(DTYPES)('strided loads of %s', (dtype) => {
  for (const stride of [0, 1, -1, 2, -2, 3, -3, 4, -5]) {
    for (const length of [1, 3, 4, 7, 8, 18, 67]) {
      for (const offset of [0, 3]) {
        const kernel = strided(dtype, length, stride, offset);
        const span = kernel.buffers[0]?.length ?? 0;
        const data = hostArray(dtype, span);
        for (let i = 0; i < span; i++) data[i] = dtype === 'bool' ? (Math.imul(i + 1, 2654435761) >>> 9) & 1 : i + 1;
        const expected = hostArray(dtype, length);
        for (let i = 0; i < length; i++) expected[i] = data[(stride < 0 ? span - 1 : offset) + i * stride] ?? 0;
        for (const vectors of VECTOR_MODES) {
          const [got = data] = runProgram(programOf(kernel), [data], [], undefined, { vectors });
          expect(sameBits(got, expected), `stride ${stride}, ${length} elements from ${offset}, ${vectors}`).toBe(true);
        }
      }
    }
  }
});
