/** What control flow computes, against loops and conditions in JavaScript. */
import { describe, expect, test } from 'vitest';
import { disableJit, grad, jacfwd, jit, jvp, lax, linearTranspose, numpy as np, vmap, type NDArray } from 'cotangent';

const ints = (...values: number[]): NDArray => np.array(values).astype('int32');
const int = (value: number): NDArray => np.array(value).astype('int32');

describe('scan', () => {
  test.each(
    [0, 1, 2, 7].flatMap((n) =>
      [1, 2, 3, true].flatMap((unroll) => [false, true].map((reverse) => [n, unroll, reverse] as const)),
    ),
  )('of %i steps, unroll %s, reverse %s', (n, unroll, reverse) => {
    const xs = Array.from({ length: n }, (_, i) => i + 1);
    const f = (zs: NDArray): [NDArray, NDArray] =>
      lax.scan((c, x) => [c.mul(2).add(x), c.add(x)], 1, zs, { unroll, reverse });
    let carry = 1;
    const ys: number[] = [];
    for (let k = 0; k < n; k++) {
      const i = reverse ? n - 1 - k : k;
      ys[i] = carry + (xs[i] ?? 0);
      carry = carry * 2 + (xs[i] ?? 0);
    }
    for (const run of [f, jit(f), (z: NDArray) => disableJit(() => f(z))]) {
      const [c, out] = run(np.array(xs).reshape(n));
      expect(c.item()).toBe(carry);
      expect(out.shape).toEqual([n]);
      expect(out.js()).toEqual(ys);
    }
  });

  test('of nothing: the carry as it was, and ys of length 0, with derivatives', () => {
    const f = (c: NDArray, xs: NDArray): { c: NDArray; y: NDArray } => {
      const [last, y] = lax.scan((s, x) => [s.mul(x), np.outer(s, x)], c, xs);
      return { c: last, y };
    };
    const { c, y } = f(np.array([1, 2]), np.zeros([0, 2]));
    expect(c.js()).toEqual([1, 2]);
    expect(y.shape).toEqual([0, 2, 2]);
    expect(grad((s: NDArray) => f(s, np.zeros([0, 2])).c.sum())(np.array([1, 2])).js()).toEqual([1, 1]);
    expect(grad((x: NDArray) => f(np.ones([2]), x).c.sum())(np.zeros([0, 2])).shape).toEqual([0, 2]);
  });

  test('carries integers and flags, and keeps their dtypes', () => {
    const [{ n, seen, u, x }, ys] = lax.scan(
      (c, v) => [
        {
          n: c.n.add(v),
          seen: np.logicalOr(c.seen, v.equal(3)),
          u: lax.bitwiseXor(c.u, v.astype('uint32')),
          x: c.x.add(v.astype('float64')),
        },
        [c.seen, v],
      ],
      { n: int(0), seen: false, u: np.array(1).astype('uint32'), x: np.array(0.5).astype('float64') },
      ints(1, 3, 5),
    );
    expect([n, seen, u, x].map((a) => a.dtype)).toEqual(['int32', 'bool', 'uint32', 'float64']);
    expect([n, seen, u, x].map((a) => a.item())).toEqual([9, true, 1 ^ 1 ^ 3 ^ 5, 9.5]);
    expect(ys.map((y) => y.js())).toEqual([
      [false, false, true],
      [1, 3, 5],
    ]);
    expect(ys[0]?.dtype).toBe('bool');
  });

  test('a number to start with takes the dtype of what comes out', () => {
    expect(lax.scan((c, x) => [c.add(x), null], 0, np.ones([2]).astype('float64'))[0].dtype).toBe('float64');
    expect(lax.scan((_, x) => [x, null], 0, ints(1, 2))[0].dtype).toBe('int32');
    expect(lax.scan((c) => [c.add(1), null], 0, null, { length: 2 })[0].dtype).toBe('float32');
    expect(
      lax.whileLoop(
        (c) => c.less(3),
        (c) => c.add(int(1)).astype('int32'),
        0,
      ).dtype,
    ).toBe('int32');
    expect(
      lax.cond(
        true,
        () => 1,
        (x) => x,
        int(3),
      ).dtype,
    ).toBe('int32');
  });

  test('closes over values of the traces around it', () => {
    const f = (w: NDArray): NDArray =>
      vmap((x: NDArray) => lax.scan((c) => [c.mul(w).add(x), null], w, null, { length: 2 })[0])(np.array([1, 2]));
    expect(jit(f)(3).js()).toEqual([31, 35]);
    expect(jvp(f, [3], [1])[1].js()).toEqual([28, 29]);
  });
});

