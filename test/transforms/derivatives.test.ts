/** Derivatives against closed forms, in every order of composition with jit and vmap. */
import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import type { NDArray } from '../../src/core/ndarray.js';
import * as lax from '../../src/lax/index.js';
import {
  grad,
  hessian,
  hvp,
  jacfwd,
  jacobian,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  stopGradient,
  valueAndGrad,
  vjp,
  vmap,
} from '../../src/transforms/index.js';

const close = (x: NDArray, expected: readonly number[], digits = 5): void => {
  const values = flat(x);
  expect(values.length).toBe(expected.length);
  values.forEach((v, i) => {
    expect(v).toBeCloseTo(expected[i] ?? NaN, digits);
  });
};
const xs = [0.3, 1.1, 2.5];
const x = array(xs);
const f = (v: NDArray): NDArray => lax.reduceSum(lax.mul(lax.sin(v), v));
const df = xs.map((v) => Math.cos(v) * v + Math.sin(v));
const ddf = xs.map((v) => 2 * Math.cos(v) - Math.sin(v) * v);

describe('nesting', () => {
  it.each([
    ['grad', grad(f)],
    ['grad jit', grad(jit(f))],
    ['jit grad', jit(grad(f))],
    ['jit grad jit', jit(grad(jit(f)))],
    ['jit jit grad jit', jit(jit(grad(jit(f))))],
  ])('%s', (_name, g) => {
    close(g(x), df);
  });

  it.each([
    ['vmap grad', vmap(grad(f))],
    ['jit vmap grad jit', jit(vmap(grad(jit(f))))],
    ['vmap jit grad', vmap(jit(grad(f)))],
    ['grad of summed vmap', grad((m: NDArray) => lax.reduceSum(vmap(f)(m)))],
  ])('%s', (_name, g) => {
    close(g(array([...xs, ...xs.map((v) => -v)], [2, 3])), [...df, ...df.map((d) => -d)]);
  });

  it('hessian, alone, jitted, under vmap, by either route', () => {
    const diagonal = [ddf[0], 0, 0, 0, ddf[1], 0, 0, 0, ddf[2]].map((v) => v ?? NaN);
    close(hessian(f)(x), diagonal);
    close(jit(hessian(jit(f)))(x), diagonal);
    close(jacrev(jacfwd(f))(x), diagonal);
    close(jacrev(grad(f))(x), diagonal);
    close(vmap(hessian(f))(array([...xs, ...xs], [2, 3])), [...diagonal, ...diagonal]);
    close(
      hvp(f, [x], [array([1, 2, 3])]),
      ddf.map((d, i) => d * (i + 1)),
    );
  });

  it('tenth derivatives', () => {
    let g = (v: NDArray): NDArray => lax.exp(lax.mul(v, 2));
    for (let i = 0; i < 10; i++) {
      const h = g;
      g = (v) => grad(h)(v);
    }
    expect(Number(g(array([0.5], [])).item()) / (1024 * Math.E)).toBeCloseTo(1, 5);
    expect(Number(jit(g)(0.5).item()) / (1024 * Math.E)).toBeCloseTo(1, 5);
  });

  it('no perturbation confusion', () => {
    // d/dx (x · d/dy (x + y)) = 1 (Siskind & Pearlmutter 2005).
    const outer = grad((a: NDArray) => lax.mul(a, grad((b: NDArray) => lax.add(a, b))(1)));
    expect(outer(1).item()).toBe(1);
    const forward = jvp((a: NDArray) => lax.mul(a, jvp((b: NDArray) => lax.add(a, b), [1], [1])[1]), [1], [1])[1];
    expect(forward.item()).toBe(1);
  });

  it('jit closes over values of an outer transform', () => {
    expect(grad((a: NDArray) => jit((b: NDArray) => lax.mul(a, lax.mul(b, b)))(a))(2).item()).toBe(12);
    // The same jitted function called under two different outer values.
    const twice = grad((a: NDArray) => {
      const g = jit((b: NDArray) => lax.mul(a, b));
      return lax.add(g(3), g(4));
    });
    expect(twice(5).item()).toBe(7);
  });
});

