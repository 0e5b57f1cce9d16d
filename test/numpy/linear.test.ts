/** Products of arrays: every function against NumPy, and how they are computed. */
import { makeJaxpr, type NDArray, numpy as np } from 'cotangent';
import { expect, test } from 'vitest';
import { testGroup } from './fixtures-a.js';

testGroup('linear');

test('multiDot multiplies in the cheapest order', () => {
  // (10×100 · 100×5) · 5×50 takes 7,500 multiplications, the other order 75,000.
  const text = makeJaxpr((a: NDArray, b: NDArray, c: NDArray) => np.multiDot([a, b, c]))(
    np.ones([10, 100]),
    np.ones([100, 5]),
    np.ones([5, 50]),
  ).toString();
  expect(text).toContain('f32[10,5] = dot_general');
  expect(text).not.toContain('f32[100,50]');
});

test('matmul repeats nothing for axes that only one operand has', () => {
  const text = makeJaxpr((a: NDArray, b: NDArray) => np.matmul(a, b))(
    np.ones([7, 1, 3, 4]),
    np.ones([5, 4, 2]),
  ).toString();
  expect(text).not.toContain('broadcast_in_dim');
  const plain = makeJaxpr((a: NDArray, b: NDArray) => np.matmul(a, b))(np.ones([7, 3, 4]), np.ones([4, 2])).toString();
  expect(plain).not.toContain('transpose');
});
