/** Loops and branches: results against an interpreter, and the structure of the programs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { array, flat } from '../helpers/arrays.js';
import { nth } from '../../src/core/axes.js';
import { ShapedArray } from '../../src/core/aval.js';
import { ConcreteArray, setDefaultDevice } from '../../src/core/concrete.js';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { compileJaxpr } from '../../src/compiler/compile.js';
import { CompiledFunction } from '../../src/compiler/executor.js';
import { kernelCalls, type LoopStep, type Program, type Step } from '../../src/compiler/loop-ir.js';
import type { ClosedJaxpr } from '../../src/core/primitive.js';
import * as lax from '../../src/lax/index.js';
import { ThreadedDevice } from '../backends/threads/helpers.js';
import { cond, interpret, scan, whileLoop } from './control-flow.js';

type F = (...args: NDArray[]) => readonly NDArray[];
const aval = (dtype: 'float32' | 'int32' | 'bool', ...shape: number[]): ShapedArray => new ShapedArray(shape, dtype);
const f32 = (...shape: number[]): ShapedArray => aval('float32', ...shape);

/** Values for arguments, the same for every run. */
const valuesOf = (a: ShapedArray, seed: number): NDArray =>
  array(
    Array.from({ length: a.size }, (_, i) => (a.dtype === 'float32' ? Math.sin(7 * i + seed) : (i + seed) % 3)),
    a.shape,
    a.dtype,
  );

const concrete = (x: NDArray): ConcreteArray => {
  if (!(x instanceof ConcreteArray)) throw new Error('no concrete array');
  return x;
};

// Constants of traced functions are on the default device.
const device = new ThreadedDevice();
setDefaultDevice(device);
beforeAll(async () => {
  expect(await device.pool.ready(3)).toBe(true);
});
afterAll(() => {
  device.pool.close();
});

/** Run as one thread would, and split over threads however small the pieces: with the same bits. */
function runCompiled(closed: ClosedJaxpr, args: () => readonly NDArray[], donate?: readonly boolean[]): number[][] {
  const compile = (split: 'auto' | 'always'): CompiledFunction => {
    ThreadedDevice.split = split;
    return new CompiledFunction(closed, device, closed.outAvals, donate === undefined ? {} : { donate });
  };
  const results = compile('auto').run(args().map(concrete), donate).map(flat);
  const split = compile('always');
  for (const count of [1, 2, 3]) {
    ThreadedDevice.count = count;
    expect(split.run(args().map(concrete), donate).map(flat)).toEqual(results);
  }
  return results;
}

/** Compile and run a function, and compare with the interpreter; with every argument donated too. */
function check(f: F, avals: readonly ShapedArray[]): Program {
  const closed = traceToJaxpr(f, avals, 'test');
  const args = (): NDArray[] => avals.map(valuesOf);
  const expected = interpret(closed, args()).map(flat);
  const close = (actual: readonly number[][], how: string): void => {
    actual.forEach((list, k) => {
      list.forEach((v, i) => {
        const e = nth(nth(expected, k), i);
        // Fused kernels may round in another order than single operations.
        if (!Object.is(v, e) && !(Math.abs(v - e) <= 1e-5 * Math.max(1, Math.abs(e))))
          throw new Error(
            `${how}, result ${k}: ${list.join()} instead of ${nth(expected, k).join()}\n${String(closed)}`,
          );
      });
      expect(list.length).toBe(nth(expected, k).length);
    });
  };
  const unchanged = args();
  close(
    runCompiled(closed, () => unchanged),
    'compiled',
  );
  unchanged.forEach((x, i) => expect(flat(x)).toEqual(flat(nth(args(), i))));
  const donate = avals.map(() => true);
  close(runCompiled(closed, args, donate), 'donated');
  return compileJaxpr(closed).program;
}

const loops = (steps: readonly Step[]): LoopStep[] =>
  steps.flatMap((s) =>
    s.kind === 'loop' ? [s, ...loops(s.steps)] : s.kind === 'branch' ? s.branches.flatMap(loops) : [],
  );
