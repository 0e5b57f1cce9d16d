/** Loops and branches of a program, hand-built: against the oracle, and their size. */
import { describe, expect, it } from 'vitest';
import { binary, constant, int, load, loopVar, type Expr } from '../../../src/core/scalar.js';
import type { LoopKernel, Placement, Program, ProgramBuffer, Step } from '../../../src/compiler/loop-ir.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { runProgram } from './harness.js';
import { interpretProgram } from './interpreter.js';

const N = 5;
const i = loopVar(0, N);

/** `out = value(a, b)` elementwise over N; slots a, b, out. */
const mapKernel = (
  name: string,
  value: (a: Expr, b: Expr) => Expr,
  out: 'float32' | 'bool' | 'int32' = 'float32',
  n = N,
): LoopKernel => ({
  kind: 'loop',
  name,
  buffers: [
    { dtype: 'float32', length: n, access: 'read' },
    { dtype: 'float32', length: n, access: 'read' },
    { dtype: out, length: n, access: 'write' },
  ],
  loops: [{ id: 0, extent: n }],
  stages: [
    {
      loops: [],
      accumulators: [],
      ordered: false,
      stores: [
        {
          buffer: 2,
          index: i,
          value: value(load('float32', 0, n === N ? i : int(0)), load('float32', 1, n === N ? i : int(0))),
        },
      ],
    },
  ],
});
const copyKernel = (n: number): LoopKernel => ({
  kind: 'loop',
  name: 'copy',
  buffers: [
    { dtype: 'float32', length: n, access: 'read' },
    { dtype: 'float32', length: n, access: 'write' },
  ],
  loops: [{ id: 0, extent: n }],
  stages: [
    {
      loops: [],
      accumulators: [],
      ordered: false,
      stores: [{ buffer: 1, index: loopVar(0, n), value: load('float32', 0, loopVar(0, n)) }],
    },
  ],
});
const addMul = mapKernel('add', (a, b) => binary('add', binary('mul', a, constant('float32', 2)), b));

const f32 = (length: number, place: Placement): ProgramBuffer => ({ dtype: 'float32', length, place });

function program(buffers: readonly ProgramBuffer[], kernels: readonly LoopKernel[], steps: readonly Step[]): Program {
  const count = (kind: 'input' | 'output'): number => buffers.filter((b) => b.place.kind === kind).length;
  return {
    name: 'test',
    buffers,
    kernels,
    steps,
    constants: [],
    inputCount: count('input'),
    outputCount: count('output'),
    arenaBytes: 256,
    donations: [-1, -1],
    dynamicExtent: false,
  };
}

/** `carry' = 2 carry + x; y = carry'` over slices of x. */
const scan = (length: number, reverse: boolean, mode: 'turns' | 'in place' | 'copied'): Program => {
  const [result, other] = [2, 6];
  const odd = length % 2 === 1;
  const [first, second] =
    mode === 'in place' ? [result, result] : odd === (mode === 'turns') ? [result, other] : [other, result];
  /** Whether the last iteration leaves the value in its place. */
  const ends = length > 0 && mode !== 'copied';
  return program(
    [
      f32(N, { kind: 'input', index: 0 }),
      f32(N * length, { kind: 'input', index: 1 }),
      f32(N, { kind: 'output', index: 0 }),
      f32(N * length, { kind: 'output', index: 1 }),
      f32(N, { kind: 'carry', loop: 0, index: 0, at: 'start' }),
      f32(N, { kind: 'carry', loop: 0, index: 0, at: 'end' }),
      f32(N, { kind: 'arena', offset: 0 }),
      f32(N, { kind: 'slice', of: 1, loop: 0, bytes: 4 * N }),
      f32(N, { kind: 'slice', of: 3, loop: 0, bytes: 4 * N }),
    ],
    [addMul, copyKernel(N)],
    [
      {
        kind: 'loop',
        id: 0,
        trips: { count: length, reverse },
        carries: [{ initial: 0, first, second, result, start: 4, ...(ends ? {} : { copy: 1 }) }],
        steps: [
          { kind: 'kernel', kernel: 0, args: [4, 7, 5] },
          { kind: 'kernel', kernel: 1, args: [5, 8] },
        ],
      },
    ],
  );
};