describe('signatures', () => {
  const loss = (p: { w: NDArray; b: NDArray }, v: NDArray): NDArray => lax.reduceSum(lax.add(lax.mul(p.w, v), p.b));
  const p = { w: array([1, 2]), b: array([3, 4]) };
  const v = array([5, 6]);

  it('gradients have the type of their argument', () => {
    const g = grad(loss)(p, v);
    expect([flat(g.w), flat(g.b)]).toEqual([
      [5, 6],
      [1, 1],
    ]);
  });
  it('argnums', () => {
    expect(flat(grad(loss, { argnums: 1 })(p, v))).toEqual([1, 2]);
    const [gp, gv] = grad(loss, { argnums: [0, 1] })(p, v);
    expect([flat(gp.b), flat(gv)]).toEqual([
      [1, 1],
      [1, 2],
    ]);
    expect(
      flat(grad((a: NDArray, b: NDArray) => lax.reduceSum(lax.mul(a, b)), { argnums: -1 })(array([7, 8]), v)),
    ).toEqual([7, 8]);
  });
  it('hasAux', () => {
    const aux = (a: NDArray): [NDArray, { twice: NDArray }] => [lax.reduceSum(lax.mul(a, a)), { twice: lax.mul(a, 2) }];
    const [g, extra] = grad(aux, { hasAux: true })(v);
    expect([flat(g), flat(extra.twice)]).toEqual([
      [10, 12],
      [10, 12],
    ]);
    const [[value, extra2], g2] = valueAndGrad(aux, { hasAux: true })(v);
    expect([value.item(), flat(extra2.twice), flat(g2)]).toEqual([61, [10, 12], [10, 12]]);
    const [out, pull, a] = vjp(aux, [v], { hasAux: true });
    expect([out.item(), flat(pull(2)[0]), flat(a.twice)]).toEqual([61, [20, 24], [10, 12]]);
    const [o, t, b] = jvp(aux, [v], [array([1, 0])], { hasAux: true });
    expect([o.item(), t.item(), flat(b.twice)]).toEqual([61, 10, [10, 12]]);
    expect(flat(hessian(aux, { hasAux: true })(v)[0])).toEqual([2, 0, 0, 2]);
  });
  it('numbers are arrays of rank 0', () => {
    expect(grad((a: NDArray) => lax.mul(a, a))(3).item()).toBe(6);
    expect(valueAndGrad((a: NDArray) => lax.mul(a, a))(3).map((r) => r.item())).toEqual([9, 6]);
  });
  it("jacobians of trees have the result's tree with the argument's at each leaf", () => {
    const g = (q: { w: NDArray; b: NDArray }): { sum: NDArray; parts: NDArray[] } => ({
      sum: lax.reduceSum(lax.mul(q.w, q.w)),
      parts: [lax.mul(q.b, 3), q.w],
    });
    for (const j of [jacfwd(g)(p), jacrev(g)(p), jacobian(jit(g))(p)]) {
      expect(flat(j.sum.w)).toEqual([2, 4]);
      expect(flat(j.sum.b)).toEqual([0, 0]);
      expect(j.parts.map((q) => [flat(q.w), flat(q.b)])).toEqual([
        [
          [0, 0, 0, 0],
          [3, 0, 0, 3],
        ],
        [
          [1, 0, 0, 1],
          [0, 0, 0, 0],
        ],
      ]);
    }
    const [byW, byV] = jacrev((a: NDArray, c: NDArray) => lax.mul(a, c), { argnums: [0, 1] })(
      array([2, 3]),
      array([4, 5]),
    );
    expect([flat(byW), flat(byV)]).toEqual([
      [4, 0, 0, 5],
      [2, 0, 0, 3],
    ]);
  });
  it('jacobians of matrices', () => {
    const m = array([1, 2, 3, 4], [2, 2]);
    const j = jacfwd((a: NDArray) => lax.dot(a, a))(m);
    expect(j.shape).toEqual([2, 2, 2, 2]);
    expect(flat(j)).toEqual(flat(jacrev((a: NDArray) => lax.dot(a, a))(m)));
    expect(flat(j).slice(0, 4)).toEqual([2, 3, 2, 0]);
  });
  it('linearize and linearTranspose', () => {
    const [y, d] = linearize((a: NDArray) => lax.sin(a), [x]);
    close(y, xs.map(Math.sin));
    close(
      d(array([1, 2, 3])),
      xs.map((a, i) => Math.cos(a) * (i + 1)),
    );
    close(vmap((t: NDArray) => d(t))(array([1, 0, 0, 0, 1, 0], [2, 3])), [Math.cos(0.3), 0, 0, 0, Math.cos(1.1), 0]);
    const transpose = linearTranspose((a: NDArray) => lax.reduceSum(lax.mul(a, array([1, 2, 3]))), [x]);
    expect(flat(transpose(2)[0])).toEqual([2, 4, 6]);
  });
  it('stopGradient', () => {
    expect(grad((a: NDArray) => lax.mul(a, stopGradient(a)))(3).item()).toBe(3);
    expect(flat(grad((q: { w: NDArray }) => lax.reduceSum(lax.mul(stopGradient(q).w, q.w)))({ w: v }).w)).toEqual([
      5, 6,
    ]);
  });
});

