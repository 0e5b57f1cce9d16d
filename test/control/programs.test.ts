/**
 * Control flow obeys the laws of programs: nested in itself and in transforms, under every transform and composition of
 * them, it is what the same computation is without control flow.
 */
import { describe, test } from 'vitest';
import { checkpoint, customJvp, grad, jit, lax, numpy as np, ShapedArray, vmap, type NDArray } from 'cotangent';
import { PROGRAM_LAWS, type ProgramCase } from 'cotangent/testing';

type Fn = (...xs: NDArray[]) => NDArray[];
interface Program {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly run: Fn;
  readonly plain: Fn;
}

const STEPS = 4;
const nth = (list: readonly NDArray[], i: number): NDArray => {
  const x = list[i];
  if (x === undefined) throw new Error('no such argument');
  return x;
};
/** A program of two arguments. */
const program = (
  name: string,
  shapes: readonly [readonly number[], readonly number[]],
  run: (a: NDArray, b: NDArray) => NDArray[],
  plain: (a: NDArray, b: NDArray) => NDArray[],
): Program => ({
  name,
  shapes,
  run: (...xs) => run(nth(xs, 0), nth(xs, 1)),
  plain: (...xs) => plain(nth(xs, 0), nth(xs, 1)),
});
const rows = (x: NDArray): NDArray[] => Array.from({ length: x.shape[0] ?? 0 }, (_, i) => x.slice(i));

const cell = (h: NDArray, w: NDArray, x: NDArray): NDArray => np.tanh(h.mul(w).add(x));
const cells = (w: NDArray, xs: NDArray, step: (h: NDArray, w: NDArray, x: NDArray) => NDArray = cell): NDArray[] => {
  const hs: NDArray[] = [];
  for (const x of rows(xs)) hs.push(step(hs[hs.length - 1] ?? np.zerosLike(w), w, x));
  return hs;
};
const last = (list: readonly NDArray[]): NDArray => nth(list, list.length - 1);

const product = customJvp((x: NDArray, y: NDArray) => np.sin(x).mul(y)).defjvp(([x, y], [dx, dy]) => [
  np.sin(x).mul(y),
  np.cos(x).mul(y).mul(dx).add(np.sin(x).mul(dy)),
]);

/** Ways to write the recurrence h' = tanh(h·w + x), all the same function. */
const steps: readonly (readonly [string, (h: NDArray, w: NDArray, x: NDArray) => NDArray])[] = [
  ['a plain step', cell],
  ['jit inside', (h, w, x) => jit(cell)(h, w, x)],
  ['checkpoint inside', (h, w, x) => checkpoint(cell)(h, w, x)],
  ['jit and checkpoint inside', (h, w, x) => jit(checkpoint(jit(cell)))(h, w, x)],
  ['vmap inside', (h, w, x) => vmap(cell)(h, w, x)],
  ['a loop inside', (h, w, x) => np.tanh(lax.foriLoop(0, 3, (_, y) => y.add(h.mul(w).div(3)), x))],
  [
    'a condition on the sign inside',
    (h, w, x) =>
      lax.cond(
        h.sum().greater(0),
        (y) => np.tanh(h.mul(w).add(y)),
        (y) => np.tanh(y.add(w.mul(h))),
        x,
      ),
  ],
];

