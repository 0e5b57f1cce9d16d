/** Random kernels give on WebGPU what the oracle gives: reductions, scans, scatters, sorts and products of many sizes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMPUTE_TYPES, hostArray, type DType, type TypedArray } from '../../../src/core/dtype.js';
import type { CombineOp } from '../../../src/core/combine.js';
import { accRef, binary, constant, int, load, loopVar, select } from '../../../src/core/scalar.js';
import {
  laterPart,
  type Accumulator,
  type BufferSlot,
  type Loop,
  type LoopKernel,
  type SortKernel,
  type Stage,
  type Store,
} from '../../../src/compiler/loop-ir.js';
import { contraction, fill, transposed } from '../wasm/contractions.js';
import { EDGES, pick, type Draw } from '../wasm/generate.js';
import { check, position, SIZES, sizeOf, small } from './check-kernel.js';

const TYPES = ['float32', 'int32', 'uint32', 'bool'] as const satisfies readonly DType[];
const RUNS = Number(process.env['COTANGENT_KERNELS'] ?? 20);

const combinesOf = (dtype: DType): readonly CombineOp[] =>
  dtype === 'bool'
    ? ['and', 'or', 'xor', 'min', 'max']
    : dtype === 'float32'
      ? ['add', 'min', 'max']
      : ['add', 'mul', 'min', 'max', 'and', 'or', 'xor'];

/** Extents whose product is about `size`. */
const drawExtents = (g: Draw, first: number, size: number, count: number): Loop[] => {
  let rest = size;
  return Array.from({ length: count }, (_, i) => {
    const extent = i === count - 1 ? rest : g(fc.integer, { min: 1, max: Math.max(1, Math.min(7, rest)) });
    rest = Math.max(1, Math.floor(rest / extent));
    return { id: first + i, extent };
  });
};

