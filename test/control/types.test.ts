/** Types follow through control flow. The assertions are the compiler's: `npm run typecheck` fails where they do not hold. */
import { expect, expectTypeOf, test } from 'vitest';
import { grad, jit, lax, numpy as np, type NDArray } from 'cotangent';

interface State {
  h: NDArray;
  counts: [NDArray, NDArray];
}
const state: State = { h: np.zeros([3]), counts: [np.zeros([]), np.zeros([])] };

test('scan infers carry, slices and ys from its arguments', () => {
  const [sum, sums] = lax.scan((c, x) => [c.add(x), c.mul(2)], 0, np.ones([3]));
  expectTypeOf(sum).toEqualTypeOf<NDArray>();
  expectTypeOf(sums).toEqualTypeOf<NDArray>();

  const [last, ys] = lax.scan(
    (c, { a, b }) => {
      expectTypeOf(c).toEqualTypeOf<State>();
      expectTypeOf(a).toEqualTypeOf<NDArray>();
      return [
        { h: c.h.add(a), counts: [c.counts[0].add(1), 0] },
        { y: c.h, z: [b] },
      ];
    },
    state,
    { a: np.ones([4, 3]), b: np.ones([4]) },
  );
  expectTypeOf(last).toEqualTypeOf<State>();
  expectTypeOf(ys.y).toEqualTypeOf<NDArray>();
  expectTypeOf(ys.z[0]).toEqualTypeOf<NDArray | undefined>();

  const [[h, c], nothing] = lax.scan(([a, b]) => [[b, a.add(b)], null], [np.ones([]), 1], null, { length: 3 });
  expectTypeOf(h).toEqualTypeOf<NDArray>();
  expectTypeOf(c).toEqualTypeOf<NDArray>();
  expectTypeOf(nothing).toEqualTypeOf<null>();
  expect([h.item(), c.item()]).toEqual([3, 5]);
});

test('a step with types of its own', () => {
  const step = (s: State, x: NDArray): readonly [State, NDArray] => [{ ...s, h: s.h.add(x) }, s.h];
  const [s, hs] = lax.scan(step, state, np.ones([2, 3]));
  expectTypeOf(s).toEqualTypeOf<State>();
  expectTypeOf(hs).toEqualTypeOf<NDArray>();
});

test('cond and switch infer operands and results', () => {
  const out = lax.cond(
    true,
    (s, x) => {
      expectTypeOf(s).toEqualTypeOf<State>();
      return { p: s.h.mul(x), q: 1 };
    },
    (s) => ({ p: s.h, q: s.counts[0] }),
    state,
    2,
  );
  expectTypeOf(out).toEqualTypeOf<{ p: NDArray; q: NDArray }>();
  expectTypeOf(lax.switch(1, [(x) => x, (x) => x.neg(), () => 0], np.ones([]))).toEqualTypeOf<NDArray>();
  const other = () => ({ b: 1 });
  // @ts-expect-error branches of different structures
  expect(() => lax.cond(true, () => ({ a: 1 }), other)).toThrow();
});

test('loops keep the type of what they carry', () => {
  const w = lax.whileLoop(
    (c) => c.n.less(3),
    (c) => ({ n: c.n.add(1), s: state }),
    { n: 0, s: state },
  );
  expectTypeOf(w.s).toEqualTypeOf<State>();
  expectTypeOf(w.n).toEqualTypeOf<NDArray>();
  const [a, b] = lax.foriLoop(0, 3, (i, [x, y]) => [y, x.add(i)], [np.ones([]), np.ones([])]);
  expectTypeOf(a).toEqualTypeOf<NDArray>();
  expect([a.item(), b.item()]).toEqual([2, 3]);
});

test('map and associativeScan', () => {
  expectTypeOf(lax.map(({ a }) => ({ out: a }), { a: np.ones([3]) })).toEqualTypeOf<{ out: NDArray }>();
  const [p, q] = lax.associativeScan(([a, b], [c, d]) => [a.mul(c), b.mul(c).add(d)], [np.ones([3]), np.ones([3])]);
  expectTypeOf(p).toEqualTypeOf<NDArray>();
  expect(q.js()).toEqual([1, 2, 3]);
});

test('under transforms', () => {
  const loss = (s: State, xs: NDArray): NDArray =>
    lax.scan((c, x) => [{ ...c, h: c.h.mul(x) }, null], s, xs)[0].h.sum();
  expectTypeOf(grad(loss)).returns.toEqualTypeOf<State>();
  expectTypeOf(jit((x: NDArray) => lax.foriLoop(0, 2, (_, y) => y, x))).returns.toEqualTypeOf<NDArray>();
});
