/** Random loop kernels, printed every way, give bit for bit what the oracle gives. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COMPUTE_TYPES, hostArray } from '../../../src/core/dtype.js';
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import type { CombineOp } from '../../../src/core/combine.js';
import { accRef, binary, constant, convert, int, load, loopVar, select } from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type {
  Accumulator,
  BufferSlot,
  Loop,
  LoopKernel,
  Program,
  Stage,
  Store,
} from '../../../src/compiler/loop-ir.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { edgeInputs, EDGES, ExprGenerator, INPUT_SLOTS, LENGTH, pick } from './generate.js';
import type { Draw } from './generate.js';
import { programOf, runProgram, sameBits, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';

const RUNS = 400;

function checkAgainstOracle(program: Program, inputs: readonly TypedArray[], initial: readonly TypedArray[]): void {
  const expected = interpretProgram(program, inputs, initial);
  for (const vectors of VECTOR_MODES) {
    const actual = runProgram(program, inputs, initial, undefined, { vectors });
    expected.forEach((want, i) => {
      const got = actual[i];
      if (got !== undefined && sameBits(want, got)) return;
      const where = want.findIndex((v, n) => !Object.is(v, got?.[n]));
      throw new Error(
        `output ${i}[${where}] with vectors '${vectors}': ${String(got?.[where])}, should be ${String(want[where])}\n${emitProgram(program, { vectors }).text()}`,
      );
    });
  }
}

const drawLoops = (g: Draw, firstId: number, count: number, longest: number): Loop[] =>
  Array.from({ length: count }, (_, i) => ({
    id: firstId + i,
    extent: g(fc.integer, { min: 1, max: i === count - 1 ? longest : 4 }),
  }));

/** A bijection from the points of `loops` to [0, size): row-major over a permutation, or reversed. */
function storeIndex(g: Draw, loops: readonly Loop[]): Expr {
  const order = g(fc.boolean) ? [...loops] : [...loops].reverse();
  let size = 1;
  let index: Expr = int(0);
  for (const loop of order.reverse()) {
    index = binary('add', index, binary('mul', loopVar(loop.id, loop.extent), int(size)));
    size *= loop.extent;
  }
  return g(fc.integer, { min: 0, max: 4 }) === 0 ? binary('sub', int(size - 1), index) : index;
}

const sizeOf = (loops: readonly Loop[]): number => loops.reduce((n, l) => n * l.extent, 1);
const combinesOf = (dtype: DType): readonly CombineOp[] =>
  dtype === 'bool'
    ? ['and', 'or', 'xor', 'min', 'max']
    : dtype === 'float32' || dtype === 'float64'
      ? ['add', 'mul', 'min', 'max']
      : ['add', 'mul', 'min', 'max', 'and', 'or', 'xor'];

const initialFor = (slots: readonly BufferSlot[]): TypedArray[] =>
  slots.slice(INPUT_SLOTS.length).map((slot) => {
    const data = hostArray(slot.dtype, slot.length);
    const edges = EDGES[slot.dtype];
    for (let i = 0; i < data.length; i++) data[i] = edges[(i * 5) % edges.length] ?? 0;
    return data;
  });