describe('loop kernels', () => {
  test('reductions of several accumulators, rows along or across, and what is made of them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), fc.nat(1000), async (g, seed) => {
        const [points, total] = pick(g, SIZES);
        const loops = drawExtents(g, 0, points, g(fc.integer, { min: 0, max: 2 }));
        const inner = drawExtents(g, 10, total, g(fc.integer, { min: 1, max: 2 }));
        const across = g(fc.boolean);
        const all = across ? [...inner, ...loops] : [...loops, ...inner];
        const length = sizeOf(all);
        const dtypes = Array.from({ length: g(fc.integer, { min: 1, max: 3 }) }, () => pick(g, TYPES));
        const buffers: BufferSlot[] = dtypes.map((dtype) => ({ dtype, length, access: 'read' }));
        const accumulators = dtypes.map((dtype, id): Accumulator => ({
          id,
          dtype,
          init: constant(dtype, dtype === 'bool' ? 1 : 3),
          update: { combine: pick(g, combinesOf(dtype)), value: load(dtype, id, position(all)) },
        }));
        const slot = (dtype: DType, n: number): number => buffers.push({ dtype, length: n, access: 'write' }) - 1;
        // A stage may store while it accumulates.
        const stores: Store[] = g(fc.boolean)
          ? [
              {
                buffer: slot(dtypes[0] ?? 'int32', length),
                index: position(all),
                value: load(dtypes[0] ?? 'int32', 0, position(all)),
              },
            ]
          : [];
        const stages: Stage[] = [{ loops: inner, accumulators, stores, ordered: false }];
        const after = g(fc.boolean) ? inner.map((l) => ({ ...l, id: l.id + 10 })) : [];
        stages.push({
          loops: after,
          accumulators: [],
          stores: dtypes.map((dtype, id) => ({
            buffer: slot(dtype, sizeOf([...loops, ...after])),
            index: position([...loops, ...after]),
            value: binary(dtype === 'bool' ? 'xor' : 'max', accRef(dtype, id), constant(dtype, 1)),
          })),
          ordered: false,
        });
        const kernel: LoopKernel = { kind: 'loop', name: 'reduce', buffers, loops, stages };
        await check(
          kernel,
          dtypes.map((dtype, i) => small(dtype, length, seed + i)),
        );
      }),
      { numRuns: RUNS },
    );
  });

  test('accumulators that merge: the first of the largest, its position, and with stores the running ones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), fc.nat(1000), async (g, seed) => {
        const [points, total] = pick(g, SIZES);
        const loops = drawExtents(g, 0, points, 1);
        const inner = drawExtents(g, 10, total, g(fc.integer, { min: 1, max: 2 }));
        const all = g(fc.boolean) ? [...inner, ...loops] : [...loops, ...inner];
        const length = sizeOf(all);
        const running = g(fc.boolean);
        const at = position(inner);
        const x = load('int32', 0, position(all));
        const [best, where, sum] = [accRef('int32', 0), accRef('int32', 1), accRef('int32', 2)];
        const [laterBest, laterWhere, laterSum] = [0, 1, 2].map((id) => accRef('int32', laterPart(id)));
        if (laterBest === undefined || laterWhere === undefined || laterSum === undefined)
          throw new Error('unreachable');
        const better = binary('or', binary('lt', where, int(0)), binary('gt', x, best));
        const wins = binary(
          'and',
          binary('ge', laterWhere, int(0)),
          binary(
            'or',
            binary('or', binary('lt', where, int(0)), binary('gt', laterBest, best)),
            binary('and', binary('eq', laterBest, best), binary('lt', laterWhere, where)),
          ),
        );
        const accumulators: Accumulator[] = [
          {
            id: 0,
            dtype: 'int32',
            init: int(0),
            update: { next: select(better, x, best), merge: select(wins, laterBest, best) },
          },
          {
            id: 1,
            dtype: 'int32',
            init: int(-1),
            update: { next: select(better, at, where), merge: select(wins, laterWhere, where) },
          },
          {
            id: 2,
            dtype: 'int32',
            init: int(0),
            update: { next: binary('add', sum, x), merge: binary('add', sum, laterSum) },
          },
        ];
        const buffers: BufferSlot[] = [{ dtype: 'int32', length, access: 'read' }];
        const slot = (n: number): number => buffers.push({ dtype: 'int32', length: n, access: 'write' }) - 1;
        const stores: Store[] = running
          ? [where, sum].map((value) => ({ buffer: slot(length), index: position(all), value }))
          : [];
        const kernel: LoopKernel = {
          kind: 'loop',
          name: 'merge',
          loops,
          stages: [
            { loops: inner, accumulators, stores, ordered: true },
            {
              loops: [],
              accumulators: [],
              stores: [best, where, sum].map((value) => ({
                buffer: slot(sizeOf(loops)),
                index: position(loops),
                value,
              })),
              ordered: false,
            },
          ],
          buffers,
        };
        await check(kernel, [small('int32', length, seed)]);
      }),
      { numRuns: RUNS },
    );
  });

  test('scatters that combine, in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), fc.nat(1000), async (g, seed) => {
        const n = g(fc.integer, { min: 1, max: 3000 });
        const dtype = pick(g, TYPES);
        const loops = [{ id: 0, extent: n }];
        const index = load('uint32', 0, position(loops));
        const store: Store = {
          buffer: 2,
          index: binary('and', { op: 'bitcast', type: 'int32', x: index }, int(15)),
          value: load(dtype, 1, position(loops)),
          combine: pick(g, combinesOf(dtype)),
          mask: binary('lt', index, constant('uint32', g(fc.integer, { min: 3, max: 40 }))),
        };
        const buffers: BufferSlot[] = [
          { dtype: 'uint32', length: n, access: 'read' },
          { dtype, length: n, access: 'read' },
          { dtype, length: 16, access: 'readwrite' },
        ];
        const kernel: LoopKernel = {
          kind: 'loop',
          name: 'scatter',
          buffers,
          loops: [],
          stages: [{ loops, accumulators: [], stores: [store], ordered: true }],
        };
        const indices = Uint32Array.from({ length: n }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 20) % 37);
        await check(kernel, [indices, small(dtype, n, seed)], [small(dtype, 16, seed + 1)]);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('sorts', () => {
  const sortKernel = (
    dtypes: readonly DType[],
    [outer, length, inner]: readonly number[],
    numKeys: number,
  ): SortKernel => {
    const size = (outer ?? 1) * (length ?? 1) * (inner ?? 1);
    const slots = (access: 'read' | 'write'): BufferSlot[] => dtypes.map((dtype) => ({ dtype, length: size, access }));
    return {
      kind: 'sort',
      name: 'sort',
      buffers: [...slots('read'), ...slots('write')],
      outer: outer ?? 1,
      length: length ?? 1,
      inner: inner ?? 1,
      numKeys,
    };
  };
  /** Few distinct values, edge cases among them, so that keys tie and stability shows. */
  const edges = (dtype: DType, length: number, seed: number): TypedArray => {
    const data = hostArray(dtype, length);
    const values = EDGES[dtype];
    for (let i = 0; i < length; i++)
      data[i] = values[(Math.imul(i + seed + 1, 2654435761) >>> 12) % values.length] ?? 0;
    return data;
  };
  const checkSort = (kernel: SortKernel): Promise<void> =>
    check(
      kernel,
      kernel.buffers.slice(0, kernel.buffers.length / 2).map((slot, i) => edges(slot.dtype, slot.length, i * 1000)),
    );

  test('one to three operands of any dtype, along any axis, by one or more keys', async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (g) => {
        const dtypes = Array.from({ length: g(fc.integer, { min: 1, max: 3 }) }, () => pick(g, TYPES));
        const shape = [
          g(fc.integer, { min: 0, max: 3 }),
          pick(g, [0, 1, 2, 63, 64, 65, 128, 129, 200]),
          g(fc.integer, { min: 1, max: 3 }),
        ];
        await checkSort(sortKernel(dtypes, shape, g(fc.integer, { min: 1, max: dtypes.length })));
      }),
      { numRuns: RUNS },
    );
  });

  test('a long row', async () => {
    await checkSort(sortKernel(['float32', 'uint32'], [1, 20_000, 1], 1));
  });
});