/** Formulas of textbooks, in float64. */
describe('calculus', () => {
  const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): NDArray =>
    array(values, shape, 'float64');
  const scalar = (value: number): NDArray => f64([value], []);
  const num = (v: NDArray): number => Number(v.item());

  it('f(x + ε) ≈ f(x) + ε f′(x), and f(x - ε sign f′(x)) < f(x)', () => {
    const g = (v: NDArray): NDArray => lax.add(lax.sin(v), lax.div(lax.mul(v, v), 10));
    for (const at of [-4, -1, 0.5, 1, 3]) {
      const [value, slope] = valueAndGrad(g)(scalar(at)).map(num) as [number, number];
      for (const epsilon of [1e-2, 1e-3, 1e-4]) {
        // |f″| is at most 1.2.
        expect(Math.abs(num(g(scalar(at + epsilon))) - value - epsilon * slope)).toBeLessThan(0.6001 * epsilon ** 2);
        expect(num(g(scalar(at - epsilon * Math.sign(slope))))).toBeLessThan(value);
      }
    }
  });
  it('(f g)′ = f′ g + f g′, (ln u)′ = u′/u, dz/dx = dz/dy · dy/dx', () => {
    const [u, v] = [(t: NDArray) => lax.add(lax.mul(t, t), 1), (t: NDArray) => lax.exp(lax.sin(t))];
    for (const at of [-1.3, 0.2, 2].map(scalar)) {
      const [du, dv] = [num(grad(u)(at)), num(grad(v)(at))];
      const product = grad((t: NDArray) => lax.mul(u(t), v(t)))(at);
      expect(num(product)).toBeCloseTo(du * num(v(at)) + num(u(at)) * dv, 13);
      expect(num(grad((t: NDArray) => lax.log(u(t)))(at))).toBeCloseTo(du / num(u(at)), 13);
      expect(num(grad((t: NDArray) => v(u(t)))(at))).toBeCloseTo(num(grad(v)(u(at))) * du, 12);
    }
  });
  it('∇ₓz = (∂y/∂x)ᵀ ∇_y z: three inputs, two hidden neurons, one output', () => {
    const [W, w] = [f64([0.5, -1, 0.25, 1.5, 0.75, -0.5], [2, 3]), f64([2, -3])];
    const hidden = (t: NDArray): NDArray => lax.tanh(lax.dot(W, t));
    const output = (z: NDArray): NDArray => lax.tanh(lax.dot(w, z));
    const at = f64([1, 0.5, -1]);
    const [J, gradient] = [flat(jacobian(hidden)(at)), flat(grad(output)(hidden(at)))];
    expect(J).toHaveLength(6);
    const sums = [0, 1, 2].map((i) => gradient.reduce((sum, g, j) => sum + g * (J[3 * j + i] ?? NaN), 0));
    close(grad((t: NDArray) => output(hidden(t)))(at), sums, 14);
  });
  it('graphs: 5 (x y + z), 5 (x y + 2 z), tanh(w x + b)', () => {
    const graph = (factor: number) => (a: NDArray, b: NDArray, c: NDArray) =>
      lax.mul(lax.add(lax.mul(a, b), lax.mul(c, factor)), 5);
    const all = { argnums: [0, 1, 2] } as const;
    expect(graph(1)(scalar(2), scalar(3), scalar(4)).item()).toBe(50);
    expect(num(graph(1)(scalar(2), scalar(3), scalar(4.01)))).toBeCloseTo(50.05, 13);
    expect(grad(graph(1), all)(2, 3, 4).map(num)).toEqual([15, 10, 5]);
    expect(grad(graph(2), all)(2, 3, 4).map(num)).toEqual([15, 10, 10]);

    const o = (w: NDArray, t: NDArray, b: NDArray): NDArray => lax.tanh(lax.add(lax.mul(w, t), b));
    const [value, slope] = valueAndGrad(o)(scalar(2), scalar(-2.79), scalar(6)).map(num) as [number, number];
    expect(value).toBeCloseTo(0.3969, 4);
    expect(slope).toBeCloseTo((1 - Math.tanh(2 * -2.79 + 6) ** 2) * -2.79, 13);
  });
  it('back-propagation, algorithms 6.3 and 6.4 of "Deep Learning", is grad', () => {
    interface Layer {
      readonly W: NDArray;
      readonly b: NDArray;
    }
    const lambda = 0.01;
    const half = (t: NDArray): NDArray => lax.div(lax.reduceSum(lax.mul(t, t)), 2);
    const values = (n: number, phase: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(phase + 2 * i));
    const widths = [5, 4, 6, 3];
    const net: Layer[] = [1, 2, 3].map((k) => {
      const [n = 1, m = 1] = [widths[k], widths[k - 1]];
      return { W: f64(values(n * m, k), [n, m]), b: f64(values(n, 10 + k)) };
    });
    const [input, target] = [f64(values(5, 20)), f64(values(3, 30))];
    const J = (layers: Layer[]): NDArray => {
      const out = layers.reduce((h, { W, b }) => lax.tanh(lax.add(b, lax.dot(W, h))), input);
      const omega = layers.map(({ W, b }) => lax.add(half(W), half(b))).reduce((sum, term) => lax.add(sum, term));
      return lax.add(half(lax.sub(out, target)), lax.mul(omega, lambda));
    };

    const passed: { h: NDArray; a: NDArray }[] = [];
    let h = input;
    for (const { W, b } of net) {
      const a = lax.add(b, lax.dot(W, h));
      passed.push({ h, a });
      h = lax.tanh(a);
    }
    let g = lax.sub(h, target);
    const byHand = net.map(() => ({ W: [0], b: [0] }));
    for (const [k, { W, b }] of [...net.entries()].reverse()) {
      const { h: before, a } = passed[k] ?? { h, a: h };
      const tanh = lax.tanh(a);
      g = lax.mul(g, lax.sub(1, lax.mul(tanh, tanh)));
      const outer = lax.dot(lax.reshape(g, [g.size, 1]), lax.reshape(before, [1, before.size]));
      byHand[k] = { W: flat(lax.add(outer, lax.mul(W, lambda))), b: flat(lax.add(g, lax.mul(b, lambda))) };
      g = lax.dot(lax.transpose(W, [1, 0]), g);
    }
    grad(J)(net).forEach(({ W, b }, k) => {
      close(W, byHand[k]?.W ?? [], 13);
      close(b, byHand[k]?.b ?? [], 13);
    });
  });
});