const kinds = (p: Program, steps: readonly Step[] = p.steps): string[] =>
  kernelCalls(steps).map((c) => nth(p.kernels, c.kernel).kind);
const a2 = (args: readonly NDArray[]): [NDArray, NDArray] => [nth(args, 0), nth(args, 1)];
const a3 = (args: readonly NDArray[]): [NDArray, NDArray, NDArray] => [nth(args, 0), nth(args, 1), nth(args, 2)];

describe('scan', () => {
  it.each([0, 1, 2, 5])('carries, slices and stacks, %d iterations', (length) => {
    for (const reverse of [false, true])
      check(
        (...args) => {
          const [c, xs] = a2(args);
          const { carry, ys } = scan(
            ([h], [x]) => {
              const next = lax.add(lax.mul(h ?? c, 0.5), x ?? c);
              return { carry: [next], y: [lax.sin(next)] };
            },
            [c],
            [xs],
            { length, reverse },
          );
          return [...carry, ...ys];
        },
        [f32(3), f32(length, 3)],
      );
  });
  it.each([1, 2, 5])(
    'results of every kind: inputs, constants, literals, other carries, twice the same, %d iterations',
    (length) => {
      for (const reverse of [false, true])
        check(
          (...args) => {
            const [c, d, xs] = a3(args);
            const one = lax.full([3], 1, 'float32');
            const { carry, ys } = scan(
              (h, [x]) => {
                const [a, b, e, k] = [nth(h, 0), nth(h, 1), nth(h, 2), nth(h, 3)];
                const sum = lax.add(a, b);
                return {
                  carry: [b, a, sum, k, sum, d, one],
                  y: [sum, sum, a, x ?? a, d, one, e, lax.rev(x ?? a, [0])],
                };
              },
              [c, d, c, d, one, one, one],
              [xs],
              { length, reverse },
            );
            return [...carry, ...ys];
          },
          [f32(3), f32(3), f32(length, 3)],
        );
    },
  );
  it('is one loop around one kernel, with the carry in place', () => {
    const p = check(
      (...args) => {
        const [c, xs] = a2(args);
        const { carry } = scan(([h], [x]) => ({ carry: [lax.add(lax.sin(h ?? c), x ?? c)], y: [] }), [c], [xs], {
          length: 7,
        });
        return carry;
      },
      [f32(3), f32(7, 3)],
    );
    expect(kinds(p)).toEqual(['loop']);
    const [loop] = loops(p.steps);
    expect(loop?.carries.map((c) => c.first === c.second && c.second === c.result && c.copy === undefined)).toEqual([
      true,
    ]);
    expect(p.arenaBytes).toBe(0);
  });
  it('takes turns between two buffers where the new value needs all of the old', () => {
    for (const length of [1, 4, 7]) {
      const p = check(
        (...args) => {
          const [c, w] = a2(args);
          return scan(([h]) => ({ carry: [lax.dot(h ?? c, w)], y: [] }), [lax.sin(c)], [], { length }).carry;
        },
        [f32(3, 3), f32(3, 3)],
      );
      const [loop] = loops(p.steps);
      expect(loop?.carries.map((c) => c.first !== c.second && c.copy === undefined)).toEqual([true]);
      // The spare buffer; the initial value is in it or in the result.
      expect(p.arenaBytes).toBe(64);
    }
  });
  it('does not compute results that nobody reads, nor what they need', () => {
    const p = check(
      (...args) => {
        const [c, xs] = a2(args);
        const { carry, ys } = scan(
          (h, [x]) => {
            const [a, b] = a2(h);
            return { carry: [lax.add(a, x ?? a), lax.dot(b, b)], y: [lax.dot(b, b), lax.exp(a)] };
          },
          [c, lax.broadcastTo(c, [3, 3])],
          [xs],
          { length: 4 },
        );
        return [nth(carry, 0), nth(ys, 1)];
      },
      [f32(3), f32(4, 3)],
    );
    expect(kinds(p)).toEqual(['loop']);
    expect(loops(p.steps)[0]?.carries.length).toBe(1);
  });
  it('computes once, before the loop, what does not depend on the iteration', () => {
    const p = check(
      (...args) => {
        const [c, w] = a2(args);
        return scan(
          ([h]) => {
            const square = lax.dot(lax.transpose(w, [1, 0]), lax.exp(w));
            return {
              carry: [lax.add(lax.dot(h ?? c, square), lax.broadcastTo(lax.sin(lax.reduceSum(w, [0])), [3, 3]))],
              y: [],
            };
          },
          [c],
          [],
          { length: 5 },
        ).carry;
      },
      [f32(3, 3), f32(3, 3)],
    );
    const [loop] = loops(p.steps);
    expect(kinds(p, loop?.steps ?? []).length).toBeLessThanOrEqual(2);
    expect(kinds(p, loop?.steps ?? []).filter((k) => k === 'contract')).toEqual(['contract']);
    expect(
      kinds(
        p,
        p.steps.filter((s) => s.kind !== 'loop'),
      ),
    ).toContain('contract');
  });
  it('sums products over all steps at once, after the loop', () => {
    const gradients =
      (rows: number): F =>
      (...args) => {
        const [w, xs] = a2(args);
        const zero = lax.broadcastTo(0, [3, 3]);
        const { carry } = scan(
          ([h, dw, db], [x]) => {
            const [s, t] = [x ?? w, lax.sin(lax.mul(x ?? w, 3))];
            const product = lax.transpose(lax.dot(lax.transpose(t, [1, 0]), s), [1, 0]);
            return {
              carry: [
                lax.add(h ?? w, lax.reduceSum(t)),
                lax.add(dw ?? w, product),
                lax.add(lax.reduceSum(s, [0]), db ?? w),
              ],
              y: [],
            };
          },
          [lax.full([], 1, 'float32'), zero, lax.broadcastTo(lax.reduceSum(w), [3])],
          [xs],
          { length: 6 },
        );
        expect(rows).toBe(xs.shape[1]);
        return carry;
      };
    for (const [rows, carried] of [
      // The stack of t would be as large as xs, the only array that the loop slices.
      [2, 2],
    ] as const) {
      const p = check(gradients(rows), [f32(3, 3), f32(6, rows, 3)]);
      expect(loops(p.steps)[0]?.carries.length).toBe(carried);
    }
    // With more arrays sliced there is room for it.
    const p = check(
      (...args) => {
        const [w, xs] = a2(args);
        const { carry } = scan(
          ([dw], [x, y, z]) => {
            const t = lax.sin(lax.mul(lax.add(x ?? w, lax.mul(y ?? w, z ?? w)), 3));
            return { carry: [lax.add(dw ?? w, lax.dot(lax.transpose(t, [1, 0]), x ?? w))], y: [] };
          },
          [lax.broadcastTo(0, [3, 3])],
          [xs, lax.exp(xs), lax.rev(xs, [0])],
          { length: 6 },
        );
        return carry;
      },
      [f32(3, 3), f32(6, 2, 3)],
    );
    expect(loops(p.steps)[0]?.carries.length).toBe(0);
    expect(
      kinds(
        p,
        p.steps.filter((s) => s.kind === 'kernel'),
      ),
    ).toContain('contract');
  });
  it('brings a weight into blocks once, before the loop', () => {
    for (const transposed of [false, true]) {
      const p = check(
        (...args) => {
          const [c, w] = a2(args);
          const step = (h: NDArray): NDArray => lax.mul(lax.dot(h, transposed ? lax.transpose(w, [1, 0]) : w), 0.1);
          return scan(([h]) => ({ carry: [step(h ?? c)], y: [] }), [c], [], { length: 3 }).carry;
        },
        [f32(5, 96), f32(96, 96)],
      );
      const before = p.steps.filter((s) => s.kind === 'kernel').map((s) => nth(p.kernels, s.kernel).name);
      expect(before).toEqual(['blocks']);
      const product = p.kernels.find((k) => k.kind === 'contract');
      expect(product?.kind === 'contract' ? [product.batch, product.n].map((g) => g.map((a) => a.extent)) : []).toEqual(
        [[6], [16]],
      );
    }
  });
  it('leaves a barrier and what follows it in the loop', () => {
    const p = check(
      (...args) => {
        const [c, w] = a2(args);
        return scan(
          ([h]) => ({ carry: [lax.add(h ?? c, lax.dot(...a2([...lax.optimizationBarrier([w]), w])))], y: [] }),
          [c],
          [],
          {
            length: 3,
          },
        ).carry;
      },
      [f32(3, 3), f32(3, 3)],
    );
    expect(kinds(p, loops(p.steps)[0]?.steps ?? [])).toContain('contract');
  });
  it('may be inside scan, and pass carries on', () => {
    check(
      (...args) => {
        const [c, xs] = a2(args);
        const { carry, ys } = scan(
          ([h], [x]) => {
            const inner = scan(
              ([g], [e]) => ({ carry: [lax.add(lax.mul(g ?? c, 0.5), lax.broadcastTo(e ?? c, [3]))], y: [g ?? c] }),
              [h ?? c],
              [x ?? c],
              { length: 3, reverse: true },
            );
            return { carry: inner.carry, y: [...inner.ys, nth(inner.carry, 0)] };
          },
          [c],
          [xs],
          { length: 4 },
        );
        return [...carry, ...ys];
      },
      [f32(3), f32(4, 3)],
    );
  });
  it('writes a donated initial carry in place, for any number of iterations', () => {
    for (const length of [1, 2, 3]) {
      for (const inPlace of [true, false]) {
        const f: F = (...args) => {
          const [c, w] = a2(args);
          const next = (h: NDArray): NDArray => (inPlace ? lax.sin(h) : lax.dot(h, w));
          return scan(([h]) => ({ carry: [next(h ?? c)], y: [] }), [c], [], { length }).carry;
        };
        const avals = [f32(8, 8), f32(8, 8)];
        check(f, avals);
        const closed = traceToJaxpr(f, avals, 'test');
        expect(compileJaxpr(closed, { donate: [true, false] }).program.donations).toEqual([0]);
      }
    }
  });
});

