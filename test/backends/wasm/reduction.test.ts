/** Long reductions, which are printed as several kernels, and their rounding errors. */
import { expect, test } from 'vitest';
import { hostArray } from '../../../src/core/dtype.js';
import type { ComputeType, TypedArray } from '../../../src/core/dtype.js';
import type { CombineOp } from '../../../src/core/combine.js';
import { identityOf } from '../../../src/core/combine.js';
import { accRef, binary, constant, int, load, loopVar } from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { Loaded, programOf, sameBits, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';
import { randomBits } from '../../compiler/math/ulp.js';

/** Reduce axis 1 of (a, b, c), twice: by `op`, and by addition; with `storing`, store every element on the way. */
function reduceMiddle(
  dtype: ComputeType,
  op: CombineOp,
  [a, b, c]: readonly [number, number, number],
  storing = false,
): LoopKernel {
  const i = loopVar(0, a);
  const j = loopVar(1, c);
  const k = loopVar(2, b);
  const at = (x: Expr, n: number, y: Expr): Expr => binary('add', binary('mul', x, int(n)), y);
  const place = at(at(i, b, k), c, j);
  const x = load(dtype, 0, place);
  const second: CombineOp = dtype === 'bool' ? 'xor' : 'add';
  return {
    kind: 'loop',
    name: 'reduce',
    buffers: [
      { dtype, length: a * b * c, access: 'read' },
      { dtype, length: a * c, access: 'write' },
      { dtype, length: a * c, access: 'write' },
      ...(storing ? [{ dtype, length: a * b * c, access: 'write' } as const] : []),
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
        stores: storing ? [{ buffer: 3, index: place, value: x }] : [],
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
  ['uint32', 'add', [1, 64, 4]],
  ['float32', 'min', [3, 99, 20]],
  ['float32', 'add', [1, 70, 8192]],
  ['int32', 'max', [1, 65, 4098]],
  ['float64', 'add', [1, 130, 12288]],
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

// An element that is stored on the way to a sum is a gradient beside that of its bias.
test.each([
  ['float32', 'max', [1, 1000, 8]],
  ['float32', 'add', [2, 129, 130]],
  ['float64', 'min', [1, 5000, 12]],
  ['int32', 'add', [1, 300, 1030]],
  ['bool', 'or', [1, 4099, 30]],
  ['float32', 'max', [2, 70_001, 1]],
] as const)('%s %s over axis 1 of %j, which is stored on the way', (dtype, op, shape) => {
  const program = programOf(reduceMiddle(dtype, op, shape, true));
  const data = hostArray(dtype, shape[0] * shape[1] * shape[2]);
  for (let i = 0; i < data.length; i++) {
    const n = Math.imul(i + 1, 2654435761) >>> 8;
    data[i] = dtype === 'bool' ? n & 1 : (n % 7) - 3;
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

test('long rows of a large array are summed two at a time, the same as one by one', () => {
  const [rows, columns] = [2048, 1024];
  const program = programOf(reduceMiddle('float32', 'max', [rows, columns, 1]));
  expect(emitProgram(program).text()).toContain('parallel i0 < 1024');
  expect(emitProgram(programOf(reduceMiddle('float32', 'max', [2047, 1025, 1]))).text()).toContain('i0 < 2047');
  const data = Float32Array.from({ length: rows * columns }, (_, i) => (Math.imul(i + 1, 2654435761) >> 8) / 7);
  const one = new Loaded(programOf(reduceMiddle('float32', 'max', [1, columns, 1])));
  const results = new Loaded(program).run([data]);
  for (let row = 0; row < rows; row += 97) {
    const alone = one.run([data.subarray(row * columns, (row + 1) * columns)]);
    results.forEach((result, i) => expect(result[row]).toBe(alone[i]?.[0]));
  }
});

test('a reduction over columns adds eight rows at a time to a row that stays in the cache', () => {
  const text = emitProgram(programOf(reduceMiddle('float32', 'add', [1, 512, 8192]))).text();
  expect(text).toMatch(/loop i\d+ < 7\n\s+loop i\d+ < 4096 by 4 lanes/);
  expect(text).toMatch(/\(i\d+ \+ 1\) \* 8$/m);
});

test.each(['max', 'min'] as const)(
  'float32 %s of zeros, infinities and NaNs of both signs, in rows of any length',
  (op) => {
    const zeros = [0, 0x80000000];
    const negative = [0x80000000, 0x80000001, 0xbf800000, 0xff7fffff, 0xff800000];
    const positive = [0, 1, 0x3f800000, 0x7f7fffff, 0x7f800000];
    const nans = [0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff, 0x7fffffff, 0xff800001];
    const pools = [zeros, negative, positive, [...negative, ...positive]];
    const draw = randomBits(11);
    const pick = (from: readonly number[]): number => from[draw() % from.length] ?? 0;
    for (const length of [1, 3, 4, 5, 8, 15, 16, 17, 33, 64, 100]) {
      const rows = 48;
      const program = programOf(reduceMiddle('float32', op, [rows, length, 1]));
      const bits = new Uint32Array(rows * length);
      for (let row = 0; row < rows; row++) {
        const pool = pools[row % pools.length] ?? zeros;
        for (let i = 0; i < length; i++) bits[row * length + i] = pick(pool);
        if (row % 3 === 0) bits[row * length + (draw() % length)] = pick(nans);
      }
      const data = new Float32Array(bits.buffer);
      const [expected = data] = interpretProgram(program, [data]);
      for (const vectors of VECTOR_MODES) {
        const [got = data] = new Loaded(program, { vectors }).run([data]);
        expect(sameBits(got, expected), `length ${length}, vectors ${vectors}`).toBe(true);
      }
    }
  },
);

/** Numbers whose sums go wrong in different ways: roundings that all go one way, random ones, cancellation. */
const FILLS: Readonly<Record<string, (i: number) => number>> = {
  'equal numbers': () => Math.fround(0.1),
  'other equal numbers': () => Math.fround(1 / 3),
  'uniform numbers': (i) => (Math.imul(i, 2654435761) >>> 0) / 2 ** 32,
  'alternating signs': (i) => (i % 2 === 0 ? 1.0000001 : -0.9999999) * (1 + (i % 3)),
  'one large number': (i) => (i === 5 ? 2 ** 20 : 1 / 3),
};

/** The largest error of sums over the middle axis, relative to the sums of the sizes of the terms, of a few results. */
function sumError(data: Float32Array, sums: TypedArray, [a, b, c]: readonly [number, number, number]): number {
  let worst = 0;
  for (let q = 0; q < a * c; q += Math.ceil((a * c) / 40)) {
    const first = Math.floor(q / c) * b * c + (q % c);
    let exact = 0;
    let size = 0;
    for (let r = 0; r < b; r++) {
      const v = data[first + r * c] ?? NaN;
      exact += v;
      size += Math.abs(v);
    }
    worst = Math.max(worst, Math.abs((sums[q] ?? NaN) - 1 - exact) / size);
  }
  return worst;
}

test.each([
  ['everything', [1, 1 << 24, 1]],
  ['one short row', [1, 3000, 1]],
  ['rows', [500, 4099, 1]],
  ['columns', [1, 4099, 500]],
  ['a few columns', [1, 200_003, 8]],
  ['the middle axis', [7, 1500, 40]],
] as const)('float32 sums over %s are within 1e-6, whatever the numbers', (_, shape) => {
  const length = shape[0] * shape[1] * shape[2];
  const program = new Loaded(programOf(reduceMiddle('float32', 'max', shape)), {}, 4 * length + (1 << 24));
  const data = new Float32Array(length);
  for (const [name, fill] of Object.entries(FILLS)) {
    for (let i = 0; i < length; i++) data[i] = fill(i);
    const [, sums] = program.run([data]);
    expect(sumError(data, sums ?? data, shape), name).toBeLessThan(1e-6);
  }
});

test.each(VECTOR_MODES)('a float32 sum over two axes, the inner one short, is in blocks too; vectors %s', (vectors) => {
  for (const inner of [2, 3, 5, 9, 40]) {
    const rows = 3001;
    const [i, k, l] = [loopVar(0, 6), loopVar(1, rows), loopVar(2, inner)];
    const at = binary('add', binary('mul', binary('add', binary('mul', k, int(6)), i), int(inner)), l);
    const kernel: LoopKernel = {
      kind: 'loop',
      name: 'two',
      buffers: [
        { dtype: 'float32', length: 6 * rows * inner, access: 'read' },
        { dtype: 'float32', length: 6, access: 'write' },
      ],
      loops: [{ id: 0, extent: 6 }],
      stages: [
        {
          loops: [
            { id: 1, extent: rows },
            { id: 2, extent: inner },
          ],
          accumulators: [
            {
              id: 0,
              dtype: 'float32',
              init: constant('float32', 1),
              update: { combine: 'add', value: load('float32', 0, at) },
            },
          ],
          stores: [],
          ordered: false,
        },
        {
          loops: [],
          accumulators: [],
          stores: [{ buffer: 1, index: i, value: accRef('float32', 0) }],
          ordered: false,
        },
      ],
    };
    const data = new Float32Array(6 * rows * inner).fill(0.1);
    const [sums = data] = new Loaded(programOf(kernel), { vectors }).run([data]);
    const exact = 1 + Math.fround(0.1) * rows * inner;
    for (const sum of sums) expect(Math.abs(sum - exact) / exact, `inner ${inner}`).toBeLessThan(1e-6);
  }
});

test('sums of nothing but -0 are -0', () => {
  const kernel = reduceMiddle('float32', 'max', [1, 70_000, 1]);
  const [first] = kernel.stages;
  if (first === undefined) throw new Error('no stage');
  const sums = { ...first, accumulators: first.accumulators.map((acc) => ({ ...acc, init: constant('float32', -0) })) };
  const program = programOf({ ...kernel, stages: [sums, ...kernel.stages.slice(1)] });
  const [, sum] = new Loaded(program).run([new Float32Array(70_000).fill(-0)]);
  expect(sum?.[0]).toBe(-0);
});
