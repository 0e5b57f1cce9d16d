/** Maps that read and write in different orders, which are printed in strips. */
import { expect, test } from 'vitest';
import { binary, int, load, loopVar } from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { Loaded, programOf, sameBits, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';

/** out[b, i, j] = x[b, j, i] - y[b, i, j] */
function transposeKernel(batch: number, m: number, n: number, dtype: 'float32' | 'float64' | 'uint32'): LoopKernel {
  const b = loopVar(0, batch);
  const i = loopVar(1, m);
  const j = loopVar(2, n);
  const at = (x: Expr, extent: number, y: Expr): Expr => binary('add', binary('mul', x, int(extent)), y);
  const length = batch * m * n;
  return {
    kind: 'loop',
    name: 'transpose',
    buffers: [
      { dtype, length, access: 'read' },
      { dtype, length, access: 'read' },
      { dtype, length, access: 'write' },
    ],
    loops: [
      { id: 0, extent: batch },
      { id: 1, extent: m },
      { id: 2, extent: n },
    ],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [
          {
            buffer: 2,
            index: at(at(b, m, i), n, j),
            value: binary('sub', load(dtype, 0, at(at(b, n, j), m, i)), load(dtype, 1, at(at(b, m, i), n, j))),
          },
        ],
        ordered: false,
      },
    ],
  };
}

test.each([
  [1, 128, 128, 'float32'],
  [3, 61, 77, 'float32'],
  [1, 37, 513, 'uint32'],
  [1, 515, 33, 'float64'],
  [2, 16, 300, 'float32'],
  [1, 5, 4, 'float32'],
] as const)('a transpose of %i x %i x %i %s', (batch, m, n, dtype) => {
  const program = programOf(transposeKernel(batch, m, n, dtype));
  const inputs = [0, 1].map((k) => {
    const values = Array.from({ length: batch * m * n }, (_, i) => Math.imul(i + k, 2654435761) >>> 20);
    return dtype === 'float32'
      ? Float32Array.from(values)
      : dtype === 'float64'
        ? Float64Array.from(values)
        : Uint32Array.from(values);
  });
  const [expected] = interpretProgram(program, inputs);
  for (const vectors of VECTOR_MODES) {
    const [actual] = new Loaded(program, { vectors }).run(inputs);
    expect(actual !== undefined && expected !== undefined && sameBits(actual, expected), vectors).toBe(true);
  }
});

test('a large transpose runs in strips, an elementwise map of one order does not', () => {
  expect(emitProgram(programOf(transposeKernel(1, 512, 512, 'float32'))).text()).toContain('parallel i3 < 64');
  expect(emitProgram(programOf(transposeKernel(1, 16, 16, 'float32'))).text()).not.toContain('parallel i3');
});