test('elementwise expressions of every type, with strides, broadcasts, gathers, masks and combining stores', () => {
  fc.assert(
    fc.property(fc.gen(), fc.integer(), (g, seed) => {
      const loops = drawLoops(g, 0, g(fc.integer, { min: 0, max: 3 }), 23);
      const generator = new ExprGenerator(g, loops);
      const buffers = [...INPUT_SLOTS];
      const stores: Store[] = [];
      for (let n = g(fc.integer, { min: 1, max: 2 }); n > 0; n--) {
        const dtype = pick(g, COMPUTE_TYPES);
        const store: Store = { buffer: buffers.length, index: storeIndex(g, loops), value: generator.expr(dtype, 4) };
        const mask = g(fc.integer, { min: 0, max: 2 }) === 0 ? generator.expr('bool', 2) : undefined;
        const combine = g(fc.integer, { min: 0, max: 2 }) === 0 ? pick(g, combinesOf(dtype)) : undefined;
        stores.push({
          ...store,
          ...(mask === undefined ? {} : { mask }),
          ...(combine === undefined ? {} : { combine }),
        });
        buffers.push({
          dtype,
          length: sizeOf(loops),
          access: combine === undefined && mask === undefined ? 'write' : 'readwrite',
        });
      }
      const stage: Stage = { loops: [], accumulators: [], stores, ordered: false };
      const kernel: LoopKernel = { kind: 'loop', name: 'elementwise', buffers, loops, stages: [stage] };
      checkAgainstOracle(programOf(kernel), edgeInputs(seed), initialFor(buffers));
    }),
    { numRuns: RUNS },
  );
});

test('an expensive side of a select is skipped where no lane chooses it, also when its parts are used elsewhere', () => {
  fc.assert(
    fc.property(fc.gen(), fc.integer(), (g, seed) => {
      const loops = drawLoops(g, 0, g(fc.integer, { min: 0, max: 2 }), 23);
      const generator = new ExprGenerator(g, loops);
      const dtype = pick(g, ['float32', 'float64', 'int32'] as const);
      /** A chain of more operations than a branch costs. */
      const expensive = (start: Expr): Expr => {
        let e = start;
        for (let n = 1; n <= 60; n++) e = binary(n % 3 === 0 ? 'mul' : 'add', e, constant(dtype, (n % 7) - 3));
        return e;
      };
      const [a, b, c] = [
        expensive(generator.expr(dtype, 1)),
        expensive(generator.expr(dtype, 1)),
        generator.expr(dtype, 1),
      ];
      const sides = pick(g, [
        [a, c],
        [c, a],
        [a, b],
        [select(generator.expr('bool', 1), a, c), b],
      ] as const);
      const cond = g(fc.boolean) ? generator.expr('bool', 2) : binary('lt', loopVar(0, loops[0]?.extent ?? 1), int(8));
      const chosen = select(loops.length === 0 ? generator.expr('bool', 2) : cond, sides[0], sides[1]);
      const values = g(fc.boolean) ? [chosen] : [chosen, binary('sub', a, c)];
      const buffers = [...INPUT_SLOTS];
      const stores = values.map((value): Store => {
        buffers.push({ dtype, length: sizeOf(loops), access: 'write' });
        return { buffer: buffers.length - 1, index: storeIndex(g, loops), value };
      });
      const stage: Stage = { loops: [], accumulators: [], stores, ordered: false };
      checkAgainstOracle(
        programOf({ kind: 'loop', name: 'lazy', buffers, loops, stages: [stage] }),
        edgeInputs(seed),
        initialFor(buffers),
      );
    }),
    { numRuns: RUNS / 2 },
  );
});

/** Inputs whose sums and products of a few are exact in any order: small integers. */
function exactInputs(seed: number): TypedArray[] {
  return COMPUTE_TYPES.map((dtype, d) => {
    const data = hostArray(dtype, LENGTH);
    for (let i = 0; i < LENGTH; i++) {
      const n = Math.imul(i + d * 31 + seed, 2654435761) >>> 16;
      data[i] = dtype === 'bool' ? n & 1 : dtype === 'uint32' ? n % 17 : (n % 17) - 8;
    }
    return data;
  });
}

