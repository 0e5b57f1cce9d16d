/** What is fused: the number and kinds of kernels, the arena, donations. Structure, not time. */
import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import { ShapedArray } from '../../src/core/aval.js';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import { checkJaxpr } from '../../src/core/check.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { compileJaxpr } from '../../src/compiler/compile.js';
import { kernelCalls, type Program } from '../../src/compiler/loop-ir.js';
import * as lax from '../../src/lax/index.js';
import { checkpoint, grad, jit } from '../../src/transforms/index.js';

const f32 = (...shape: number[]): ShapedArray => new ShapedArray(shape, 'float32');

function compile(
  f: (...args: NDArray[]) => NDArray | readonly NDArray[],
  avals: readonly ShapedArray[],
  donate: readonly boolean[] = [],
): Program {
  const closed = traceToJaxpr(
    (...args) => {
      const out = f(...args);
      return Array.isArray(out) ? (out as NDArray[]) : [out as NDArray];
    },
    avals,
    'test',
  );
  checkJaxpr(closed.jaxpr);
  return compileJaxpr(closed, { donate }).program;
}
const kinds = (p: Program): string[] => kernelCalls(p.steps).map((c) => p.kernels[c.kernel]?.kind ?? '?');
const need = (x: NDArray | undefined): NDArray => {
  if (x === undefined) throw new Error('no argument');
  return x;
};
const one =
  (f: (x: NDArray) => NDArray | readonly NDArray[]) =>
  (...args: NDArray[]): NDArray | readonly NDArray[] =>
    f(need(args[0]));
const two =
  (f: (x: NDArray, y: NDArray) => NDArray | readonly NDArray[]) =>
  (...args: NDArray[]): NDArray | readonly NDArray[] =>
    f(need(args[0]), need(args[1]));

describe('kernels', () => {
  it('a chain of elementwise operations is one, whatever views are in it', () => {
    const p = compile(
      two((x, y) => lax.exp(lax.add(lax.transpose(lax.mul(x, 2), [1, 0]), lax.broadcastInDim(y, [4, 3], [0])))),
      [f32(3, 4), f32(4)],
    );
    expect(kinds(p)).toEqual(['loop']);
    expect(p.arenaBytes).toBe(0);
  });
  it('several results over one space are one', () => {
    const p = compile(
      two((x, y) => [lax.add(x, y), lax.mul(x, y), lax.sin(x)]),
      [f32(100), f32(100)],
    );
    expect(kinds(p)).toEqual(['loop']);
    expect(p.kernels[0]?.buffers.length).toBe(5);
  });
  it('a moment update of Adam is one pass: parameters, moments and gradient in, parameters and moments out', () => {
    const p = compile(
      (...args) => {
        const [w, m, v, g] = args.map(need);
        if (w === undefined || m === undefined || v === undefined || g === undefined) throw new Error('no argument');
        const m1 = lax.add(lax.mul(m, 0.9), lax.mul(g, 0.1));
        const v1 = lax.add(lax.mul(v, 0.999), lax.mul(lax.square(g), 0.001));
        return [lax.sub(w, lax.mul(lax.div(m1, lax.add(lax.sqrt(v1), 1e-8)), 0.001)), m1, v1];
      },
      [f32(50, 20), f32(50, 20), f32(50, 20), f32(50, 20)],
      [true, true, true, false],
    );
    expect(kinds(p)).toEqual(['loop']);
    expect(p.kernels[0]?.buffers.length).toBe(7);
    expect(p.arenaBytes).toBe(0);
    // Every result takes the place of its donated operand.
    expect([...p.donations].sort()).toEqual([0, 1, 2]);
  });
  it('a reduction takes in what it reduces and what is done with its result', () => {
    const p = compile(
      two((x, y) => lax.sqrt(lax.reduceSum(lax.square(lax.sub(x, y)), [1]))),
      [f32(8, 16), f32(8, 16)],
    );
    expect(kinds(p)).toEqual(['loop']);
    expect(p.arenaBytes).toBe(0);
  });
  it('an expensive value is not computed again for every element it is repeated to', () => {
    const p = compile(
      two((x, y) => lax.mul(x, lax.broadcastInDim(lax.exp(y), [64, 32], [1]))),
      [f32(64, 32), f32(32)],
    );
    expect(kinds(p)).toEqual(['loop', 'loop']);
    expect(p.arenaBytes).toBe(128);
  });
  it('transposes are folded into matrix products', () => {
    const p = compile(
      two((x, y) => lax.dot(lax.transpose(x, [1, 0]), lax.transpose(y, [1, 0]))),
      [f32(5, 7), f32(3, 5)],
    );
    expect(kinds(p)).toEqual(['contract']);
    const batched = compile(
      two((x, y) =>
        lax.dotGeneral(lax.transpose(x, [1, 0, 2]), y, [
          [[2], [1]],
          [[0], [0]],
        ]),
      ),
      [f32(4, 2, 3), f32(2, 3, 5)],
    );
    expect(kinds(batched)).toEqual(['contract']);
  });
  it('an MLP layer is one kernel: a product whose epilogue is bias and activation', () => {
    const p = compile(
      (...args) => {
        const [x, w, b] = [need(args[0]), need(args[1]), need(args[2])];
        return lax.max(lax.add(lax.dot(x, w), lax.broadcastInDim(b, [16, 8], [1])), 0);
      },
      [f32(16, 4), f32(4, 8), f32(8)],
    );
    expect(kinds(p)).toEqual(['contract']);
    expect(p.arenaBytes).toBe(0);
  });
  it('equal kernels are emitted once', () => {
    const p = compile(
      two((x, y) => [lax.reduceSum(x, [1]), lax.reduceSum(y, [1])]),
      [f32(4, 4), f32(4, 4)],
    );
    expect([kernelCalls(p.steps).length, p.kernels.length]).toEqual([2, 1]);
  });
});

