/** Every basic operation of every type over all pairs of edge cases, bit for bit, in scalar and in vector code. */
import { expect, test } from 'vitest';
import { COMPUTE_TYPES, hostArray } from '../../../src/core/dtype.js';
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import { binary, bitcast, constant, convert, load, loopVar, select, unary } from '../../../src/core/scalar.js';
import type { BinaryOp, Expr, ScalarType, UnaryOp } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { EDGES } from './generate.js';
import { programOf, runProgram, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';

const TYPES: readonly ScalarType[] = [...COMPUTE_TYPES, 'int64'];
const FLOAT_UNARY: readonly UnaryOp[] = ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'rint'];
const FLOAT_BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const INT_BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'min', 'max', 'and', 'or', 'xor'];
const COMPARISONS: readonly BinaryOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const SHIFTS: readonly BinaryOp[] = ['shl', 'shrLogical', 'shrArithmetic'];

const isFloat = (type: ScalarType): boolean => type === 'float32' || type === 'float64';

/** Slots 0 and 1 hold all pairs of edge cases; 2 and 3 the upper halves of int64 operands. */
function operands(type: ScalarType): { inputs: TypedArray[]; x: Expr; y: Expr; length: number } {
  const stored: DType = type === 'int64' ? 'int32' : type;
  const edges = EDGES[stored];
  const length = edges.length * edges.length;
  const fill = (pick: (i: number) => number | undefined): TypedArray => {
    const data = hostArray(stored, length);
    for (let i = 0; i < length; i++) data[i] = pick(i) ?? 0;
    return data;
  };
  const n = edges.length;
  const inputs = [
    fill((i) => edges[i % n]),
    fill((i) => edges[Math.floor(i / n)]),
    fill((i) => edges[(i * 5 + 1) % n]),
    fill((i) => edges[(Math.floor(i / n) * 5 + (i % 3)) % n]),
  ];
  const i = loopVar(0, length);
  const value = (slot: number): Expr => {
    const low = load(stored, slot, i);
    if (type !== 'int64') return low;
    const high = binary('shl', convert('int64', load('int32', slot + 2, i)), constant('int64', 32n));
    return binary('xor', high, convert('int64', low));
  };
  return { inputs, x: value(0), y: value(1), length };
}

function check(type: ScalarType, results: (x: Expr, y: Expr) => readonly [string, Expr][]): void {
  const { inputs, x, y, length } = operands(type);
  for (const [name, value] of results(x, y)) {
    // int64 results are looked at as two halves.
    const parts =
      value.type === 'int64'
        ? [value, binary('shrLogical', value, constant('int64', 32n))].map((e) => convert('uint32', e))
        : [value];
    const kernel: LoopKernel = {
      kind: 'loop',
      name: 'op',
      buffers: [
        ...inputs.map(() => ({ dtype: type === 'int64' ? ('int32' as const) : type, length, access: 'read' }) as const),
        ...parts.map(
          (e) => ({ dtype: e.type === 'int64' ? ('uint32' as const) : e.type, length, access: 'write' }) as const,
        ),
      ],
      loops: [{ id: 0, extent: length }],
      stages: [
        {
          loops: [],
          accumulators: [],
          stores: parts.map((e, n) => ({ buffer: inputs.length + n, index: loopVar(0, length), value: e })),
          ordered: false,
        },
      ],
    };
    const expected = interpretProgram(programOf(kernel), inputs);
    for (const vectors of VECTOR_MODES) {
      runProgram(programOf(kernel), inputs, [], undefined, { vectors }).forEach((got, part) => {
        const want = expected[part];
        const where = got.findIndex((v, n) => !Object.is(v, want?.[n]));
        const at = `${name}(${String(inputs[0]?.[where])}, ${String(inputs[1]?.[where])}) of ${type}, part ${part}, vectors ${vectors}`;
        expect(where < 0 ? undefined : got[where], at).toBe(where < 0 ? undefined : want?.[where]);
      });
    }
  }
}

test.each(TYPES)('unary operations of %s', (type) => {
  const ops: readonly UnaryOp[] = isFloat(type)
    ? FLOAT_UNARY
    : type === 'bool'
      ? ['not']
      : type === 'int64'
        ? ['neg', 'abs', 'not']
        : ['neg', 'abs', 'not', 'popcount', 'clz'];
  check(type, (x) => ops.map((op) => [op, unary(op, x)]));
});