test('combining reductions over one and two axes, several accumulators, then a stage that uses them', () => {
  fc.assert(
    fc.property(fc.gen(), fc.integer(), (g, seed) => {
      const loops = drawLoops(g, 0, g(fc.integer, { min: 0, max: 2 }), 13);
      const inner = drawLoops(g, 10, g(fc.integer, { min: 1, max: 2 }), 70);
      const generator = new ExprGenerator(g, [...loops, ...inner]);
      const buffers = [...INPUT_SLOTS];
      const accumulators = Array.from({ length: g(fc.integer, { min: 1, max: 3 }) }, (_, id): Accumulator => {
        const dtype = pick(g, COMPUTE_TYPES);
        const float = dtype === 'float32' || dtype === 'float64';
        const combine = pick(g, float ? (['add', 'min', 'max'] as const) : combinesOf(dtype));
        const element = load(dtype, COMPUTE_TYPES.indexOf(dtype), generator.index());
        const value = float && combine === 'add' && g(fc.boolean) ? binary('mul', element, element) : element;
        return { id, dtype, init: constant(dtype, dtype === 'bool' ? 1 : 3), update: { combine, value } };
      });
      const reduce: Stage = { loops: inner, accumulators, stores: [], ordered: false };
      const after = g(fc.boolean) ? drawLoops(g, 20, 1, 17) : [];
      const stores = accumulators.map((acc): Store => {
        buffers.push({ dtype: acc.dtype, length: sizeOf([...loops, ...after]), access: 'write' });
        const leaf = load(
          acc.dtype,
          COMPUTE_TYPES.indexOf(acc.dtype),
          new ExprGenerator(g, [...loops, ...after]).index(),
        );
        const value = binary(acc.dtype === 'bool' ? 'xor' : 'sub', accRef(acc.dtype, acc.id), leaf);
        return { buffer: buffers.length - 1, index: storeIndex(g, [...loops, ...after]), value };
      });
      const map: Stage = { loops: after, accumulators: [], stores, ordered: false };
      const kernel: LoopKernel = { kind: 'loop', name: 'reduce', buffers, loops, stages: [reduce, map] };
      checkAgainstOracle(programOf(kernel), exactInputs(seed), initialFor(buffers));
    }),
    { numRuns: RUNS },
  );
});

test('ordered accumulators that refer to one another, with running stores', () => {
  fc.assert(
    fc.property(fc.gen(), fc.integer(), (g, seed) => {
      const loops = drawLoops(g, 0, g(fc.integer, { min: 0, max: 2 }), 11);
      const inner = drawLoops(g, 10, 1, 20);
      const dtypes = Array.from({ length: g(fc.integer, { min: 1, max: 3 }) }, () => pick(g, COMPUTE_TYPES));
      const accs = dtypes.map((dtype, id) => accRef(dtype, id));
      const generator = new ExprGenerator(g, [...loops, ...inner], accs);
      const accumulators = dtypes.map((dtype, id): Accumulator => ({
        id,
        dtype,
        init: constant(dtype, 1),
        update: { next: generator.expr(dtype, 3) },
      }));
      const buffers = [...INPUT_SLOTS];
      const stores = dtypes.map((dtype): Store => {
        buffers.push({ dtype, length: sizeOf([...loops, ...inner]), access: 'write' });
        return {
          buffer: buffers.length - 1,
          index: storeIndex(g, [...loops, ...inner]),
          value: generator.expr(dtype, 2),
        };
      });
      const scan: Stage = { loops: inner, accumulators, stores, ordered: true };
      const kernel: LoopKernel = { kind: 'loop', name: 'scan', buffers, loops, stages: [scan] };
      checkAgainstOracle(programOf(kernel), edgeInputs(seed), initialFor(buffers));
    }),
    { numRuns: RUNS },
  );
});