describe('cond and switch', () => {
  test('an index out of bounds counts as the nearest', () => {
    const f = (i: NDArray): NDArray => lax.switch(i, [() => 10, () => 20, () => 30]);
    for (const run of [f, jit(f)])
      expect([-5, 0, 1, 2, 9].map((i) => run(int(i)).item())).toEqual([10, 10, 20, 30, 30]);
    expect(vmap(f)(ints(-5, 1, 9)).js()).toEqual([10, 20, 30]);
    expect(lax.switch(1, [(x) => x, (x) => x.neg()], 3).item()).toBe(-3);
  });

  test('a mapped predicate lets no NaN of the other branch back, to mapped, shared and scalar operands', () => {
    const w = np.array([
      [2, 0],
      [0, 2],
    ]);
    const f = (x: NDArray, v: NDArray, s: NDArray): NDArray =>
      lax.cond(
        x.sum().greater(0),
        (y) => np.matmul(v, np.sqrt(y)).sum().mul(s),
        (y) => np.sqrt(y.neg()).sum().mul(v.sum()).mul(s.sub(1)),
        x,
      );
    const xs = np.array([
      [4, 9],
      [-4, -16],
      [1, 1],
    ]);
    const total = (x: NDArray, v: NDArray, s: NDArray): NDArray => vmap(f, [0, null, null])(x, v, s).sum();
    const rows = [0, 1, 2].map((i) => grad(f, { argnums: [0, 1, 2] })(xs.slice(i), w, 3));
    for (const run of [grad(total, { argnums: [0, 1, 2] }), jit(grad(total, { argnums: [0, 1, 2] }))]) {
      const [dx, dv, ds] = run(xs, w, 3);
      expect(np.allclose(dx, np.stack(rows.map((r) => r[0]))).item()).toBe(true);
      expect(np.allclose(dv, np.sum(np.stack(rows.map((r) => r[1])), 0)).item()).toBe(true);
      expect(np.allclose(ds, np.sum(np.stack(rows.map((r) => r[2])), 0)).item()).toBe(true);
    }
    // Also where no example takes a branch.
    const [dx, dv] = grad(total, { argnums: [0, 1] })(np.abs(xs), w, 3);
    for (const d of [dx, dv]) expect(np.all(np.isfinite(d)).item()).toBe(true);
  });

  test('a mapped predicate with a collective in a branch', () => {
    const f = vmap(
      (x: NDArray) =>
        lax.cond(
          x.greater(1),
          (y) => lax.psum(y, 'i'),
          (y) => y,
          x,
        ),
      0,
      { axisName: 'i' },
    );
    expect(f(np.array([1, 2, 3])).js()).toEqual([1, 6, 6]);
  });
});

describe('while', () => {
  const collatz = (n: NDArray): NDArray =>
    lax.whileLoop(
      ({ x }) => x.greater(1),
      ({ x, steps }) => ({ x: np.where(x.mod(2).equal(0), x.floorDivide(2), x.mul(3).add(1)), steps: steps.add(1) }),
      { x: n, steps: int(0) },
    ).steps;

  test('runs as often as values say, each example in its own time', () => {
    const expected = [0, 1, 7, 2, 5, 8, 16, 3, 19, 6];
    expect(expected.map((_, i) => jit(collatz)(int(i + 1)).item())).toEqual(expected);
    expect(vmap(collatz)(np.arange(1, 11).astype('int32')).js()).toEqual(expected);
    expect(jit(vmap(collatz))(np.arange(1, 11).astype('int32')).js()).toEqual(expected);
    expect(disableJit(() => collatz(int(27))).item()).toBe(111);
  });

  test('an example that is done keeps its value where the body would spoil it', () => {
    // 1 / (3 - n) is infinite once n is 3, and one step later the others go on.
    const f = (limit: NDArray): NDArray =>
      lax.whileLoop(
        ({ n }) => n.less(limit),
        ({ n, y }) => ({ n: n.add(1), y: y.add(np.divide(1, n.sub(3))) }),
        { n: 0, y: 0 },
      ).y;
    const each = [0, 2, 3].map((n) => f(np.array(n)).item());
    expect(vmap(f)(np.array([0, 2, 3])).js()).toEqual(each);
    const [, dy] = jvp(
      (s: NDArray) =>
        vmap((n: NDArray, x: NDArray) => lax.foriLoop(0, n, (_, y) => np.sqrt(y).sub(1), x))(ints(0, 1, 2), s),
      [np.array([0, 4, 16])],
      [np.array([1, 1, 1])],
    );
    expect(dy.js()).toEqual([1, 0.25, expect.closeTo(1 / 8 / (2 * Math.sqrt(3)), 6)]);
  });

  test('bounds that are arrays, both ways, and bounds that cross', () => {
    const sum = (from: NDArray | number, to: NDArray | number): NDArray =>
      lax.foriLoop(from, to, (i, c) => c.add(i), int(0));
    expect(sum(2, 5).item()).toBe(9);
    expect(sum(int(2), int(5)).item()).toBe(9);
    expect(jit((n: NDArray) => sum(-1, n))(int(3)).item()).toBe(2);
    expect([sum(5, 2).item(), sum(int(5), int(2)).item()]).toEqual([0, 0]);
    expect(jacfwd((x: NDArray) => lax.foriLoop(0, int(3), (_, y) => y.mul(x), 1))(2).item()).toBe(12);
  });
});