describe('while', () => {
  it('runs as long as the condition holds', () => {
    check(
      (...args) => {
        const [c, n] = a2(args);
        return whileLoop(
          ([i]) => lax.lt(i ?? n, lax.add(n, 4)),
          ([i, h]) => [lax.add(i ?? n, 1), lax.add(lax.mul(h ?? c, 1.5), lax.convertElementType(i ?? n, 'float32'))],
          [lax.full([], 0, 'int32'), c],
        );
      },
      [f32(3), aval('int32')],
    );
  });
  it('may not run at all, and may swap its carries', () => {
    for (const limit of [-1, 0, 1, 2, 3])
      check(
        (...args) => {
          const [c, d] = a2(args);
          return whileLoop(
            ([i]) => lax.lt(i ?? c, limit),
            ([i, a, b]) => [lax.add(i ?? c, 1), b ?? c, lax.sin(a ?? c)],
            [lax.full([], 0, 'int32'), c, d],
          );
        },
        [f32(3), f32(3)],
      );
  });
  it('computes what the condition needs of the outside once', () => {
    const p = check(
      (...args) => {
        const [c, w] = a2(args);
        return whileLoop(
          ([h]) => lax.lt(lax.reduceSum(h ?? c), lax.reduceSum(lax.exp(w))),
          ([h]) => [lax.add(lax.mul(h ?? c, 1.1), 1)],
          [c],
        );
      },
      [f32(3), f32(100)],
    );
    expect(
      kinds(
        p,
        p.steps.filter((s) => s.kind === 'kernel'),
      ).length,
    ).toBe(1);
  });
});