describe('values', () => {
  it('of a scalar that either of two kernels could take in', () => {
    const f = (x: NDArray, a: NDArray): NDArray[] => [
      lax.abs(a),
      lax.reduceSum(x),
      lax.reduceSum(lax.sort([x])[0] ?? x),
      lax.exp(x),
    ];
    const args = [array([3, 1, 2]), array([-1], [])] as const;
    expect(jit(f)(...args).map(flat)).toEqual(f(...args).map(flat));
    expect(compile(two(f), [f32(3), f32()]).steps.length).toBe(3);
  });
  it('of a map that picks from a product of one element', () => {
    const f = (x: NDArray, i: NDArray): NDArray =>
      lax.dynamicSlice(lax.dot(lax.transpose(x, [1, 0]), x), [i, i], [1, 1]);
    expect(flat(jit(f)(array([1, 2], [2, 1]), array([1], [], 'int32')))).toEqual([5]);
  });
  it('reads the first rows or columns of a product, and writes none of the others', () => {
    // The rows that the epilogue is not of would be written behind its results, which lie one after the other.
    for (const [rows, columns] of [
      [2, 3],
      [2, 9],
      [1, 2],
      [5, 3],
    ] as const) {
      const f = (x: NDArray, y: NDArray): readonly NDArray[] => {
        const product = lax.dotGeneral(x, y, [
          [[1], [0]],
          [[], []],
        ]);
        const part = lax.slice(product, [0, 0], [rows, columns]);
        return [lax.neg(part), lax.mul(part, 2), lax.mul(part, 3)];
      };
      const [x, y] = [array(Array.from({ length: 15 }, (_, i) => i), [5, 3]), array(Array.from({ length: 27 }, (_, i) => i % 5), [3, 9])]; // prettier-ignore
      const expected = f(x, y).map((v) => flat(v));
      expect(jit(f)(x, y).map((v) => flat(v))).toEqual(expected);
      expect(expected[1]).toEqual(expected[0]?.map((v) => -2 * v));
    }
  });
});

describe('large programs', () => {
  it('a chain of thousands of operations is cut into kernels that compile', () => {
    const chain = (x: NDArray): NDArray => {
      let y = x;
      for (let i = 0; i < 2000; i++) y = lax.add(lax.mul(y, 0.999), 0.001);
      return y;
    };
    const p = compile(one(chain), [f32(8)]);
    expect(kernelCalls(p.steps).length).toBeGreaterThan(1);
    expect(kernelCalls(p.steps).length).toBeLessThan(50);
    // The fixed point of y -> 0.999 y + 0.001 is 1; 4000 roundings of up to 6e-8 add up to 2e-4.
    expect(flat(jit(chain)(array([2])))[0]).toBeCloseTo(1 + 0.999 ** 2000, 3);
    expect(flat(grad(jit((x: NDArray) => lax.reduceSum(chain(lax.sin(x)))))(array([0])))[0]).toBeCloseTo(
      0.999 ** 2000,
      3,
    );
  });
});

