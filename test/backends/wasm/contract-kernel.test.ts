/** Contractions of every shape, stride, axis grouping and dtype, against a naive loop. */
import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMPUTE_TYPES } from '../../../src/core/dtype.js';
import type { TypedArray } from '../../../src/core/dtype.js';
import { accRef, binary, int, loopVar } from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type { ContractAxis, ContractKernel } from '../../../src/compiler/loop-ir.js';
import type { EmitOptions } from '../../../src/backends/wasm/emit-program.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { hasFusedMultiplyAdd } from '../../../src/backends/wasm/features.js';
import { contraction, fill, transposed } from './contractions.js';
import type { Key } from './contractions.js';
import { pick } from './generate.js';
import type { Draw } from './generate.js';
import { Loaded, programOf, runProgram } from './harness.js';
import { interpretProgram } from './interpreter.js';

function check(kernel: ContractKernel, options: EmitOptions = {}): void {
  const program = programOf(kernel);
  const inputs = [
    fill(kernel.dtype, kernel.buffers[0]?.length ?? 0, 1),
    fill(kernel.dtype, kernel.buffers[1]?.length ?? 0, 2),
  ];
  const initial = [fill(kernel.dtype, kernel.buffers[2]?.length ?? 0, 3)];
  const [actual] = runProgram(program, inputs, initial, undefined, options);
  const [expected] = interpretProgram(program, inputs, initial);
  const where = expected?.findIndex((v, i) => v !== actual?.[i]) ?? -1;
  if (where >= 0) {
    throw new Error(
      `${JSON.stringify(kernel)}: element ${where} is ${String(actual?.[where])}, should be ${String(expected?.[where])}`,
    );
  }
}

test.each(COMPUTE_TYPES)('%s of sizes around the block sizes', (dtype) => {
  for (const [m, n, k] of [
    [33, 41, 127],
    [97, 9, 321],
    [130, 70, 19],
    [5, 1030, 33],
    [100, 3, 650],
    [4, 8, 16],
    [1, 100, 70],
    [100, 1, 70],
    [2, 1000, 127],
    [3, 67, 127],
    [7, 1001, 19],
    [1001, 2, 17],
    [127, 127, 127],
    [1, 1, 500],
    [40, 50, 1],
  ] as const) {
    check(contraction(dtype, { batch: [], m: [m], n: [n], k: [k] }));
    check(contraction(dtype, { batch: [], m: [m], n: [n], k: [k] }, transposed(true, true)));
    check(contraction(dtype, { batch: [], m: [m], n: [n], k: [k] }, transposed(false, true)));
  }
});

describe('with fused multiply-add', () => {
  // Node 20 has relaxed SIMD behind a flag, which counts from here on; newer versions have it anyway.
  beforeAll(() => {
    if (!hasFusedMultiplyAdd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
  });

  test.each(['float32', 'float64'] as const)('%s gives the same where sums are exact', (dtype) => {
    for (const [m, n, k] of [
      [33, 41, 127],
      [97, 9, 321],
      [5, 1030, 33],
      [1, 100, 70],
      [2, 1000, 127],
      [7, 1001, 19],
      [1001, 2, 17],
      [17, 17, 17],
    ] as const) {
      check(contraction(dtype, { batch: [], m: [m], n: [n], k: [k] }), { fused: true });
      check(contraction(dtype, { batch: [2], m: [m], n: [n], k: [k] }, transposed(true, true)), { fused: true });
    }
  });

  test.each([
    [16, 16],
    [2, 512],
  ])('rounds once a term, %i by %i', (m, n) => {
    // (1 + e)² - (1 + 2e) = e² is lost when the product is rounded before it is added.
    const e = 2 ** -12;
    const program = programOf(contraction('float32', { batch: [], m: [m], n: [n], k: [2] }));
    const lhs = Float32Array.from({ length: 2 * m }, (_, i) => (i % 2 === 0 ? -1 : 1 + e));
    const rhs = Float32Array.from({ length: 2 * n }, (_, i) => (i < n ? 1 + 2 * e : 1 + e));
    const sum = (fused: boolean): number | undefined =>
      runProgram(program, [lhs, rhs], [], undefined, { fused })[0]?.[0];
    expect(sum(true)).toBe(e * e);
    expect(sum(false)).toBe(0);
  });
});

test('no terms give zeros, and no elements give nothing', () => {
  const kernel = contraction('float32', { batch: [2], m: [3], n: [4], k: [0] });
  const [out] = runProgram(
    programOf(kernel),
    [new Float32Array(0), new Float32Array(0)],
    [new Float32Array(24).fill(9)],
  );
  expect(out).toEqual(new Float32Array(24));
  check(contraction('float32', { batch: [0], m: [30], n: [40], k: [50] }));
  check(contraction('float32', { batch: [], m: [0], n: [40], k: [50] }));
  check(contraction('float32', { batch: [], m: [30], n: [0], k: [50] }));
});

test('several axes in every group, laid out in any order, at an offset, in every dtype', () => {
  const group = (g: Draw, most: number): number[] =>
    Array.from({ length: g(fc.integer, { min: 0, max: 3 }) }, () => g(fc.integer, { min: 1, max: most }));
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const axes = { batch: group(g, 3), m: group(g, 6), n: group(g, 6), k: group(g, 7) };
      const shuffle = (list: { axis: ContractAxis; key: Key }[]): { axis: ContractAxis; key: Key }[] =>
        g(fc.shuffledSubarray<{ axis: ContractAxis; key: Key }>, list, {
          minLength: list.length,
          maxLength: list.length,
        });
      check(contraction(pick(g, COMPUTE_TYPES), axes, shuffle, g(fc.integer, { min: 0, max: 5 })));
    }),
    { numRuns: 300 },
  );
});