describe('products', () => {
  test('of every dtype, sizes around the tiles, operands as they are and transposed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (g) => {
        const dtype = pick(g, TYPES);
        const size = (): number => pick(g, [1, 2, 3, 8, 17, 31, 33, 65, 70]);
        const axes = {
          batch: g(fc.boolean) ? [] : [g(fc.integer, { min: 1, max: 3 })],
          m: [size()],
          n: [size()],
          k: pick(g, [[size()], [3, 5], [0], [16], [200], [1024], [6, 100]]),
        };
        const kernel = contraction(
          dtype,
          axes,
          transposed(g(fc.boolean), g(fc.boolean)),
          g(fc.integer, { min: 0, max: 4 }),
        );
        const data = kernel.buffers.map((slot, i) => fill(dtype, slot.length, i));
        await check(kernel, data.slice(0, 2), data.slice(2));
      }),
      { numRuns: RUNS },
    );
  });

  test('with sums of an operand beside them', async () => {
    for (const [m, n, k] of [
      [5, 7, 9],
      [3, 4, 9000],
      [65, 33, 100],
    ] as const) {
      const product = contraction('float32', { batch: [], m: [m], n: [n], k: [k] });
      const [axis] = product.n;
      if (axis === undefined) throw new Error('unreachable');
      const [j, q] = [loopVar(axis.id, n), loopVar(50, k)];
      const value = load('float32', 1, binary('add', binary('mul', q, int(n)), j));
      await check(
        {
          ...product,
          buffers: [...product.buffers, { dtype: 'float32', length: n, access: 'write' }],
          beside: [
            {
              of: 'n',
              stages: [
                {
                  loops: [{ id: 50, extent: k }],
                  accumulators: [
                    { id: 0, dtype: 'float32', init: constant('float32', 0), update: { combine: 'add', value } },
                  ],
                  stores: [],
                  ordered: false,
                },
                {
                  loops: [],
                  accumulators: [],
                  stores: [{ buffer: 3, index: j, value: accRef('float32', 0) }],
                  ordered: false,
                },
              ],
            },
          ],
        },
        [fill('float32', m * k, 1), fill('float32', k * n, 2)],
      );
    }
  });
});

test('every type that kernels compute in is drawn', () => {
  expect(COMPUTE_TYPES.filter((d) => !TYPES.some((t) => t === d))).toEqual(['float64']);
});