describe('cond', () => {
  it.each([-5, 0, 1, 2, 9])('runs the case of index %d', (index) => {
    check(
      (...args) => {
        const [c, d] = a2(args);
        const at = lax.add(lax.mul(lax.convertElementType(lax.reduceMax(c), 'int32'), 0), index);
        return cond(
          at,
          [
            (x) => [lax.sin(nth(x, 0)), nth(x, 1), lax.full([3], 1, 'float32')],
            (x) => [lax.add(nth(x, 0), d), lax.dot(nth(x, 1), nth(x, 1)), nth(x, 0)],
            (x) => [nth(x, 0), nth(x, 1), nth(x, 0)],
          ],
          [c, lax.broadcastTo(lax.exp(d), [3, 3])],
        );
      },
      [f32(3), f32(3)],
    );
  });
  it('is in loops, with loops in it', () => {
    check(
      (...args) => {
        const [c, xs] = a2(args);
        const { carry, ys } = scan(
          ([h, i], [x]) => ({
            carry: [
              ...cond(
                i ?? c,
                [
                  ([g]) => [lax.add(g ?? c, x ?? c)],
                  ([g]) =>
                    scan(([k], [e]) => ({ carry: [lax.add(k ?? c, e ?? c)], y: [] }), [g ?? c], [x ?? c], {
                      length: 3,
                    }).carry.map((v) => lax.sin(v)),
                  ([g]) => [g ?? c],
                ],
                [h ?? c],
              ),
              lax.add(i ?? c, 1),
            ],
            y: [h ?? c],
          }),
          [c, lax.full([], -1, 'int32')],
          [xs],
          { length: 5 },
        );
        return [...carry, ...ys];
      },
      [f32(3), f32(5, 3)],
    );
  });
  it('moves nothing out of a case that may not be chosen', () => {
    const p = check(
      (...args) => {
        const [c, w] = a2(args);
        return scan(
          ([h]) => ({
            carry: [
              ...cond(
                lax.convertElementType(lax.reduceSum(h ?? c), 'int32'),
                [([g]) => [lax.add(g ?? c, lax.dot(w, w))], ([g]) => [g ?? c]],
                [h ?? c],
              ),
            ],
            y: [],
          }),
          [c],
          [],
          { length: 3 },
        ).carry;
      },
      [f32(3, 3), f32(3, 3)],
    );
    expect(
      kinds(
        p,
        p.steps.filter((s) => s.kind === 'kernel'),
      ),
    ).toEqual([]);
  });
});

