/**
 * Programs in the style of jax-js 0.1, as its users write them, with every `.ref` and `.dispose()` deleted: they must
 * type-check here as they stand and compute the right thing. What differs on purpose is in docs/migrating-from-jax-js.md.
 */
import {
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  linearize,
  makeJaxpr,
  nn,
  numpy as np,
  optimizers,
  random,
  scipy,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from 'cotangent';
import { describe, expect, test } from 'vitest';

const near = (actual: np.Array, expected: np.Array, atol = 1e-5): void => {
  expect(actual.shape).toEqual(expected.shape);
  expect(np.max(np.abs(actual.sub(expected))).item()).toBeLessThan(atol);
};

describe('programs of jax-js without .ref', () => {
  test('a tutorial: arrays, transforms, trees', async () => {
    const x = np.linspace(-10, 10, 1000);
    near(vmap(grad(np.sin))(x), np.cos(x));

    const hypot = jit(function hypot(x1: np.Array, x2: np.Array) {
      return np.sqrt(np.square(x1).add(np.square(x2)));
    });
    expect(hypot(3, 4).js()).toBe(5);

    type Params = { foo: np.Array; bar: np.Array[] };
    function getSums(p: Params) {
      const fooSum = p.foo.sum();
      const barSum = p.bar.map((x) => x.sum()).reduce(np.add);
      return fooSum.add(barSum);
    }
    const gradient = grad(getSums)({
      foo: np.array([1, 2, 3]),
      bar: [np.array([10]), np.array([11, 12])],
    });
    expect(tree.map((leaf: np.Array) => leaf.js(), gradient)).toEqual({ foo: [1, 1, 1], bar: [[1], [1, 1]] });

    const buf = new Float32Array([10, 20, 30, 100, 200, 300]);
    const ar = np.array(buf).reshape([2, 3]);
    expect(await ar.data()).toEqual(buf);
    expect(np.array([1, 2, 3], { dtype: np.int32 }).dtype).toBe(np.int32);
    expect(np.arange(100).astype(np.float32).slice([1, 3]).js()).toEqual([1, 2]);
    expect(makeJaxpr((x: np.Array) => x.mul(2))(np.array(1)).toString()).toContain('mul');
  });

  test('training a classifier: valueAndGrad with argnums and aux, one-hot labels, an optimizer', () => {
    type Params = { w1: np.Array; b1: np.Array; w2: np.Array; b2: np.Array };
    const keys = random.split(random.key(7), 3);
    const initial: Params = {
      w1: random.normal(keys.slice(0), [2, 16]).mul(0.5),
      b1: np.zeros([16]),
      w2: random.normal(keys.slice(1), [16, 2]).mul(0.5),
      b2: np.zeros([2]),
    };
    const X = random.uniform(keys.slice(2), [256, 2], { minval: -1, maxval: 1 });
    const inside = np.sum(np.square(X), 1).less(0.5);
    const labels = nn.oneHot(inside.astype(np.int32), 2);

    const predict = (params: Params, x: np.Array) => {
      const h = nn.relu(np.dot(x, params.w1).add(params.b1));
      return np.dot(h, params.w2).add(params.b2);
    };
    const lossFn = (params: Params, x: np.Array, y: np.Array): [np.Array, np.Array] => {
      const logits = predict(params, x);
      const loss = nn.logSoftmax(logits, -1).mul(y).sum(1).mean().neg();
      return [loss, np.argmax(logits, 1)];
    };
    const lossGrad = jit((params: Params, x: np.Array, y: np.Array) =>
      valueAndGrad(lossFn, { argnums: 0, hasAux: true })(params, x, y),
    );
    const solver = optimizers.adam(3e-2);
    let params = initial;
    let state = solver.init(params);
    let guess = np.zeros([256], { dtype: np.int32 });
    for (let i = 0; i < 120; i++) {
      const [[, aux], grads] = lossGrad(params, X, labels);
      const [updates, newState] = solver.update(grads, state);
      params = optimizers.applyUpdates(params, updates);
      state = newState;
      guess = aux;
    }
    const correct = guess.equal(inside.astype(np.int32)).astype(np.float32).mean();
    expect(correct.item()).toBeGreaterThan(0.95);

    const [gx, gy] = grad((x: np.Array, y: np.Array) => x.mul(y).sum(), { argnums: [0, 1] })(
      np.ones([2]),
      np.zeros([2]),
    );
    expect([gx.js(), gy.js()]).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  test('the Mandelbrot set: meshgrid, where, static arguments', () => {
    const mandelbrot = jit(
      (x: np.Array, y: np.Array, iterations: number) => {
        let [a, b] = [np.zerosLike(x), np.zerosLike(y)];
        let counts = np.zeros(x.shape, { dtype: np.int32 });
        for (let i = 0; i < iterations; i++) {
          const escaped = a.mul(a).add(b.mul(b)).greater(4);
          const next = a.mul(a).sub(b.mul(b)).add(x);
          b = np.where(escaped, b, a.mul(b).mul(2).add(y));
          a = np.where(escaped, a, next);
          counts = counts.add(np.where(escaped, 0, 1));
        }
        return counts;
      },
      { staticArgnums: [2] },
    );
    const [X, Y] = np.meshgrid([np.linspace(-2, 1, 7), np.linspace(-1, 1, 5)]);
    if (X === undefined || Y === undefined) throw new Error('two grids');
    const counts = mandelbrot(X, Y, 20);
    expect(counts.shape).toEqual([5, 7]);
    expect(counts.slice(2, 4).item()).toBe(20);
    expect(counts.slice(0, 0).item()).toBe(1);
    expect(counts.slice([], null, [1, 3]).shape).toEqual([5, 1, 2]);
  });

  test('derivatives: jvp, vjp, linearize, Jacobians, a Newton iteration', () => {
    const f = (x: np.Array) => np.exp(x).mul(np.sin(x));
    const x = np.array([0.5, 1]);
    const [y, dy] = jvp(f, [x], [np.ones([2])]);
    const [y2, fVjp] = vjp(f, [x]);
    const [ct] = fVjp(np.ones([2]));
    const [y3, fLin] = linearize(f, [x]);
    near(y, y2);
    near(y, y3);
    near(dy, ct);
    near(fLin(np.ones([2])), dy);
    near(jacfwd(f)(x), jacrev(f)(x));
    near(np.diagonal(jacfwd(f)(x)), dy);

    const rosen = (x: np.Array) => {
      const [a, b] = [x.slice(0), x.slice(1)];
      return np.square(np.subtract(1, a)).add(np.square(b.sub(np.square(a))).mul(100));
    };
    const step = jit((x: np.Array) => {
      const [g, H] = [grad(rosen)(x), hessian(rosen)(x)];
      // The inverse of a symmetric 2 by 2 matrix by its adjugate.
      const [a, b, d] = [H.slice(0, 0), H.slice(0, 1), H.slice(1, 1)];
      const adjugate = np.stack([d, b.neg(), b.neg(), a]).reshape([2, 2]);
      return x.sub(np.matmul(adjugate, g).div(a.mul(d).sub(b.mul(b))));
    });
    let p = np.array([-1.2, 1]);
    for (let i = 0; i < 8; i++) p = step(p);
    near(p, np.ones([2]), 1e-3);
  });

  test('sampling and statistics: random, sorting, reductions with options, attention by einsum', () => {
    const key = random.key(0);
    const dice = random.randint(key, { minval: 1, maxval: 7, shape: [600] });
    expect([dice.min().item(), dice.max().item()]).toEqual([1, 6]);
    expect(random.choice(key, np.arange(5), { shape: [3], replace: false }).shape).toEqual([3]);
    expect(random.categorical(key, np.zeros([4, 3]), { axis: -1 }).shape).toEqual([4]);
    expect(random.rademacher(key, { shape: [2] }).shape).toEqual([2]);
    expect(random.geometric(key, 0.5, { shape: [2] }).shape).toEqual([2]);
    const coin = random.bernoulli(key, 0.3, [1000]).astype(np.float32);
    expect(Math.abs(Number(coin.mean().item()) - 0.3)).toBeLessThan(0.05);
    const noise = random.normal(key, [8, 3]);
    expect(np.std(noise, 0, { correction: 1, keepdims: true }).shape).toEqual([1, 3]);
    near(np.var_(noise, 0, { mean: noise.mean(0, { keepdims: true }) }), np.var_(noise, 0));
    near(np.sort(noise, 0), np.takeAlongAxis(noise, np.argsort(noise, 0), 0));
    expect(lax.topK(np.array([3, 1, 2]), 2)[1].js()).toEqual([0, 2]);
    near(scipy.special.erfc(noise), np.subtract(1, scipy.special.erf(noise)));
    near(np.unwrap(np.array([0, 3, -3, 0])), np.array([0, 3, 2 * Math.PI - 3, 2 * Math.PI]));

    const [q, k, v] = [noise, np.roll(noise, 1, 0), np.flip(noise, 0)];
    const causal = np.tri(8, 8, 0, { dtype: np.bool });
    const scores = np.where(causal, np.einsum('qd,kd->qk', q, k).div(Math.sqrt(3)), -Infinity);
    const out = np.matmul(nn.softmax(scores), v);
    near(out.slice(0), v.slice(0));
    expect(out.shape).toEqual([8, 3]);
    const [m, e] = np.frexp(noise);
    near(np.ldexp(m, e), noise, 1e-9);
    near(
      np.applyAlongAxis((row) => row.sum(), 1, noise),
      noise.sum(1),
    );
  });
});