describe('ties and kinks, as JAX', () => {
  it('max and min split a tie', () => {
    const [a, b] = grad((p: NDArray, q: NDArray) => lax.max(p, q), { argnums: [0, 1] })(2, 2);
    expect([a.item(), b.item()]).toEqual([0.5, 0.5]);
    expect(flat(grad((v: NDArray) => lax.reduceMax(v))(array([1, 3, 3])))).toEqual([0, 0.5, 0.5]);
    expect(flat(grad((v: NDArray) => lax.reduceMin(v))(array([1, 1, 3])))).toEqual([0.5, 0.5, 0]);
  });
  it('a product with zeros has the right gradient', () => {
    expect(flat(grad((v: NDArray) => lax.reduceProd(v))(array([2, 0, 3])))).toEqual([0, 6, 0]);
    expect(flat(grad((v: NDArray) => lax.reduceProd(v))(array([0, 0, 3])))).toEqual([0, 0, 0]);
    expect(flat(hessian((v: NDArray) => lax.reduceProd(v))(array([2, 0, 3])))).toEqual([0, 3, 0, 3, 0, 2, 0, 2, 0]);
    expect(flat(grad((v: NDArray) => lax.reduceSum(lax.cumprod(v, 0)))(array([2, 0, 3])))).toEqual([1, 8, 0]);
  });
  it('an integer result of a differentiated function is no obstacle', () => {
    const accuracy = (v: NDArray): [NDArray, NDArray] => [lax.reduceSum(v), lax.argmax(v, 0)];
    const [g, aux] = grad(accuracy, { hasAux: true })(array([1, 5, 2]));
    expect([flat(g), aux.item(), aux.dtype]).toEqual([[1, 1, 1], 1, 'int32']);
  });
});
