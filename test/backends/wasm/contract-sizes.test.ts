/** Float32 products of every M, N and K from 1 to 17, and of 127, 1000 and 1001 beside small sizes: exact. */
import { expect, test } from 'vitest';
import type { TypedArray } from '../../../src/core/dtype.js';
import type { ContractAxis, ContractKernel, Program } from '../../../src/compiler/loop-ir.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { contraction, fill, transposed } from './contractions.js';
import { Loaded } from './harness.js';
import { interpretProgram } from './interpreter.js';

/** Slots of a contraction. */
const [LHS, RHS, OUT] = [0, 1, 2] as const;

/** One program of several kernels on arrays of their own: a module takes a fifth of the time of one for each. */
function programOf(kernels: readonly ContractKernel[]): Program {
  const buffers = kernels.flatMap((kernel, i) =>
    kernel.buffers.map(({ dtype, length }, slot) => ({
      dtype,
      length,
      place: slot === OUT ? ({ kind: 'output', index: i } as const) : ({ kind: 'input', index: 2 * i + slot } as const),
    })),
  );
  return {
    name: 'products',
    buffers,
    kernels,
    steps: kernels.map((_, i) => ({ kind: 'kernel', kernel: i, args: [LHS, RHS, OUT].map((slot) => 3 * i + slot) })),
    constants: [],
    inputCount: 2 * kernels.length,
    outputCount: kernels.length,
    arenaBytes: 0,
    donations: kernels.map(() => -1),
    dynamicExtent: false,
  };
}

/** The product by its definition; sums of few small integers are exact in any order and type. */
function product({ m, n, k, buffers }: ContractKernel, lhs: TypedArray, rhs: TypedArray): Float64Array {
  const [rows, columns, terms] = [m[0], n[0], k[0]];
  if (rows === undefined || columns === undefined || terms === undefined) throw new Error('one axis a group');
  const at = (array: TypedArray, a: ContractAxis, i: number, b: ContractAxis, j: number, key: 'lhs' | 'rhs'): number =>
    array[i * a[`${key}Stride`] + j * b[`${key}Stride`]] ?? 0;
  const out = new Float64Array(buffers[OUT]?.length ?? 0);
  for (let i = 0; i < rows.extent; i++)
    for (let j = 0; j < columns.extent; j++) {
      let sum = 0;
      for (let l = 0; l < terms.extent; l++)
        sum += at(lhs, rows, i, terms, l, 'lhs') * at(rhs, terms, l, columns, j, 'rhs');
      out[i * rows.outStride + j * columns.outStride] = sum;
    }
  return out;
}

function check(sizes: readonly (readonly [m: number, n: number, k: number])[], lhs: boolean, rhs: boolean): void {
  const kernels = sizes.map(([m, n, k]) =>
    contraction('float32', { batch: [], m: [m], n: [n], k: [k] }, transposed(lhs, rhs)),
  );
  const inputs = kernels.flatMap(({ buffers }, i) =>
    [LHS, RHS].map((slot) => fill('float32', buffers[slot]?.length ?? 0, 2 * i + slot)),
  );
  const bytes = kernels.reduce((sum, k) => k.buffers.reduce((s, b) => s + 4 * b.length + 256, sum), 65536);
  const results = new Loaded(programOf(kernels), {}, bytes).run(inputs);
  kernels.forEach((kernel, i) => {
    const [a, b] = [inputs[2 * i], inputs[2 * i + 1]];
    if (a === undefined || b === undefined) throw new Error('no inputs');
    const expected = product(kernel, a, b);
    const where = expected.findIndex((v, j) => v !== results[i]?.[j]);
    if (where >= 0)
      expect.fail(
        `m, n, k = ${String(sizes[i])}: element ${where} is ${String(results[i]?.[where])}, not ${String(expected[where])}`,
      );
  });
}

const UP_TO_17 = Array.from({ length: 17 }, (_, i) => i + 1);

const LAYOUTS = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

test.each(LAYOUTS)('every M, N, K up to 17; lhs transposed: %s, rhs transposed: %s', (lhs, rhs) => {
  for (const m of UP_TO_17)
    for (const n of UP_TO_17)
      check(
        UP_TO_17.map((k) => [m, n, k] as const),
        lhs,
        rhs,
      );
});

test.each(LAYOUTS)('127, 1000 and 1001 beside small sizes; lhs transposed: %s, rhs transposed: %s', (lhs, rhs) => {
  for (const large of [127, 1000, 1001]) {
    for (const a of [1, 2, 3, 4, 7, 8, 9, 16, 17])
      check(
        [1, 3, 8, 17].flatMap(
          (b) =>
            [
              [large, a, b],
              [a, large, b],
              [a, b, large],
            ] as const,
        ),
        lhs,
        rhs,
      );
    for (const a of [1, 7, 17])
      check(
        [
          [127, large, a],
          [large, a, 127],
          [a, 127, large],
        ],
        lhs,
        rhs,
      );
  }
});

test.each(LAYOUTS)('batches of small products are one function; lhs transposed: %s, rhs transposed: %s', (lhs, rhs) => {
  for (const dtype of ['float32', 'float64', 'int32'] as const)
    for (const [m, n, k] of [
      [2, 2, 2],
      [4, 4, 4],
      [8, 8, 8],
      [3, 5, 7],
      [9, 3, 2],
      [2, 17, 30],
      [13, 20, 31],
    ] as const) {
      const kernel = contraction(dtype, { batch: [70], m: [m], n: [n], k: [k] }, transposed(lhs, rhs));
      const program = programOf([kernel]);
      expect(emitProgram(program).text()).toContain(`70 x [${m}, ${k}] x [${k}, ${n}] ${dtype}, small`);
      const inputs = [fill(dtype, 70 * m * k, 1), fill(dtype, 70 * k * n, 2)];
      expect(new Loaded(program, {}, 2 ** 20).run(inputs)).toEqual(interpretProgram(program, inputs));
    }
});

/**
 * Large ones by Freivalds' check: C = A B if C x = A (B x) for a random x, all of it in exact integers. (A wrong element
 * stays unseen only where its column's entry of x is 0, or several wrong ones cancel.)
 */
test.each([
  [127, 127, 127],
  [1000, 1000, 1000],
  [1001, 1001, 1001],
  [1000, 1001, 127],
  [1001, 127, 1000],
  [127, 1000, 1001],
])('%s by %s by %s', (m, n, k) => {
  for (const [lhs, rhs] of LAYOUTS) {
    const kernel = contraction('float32', { batch: [], m: [m], n: [n], k: [k] }, transposed(lhs, rhs));
    const [a, b] = [fill('float32', m * k, 1), fill('float32', k * n, 2)];
    const [c] = new Loaded(programOf([kernel]), {}, 2 ** 24).run([a, b]);
    if (c === undefined) throw new Error('no result');
    const x = fill('float32', n, 3).map((v) => v || 10);
    const bx = timesVector(b, k, n, rhs, x);
    expect(timesVector(c, m, n, false, x)).toEqual(timesVector(a, m, k, lhs, bx));
  }
});

/** The product with a vector of a matrix, or of one that is stored transposed. */
function timesVector(
  matrix: TypedArray,
  rows: number,
  columns: number,
  isTransposed: boolean,
  x: TypedArray,
): Float64Array {
  const [down, across] = isTransposed ? [1, rows] : [columns, 1];
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += (matrix[i * down + j * across] ?? 0) * (x[j] ?? 0);
    return sum;
  });
}