describe('simplification', () => {
  it('merges what is computed twice and drops what nobody reads', () => {
    const p = compile(
      one((x) => {
        lax.tanh(x);
        return lax.add(lax.reduceSum(lax.exp(x), [1]), lax.reduceSum(lax.exp(x), [1]));
      }),
      [f32(4, 4)],
    );
    expect(kernelCalls(p.steps).length).toBe(1);
    expect(
      p.kernels[0]?.kind === 'loop' ? p.kernels[0].stages.filter((s) => s.accumulators.length > 0).length : 0,
    ).toBe(1);
  });
  it('keeps the recomputation of a checkpoint apart', () => {
    const f = (v: NDArray): NDArray => lax.sin(lax.dot(lax.sin(lax.dot(v, v)), v));
    const products = (g: (v: NDArray) => NDArray): number =>
      kinds(
        compile(
          one((x) => [g(x), grad((v: NDArray) => lax.reduceSum(g(v)))(x)]),
          [f32(8, 8)],
        ),
      ).filter((k) => k === 'contract').length;
    // The two forward products are computed once without checkpoint, and again for the backward pass with it.
    expect([products(f), products((v) => checkpoint(f)(v))]).toEqual([6, 8]);
  });
});

describe('memory plan', () => {
  it('reuses the bytes of values that died', () => {
    // A chain of row sums that are repeated again: each stage needs the one before only.
    const p = compile(
      one((x) => {
        let y = x;
        for (let i = 0; i < 6; i++) y = lax.dot(y, y);
        return y;
      }),
      [f32(16, 16)],
    );
    expect(kernelCalls(p.steps).length).toBe(6);
    expect(p.arenaBytes).toBe(2 * 16 * 16 * 4);
  });
  it('never lets live values overlap', () => {
    const p = compile(
      one((x) => {
        const a = lax.dot(x, x);
        const b = lax.dot(a, x);
        const c = lax.dot(b, a);
        return lax.add(lax.dot(c, b), lax.dot(a, c));
      }),
      [f32(9, 9)],
    );
    const uses = new Map<number, { first: number; last: number }>();
    kernelCalls(p.steps).forEach((call, i) => {
      call.args.forEach((b) => {
        uses.set(b, { first: uses.get(b)?.first ?? i, last: i });
      });
    });
    const arena = p.buffers.flatMap((b, id) =>
      b.place.kind === 'arena'
        ? [{ id, from: b.place.offset, to: b.place.offset + b.length * 4, ...(uses.get(id) ?? { first: 0, last: 0 }) }]
        : [],
    );
    expect(arena.length).toBeGreaterThan(3);
    for (const a of arena)
      for (const b of arena) {
        const apart = a.id === b.id || a.last < b.first || b.last < a.first || a.to <= b.from || b.to <= a.from;
        expect(apart, `buffers ${String(a.id)} and ${String(b.id)}`).toBe(true);
      }
  });
  it('does not donate where another element is read', () => {
    expect(
      compile(
        one((x) => lax.add(lax.rev(x, [0]), x)),
        [f32(64)],
        [true],
      ).donations,
    ).toEqual([-1]);
    expect(
      compile(
        one((x) => lax.add(lax.reduceSum(x), x)),
        [f32(64)],
        [true],
      ).donations,
    ).toEqual([-1].map(() => 0));
  });
});

describe('shapes', () => {
  it.each([[0], [1], [3], [1, 1], [0, 3], [2, 0], [1, 5, 1]])('%j %j %j', (...shape) => {
    const dims = shape.filter((n) => typeof n === 'number');
    const n = dims.reduce((a, b) => a * b, 1);
    const x = array(
      Array.from({ length: n }, (_, i) => i + 1),
      dims,
    );
    const f = (v: NDArray): NDArray[] => [
      lax.add(lax.sin(v), v),
      lax.reduceSum(v),
      lax.reduceMax(v, [0]),
      lax.transpose(
        v,
        dims.map((_, i) => dims.length - 1 - i),
      ),
      lax.cumsum(v, 0),
    ];
    const jitted = jit(f)(x);
    f(x).forEach((y, i) => {
      expect(flat(need(jitted[i]))).toEqual(flat(y));
    });
  });
});