const programs: readonly Program[] = [
  ...steps.map(([name, step]) =>
    program(
      `scan with ${name}`,
      [[3], [STEPS, 3]],
      (w, xs) => {
        const [h, hs] = lax.scan(
          (c, x) => {
            const next = step(c, w, x);
            return [next, next];
          },
          np.zerosLike(w),
          xs,
        );
        return [h, hs];
      },
      (w, xs) => {
        const hs = cells(w, xs);
        return [last(hs), np.stack(hs)];
      },
    ),
  ),
  program(
    'scan of trees, backwards, that counts and keeps a flag, with its step unrolled',
    [[3], [5, 3]],
    (w, xs) => {
      const [{ h, n }, ys] = lax.scan(
        (c, { x, k }) => {
          const next = np.sin(c.h.mul(w).add(x).mul(k.astype('float64').mul(0.5)));
          const positive = np.logicalOr(c.seen, k.greater(3));
          return [
            { h: next, n: c.n.add(k), seen: positive },
            { next, twice: [c.h.mul(2)] },
          ];
        },
        { h: w, n: np.array(0).astype('int32'), seen: false },
        { x: xs, k: np.arange(1, 6).astype('int32') },
        { reverse: true, unroll: 2 },
      );
      return [h.mul(n.astype('float64')), ys.next, ys.twice[0] ?? h];
    },
    (w, xs) => {
      let h = w;
      const before: NDArray[] = [];
      const after: NDArray[] = [];
      for (let i = 4; i >= 0; i--) {
        before[i] = h.mul(2);
        h = np.sin(
          h
            .mul(w)
            .add(xs.slice(i))
            .mul((i + 1) * 0.5),
        );
        after[i] = h;
      }
      return [h.mul(15), np.stack(after), np.stack(before)];
    },
  ),
  program(
    'scan in scan',
    [[2], [3, 2, 2]],
    (w, xss) => {
      const [c, ys] = lax.scan(
        (outer, row) => {
          const [inner, zs] = lax.scan((h, x) => [cell(h, w, x).add(outer.mul(0.1)), h.mul(x)], outer, row);
          return [inner, zs.sum(0)];
        },
        w,
        xss,
      );
      return [c, ys];
    },
    (w, xss) => {
      let outer = w;
      const ys = rows(xss).map((row) => {
        let h = outer;
        const zs = rows(row).map((x) => {
          const z = h.mul(x);
          h = cell(h, w, x).add(outer.mul(0.1));
          return z;
        });
        outer = h;
        return np.stack(zs).sum(0);
      });
      return [outer, np.stack(ys)];
    },
  ),
  program(
    'a loop that reads and writes at its counter',
    [[3], [STEPS, 3]],
    (w, xs) => [
      lax.foriLoop(
        0,
        STEPS,
        (i, { h, out }) => {
          const next = cell(h, w, lax.dynamicIndexInDim(xs, i, 0, false));
          return { h: next, out: lax.dynamicUpdateSlice(out, next.reshape(1, 3), [i, 0]) };
        },
        { h: np.zerosLike(w), out: np.zerosLike(xs) },
      ).out,
    ],
    (w, xs) => [np.stack(cells(w, xs))],
  ),
  program(
    'switch in scan, by a counter',
    [[3], [STEPS, 3]],
    (w, xs) => [
      lax.scan(
        ({ i, h }, x) => {
          const next = lax.switch(i, [(y) => cell(y, w, x), (y) => y.mul(x), (y, s) => np.sin(y).add(s)], h, w.sum());
          return [{ i: i.add(1), h: next }, null];
        },
        { i: np.array(-1).astype('int32'), h: w },
        xs,
      )[0].h,
    ],
    (w, xs) => {
      let h = w;
      rows(xs).forEach((x, k) => {
        h = [cell(h, w, x), cell(h, w, x), h.mul(x), np.sin(h).add(w.sum())][k] ?? h;
      });
      return [h];
    },
  ),
  program(
    'conditions on data, with branches that differ in what they need',
    [[3], [3]],
    (a, b) => {
      const y = lax.cond(
        a.sum().less(100),
        (u, v) => ({ p: np.sin(u).mul(v), q: u }),
        (u, v) => ({ p: np.exp(v), q: u.mul(v).mul(2) }),
        a,
        b,
      );
      const z = lax.cond(
        a.sum().less(-100),
        (u) => u,
        () => np.cos(b).mul(y.q),
        y.p,
      );
      return [y.p, z];
    },
    (a, b) => [np.sin(a).mul(b), np.cos(b).mul(a)],
  ),
  program(
    'a loop in a condition in a loop',
    [[2], [3, 2]],
    (w, xs) => {
      const [h] = lax.scan(
        (c, x) => [
          lax.cond(
            x.size > 1 ? np.isfinite(x.sum()) : true,
            (u) => lax.foriLoop(0, 2, (_, v) => cell(v, w, x), u),
            (u) => u,
            c,
          ),
          null,
        ],
        w,
        xs,
      );
      return [h];
    },
    (w, xs) => {
      let h = w;
      for (const x of rows(xs)) h = cell(cell(h, w, x), w, x);
      return [h];
    },
  ),
  program(
    'map, alone and in batches with some left over',
    [[3], [5, 3]],
    (w, xs) => [lax.map((x) => np.sin(x.mul(w)).sum(), xs), lax.map((x) => x.mul(w), { x: xs }.x, { batchSize: 2 })],
    (w, xs) => [np.sin(xs.mul(w)).sum(1), xs.mul(w)],
  ),
  program(
    'associativeScan of linear recurrences',
    [[3], [5, 3]],
    (w, xs) => {
      const [, hs] = lax.associativeScan(
        ([a, b], [c, d]) => [a.mul(c), b.mul(c).add(d)],
        [np.broadcastTo(w, [5, 3]), xs],
      );
      return [hs];
    },
    (w, xs) => [np.stack(cells(w, xs, (h, a, x) => h.mul(a).add(x)))],
  ),
  program(
    'a gradient in a scan',
    [[3], [STEPS, 3]],
    (w, xs) => [lax.scan((c, x) => [c.sub(grad((v: NDArray) => np.sin(v.mul(x)).sum())(c).mul(0.1)), null], w, xs)[0]],
    (w, xs) => {
      let c = w;
      for (const x of rows(xs)) c = c.sub(np.cos(c.mul(x)).mul(x).mul(0.1));
      return [c];
    },
  ),
  program(
    'a custom rule in a scan',
    [[3], [STEPS, 3]],
    (w, xs) => [lax.scan((c, x) => [product(c, x).add(w), null], w, xs)[0]],
    (w, xs) => {
      let c = w;
      for (const x of rows(xs)) c = np.sin(c).mul(x).add(w);
      return [c];
    },
  ),
  program(
    'collectives in a scan in a vmap',
    [[3], [STEPS, 3]],
    (w, xs) => [
      vmap(
        (a: NDArray, column: NDArray) =>
          lax.scan((c, x) => [np.sin(c.mul(lax.psum(x.mul(a), 'i'))).add(lax.pmean(c, 'i')), null], a, column)[0],
        [0, 1],
        { axisName: 'i' },
      )(w, xs),
    ],
    (w, xs) => {
      let c = w;
      for (const x of rows(xs)) c = np.sin(c.mul(x.mul(w).sum())).add(c.mean());
      return [c];
    },
  ),
  program(
    'map of nothing but a constant carry',
    [[2], [3, 2]],
    (w, xs) => [lax.scan((c, x) => [c, c.mul(x)], w, xs)[1]],
    (w, xs) => [xs.mul(w)],
  ),
  program(
    'whole loops under checkpoint and jit',
    [[3], [STEPS, 3]],
    (w, xs) => [
      checkpoint((v: NDArray, zs: NDArray) =>
        jit((u: NDArray, ys: NDArray) => lax.scan((c, x) => [cell(c, u, x), c], u, ys)[1])(v, zs),
      )(w, xs),
    ],
    (w, xs) => {
      const hs = [w];
      for (const x of rows(xs)) hs.push(cell(last(hs), w, x));
      return [np.stack(hs.slice(0, -1))];
    },
  ),
];