describe('random programs', () => {
  it('give what the interpreter gives', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const draw = (n: number): number => g(fc.nat, { max: n - 1 });
        const pick = <T>(list: readonly T[]): T => nth(list, draw(list.length));
        check(
          (...args) => {
            const env = randomOps(args, 3, draw, pick, 2);
            return Array.from({ length: 1 + draw(4) }, () => pick(env));
          },
          [f32(3), f32(2, 3), f32(4, 3), f32(3, 3), f32()],
        );
      }),
      { numRuns: Number(process.env['COTANGENT_PROGRAMS'] ?? 150) },
    );
  });
});

/** `v` and a product or sum of others of fitting shapes, as a gradient is accumulated. */
function accumulated(v: NDArray, list: readonly NDArray[], draw: (n: number) => number): NDArray {
  const rows = list.filter((x) => x.ndim === 2 && x.shape[1] === 3).slice(-3);
  const x = nth(rows, draw(rows.length));
  const y = rows.filter((r) => r.shape[0] === x.shape[0]).at(-1 - draw(2)) ?? x;
  const terms = [
    lax.dot(lax.transpose(x, [1, 0]), y),
    lax.transpose(lax.dot(lax.transpose(y, [1, 0]), x), [1, 0]),
    lax.reduceSum(x, [0]),
  ];
  const term = terms.find((t, i) => t.shape.join() === v.shape.join() && (i > 0 || draw(2) === 0));
  return term === undefined ? v : lax.add(v, term);
}

