/** Types follow through transforms. The assertions are the compiler's: `npm run typecheck` fails where they do not hold. */
import { expect, expectTypeOf, test } from 'vitest';
import { optimizers, random, stax, numpy as np, type ArrayLike, type NDArray } from '../../src/index.js';
import {
  grad,
  hessian,
  jacrev,
  jit,
  jvp,
  valueAndGrad,
  vjp,
  vmap,
  type ArrayTree,
} from '../../src/transforms/index.js';

interface Params {
  layers: { w: NDArray; b: NDArray }[];
  scale: NDArray;
}
const loss = (p: Params, x: NDArray): NDArray => np.sum(x.mul(p.scale));

test('gradients are trees like their argument', () => {
  expectTypeOf(grad(loss)).returns.toEqualTypeOf<Params>();
  expectTypeOf(grad(loss, { argnums: 1 })).returns.toEqualTypeOf<NDArray>();
  expectTypeOf(grad(loss, { argnums: [1, 0] })).returns.toEqualTypeOf<readonly [NDArray, Params]>();
  expectTypeOf(valueAndGrad(loss)).returns.toEqualTypeOf<[value: NDArray, gradient: Params]>();
});

test('numbers are taken for arrays, and the number of arguments is kept', () => {
  expectTypeOf(jit((x: NDArray, y: NDArray) => x.add(y))).parameters.toEqualTypeOf<[x: ArrayLike, y: ArrayLike]>();
  expectTypeOf(vmap((x: NDArray, n: { a: NDArray }) => x.add(n.a))).parameters.toEqualTypeOf<
    [x: ArrayLike, n: { a: NDArray } | { a: ArrayLike }]
  >();
});

test('parameters without a type are arrays', () => {
  expectTypeOf(vmap((row) => row.sum())).returns.toEqualTypeOf<NDArray>();
  expectTypeOf(jit((x, y) => ({ out: [x.add(y)] }))).returns.toEqualTypeOf<{ out: NDArray[] }>();
  expectTypeOf(grad((x) => x.mul(x))).returns.toEqualTypeOf<NDArray>();
});

test('a function that is generic in its parameters needs no casts', () => {
  function fit<P extends ArrayTree>(f: (params: P, x: NDArray) => NDArray, start: P, x: NDArray): P {
    const adam = optimizers.adam(0.1);
    const step = jit((p: P, s: optimizers.StateOf<typeof adam, P>) => {
      const [value, gradient] = valueAndGrad(f)(p, x);
      const [updates, next] = adam.update(gradient, s, p);
      return [optimizers.applyUpdates(p, updates), next, value] as const;
    });
    let params = start;
    let state = adam.init(params);
    for (let i = 0; i < 100; i++) {
      const [nextParams, nextState, value] = step(params, state);
      expectTypeOf(value).toEqualTypeOf<NDArray>();
      [params, state] = [nextParams, nextState];
    }
    return params;
  }
  const perExample = <P extends ArrayTree>(f: (params: P, x: NDArray) => NDArray, params: P, xs: NDArray): P =>
    vmap(grad(f), [null, 0])(params, xs);

  const withCount = <P extends ArrayTree>(f: (params: P) => readonly [NDArray, NDArray], params: P): P => {
    const [[, count], gradient] = valueAndGrad(f, { hasAux: true })(params);
    expectTypeOf(count).toEqualTypeOf<NDArray>();
    return grad(f, { hasAux: true })(gradient)[0];
  };
  expect(withCount((p: { w: NDArray }) => [np.square(p.w).sum(), np.array(1)], { w: np.array([1]) }).w.js()).toEqual([
    4,
  ]);

  const square = (p: { readonly w: NDArray }, x: NDArray): NDArray => np.square(p.w.sub(x)).sum();
  const found = fit(square, { w: np.zeros([2]) }, np.array([1, -1]));
  expectTypeOf(found).toEqualTypeOf<{ w: NDArray }>();
  expect(np.allclose(found.w, np.array([1, -1]), { atol: 0.05 }).item()).toBe(true);
  // The parameters of a network are such a tree.
  const [init, apply] = stax.serial(stax.Dense(2), stax.LSTM(1));
  const { params } = init(random.key(0), [-1, 3, 2]);
  const moved = fit((p: typeof params, x) => np.square(apply(p, x)).sum(), params, np.ones([1, 3, 2]));
  expectTypeOf(moved).toEqualTypeOf(params);
  expect(perExample(square, { w: np.zeros([2]) }, np.ones([3, 2])).w.shape).toEqual([3, 2]);
});

test('jacobians have the result outside and the argument inside', () => {
  const f = (p: { w: NDArray }): { y: NDArray } => ({ y: p.w });
  expectTypeOf(jacrev(f)).returns.toEqualTypeOf<{ y: { w: NDArray } }>();
  expectTypeOf(hessian((x: NDArray) => np.sum(x))).returns.toEqualTypeOf<NDArray>();
});

test('vjp and jvp', () => {
  const f = (p: { w: NDArray }, x: NDArray): [NDArray, NDArray] => [p.w, x];
  const one = np.ones([]);
  const [out, pull] = vjp(f, [{ w: one }, 2]);
  expectTypeOf(out).toEqualTypeOf<[NDArray, NDArray]>();
  expectTypeOf(pull).returns.toEqualTypeOf<[p: { w: NDArray }, x: NDArray]>();
  expectTypeOf(jvp(f, [{ w: one }, 2], [{ w: 1 }, 1])).toEqualTypeOf<
    [out: [NDArray, NDArray], tangent: [NDArray, NDArray]]
  >();
});

test('a training step needs no casts', () => {
  const [init, predict] = stax.serial(stax.Dense(4), stax.Relu, stax.Dense(1));
  const { params } = init(random.key(0), [-1, 2]);
  const adam = optimizers.adam(1e-3);
  const state = adam.init(params);
  const step = jit((p: typeof params, s: typeof state, x: NDArray) => {
    const gradients = grad((q: typeof params) => np.mean(predict(q, x)))(p);
    const [updates, next] = adam.update(gradients, s, p);
    return [optimizers.applyUpdates(p, updates), next] as const;
  });
  const [p1, s1] = step(params, state, np.ones([3, 2]));
  const [p2] = step(p1, s1, np.ones([3, 2]));
  expectTypeOf(p2).toExtend<typeof params>();
});