test('rows and columns with gaps between them, and operands shared by the batch', () => {
  let id = 0;
  const axis = (extent: number, lhsStride: number, rhsStride: number, outStride: number): ContractAxis => ({
    id: id++,
    extent,
    lhsStride,
    rhsStride,
    outStride,
  });
  const kernel: ContractKernel = {
    kind: 'contract',
    name: 'gaps',
    dtype: 'float32',
    buffers: [
      { dtype: 'float32', length: 4000, access: 'read' },
      { dtype: 'float32', length: 4000, access: 'read' },
      { dtype: 'float32', length: 9000, access: 'write' },
    ],
    batch: [axis(3, 1000, 0, 3000)],
    m: [axis(19, 50, 0, 90)],
    n: [axis(23, 0, 3, 2)],
    k: [axis(21, 2, 100, 0)],
    lhs: { buffer: 0, offset: 7 },
    rhs: { buffer: 1, offset: 1 },
    out: { buffer: 2, offset: 11 },
  };
  check(kernel);
  // A reversed axis: negative strides from an offset.
  check({
    ...kernel,
    m: [axis(19, -50, 0, 90)],
    k: [axis(21, 2, -100, 0)],
    lhs: { buffer: 0, offset: 950 },
    rhs: { buffer: 1, offset: 2100 },
  });
});

test('a float32 product of random values is as accurate as its sums allow', () => {
  const [m, n, k] = [65, 70, 1000];
  const kernel = contraction('float32', { batch: [], m: [m], n: [n], k: [k] });
  const random = (length: number, seed: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 0) / 2 ** 32 - 0.5);
  const inputs = [random(m * k, 1), random(k * n, 77)];
  const [actual] = runProgram(programOf(kernel), inputs);
  const [expected] = interpretProgram(programOf(kernel), inputs);
  // |error| <= k eps sum |x||y| (Higham, Accuracy and Stability, 3.1); with independent roundings about sqrt(k) eps.
  const bound = Math.sqrt(k) * 2 ** -24 * k * 0.25;
  actual?.forEach((v, i) => expect(Math.abs(v - (expected?.[i] ?? NaN))).toBeLessThan(bound));
});

test.each([
  { batch: [], m: [12], n: [3, 342], k: [4200] },
  { batch: [2], m: [5], n: [3], k: [700] },
  { batch: [], m: [3], n: [4], k: [20] },
  { batch: [], m: [700], n: [], k: [30] },
])('an epilogue changes no bit of the product: %j', (axes) => {
  const plain = contraction('float32', axes);
  const { out, ...rest } = plain;
  const index = [...plain.batch, ...plain.m, ...plain.n].reduce<Expr>(
    (sum, a) => binary('add', sum, binary('mul', loopVar(a.id, a.extent), int(a.outStride))),
    int(out?.offset ?? 0),
  );
  const stored: ContractKernel = { ...rest, epilogue: [{ buffer: 2, index, value: accRef('float32', 0) }] };
  const inputs = plain.buffers
    .slice(0, 2)
    .map(({ length }, seed) => Float32Array.from(fill('float32', length, seed), (v, i) => v / (3 + (i % 7))));
  const run = (kernel: ContractKernel): TypedArray[] => new Loaded(programOf(kernel), {}, 2 ** 25).run(inputs);
  const [expected] = run(plain);
  const [actual] = run(stored);
  expect(actual?.findIndex((v, i) => v !== expected?.[i])).toBe(-1);
});

describe('a matrix of short rows times a vector', () => {
  const of = (rows: number, k: number): ContractKernel =>
    contraction('float32', { batch: [], m: [rows], n: [], k: [k] });

  test('is in dot products, four rows at a time', () => {
    expect(emitProgram(programOf(of(1000, 30))).text()).toContain('in dots');
    expect(emitProgram(programOf(of(1000, 5000))).text()).toContain('parallel');
  });

  test.each(['float32', 'float64', 'int32'] as const)('%s of every length', (dtype) => {
    for (let k = 2; k <= 40; k++)
      for (const rows of [300, 301, 1023]) check(contraction(dtype, { batch: [], m: [rows], n: [], k: [k] }));
  });

  test('an infinity counts once', () => {
    for (const k of [5, 6, 7, 30, 31]) {
      const x = new Float32Array(600 * k).fill(1);
      for (let i = 0; i < 600; i++) x[i * k + (i % k)] = Infinity;
      for (const data of [
        [x, new Float32Array(k).fill(1)],
        [new Float32Array(600 * k).fill(1), new Float32Array(k).fill(Infinity)],
      ]) {
        const [sums] = runProgram(programOf(of(600, k)), data);
        expect(sums?.every((v) => v === Infinity)).toBe(true);
      }
    }
  });
});

test('scratch stays small for small products', () => {
  const kernel = contraction('float32', { batch: [64], m: [8], n: [8], k: [16] });
  const [out] = runProgram(programOf(kernel), [fill('float32', 64 * 8 * 16, 1), fill('float32', 64 * 8 * 16, 2)]);
  expect(out?.length).toBe(64 * 64);
});