/** Programs with loops that have no reverse mode: they stop when enough steps are made, or when a value says so. */
const forwardOnly: readonly Program[] = [
  program(
    'scan in while',
    [[3], [2, 3]],
    (w, xs) => {
      const [, h] = lax.whileLoop(
        ([i]) => i.less(3),
        ([i, c]) => [i.add(1), lax.scan((u, x) => [cell(u, w, x), null], c, xs)[0]],
        [np.array(0).astype('int32'), w],
      );
      return [h];
    },
    (w, xs) => {
      let h = w;
      for (let i = 0; i < 3; i++) for (const x of rows(xs)) h = cell(h, w, x);
      return [h];
    },
  ),
  program(
    'while in a condition in a scan, with a number of steps that the slice gives',
    [[3], [3, 3]],
    (w, xs) => [
      lax.scan(
        (c, { x, n }) => [
          lax.cond(
            n.greater(0),
            (u) => lax.foriLoop(0, n, (_, v) => cell(v, w, x), u),
            (u) => u.mul(2),
            c,
          ),
          null,
        ],
        w,
        { x: xs, n: np.array([2, 0, 3]).astype('int32') },
      )[0],
    ],
    (w, xs) => {
      let h = w;
      [2, 0, 3].forEach((n, k) => {
        if (n === 0) h = h.mul(2);
        for (let i = 0; i < n; i++) h = cell(h, w, xs.slice(k));
      });
      return [h];
    },
  ),
  program(
    'while that values stop, each example in its own time',
    [[], []],
    (a, b) => [
      lax.whileLoop(
        (x) => x.less(4),
        (x) => x.mul(1.5).add(np.sin(b).mul(0.01)),
        np.abs(a).add(0.5),
      ),
    ],
    (a, b) => {
      let x = np.abs(a).add(0.5);
      for (let i = 0; i < 12; i++) x = np.where(x.less(4), x.mul(1.5).add(np.sin(b).mul(0.01)), x);
      return [x];
    },
  ),
];

const caseOf = ({ shapes, run, plain }: Program): ProgramCase => {
  const inputs = shapes.map((shape) => new ShapedArray(shape, 'float64'));
  return {
    inputs,
    run,
    plain,
    args: inputs.map((aval, k) => ({
      aval,
      data: Float64Array.from({ length: aval.size }, (_, i) => 0.9 * Math.sin(1.3 * i + 0.7 * k + 0.4) + 0.1),
    })),
  };
};

describe.each(programs.map((p) => [p.name, p] as const))('%s', (_name, p) => {
  test.each(PROGRAM_LAWS.map((law) => [law.name, law] as const))('%s', (_law, law) => {
    // The seed draws directions, and which transforms are composed.
    for (const seed of law.name.startsWith('compositions') ? [0, 1, 2, 3, 4] : [0, 1]) law.check(caseOf(p), seed);
  });
});

describe.each(forwardOnly.map((p) => [p.name, p] as const))('%s', (_name, p) => {
  const laws = PROGRAM_LAWS.filter((law) => /^(jit = eager|vmap = loop)/.test(law.name));
  test.each(laws.map((law) => [law.name, law] as const))('%s', (_law, law) => {
    for (const seed of [0, 1]) law.check(caseOf(p), seed);
  });
});
