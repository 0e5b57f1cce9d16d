/** Selects with an expensive side: it is in a branch, where nothing of it is computed before, and the values are those of the oracle. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { devicePut, jit, numpy as np, type NDArray } from 'cotangent';
import { binary, constant, int, load, loopVar, select, type Expr } from '../../../src/core/scalar.js';
import type { BufferSlot, LoopKernel, Stage } from '../../../src/compiler/loop-ir.js';
import { pick } from '../wasm/generate.js';
import { check, small } from './check-kernel.js';
import { gpu, otherKind } from './run-program.js';

const device = gpu.capabilities.skipsBranches ? gpu : otherKind;

const shader = (f: (x: NDArray) => NDArray, shape: readonly number[]): string =>
  jit(f)
    .lower(devicePut(np.zeros(shape), device))
    .asText('wgsl');

const indent = (line: string): number => line.length - line.trimStart().length;

test('the range reduction of huge arguments is in a branch, also of four elements at once', () => {
  const sine = (x: NDArray): NDArray => np.sin(x).mul(2);
  const sums = (x: NDArray): NDArray => np.sum(np.sin(x), { axis: 1 });
  for (const [f, shape, head] of [
    [sine, [64], 'if (any('],
    [sine, [1], 'if ('],
    [sums, [256, 512], 'if (any('],
  ] as const) {
    const lines = shader(f, shape).split('\n');
    const branch = lines.find((line) => line.trim().startsWith(head) && !line.includes('return')) ?? '';
    // A word of 1 / pi.
    const word = lines.find((line) => line.includes('1367130551u')) ?? '';
    expect(indent(word)).toBeGreaterThan(indent(branch));
    expect(indent(branch)).toBeGreaterThan(0);
    // Without the branch they would be too many operations for vectors.
    expect(lines.some((line) => line.includes('array<vec4<f32>>'))).toBe(head === 'if (any(');
  }
});

test('every side is chosen by all lanes, by some and by none; parts of it may be used elsewhere', async () => {
  await fc.assert(
    fc.asyncProperty(fc.gen(), fc.nat(1000), async (g, seed) => {
      const points = pick(g, [1, 3, 64, 67, 300]);
      const total = pick(g, [0, 0, 5, 256]);
      const dtype = pick(g, ['int32', 'uint32', 'float32'] as const);
      const inner = total === 0 ? [] : [{ id: 1, extent: total }];
      const length = points * Math.max(1, total);
      const at = (): Expr =>
        total === 0
          ? loopVar(0, points)
          : binary('add', binary('mul', loopVar(0, points), int(total)), loopVar(1, total));
      const position = at();
      const [x, y] = [load(dtype, 0, position), load(dtype, 1, position)];
      /** A chain of more operations than a branch costs, exact in float32. */
      const expensive = (start: Expr): Expr => {
        let e = start;
        for (let n = 1; n <= 30; n++) {
          e = binary('add', e, constant(dtype, n % 7));
          e = binary(n % 2 === 0 ? 'max' : 'min', e, n % 3 === 0 ? y : constant(dtype, 7 + n));
        }
        return e;
      };
      const [a, b] = [expensive(x), expensive(binary('add', x, y))];
      const ofLanes = load('bool', 2, position);
      const cond = pick(g, [
        ofLanes,
        binary('lt', position, int(g(fc.integer, { min: 0, max: length }))),
        binary('lt', loopVar(0, points), int(2)),
        load('bool', 2, int(0)),
        constant('bool', 0),
      ]);
      const chosen = pick(g, [
        select(cond, a, y),
        select(cond, y, a),
        select(cond, a, b),
        select(cond, select(ofLanes, a, x), b),
        select(cond, binary('add', a, a), binary('add', select(ofLanes, y, b), x)),
      ]);
      const value = g(fc.boolean) ? chosen : binary('add', chosen, pick(g, [a, expensive(y)]));
      const buffers: BufferSlot[] = [
        { dtype, length, access: 'read' },
        { dtype, length, access: 'read' },
        { dtype: 'bool', length, access: 'read' },
        { dtype, length: total === 0 ? length : points, access: 'write' },
      ];
      const stages: Stage[] =
        total === 0
          ? [{ loops: [], accumulators: [], stores: [{ buffer: 3, index: position, value }], ordered: false }]
          : [
              {
                loops: inner,
                accumulators: [{ id: 0, dtype, init: constant(dtype, 0), update: { combine: 'add', value } }],
                stores: [],
                ordered: false,
              },
              {
                loops: [],
                accumulators: [],
                stores: [{ buffer: 3, index: loopVar(0, points), value: { op: 'acc', type: dtype, id: 0 } }],
                ordered: false,
              },
            ];
      const kernel: LoopKernel = { kind: 'loop', name: 'lazy', buffers, loops: [{ id: 0, extent: points }], stages };
      await check(kernel, [
        small(dtype, length, seed),
        small(dtype, length, seed + 1),
        small('bool', length, seed + 2),
      ]);
    }),
    { numRuns: 60 },
  );
});
