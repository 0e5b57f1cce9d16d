/** Long reductions, which are printed as several kernels, and their rounding errors. */
import { expect, test } from 'vitest';
import { hostArray } from '../../../src/core/dtype.js';
import type { DType } from '../../../src/core/dtype.js';
import type { CombineOp } from '../../../src/core/combine.js';
import { identityOf } from '../../../src/core/combine.js';
import { accRef, binary, constant, int, load, loopVar } from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { Loaded, programOf, sameBits, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';

/** Reduce axis 1 of (a, b, c), twice: by `op`, and by addition. */
function reduceMiddle(dtype: DType, op: CombineOp, [a, b, c]: readonly [number, number, number]): LoopKernel {
  const i = loopVar(0, a);
  const j = loopVar(1, c);
  const k = loopVar(2, b);
  const at = (x: Expr, n: number, y: Expr): Expr => binary('add', binary('mul', x, int(n)), y);
  const x = load(dtype, 0, at(at(i, b, k), c, j));
  const second: CombineOp = dtype === 'bool' ? 'xor' : 'add';
  return {
    kind: 'loop',
    name: 'reduce',
    buffers: [
      { dtype, length: a * b * c, access: 'read' },
      { dtype, length: a * c, access: 'write' },
      { dtype, length: a * c, access: 'write' },
    ],
    loops: [
      { id: 0, extent: a },
      { id: 1, extent: c },
    ],
    stages: [
      {
        loops: [{ id: 2, extent: b }],
        accumulators: [
          { id: 0, dtype, init: constant(dtype, identityOf(op, dtype)), update: { combine: op, value: x } },
          { id: 1, dtype, init: constant(dtype, 1), update: { combine: second, value: x } },
        ],
        stores: [],
        ordered: false,
      },
      {
        loops: [],
        accumulators: [],
        stores: [
          { buffer: 1, index: at(i, c, j), value: accRef(dtype, 0) },
          { buffer: 2, index: at(i, c, j), value: accRef(dtype, 1) },
        ],
        ordered: false,
      },
    ],
  };
}

test.each([
  ['float32', 'max', [1, 100_003, 1]],
  ['float32', 'min', [3, 70_000, 1]],
  ['int32', 'add', [1, 65_536, 1]],
  ['uint32', 'mul', [2, 40_000, 1]],
  ['bool', 'and', [1, 50_001, 1]],
  ['float64', 'max', [1, 40_001, 1]],
  ['float32', 'min', [1, 3001, 37]],
  ['float32', 'max', [1, 700, 1030]],
  ['int32', 'xor', [2, 1000, 130]],
  ['float64', 'min', [1, 2000, 65]],
  ['bool', 'or', [1, 5000, 30]],
] as const)('%s %s over axis 1 of %j', (dtype, op, shape) => {
  const program = programOf(reduceMiddle(dtype, op, shape));
  const data = hostArray(dtype, shape[0] * shape[1] * shape[2]);
  for (let i = 0; i < data.length; i++) {
    const n = Math.imul(i + 1, 2654435761) >>> 8;
    data[i] = dtype === 'bool' ? n & 1 : (n % 7) - (dtype === 'uint32' ? 0 : 3);
  }
  const expected = interpretProgram(program, [data]);
  for (const vectors of VECTOR_MODES) {
    const actual = new Loaded(program, { vectors }).run([data]);
    actual.forEach((got, i) => expect(sameBits(got, expected[i] ?? got), `output ${i}, vectors ${vectors}`).toBe(true));
  }
});

test('a long reduction is cut into chunks', () => {
  expect(emitProgram(programOf(reduceMiddle('float32', 'max', [1, 100_003, 1]))).text()).toContain(
    'kernel reduce.partial',
  );
  expect(emitProgram(programOf(reduceMiddle('float32', 'max', [1, 3001, 37]))).text()).toContain(
    'kernel reduce.partial',
  );
  expect(emitProgram(programOf(reduceMiddle('float32', 'max', [1, 10_000, 1]))).text()).not.toContain(
    'kernel reduce.partial',
  );
});

test('the sum of 4 million float32 values is within 1e-6 of the exact sum', () => {
  const n = 1 << 22;
  const data = Float32Array.from({ length: n }, (_, i) => (Math.imul(i, 2654435761) >>> 0) / 2 ** 32);
  const exact = data.reduce((sum, v) => sum + v, 0);
  const [, sum] = new Loaded(programOf(reduceMiddle('float32', 'max', [1, n, 1])), {}, 1 << 25).run([data]);
  expect(Math.abs((sum?.[0] ?? NaN) - 1 - exact) / exact).toBeLessThan(1e-6);
  const columns =
    new Loaded(programOf(reduceMiddle('float32', 'max', [1, n / 8, 8])), {}, 1 << 25).run([data])[1] ?? [];
  columns.forEach((v, j) => {
    let want = 1;
    for (let i = j; i < n; i += 8) want += data[i] ?? NaN;
    expect(Math.abs(v - want) / want).toBeLessThan(1e-6);
  });
});