/** `env` and what a few random operations make of it. */
function randomOps(
  env: readonly NDArray[],
  count: number,
  draw: (n: number) => number,
  pick: <T>(list: readonly T[]) => T,
  depth: number,
): NDArray[] {
  const all = [...env];
  const floats = (): NDArray => pick(all.filter((x) => x.dtype === 'float32'));
  const like = (x: NDArray, list: readonly NDArray[] = all): NDArray =>
    draw(8) === 0
      ? lax.full(x.shape, draw(3), 'float32')
      : pick(list.filter((y) => y.dtype === x.dtype && y.shape.join() === x.shape.join()));
  const inner = (list: readonly NDArray[]): NDArray[] => randomOps(list, 1 + draw(3), draw, pick, depth - 1);
  for (let n = 0; n < count + 1; n++) {
    const x = floats();
    switch (draw(depth > 0 ? 11 : 7)) {
      case 0:
        all.push(lax.sin(x));
        break;
      case 1:
        all.push(lax.mul(x, 0.5));
        break;
      case 2:
      case 3:
        all.push(lax.add(x, like(x)));
        break;
      case 4:
        if (x.ndim > 0) all.push(lax.mul(lax.reduceSum(x, [0]), 0.3));
        break;
      case 5:
        if (x.ndim === 2 && x.shape[1] === 3) {
          const w = all.filter((y) => y.shape.join() === '3,3').at(-1 - draw(2));
          if (w !== undefined) all.push(lax.mul(lax.dot(x, draw(2) === 0 ? w : lax.transpose(w, [1, 0])), 0.3));
        }
        break;
      case 6:
        if (x.ndim > 0) all.push(lax.rev(x, [0]));
        else all.push(lax.broadcastTo(x, [3]));
        break;
      case 7:
      case 8: {
        const init = Array.from({ length: draw(4) }, floats);
        const length = pick([0, 1, 2, 3, 4]);
        const xs = Array.from({ length: draw(3) }, floats)
          .filter((y) => y.ndim > 0)
          .map((y) => (y.shape[0] === length ? y : lax.broadcastTo(y, [length, ...y.shape])));
        const { carry, ys } = scan(
          (c, s) => {
            const made = inner([...c, ...s, ...(draw(2) === 0 ? all : all.slice(0, 5))]);
            const usable = made.filter((y) => y.dtype === 'float32');
            return {
              carry: c.map((v) => (draw(3) === 0 ? accumulated(v, usable, draw) : like(v, [v, ...usable]))),
              y: Array.from({ length: draw(3) }, () => pick(usable.slice(-6))),
            };
          },
          init,
          xs,
          { length, reverse: draw(2) === 0 },
        );
        all.push(...carry, ...ys);
        break;
      }
      case 9: {
        const init = Array.from({ length: draw(3) }, floats);
        const limit = draw(4);
        const out = whileLoop(
          ([i]) => lax.lt(i ?? x, limit),
          ([i, ...c]) => {
            const made = inner([...c, ...all.slice(0, 5)]);
            return [lax.add(i ?? x, 1), ...c.map((v) => like(v, [v, ...made]))];
          },
          [lax.full([], 0, 'int32'), ...init],
        );
        all.push(...out.slice(1));
        break;
      }
      default: {
        const index = lax.convertElementType(lax.mul(lax.reduceSum(x), 3), 'int32');
        const operands = Array.from({ length: 1 + draw(3) }, floats);
        const branch = (o: readonly NDArray[]): NDArray[] => {
          const made = inner([...o, ...all.slice(0, 5)]);
          return o.map((v) => like(v, [v, ...made]));
        };
        all.push(
          ...cond(
            index,
            Array.from({ length: 1 + draw(3) }, () => branch),
            operands,
          ),
        );
      }
    }
  }
  return all;
}
