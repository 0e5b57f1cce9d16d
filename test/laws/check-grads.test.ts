/** The derivative checks themselves: they accept right derivatives and say precisely what is wrong with wrong ones. */
import { describe, expect, test } from 'vitest';
import { customJvp, customVjp, jvp, lax, vjp, type NDArray } from 'cotangent';
import { numpy as np } from 'cotangent';
import { CheckError, checkGrads, checkJvp, checkVjp, numericalJvp } from 'cotangent/testing';

/** x² with a tangent that is wrong in one element only. */
const wrongAtOne = customJvp((x: NDArray) => lax.mul(x, x)).defjvp(([x], [dx]) => {
  const factor = lax.add(np.array([0, 1, 0]).astype(x.dtype), 2);
  return [lax.mul(x, x), lax.mul(lax.mul(x, dx), factor)];
});

describe('right derivatives pass', () => {
  test('of trees, of order 3, with integers held constant', () => {
    const f = (p: { w: NDArray; n: NDArray }, xs: readonly NDArray[]): { y: NDArray; i: NDArray } => ({
      y: lax.reduceSum(lax.mul(lax.sin(p.w), lax.add(lax.exp(xs[0] ?? 0), lax.convertElementType(p.n, p.w.dtype)))),
      i: p.n,
    });
    checkGrads(f, [{ w: np.array([0.3, -1]), n: np.array([2, 3]).astype('int32') }, [np.array([0.5, 1])]], {
      order: 3,
    });
  });
  test('at large and small arguments', () => {
    checkGrads((x: NDArray) => lax.log(x), [np.array([1e-2, 1, 1e6])]);
    checkGrads((x: NDArray) => lax.integerPow(x, 3), [np.array([1e-6, 1e5])]);
  });
  test('functions that compute in float32, or take nothing else, are checked in that precision', () => {
    checkGrads((x: NDArray) => lax.sin(lax.convertElementType(x, 'float32')), [np.array([0.3, -1])]);
    checkGrads((x: NDArray) => lax.mul(x, np.array([2, 3])), [np.array([0.3, -1])]);
    const half = (x: NDArray): NDArray => lax.mul(lax.convertElementType(x, 'float32'), 1.001);
    expect(() => checkGrads(half, [np.array([1])], { rtol: 1e-9, atol: 1e-9 })).toThrow(/tolerance 2\.\d+e-9\)/);
  });
  test('a customVjp, in reverse mode alone', () => {
    const f = customVjp((x: NDArray) => lax.mul(x, x)).defvjp(
      (x) => [lax.mul(x, x), x],
      (x, ct) => [lax.mul(lax.mul(x, ct), 2)],
    );
    checkGrads((x: NDArray) => f(x), [np.array([1, 2])], { modes: ['rev'] });
    expect(() => checkGrads((x: NDArray) => f(x), [np.array([1, 2])])).toThrow('customVjp has only reverse mode');
  });
  test('of many units with kinks, with the step for them', () => {
    // 1e-6 above its kink: nearer than ∛ε = 6e-6, farther than √ε = 1.5e-8.
    const ramp = (x: NDArray): NDArray => lax.max(x, 0.5);
    const options = { order: 1, modes: ['rev'] } as const;
    expect(() => checkGrads(ramp, [np.array([0.5 + 1e-6], { dtype: 'float64' })], options)).toThrow(CheckError);
    checkGrads(ramp, [np.array([0.5 + 1e-6], { dtype: 'float64' })], { ...options, kinks: true });
  });
  test('rules given by hand', () => {
    const f = (a: NDArray, p: { b: NDArray }): NDArray => lax.mul(a, lax.sin(p.b));
    const args: [NDArray, { b: NDArray }] = [np.array([1, 2]), { b: np.array([3, 4]) }];
    checkJvp(f, (primals, tangents) => jvp(f, primals, tangents), args);
    checkVjp(f, (primals) => vjp(f, primals), args);
    checkJvp(f, f, args);
    checkVjp(f, f, args);
  });
});