test.each(TYPES)('arithmetic of %s', (type) => {
  const ops: readonly BinaryOp[] = isFloat(type)
    ? FLOAT_BINARY
    : type === 'bool'
      ? ['and', 'or', 'xor', 'min', 'max']
      : INT_BINARY;
  check(type, (x, y) => ops.map((op) => [op, binary(op, x, y)]));
});

test.each(TYPES)('comparisons and selects of %s', (type) => {
  check(type, (x, y) => COMPARISONS.map((op) => [op, binary(op, x, y)]));
  check(type, (x, y) => [['select', select(binary('gt', x, y), x, y)]]);
});

test.each(['int32', 'uint32', 'int64'] as const)('shifts of %s, by constants and by values', (type) => {
  const mask = constant(type, type === 'int64' ? 63n : 31);
  check(type, (x, y) => SHIFTS.map((op) => [op, binary(op, x, binary('and', y, mask))]));
  for (const count of type === 'int64' ? [0n, 1n, 31n, 32n, 33n, 63n] : [0, 1, 15, 31]) {
    check(type, (x) => SHIFTS.map((op) => [`${op} ${count}`, binary(op, x, constant(type, count))]));
  }
});

test.each(['int32', 'uint32', 'int64'] as const)('division of %s by constants', (type) => {
  for (const d of [0, 1, 2, 3, 7, 10, 255, 65536, ...(type === 'uint32' ? [4294967295] : [-1, -2, -7, -2147483648])]) {
    const divisor = constant(type, type === 'int64' ? BigInt(d) : d);
    check(type, (x) => [
      [`div ${d}`, binary('div', x, divisor)],
      [`rem ${d}`, binary('rem', x, divisor)],
    ]);
  }
});

test.each(TYPES)('conversions from %s', (type) => {
  check(type, (x) => TYPES.map((to) => [`to ${to}`, convert(to, x)]));
});

test.each([
  ['int32', ['float32', 'uint32']],
  ['uint32', ['float32', 'int32']],
  ['int64', ['float64']],
] as const)('bits of %s', (type, targets) => {
  check(type, (x) => targets.map((to) => [to, bitcast(to, x)]));
});

test('bits of floats', () => {
  const number = (x: Expr): Expr => select(binary('ne', x, x), constant(x.type, 0), x);
  check('float32', (x) => (['int32', 'uint32'] as const).map((to) => [to, bitcast(to, number(x))]));
  check('float64', (x) => [['int64', bitcast('int64', number(x))]]);
});

test.each(['int32', 'uint32'] as const)('division and left shifts of random %s', (type) => {
  const length = 20_011;
  let state = 12345;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> (Math.imul(state, 69069) >>> 27); // of every size
  };
  const fill = (): TypedArray => {
    const data = hostArray(type, length);
    for (let i = 0; i < length; i++) data[i] = next() * (i % 3 === 0 ? -1 : 1);
    return data;
  };
  const inputs = [fill(), fill()];
  const i = loopVar(0, length);
  const [x, y] = [load(type, 0, i), load(type, 1, i)];
  const values = [
    binary('div', x, y),
    binary('rem', x, y),
    // Quotients next to an integer: (x q + q - 1) / q and the like.
    binary('div', binary('sub', binary('mul', binary('shrLogical', x, constant(type, 16)), y), constant(type, 1)), y),
    binary('shl', x, binary('and', y, constant(type, 31))),
  ];
  const kernel: LoopKernel = {
    kind: 'loop',
    name: 'division',
    buffers: [
      ...inputs.map(() => ({ dtype: type, length, access: 'read' }) as const),
      ...values.map(() => ({ dtype: type, length, access: 'write' }) as const),
    ],
    loops: [{ id: 0, extent: length }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: values.map((value, n) => ({ buffer: 2 + n, index: i, value })),
        ordered: false,
      },
    ],
  };
  const expected = interpretProgram(programOf(kernel), inputs);
  for (const vectors of VECTOR_MODES) {
    runProgram(programOf(kernel), inputs, [], undefined, { vectors }).forEach((got, part) => {
      const where = got.findIndex((v, n) => v !== expected[part]?.[n]);
      expect(where, `part ${part}, vectors ${vectors}: ${inputs.map((a) => a[where]).join(', ')}`).toBe(-1);
    });
  }
});
