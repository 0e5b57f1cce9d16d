/**
 * Every basic operation over all pairs of edge cases gives on WebGPU what the comments of core/scalar.ts say, bit for bit; division and square
 * roots to 3 ulps (WGSL §15.7.4 gives division 2.5), and subnormal numbers perhaps as zeros.
 */
import { expect, test } from 'vitest';
import { hostArray, type DType, type TypedArray } from '../../../src/core/dtype.js';
import {
  binary,
  bitcast,
  convert,
  int,
  load,
  loopVar,
  select,
  unary,
  type BinaryOp,
  type Expr,
  type UnaryOp,
} from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { ulps32 } from '../../compiler/math/ulp.js';
import { EDGES } from '../wasm/generate.js';
import { programOf } from '../wasm/harness.js';
import { interpretProgram } from '../wasm/interpreter.js';
import { runOnGpu } from './run-program.js';

const FLOAT_UNARY: readonly UnaryOp[] = ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'rint'];
const INT_UNARY: readonly UnaryOp[] = ['neg', 'abs', 'not', 'popcount', 'clz'];
const FLOAT_BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const INT_BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'min', 'max', 'and', 'or', 'xor'];
const BOOL_BINARY: readonly BinaryOp[] = ['and', 'or', 'xor', 'min', 'max'];
const SHIFTS: readonly BinaryOp[] = ['shl', 'shrLogical', 'shrArithmetic'];
const COMPARISONS: readonly BinaryOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

const ZERO: Expr = { op: 'const', type: 'float32', value: 0 };
const LEAST_NORMAL = 2 ** -126;
/** Operations that may be off, in ulps. */
const INEXACT: Readonly<Record<string, number>> = { div: 3, sqrt: 3 };

async function check(dtype: DType, results: (x: Expr, y: Expr) => readonly [string, Expr][]): Promise<void> {
  // A device may take a subnormal operand for zero, which decides comparisons otherwise.
  const edges = EDGES[dtype].filter((v) => dtype !== 'float32' || v === 0 || !(Math.abs(v) < LEAST_NORMAL));
  const pairs = edges.length ** 2;
  // From the second element on they are done one by one, from the first as vectors.
  for (const first of [0, 1]) await checkFrom(first, pairs + first, dtype, edges, results);
}

async function checkFrom(
  first: number,
  length: number,
  dtype: DType,
  edges: readonly number[],
  results: (x: Expr, y: Expr) => readonly [string, Expr][],
): Promise<void> {
  const inputs = [0, 1].map((operand) => {
    const data: TypedArray = hostArray(dtype, length);
    for (let i = 0; i < length; i++) {
      data[i] = edges[operand === 0 ? i % edges.length : Math.floor(i / edges.length)] ?? 0;
    }
    return data;
  });
  const extent = length - first;
  const i = first === 0 ? loopVar(0, extent) : binary('add', loopVar(0, extent), int(first));
  for (const [name, value] of results(load(dtype, 0, i), load(dtype, 1, i))) {
    if (value.type === 'int64') throw new Error('unreachable');
    const kernel: LoopKernel = {
      kind: 'loop',
      name,
      buffers: [
        { dtype, length, access: 'read' },
        { dtype, length, access: 'read' },
        { dtype: value.type, length, access: 'write' },
      ],
      loops: [{ id: 0, extent }],
      stages: [{ loops: [], accumulators: [], stores: [{ buffer: 2, index: i, value }], ordered: false }],
    };
    const program = programOf(kernel);
    const [expected] = interpretProgram(program, inputs);
    const [got] = await runOnGpu(program, inputs);
    if (got === undefined || expected === undefined) throw new Error('no result');
    expected.forEach((wanted, k) => {
      const value = got[k] ?? NaN;
      const at = `${name}(${String(inputs[0]?.[k])}, ${String(inputs[1]?.[k])}) = ${value}, expected ${wanted}`;
      if (expected instanceof Float32Array && Math.abs(wanted) < LEAST_NORMAL && wanted !== 0) {
        expect(Math.abs(value), at).toBeLessThanOrEqual(LEAST_NORMAL);
      } else if (name in INEXACT && expected instanceof Float32Array && Number.isFinite(wanted) && wanted !== 0) {
        expect(ulps32(value, wanted), at).toBeLessThanOrEqual(INEXACT[name] ?? 0);
      } else expect(Object.is(value, wanted), at).toBe(true);
    });
  }
}

const unaries = (ops: readonly UnaryOp[], x: Expr): [string, Expr][] => ops.map((op) => [op, unary(op, x)]);
const binaries = (ops: readonly BinaryOp[], x: Expr, y: Expr): [string, Expr][] =>
  ops.map((op) => [op, binary(op, x, y)]);
const choice = (x: Expr, y: Expr): [string, Expr][] => [['select', select(binary('lt', x, y), x, y)]];

test('float32', async () => {
  await check('float32', (x, y) => [
    ...unaries(FLOAT_UNARY, x),
    ...binaries([...FLOAT_BINARY, ...COMPARISONS], x, y),
    ...choice(x, y),
    // Roundings that an algebra of real numbers does away with.
    ['rounding of a sum', binary('sub', binary('sub', binary('add', x, y), x), y)],
    ['rounding of a difference', binary('sub', binary('add', binary('sub', x, y), y), x)],
    // And what it makes of zeros and of equal operands, be they NaN, infinite or -0.
    ...([x, ZERO] as const).flatMap((z): [string, Expr][] =>
      (['add', 'sub', 'mul', 'div'] as const).flatMap((op): [string, Expr][] => [
        [z === x ? `${op} itself` : `${op} zero`, binary(op, x, z)],
        ...(z === x ? [] : [[`zero ${op}`, binary(op, z, x)] as [string, Expr]]),
      ]),
    ),
    // The test for NaN, which a driver that assumes there is none would drop.
    ['is nan', binary('ne', x, x)],
    ['is a number', binary('eq', x, x)],
    ['int32', convert('int32', x)],
    ['uint32', convert('uint32', x)],
    ['bool', convert('bool', x)],
    // But for NaN, whose sign nobody promises.
    ['bits', bitcast('int32', select(binary('ne', x, x), y, unary('neg', x)))],
  ]);
});

test.each(['int32', 'uint32'] as const)('%s', async (dtype) => {
  await check(dtype, (x, y) => [
    ...unaries(INT_UNARY, x),
    ...binaries([...INT_BINARY, ...COMPARISONS], x, y),
    ...binaries(SHIFTS, x, binary('and', y, { op: 'const', type: dtype, value: 31 })),
    ...choice(x, y),
    ['float32', convert('float32', x)],
    ['other integer', convert(dtype === 'int32' ? 'uint32' : 'int32', x)],
    ['bool', convert('bool', x)],
  ]);
});

test('bool', async () => {
  await check('bool', (x, y) => [
    ['not', unary('not', x)],
    ...binaries([...BOOL_BINARY, ...COMPARISONS], x, y),
    ...choice(x, y),
    ['float32', convert('float32', x)],
    ['int32', convert('int32', x)],
    ['uint32', convert('uint32', x)],
  ]);
});
