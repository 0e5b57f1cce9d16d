/** customJvp, customVjp and checkpoint under every transform. */
import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { NotSupportedError, TreeError } from '../../src/core/errors.js';
import * as lax from '../../src/lax/index.js';
import {
  checkpoint,
  customJvp,
  customVjp,
  grad,
  hessian,
  jit,
  jvp,
  linearize,
  makeJaxpr,
  vmap,
} from '../../src/transforms/index.js';

const sum = (x: NDArray): NDArray => lax.reduceSum(x);
const x = array([1, 2, 3]);

describe('customJvp', () => {
  // A rule with a telling factor, so that it is seen which derivative was used.
  const square = customJvp((a: NDArray) => lax.mul(a, a)).defjvp(([a], [d]) => [square(a), lax.mul(d, lax.mul(a, 10))]);

  it('uses its rule in both modes, jitted and batched, in any order', () => {
    const ten = [10, 20, 30];
    expect(flat(square(x))).toEqual([1, 4, 9]);
    expect(flat(grad((v: NDArray) => sum(square(v)))(x))).toEqual(ten);
    expect(flat(jvp((v: NDArray) => square(v), [x], [array([1, 1, 1])])[1])).toEqual(ten);
    expect(flat(vmap(grad((v: NDArray) => square(v)))(x))).toEqual(ten);
    expect(flat(grad((v: NDArray) => sum(vmap((a: NDArray) => square(a))(v)))(x))).toEqual(ten);
    expect(flat(jit(grad((v: NDArray) => sum(jit((a: NDArray) => square(a))(v))))(x))).toEqual(ten);
    expect(flat(linearize((v: NDArray) => square(v), [x])[1](array([1, 1, 1])))).toEqual(ten);
  });
  it('is differentiable again, through its rule', () => {
    expect(grad(grad((v: NDArray) => square(v)))(3).item()).toBe(10);
    expect(flat(hessian((v: NDArray) => sum(square(v)))(array([1, 2])))).toEqual([10, 0, 0, 10]);
  });
  it('takes trees', () => {
    const f = customJvp((p: { a: NDArray; b: NDArray }) => ({ out: lax.mul(p.a, p.b) })).defjvp(([p], [d]) => [
      { out: lax.mul(p.a, p.b) },
      { out: lax.add(lax.mul(d.a, 100), d.b) },
    ]);
    const g = grad((p: { a: NDArray; b: NDArray }) => sum(f(p).out))({ a: x, b: x });
    expect([flat(g.a), flat(g.b)]).toEqual([
      [100, 100, 100],
      [1, 1, 1],
    ]);
  });
  it('says when the rule is missing or of the wrong form', () => {
    const none = customJvp((a: NDArray) => a);
    expect(() => grad((a: NDArray) => none(a))(1)).toThrow(/no rule; call .defjvp/);
    const wrong = customJvp((a: NDArray) => a as unknown).defjvp(([a], [d]) => [a, [d, d]]);
    expect(() => grad((a: NDArray) => wrong(a) as NDArray)(1)).toThrow(TreeError);
  });
});

describe('customVjp', () => {
  const square = customVjp((a: NDArray) => lax.mul(a, a)).defvjp(
    (a) => [lax.mul(a, a), { a }],
    (residuals, ct) => [lax.mul(ct, lax.mul(residuals.a, 100))],
  );

  it('uses its rule, jitted and batched, in any order', () => {
    const hundred = [100, 200, 300];
    expect(flat(square(x))).toEqual([1, 4, 9]);
    expect(flat(grad((v: NDArray) => sum(square(v)))(x))).toEqual(hundred);
    expect(flat(vmap(grad((v: NDArray) => square(v)))(x))).toEqual(hundred);
    expect(flat(grad((v: NDArray) => sum(vmap((a: NDArray) => square(a))(v)))(x))).toEqual(hundred);
    expect(flat(jit(grad((v: NDArray) => sum(jit((a: NDArray) => square(a))(v))))(x))).toEqual(hundred);
    expect(flat(grad(jit((v: NDArray) => sum(vmap((a: NDArray) => square(a))(v))))(x))).toEqual(hundred);
  });
  it('sums the cotangents of an argument that a batch shares', () => {
    const product = customVjp((a: NDArray, b: NDArray) => lax.mul(a, b)).defvjp(
      (a, b) => [lax.mul(a, b), [a, b] as const],
      ([a, b], ct) => [lax.mul(ct, b), lax.mul(ct, a)],
    );
    const f = (a: NDArray): NDArray => sum(vmap((q: NDArray, b: NDArray) => product(q, b), [null, 0])(a, x));
    expect(grad(f)(5).item()).toBe(6);
  });
  it('has no forward mode and says so', () => {
    expect(() => jvp((v: NDArray) => square(v), [x], [x])).toThrow(NotSupportedError);
    expect(() => jvp((v: NDArray) => square(v), [x], [x])).toThrow(/only reverse mode/);
    expect(grad((v: NDArray) => square(v))(1).item()).toBe(100);
  });
  it('checks what bwd returns', () => {
    const short = customVjp((a: NDArray, b: NDArray) => lax.mul(a, b)).defvjp(
      (a, b) => [lax.mul(a, b), null],
      (_, ct) => [ct],
    );
    expect(() => grad((a: NDArray) => short(a, a))(1)).toThrow(/one cotangent per argument \(2\), got 1/);
    const shape = customVjp((a: NDArray) => sum(a)).defvjp(
      (a) => [sum(a), null],
      (_, ct) => [ct],
    );
    expect(() => grad((a: NDArray) => shape(a))(x)).toThrow(/cotangent 0 is f32\[\], but the argument is f32\[3\]/);
  });
});

describe('checkpoint', () => {
  const block = (v: NDArray): NDArray => lax.sin(lax.sin(lax.sin(v)));
  const dBlock = (v: number): number => Math.cos(v) * Math.cos(Math.sin(v)) * Math.cos(Math.sin(Math.sin(v)));

  it('does not change derivatives', () => {
    const g = grad((v: NDArray) => sum(checkpoint(block)(v)));
    for (const h of [g, jit(g), grad((v: NDArray) => sum(jit((a: NDArray) => checkpoint(block)(a))(v)))]) {
      flat(h(x)).forEach((v, i) => {
        expect(v).toBeCloseTo(dBlock(i + 1), 5);
      });
    }
    const v = vmap(grad((a: NDArray) => checkpoint(block)(a)))(x);
    flat(v).forEach((d, i) => {
      expect(d).toBeCloseTo(dBlock(i + 1), 5);
    });
    const second = grad(grad((a: NDArray) => block(a)))(0.7).item();
    expect(grad(grad((a: NDArray) => checkpoint(block)(a)))(0.7).item()).toBeCloseTo(Number(second), 5);
  });
  it('keeps only its arguments: the forward pass is computed again', () => {
    const count = (f: (v: NDArray) => NDArray, name: string): number =>
      String(makeJaxpr(grad((v: NDArray) => sum(f(v))))(x)).split(` ${name} `).length - 1;
    expect(count(block, 'cos')).toBe(3);
    // Recomputed sines stand behind an optimization barrier, so that the compiler does not merge them with the first.
    expect(count((v) => checkpoint(block)(v), 'optimization_barrier')).toBe(1);
    expect(count((v) => checkpoint(block)(v), 'sin')).toBeGreaterThanOrEqual(5);
  });
});