test('a scatter runs in order, and duplicates accumulate', () => {
  fc.assert(
    fc.property(fc.gen(), fc.integer(), (g, seed) => {
      const inner = drawLoops(g, 10, g(fc.integer, { min: 1, max: 2 }), 40);
      const generator = new ExprGenerator(g, inner);
      const dtype = pick(g, COMPUTE_TYPES);
      const combine = g(fc.boolean) ? pick(g, combinesOf(dtype)) : undefined;
      const index = binary('and', load('int32', COMPUTE_TYPES.indexOf('int32'), generator.index()), int(15));
      const store: Store = {
        buffer: INPUT_SLOTS.length,
        index,
        value: generator.expr(dtype, 2),
        mask: generator.expr('bool', 1),
      };
      const kernel: LoopKernel = {
        kind: 'loop',
        name: 'scatter',
        buffers: [...INPUT_SLOTS, { dtype, length: 16, access: 'readwrite' }],
        loops: [],
        stages: [
          {
            loops: inner,
            accumulators: [],
            stores: [combine === undefined ? store : { ...store, combine }],
            ordered: true,
          },
        ],
      };
      checkAgainstOracle(programOf(kernel), edgeInputs(seed), initialFor(kernel.buffers));
    }),
    { numRuns: RUNS / 2 },
  );
});

test('a store that is masked out may have any index', () => {
  const n = 37;
  const i = loopVar(0, n);
  const shifted = binary('sub', i, int(1_000_003));
  const kernel: LoopKernel = {
    kind: 'loop',
    name: 'pad',
    buffers: [...INPUT_SLOTS, { dtype: 'float32', length: n, access: 'readwrite' }],
    loops: [{ id: 0, extent: n }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [{ buffer: 5, index: shifted, value: load('float32', 0, i), mask: binary('ge', shifted, int(0)) }],
        ordered: false,
      },
      {
        loops: [],
        accumulators: [],
        stores: [
          { buffer: 5, index: binary('sub', i, int(30)), value: load('float32', 0, i), mask: binary('ge', i, int(30)) },
        ],
        ordered: false,
      },
    ],
  };
  checkAgainstOracle(programOf(kernel), edgeInputs(5), initialFor(kernel.buffers));
});

test('a program of dynamic extent runs for any length', () => {
  const i = loopVar(0, 1);
  const kernel: LoopKernel = {
    kind: 'loop',
    name: 'eager',
    buffers: [
      { dtype: 'float32', length: 1, access: 'read' },
      { dtype: 'int32', length: 1, access: 'read' },
      { dtype: 'float32', length: 1, access: 'write' },
    ],
    loops: [{ id: 0, extent: 1 }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [
          { buffer: 2, index: i, value: binary('add', load('float32', 0, i), convert('float32', load('int32', 1, i))) },
        ],
        ordered: false,
      },
    ],
  };
  for (const n of [0, 1, 3, 4, 5, 31, 32, 33, 1000, 100_003]) {
    const x = Float32Array.from({ length: n }, (_, k) => k / 2);
    const y = Int32Array.from({ length: n }, (_, k) => -k);
    const [out] = runProgram(programOf(kernel, true), [x, y], [], n);
    expect(out).toEqual(x.map((v, k) => v - k));
  }
});

test('loops of no iterations leave initial values, and kernels over nothing do nothing', () => {
  const value = select(binary('lt', loopVar(1, 0), int(5)), load('float32', 0, loopVar(1, 0)), constant('float32', 1));
  const kernel = (outer: number): LoopKernel => ({
    kind: 'loop',
    name: 'empty',
    buffers: [
      { dtype: 'float32', length: 0, access: 'read' },
      { dtype: 'float32', length: outer, access: 'write' },
    ],
    loops: [{ id: 0, extent: outer }],
    stages: [
      {
        loops: [{ id: 1, extent: 0 }],
        accumulators: [{ id: 0, dtype: 'float32', init: constant('float32', 7), update: { combine: 'add', value } }],
        stores: [],
        ordered: false,
      },
      {
        loops: [],
        accumulators: [],
        stores: [{ buffer: 1, index: loopVar(0, outer), value: accRef('float32', 0) }],
        ordered: false,
      },
    ],
  });
  expect(runProgram(programOf(kernel(9)), [new Float32Array(0)])).toEqual([new Float32Array(9).fill(7)]);
  expect(runProgram(programOf(kernel(0)), [new Float32Array(0)])).toEqual([new Float32Array(0)]);
});