describe('map and associativeScan', () => {
  test.each([1, 2, 3, 5, 8])('map in batches of %i', (batchSize) => {
    const f = (x: { a: NDArray; b: NDArray }): { s: NDArray; p: [NDArray] } => ({ s: x.a.sum().mul(x.b), p: [x.a] });
    const xs = { a: np.arange(10).reshape(5, 2), b: np.arange(5) };
    const out = lax.map(f, xs, { batchSize });
    expect(out.s.js()).toEqual([0, 5, 18, 39, 68]);
    expect(out.p[0].js()).toEqual(xs.a.js());
    expect(lax.map(f, { a: np.zeros([0, 2]), b: np.zeros([0]) }, { batchSize }).s.shape).toEqual([0]);
  });

  test.each([1, 2, 3, 4, 5, 7, 8, 9, 16, 33])(
    'associativeScan of %i elements is cumsum, either way and along any axis',
    (n) => {
      const x = np.sin(np.arange(3 * n)).reshape(3, n);
      const add = (a: NDArray, b: NDArray): NDArray => a.add(b);
      expect(np.allclose(lax.associativeScan(add, x, { axis: 1 }), np.cumsum(x, 1), { atol: 1e-5 }).item()).toBe(true);
      expect(np.allclose(lax.associativeScan(add, x.T, { axis: -2 }), np.cumsum(x.T, 0), { atol: 1e-5 }).item()).toBe(
        true,
      );
      const backwards = np.flip(np.cumsum(np.flip(x, 1), 1), 1);
      expect(
        np.allclose(lax.associativeScan(add, x, { axis: 1, reverse: true }), backwards, { atol: 1e-5 }).item(),
      ).toBe(true);
    },
  );

  test('an operation that does not commute: products of matrices, forwards and backwards', () => {
    const ms = np.sin(np.arange(5 * 4)).reshape(5, 2, 2);
    const products: NDArray[] = [];
    for (let i = 0; i < 5; i++) products.push(i === 0 ? ms.slice(0) : np.matmul(products[i - 1] ?? ms, ms.slice(i)));
    const f = (xs: NDArray): NDArray => lax.associativeScan((a, b) => np.matmul(a, b), xs);
    expect(np.allclose(jit(f)(ms), np.stack(products), { atol: 1e-6 }).item()).toBe(true);
    // In reverse the operands come in the order of the scan: from the last on.
    const reversed = lax.associativeScan((a, b) => np.matmul(b, a), ms, { reverse: true });
    const tails = [0, 1, 2, 3, 4].map((i) =>
      [...Array(5 - i).keys()].slice(1).reduce((p, k) => np.matmul(p, ms.slice(i + k)), ms.slice(i)),
    );
    expect(np.allclose(reversed, np.stack(tails), { atol: 1e-6 }).item()).toBe(true);
  });
});

test('linear functions with loops are transposed, counters and all', () => {
  const f = (x: NDArray): NDArray =>
    lax.scan(
      ([i, c], k) => [[i.add(1), c.mul(k).add(x.mul(i.astype('float32')))], c],
      [int(1), x],
      np.array([2, 3]),
    )[0][1];
  // ((x·2 + x)·3 + 2x) = 11x
  expect(linearTranspose(f, [np.zeros([2])])(np.array([1, 10]))[0].js()).toEqual([11, 110]);
  expect(
    linearTranspose(
      (x: NDArray) => lax.foriLoop(0, 3, (i, y) => y.mul(i.add(1).astype('float32')), x),
      [1],
    )(1)[0].item(),
  ).toBe(6);
});
