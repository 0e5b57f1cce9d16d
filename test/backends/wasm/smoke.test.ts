/** One kernel of each kind, written out by hand: the first thing to look at when everything fails. */
import { expect, test } from 'vitest';
import { accRef, binary, constant, int, load, loopVar, unary } from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type { ContractKernel, LoopKernel, SortKernel } from '../../../src/compiler/loop-ir.js';
import { interpretProgram } from './interpreter.js';
import { programOf, runProgram } from './harness.js';

const at = (v: Expr, stride: number, offset = 0): Expr => binary('add', binary('mul', v, int(stride)), int(offset));

test('a 2-d elementwise kernel with a broadcast row', () => {
  const i = loopVar(0, 5);
  const j = loopVar(1, 7);
  const kernel: LoopKernel = {
    kind: 'loop',
    name: 'k',
    buffers: [
      { dtype: 'float32', length: 35, access: 'read' },
      { dtype: 'float32', length: 7, access: 'read' },
      { dtype: 'float32', length: 35, access: 'write' },
    ],
    loops: [
      { id: 0, extent: 5 },
      { id: 1, extent: 7 },
    ],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [
          {
            buffer: 2,
            index: binary('add', at(i, 7), j),
            value: binary('add', load('float32', 0, binary('add', at(i, 7), j)), load('float32', 1, j)),
          },
        ],
        ordered: false,
      },
    ],
  };
  const inputs = [Float32Array.from({ length: 35 }, (_, n) => n), Float32Array.from({ length: 7 }, (_, n) => n * 100)];
  expect(runProgram(programOf(kernel), inputs)).toEqual(interpretProgram(programOf(kernel), inputs));
});

test('softmax without the exponential: max, then a sum, then a map over the same row', () => {
  const i = loopVar(0, 3);
  const row = (id: number): Expr => binary('add', at(i, 37), loopVar(id, 37));
  const x = (id: number): Expr => load('float32', 0, row(id));
  const kernel: LoopKernel = {
    kind: 'loop',
    name: 'rows',
    buffers: [
      { dtype: 'float32', length: 111, access: 'read' },
      { dtype: 'float32', length: 111, access: 'write' },
    ],
    loops: [{ id: 0, extent: 3 }],
    stages: [
      {
        loops: [{ id: 1, extent: 37 }],
        accumulators: [
          { id: 0, dtype: 'float32', init: constant('float32', -Infinity), update: { combine: 'max', value: x(1) } },
        ],
        stores: [],
        ordered: false,
      },
      {
        loops: [{ id: 2, extent: 37 }],
        accumulators: [
          {
            id: 1,
            dtype: 'float32',
            init: constant('float32', 0),
            update: { combine: 'add', value: unary('abs', binary('sub', x(2), accRef('float32', 0))) },
          },
        ],
        stores: [],
        ordered: false,
      },
      {
        loops: [{ id: 3, extent: 37 }],
        accumulators: [],
        stores: [{ buffer: 1, index: row(3), value: binary('add', x(3), accRef('float32', 1)) }],
        ordered: false,
      },
    ],
  };
  const inputs = [Float32Array.from({ length: 111 }, (_, n) => (n * 7919) % 101)];
  expect(runProgram(programOf(kernel), inputs)).toEqual(interpretProgram(programOf(kernel), inputs));
});

test('a small contraction', () => {
  const kernel: ContractKernel = {
    kind: 'contract',
    name: 'dot',
    dtype: 'float32',
    buffers: [
      { dtype: 'float32', length: 6, access: 'read' },
      { dtype: 'float32', length: 12, access: 'read' },
      { dtype: 'float32', length: 8, access: 'write' },
    ],
    batch: [],
    m: [{ id: 0, extent: 2, lhsStride: 3, rhsStride: 0, outStride: 4 }],
    n: [{ id: 1, extent: 4, lhsStride: 0, rhsStride: 1, outStride: 1 }],
    k: [{ id: 2, extent: 3, lhsStride: 1, rhsStride: 4, outStride: 0 }],
    lhs: { buffer: 0, offset: 0 },
    rhs: { buffer: 1, offset: 0 },
    out: { buffer: 2, offset: 0 },
  };
  const inputs = [Float32Array.from([1, 2, 3, 4, 5, 6]), Float32Array.from({ length: 12 }, (_, n) => n)];
  expect(runProgram(programOf(kernel), inputs)).toEqual(interpretProgram(programOf(kernel), inputs));
});

test('a sort of two operands by one key', () => {
  const kernel: SortKernel = {
    kind: 'sort',
    name: 'sort',
    buffers: [
      { dtype: 'float32', length: 40, access: 'read' },
      { dtype: 'int32', length: 40, access: 'read' },
      { dtype: 'float32', length: 40, access: 'write' },
      { dtype: 'int32', length: 40, access: 'write' },
    ],
    outer: 2,
    length: 20,
    inner: 1,
    numKeys: 1,
  };
  const inputs = [
    Float32Array.from({ length: 40 }, (_, n) => (n * 7) % 5),
    Int32Array.from({ length: 40 }, (_, n) => n),
  ];
  expect(runProgram(programOf(kernel), inputs)).toEqual(interpretProgram(programOf(kernel), inputs));
});