describe('loops', () => {
  it.each([0, 1, 2, 7])('carry values and slice over %d iterations', (length) => {
    const init = Float32Array.from({ length: N }, (_, n) => n - 1);
    const xs = Float32Array.from({ length: N * length }, (_, n) => Math.sin(n));
    for (const reverse of [false, true])
      for (const mode of ['turns', 'in place', 'copied'] as const) {
        const p = scan(length, reverse, mode);
        const results = runProgram(p, [init, xs]);
        expect(results).toEqual(interpretProgram(p, [init, xs]));
        let carry = init;
        const ys = new Float32Array(N * length);
        for (let n = 0; n < length; n++) {
          const t = reverse ? length - 1 - n : n;
          carry = carry.map((c, k) => Math.fround(2 * c) + (xs[t * N + k] ?? 0));
          ys.set(carry, t * N);
        }
        expect(results).toEqual([carry, ys]);
      }
  });
  it('the module does not grow with the length', () => {
    const size = (length: number): number => emitProgram(scan(length, false, 'turns')).bytes.length;
    // A few bytes for larger constants.
    expect(size(1_000_000) - size(2)).toBeLessThan(16);
  });
  it('run while a condition holds, with the condition computed before each iteration', () => {
    const p = program(
      [
        f32(1, { kind: 'input', index: 0 }),
        f32(1, { kind: 'output', index: 0 }),
        f32(1, { kind: 'carry', loop: 3, index: 0, at: 'start' }),
        f32(1, { kind: 'carry', loop: 3, index: 0, at: 'end' }),
        f32(1, { kind: 'arena', offset: 0 }),
        { dtype: 'bool', length: 1, place: { kind: 'arena', offset: 64 } },
      ],
      [
        mapKernel('below', (a) => binary('lt', a, constant('float32', 100)), 'bool', 1),
        mapKernel('double', (a) => binary('mul', a, constant('float32', 2)), 'float32', 1),
        copyKernel(1),
      ],
      [
        {
          kind: 'loop',
          id: 3,
          trips: { condition: [{ kind: 'kernel', kernel: 0, args: [2, 2, 5] }], holds: 5 },
          carries: [{ initial: 0, first: 4, second: 1, result: 1, copy: 2, start: 2 }],
          steps: [{ kind: 'kernel', kernel: 1, args: [2, 2, 3] }],
        },
      ],
    );
    for (const [x, y] of [
      [1, 128],
      [3, 192],
      [200, 200],
      [99, 198],
      [25.5, 102],
    ] as const) {
      expect(runProgram(p, [Float32Array.of(x)])).toEqual([Float32Array.of(y)]);
      expect(interpretProgram(p, [Float32Array.of(x)])).toEqual([Float32Array.of(y)]);
    }
  });
});

describe('branches', () => {
  it.each([1, 2, 4])('%d cases by a clamped index', (cases) => {
    const kernels = Array.from({ length: cases }, (_, k) =>
      mapKernel(`case${k}`, (a) => binary('add', a, constant('float32', k))),
    );
    const p = program(
      [
        { dtype: 'int32', length: 1, place: { kind: 'input', index: 0 } },
        f32(N, { kind: 'input', index: 1 }),
        f32(N, { kind: 'output', index: 0 }),
      ],
      kernels,
      [
        {
          kind: 'branch',
          index: 0,
          branches: kernels.map((_, kernel) => [{ kind: 'kernel', kernel, args: [1, 1, 2] }]),
        },
      ],
    );
    for (const index of [-(2 ** 31), -1, 0, 1, 2, 3, 4, 1000, 2 ** 31 - 1]) {
      const inputs = [Int32Array.of(index), Float32Array.from({ length: N }, (_, k) => k / 2)];
      const chosen = Math.min(Math.max(index, 0), cases - 1);
      const expected = Float32Array.from({ length: N }, (_, k) => k / 2 + chosen);
      expect(runProgram(p, inputs)).toEqual([expected]);
      expect(interpretProgram(p, inputs)).toEqual([expected]);
    }
  });
});