describe('wrong derivatives are described', () => {
  const at = { w: np.array([1, 2, 3]) };
  const f = (p: { w: NDArray }): { loss: NDArray } => ({ loss: lax.mul(wrongAtOne(p.w), 2) });
  test('forward: function, argument path and index, result path and index, expected, got, tolerance', () => {
    expect(() => checkGrads(f, [at], { modes: ['fwd'], name: 'model' })).toThrow(
      /^checkGrads: model: the derivative of result\.loss by args\[0\]\.w at index \[1\] differs: at index \[1\] expected (8|7\.9{5}\d*|8\.0{5}\d*), got 12 \(difference \d.*, tolerance .*\)\. Expected is the finite difference, got is forward mode\.$/,
    );
  });
  test('reverse: the element of the cotangent', () => {
    expect(() => checkGrads(f, [at], { modes: ['rev'], name: 'model' })).toThrow(
      /^checkGrads: model: the cotangent of args\[0\]\.w differs: at index \[1\] expected .*, got .*reverse mode\.$/,
    );
  });
  test('of second order', () => {
    // The first derivative is right, the derivative of the rule is not.
    const secret = customJvp((x: NDArray) => lax.mul(x, 2)).defjvp(([x], [dx]) => [lax.mul(x, 2), lax.mul(dx, 3)]);
    const g = customJvp((x: NDArray) => lax.mul(x, x)).defjvp(([x], [dx]) => [lax.mul(x, x), lax.mul(secret(x), dx)]);
    checkGrads((x: NDArray) => g(x), [np.array([1.5])], { order: 1 });
    expect(() => checkGrads((x: NDArray) => g(x), [np.array([1.5])], { order: 2, name: 'g' })).toThrow(
      /checkGrads: jvp of g: the derivative of tangent of result/,
    );
  });
  test('rules: wrong derivative, wrong value', () => {
    const square = (x: NDArray): NDArray => lax.mul(x, x);
    const x = np.array([1, 2]);
    expect(() => checkJvp(square, ([p], [t]) => [lax.mul(p, p), lax.mul(p, t)], [x])).toThrow(
      /^checkJvp: square: the derivative of result by args\[0\] at index \[0\]/,
    );
    expect(() => checkJvp(square, ([p], [t]) => [p, lax.mul(lax.mul(p, t), 2)], [x])).toThrow(
      /^checkJvp: square: the value that jvp returns differs/,
    );
    expect(() => checkVjp(square, ([p]) => [lax.mul(p, p), (ct) => [lax.mul(p, ct)]], [x])).toThrow(
      /^checkVjp: square: the cotangent of args\[0\] differs: at index \[0\]/,
    );
    expect(() => checkVjp(square, ([p]) => [p, (ct) => [lax.mul(lax.mul(p, ct), 2)]], [x])).toThrow(
      /^checkVjp: square: the value that vjp returns differs/,
    );
  });
  test('a kink, and a function that is NaN', () => {
    expect(() => checkGrads((x: NDArray) => lax.max(x, 0), [np.array([1e-7])])).toThrow(/expected 0\.5/);
    expect(() => checkGrads((x: NDArray) => lax.log(x), [np.array([-1])])).toThrow(
      /expected NaN, .* not finite near these arguments/,
    );
  });
  test('nothing to differentiate', () => {
    expect(() => checkGrads((x: NDArray) => x, [np.array([1]).astype('int32')])).toThrow('no float argument');
  });
});

describe('numericalJvp', () => {
  test('is right to ε^(2/3) and keeps the structure', () => {
    const f = (x: NDArray, n: NDArray): { s: NDArray; n: NDArray } => ({ s: lax.sin(x), n });
    const out = numericalJvp(
      f,
      [np.array([0.5]), np.array([3]).astype('int32')],
      [np.array([2]), np.array([0]).astype('int32')],
    );
    expect(out.s.dtype).toBe('float64');
    expect(Number(out.s.item())).toBeCloseTo(2 * Math.cos(0.5), 9);
    expect(out.n.js()).toEqual([0]);
  });
  test('takes another step', () => {
    const coarse = numericalJvp((x: NDArray) => lax.integerPow(x, 3), [0], [1], { eps: 0.1 });
    expect(Number(coarse.item())).toBeCloseTo(0.01, 12);
  });
});
