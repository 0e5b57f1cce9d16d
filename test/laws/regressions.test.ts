/** What the laws have found, each reduced to its smallest form. */
import { describe, expect, test } from 'vitest';
import {
  checkpoint,
  grad,
  jit,
  lax,
  linearTranspose,
  NotSupportedError,
  numpy as np,
  primitives,
  ShapedArray,
  type NDArray,
} from 'cotangent';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';

describe('transposition', () => {
  test('a call with linear operands may have results that do not depend on them', () => {
    const f = (x: NDArray): NDArray => {
      const [product, known] = jit((a: NDArray, b: NDArray) => [lax.mul(a, b), lax.mul(b, 2)] as const)(
        x,
        np.array([1, 2]),
      );
      return lax.mul(product, known);
    };
    // x · b · 2b with b = [1, 2].
    expect(linearTranspose(f, [np.zeros([2])])(np.array([1, 1]))[0].js()).toEqual([2, 8]);
    const nested = (x: NDArray): NDArray => jit((y: NDArray) => checkpoint(f)(y))(x);
    expect(linearTranspose(nested, [np.zeros([2])])(np.array([1, 1]))[0].js()).toEqual([2, 8]);
  });
  test('grad of checkpoint of a function that calls jit', () => {
    const f = (x: NDArray): NDArray => {
      const [y, z] = jit((a: NDArray) => [lax.sin(a), lax.mul(a, a)] as const)(x);
      return lax.mul(y, z);
    };
    expect(grad(checkpoint(f))(1).item()).toBeCloseTo(Number(grad(f)(1).item()), 6);
    expect(grad(grad(checkpoint(f)))(1).item()).toBeCloseTo(Number(grad(grad(f))(1).item()), 5);
  });
  test.each([
    ['mul', (x: NDArray) => lax.mul(x, x)],
    ['div', (x: NDArray) => lax.div(1, x)],
    ['dot_general', (x: NDArray) => lax.dot(x, x)],
  ] as const)('of a function that is not linear is an error, not zero: %s', (name, f) => {
    const transpose = linearTranspose(f, [np.zeros([2])]);
    const ct = name === 'dot_general' ? np.array(1) : np.array([1, 1]);
    expect(() => transpose(ct)).toThrow(NotSupportedError);
    expect(() => transpose(ct)).toThrow(
      new RegExp(`${name} cannot be transposed: .*not linear in it\\. Use vjp or grad`),
    );
  });
  test('scatter-mul is linear in its updates where indices are unique', () => {
    const dn = {
      updateWindowDims: [],
      insertedWindowDims: [0],
      scatterDimsToOperandDims: [0],
      operandBatchingDims: [],
      scatterIndicesBatchingDims: [],
    };
    const indices = np.array([[2], [0]], { dtype: 'int32' });
    const f = (unique: boolean) => (u: NDArray) =>
      lax.scatterMul(np.array([2, 3, 5]), indices, u, dn, { uniqueIndices: unique });
    expect(linearTranspose(f(true), [np.zeros([2])])(np.array([1, 10, 100]))[0].js()).toEqual([500, 2]);
    expect(() => linearTranspose(f(false), [np.zeros([2])])(np.array([1, 10, 100]))).toThrow(
      /scatter-mul cannot be transposed/,
    );
  });
});

test('an extremum of nothing is a constant: its derivative is zero, not NaN', () => {
  const f = (x: NDArray): NDArray => lax.reduceSum(lax.max(lax.reduceMax(lax.reshape(x, [2, 0]), [1]), 0));
  expect(grad((x: NDArray) => lax.add(lax.reduceSum(x), f(lax.slice(x, [0], [0]))))(np.array([1, 2])).js()).toEqual([
    1, 1,
  ]);
});

test.each(['jit', 'checkpoint', 'custom_jvp_call', 'custom_vjp_call'])(
  '%s takes operands of the types of its jaxpr only',
  (name) => {
    const aval = new ShapedArray([3], 'float32');
    const jaxpr = traceToJaxpr((...xs) => xs.map((x) => lax.sin(x)), [aval], 'test');
    const { abstract } = primitives().get(name) ?? { abstract: () => [] };
    expect(abstract([aval], { jaxpr })).toEqual([aval]);
    expect(() => abstract([new ShapedArray([0], 'float32')], { jaxpr })).toThrow(
      `${name}: the jaxpr takes f32[3], but the operands are f32[0]`,
    );
    expect(() => abstract([], { jaxpr })).toThrow('the jaxpr takes f32[3]');
  },
);
