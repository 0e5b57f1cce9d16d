/** Kernels of nothing but bools run sixteen bytes at a time; what is beside one keeps them at four. */
import { expect, test } from 'vitest';
import { identityOf } from '../../../src/core/combine.js';
import type { CombineOp } from '../../../src/core/combine.js';
import { accRef, binary, bool, constant, int, load, loopVar, select, unary } from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { randomBits } from '../../compiler/math/ulp.js';
import { Loaded, programOf, sameBits, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';

const i = loopVar(0, 1);
const a = (index: Expr): Expr => load('bool', 0, index);
const b = (index: Expr): Expr => load('bool', 1, index);
const draw = randomBits(3);
const bools = (length: number): Uint8Array => Uint8Array.from({ length }, () => (draw() >>> 8) & 1);

/** `out[i] = value` for i < n, from two inputs of 2 n elements. */
function map(n: number, value: (i: Expr) => Expr, stride = 1): LoopKernel {
  const at = loopVar(0, n);
  return {
    kind: 'loop',
    name: 'map',
    buffers: [
      { dtype: 'bool', length: 2 * n, access: 'read' },
      { dtype: 'bool', length: 2 * n, access: 'read' },
      { dtype: 'bool', length: n * stride, access: 'write' },
    ],
    loops: [{ id: 0, extent: n }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [{ buffer: 2, index: binary('mul', at, int(stride)), value: value(at) }],
        ordered: false,
      },
    ],
  };
}

const OPS = ['and', 'or', 'xor', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'min', 'max', 'mul', 'add'] as const;

test.each(OPS)('%s of bools', (op) => {
  for (const n of [63, 64, 79, 200]) {
    const kernel = map(n, (at) => binary(op, a(at), binary('or', b(at), unary('not', a(binary('add', at, int(3)))))));
    const program = programOf(kernel);
    const inputs = [bools(2 * n), bools(2 * n)];
    const [expected] = interpretProgram(program, inputs);
    for (const vectors of VECTOR_MODES) {
      const [got] = new Loaded(program, { vectors }).run(inputs);
      expect(got !== undefined && expected !== undefined && sameBits(got, expected), `${n}, vectors ${vectors}`).toBe(
        true,
      );
    }
  }
});

test.each([
  ['one operation', (at: Expr) => unary('not', a(at)), 16],
  ['a select', (at: Expr) => select(a(at), b(at), unary('not', b(at))), 16],
  [
    'constants and what is the same in all lanes',
    (at: Expr) => select(a(int(1)), binary('xor', b(at), bool(true)), a(at)),
    16,
  ],
  ['every second element', (at: Expr) => binary('and', a(binary('mul', at, int(2))), b(at)), 4],
  ['a comparison of numbers', (at: Expr) => binary('and', a(at), binary('lt', at, int(70))), 4],
] as const)('%s', (_, value, lanes) => {
  const program = programOf(map(130, value));
  expect(emitProgram(program).text()).toContain(`by ${lanes} lanes`);
  const inputs = [bools(260), bools(260)];
  const [expected] = interpretProgram(program, inputs);
  for (const vectors of VECTOR_MODES) expect(new Loaded(program, { vectors }).run(inputs)).toEqual([expected]);
});

test('stores that are not next to each other', () => {
  const program = programOf(map(130, (at) => binary('xor', a(at), b(at)), 3));
  const inputs = [bools(260), bools(260)];
  const initial = [bools(390)];
  const expected = interpretProgram(program, inputs, initial);
  for (const vectors of VECTOR_MODES) expect(new Loaded(program, { vectors }).run(inputs, initial)).toEqual(expected);
});

test.each(['and', 'or', 'xor', 'min', 'max'] as const)('%s along rows and columns', (op: CombineOp) => {
  for (const [rows, columns] of [
    [5, 200],
    [200, 77],
    [3, 64],
  ] as const) {
    for (const along of ['rows', 'columns'] as const) {
      const [outer, inner] = along === 'rows' ? [rows, columns] : [columns, rows];
      const [r, c] = [loopVar(0, outer), loopVar(1, inner)];
      const at = along === 'rows' ? [r, c] : [c, r];
      const [row = i, column = i] = at;
      const index = binary('add', binary('mul', row, int(columns)), column);
      const kernel: LoopKernel = {
        kind: 'loop',
        name: 'reduce',
        buffers: [
          { dtype: 'bool', length: rows * columns, access: 'read' },
          { dtype: 'bool', length: outer, access: 'write' },
        ],
        loops: [{ id: 0, extent: outer }],
        stages: [
          {
            loops: [{ id: 1, extent: inner }],
            accumulators: [
              {
                id: 0,
                dtype: 'bool',
                init: constant('bool', identityOf(op, 'bool')),
                update: { combine: op, value: a(index) },
              },
            ],
            stores: [],
            ordered: false,
          },
          { loops: [], accumulators: [], stores: [{ buffer: 1, index: r, value: accRef('bool', 0) }], ordered: false },
        ],
      };
      const program = programOf(kernel);
      const data = bools(rows * columns);
      if (op !== 'xor') {
        // Rows and columns of which one element decides.
        data.fill(op === 'and' || op === 'min' ? 1 : 0);
        for (let k = 0; k < 9; k++) data[draw() % data.length] = op === 'and' || op === 'min' ? 0 : 1;
      }
      const expected = interpretProgram(program, [data]);
      for (const vectors of VECTOR_MODES)
        expect(new Loaded(program, { vectors }).run([data]), `${rows}x${columns} ${along} ${vectors}`).toEqual(
          expected,
        );
    }
  }
});
