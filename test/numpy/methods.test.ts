/** The methods of NDArray: each is the function of the same name, under transforms too. */
import { grad, jit, NDArray, numpy as np } from 'cotangent';
import { describe, expect, test } from 'vitest';

const x = np.array([
  [4, -1.5, 2],
  [0.5, 3, -2],
]);
const y = np.array([1, 2, 4]);
const square = np.array([
  [1, 2],
  [3, 4],
]);

const pairs: readonly (readonly [string, (x: NDArray) => NDArray, (x: NDArray) => NDArray])[] = [
  ['add', (v) => v.add(y), (v) => np.add(v, y)],
  ['sub', (v) => v.sub(y), (v) => np.subtract(v, y)],
  ['mul', (v) => v.mul(y), (v) => np.multiply(v, y)],
  ['div', (v) => v.div(y), (v) => np.divide(v, y)],
  ['floorDivide', (v) => v.floorDivide(y), (v) => np.floorDivide(v, y)],
  ['mod', (v) => v.mod(y), (v) => np.mod(v, y)],
  ['pow', (v) => v.pow(2), (v) => np.power(v, 2)],
  ['neg', (v) => v.neg(), np.negative],
  ['abs', (v) => v.abs(), np.abs],
  ['exp', (v) => v.exp(), np.exp],
  ['log', (v) => v.abs().log(), (v) => np.log(np.abs(v))],
  ['sqrt', (v) => v.abs().sqrt(), (v) => np.sqrt(np.abs(v))],
  ['square', (v) => v.square(), np.square],
  ['sign', (v) => v.sign(), np.sign],
  ['round', (v) => v.round(), (v) => np.round(v)],
  ['clip', (v) => v.clip(-1, 2), (v) => np.clip(v, -1, 2)],
  ['equal', (v) => v.equal(2), (v) => np.equal(v, 2)],
  ['notEqual', (v) => v.notEqual(2), (v) => np.notEqual(v, 2)],
  ['less', (v) => v.less(2), (v) => np.less(v, 2)],
  ['lessEqual', (v) => v.lessEqual(2), (v) => np.lessEqual(v, 2)],
  ['greater', (v) => v.greater(2), (v) => np.greater(v, 2)],
  ['greaterEqual', (v) => v.greaterEqual(2), (v) => np.greaterEqual(v, 2)],
  ['logicalAnd', (v) => v.logicalAnd(y.greater(1)), (v) => np.logicalAnd(v, y.greater(1))],
  ['logicalOr', (v) => v.logicalOr(false), (v) => np.logicalOr(v, false)],
  ['logicalNot', (v) => v.logicalNot(), np.logicalNot],
  ['sum', (v) => v.sum(0), (v) => np.sum(v, 0)],
  ['prod', (v) => v.prod(1, { keepdims: true }), (v) => np.prod(v, 1, { keepdims: true })],
  ['mean', (v) => v.mean(), (v) => np.mean(v)],
  ['var', (v) => v.var(1, { ddof: 1 }), (v) => np.var(v, 1, { ddof: 1 })],
  ['std', (v) => v.std([0, 1]), (v) => np.std(v, [0, 1])],
  ['max', (v) => v.max(-1), (v) => np.max(v, -1)],
  ['min', (v) => v.min(null), (v) => np.min(v)],
  ['all', (v) => v.all(0), (v) => np.all(v, 0)],
  ['any', (v) => v.less(0).any(0), (v) => np.any(np.less(v, 0), 0)],
  ['argmax', (v) => v.argmax(1), (v) => np.argmax(v, 1)],
  ['argmin', (v) => v.argmin(), (v) => np.argmin(v)],
  ['cumsum', (v) => v.cumsum(1), (v) => np.cumsum(v, 1)],
  ['cumprod', (v) => v.cumprod(), (v) => np.cumprod(v)],
  ['sort', (v) => v.sort(), (v) => np.sort(v)],
  ['argsort', (v) => v.argsort(0), (v) => np.argsort(v, 0)],
  ['dot', (v) => v.dot(y), (v) => np.dot(v, y)],
  ['matmul', (v) => square.matmul(v), (v) => np.matmul(square, v)],
  ['reshape', (v) => v.reshape(3, -1), (v) => np.reshape(v, [3, 2])],
  ['reshape of a list', (v) => v.reshape([6]), (v) => np.reshape(v, 6)],
  ['ravel', (v) => v.ravel(), np.ravel],
  ['flatten', (v) => v.flatten(), np.ravel],
  ['transpose', (v) => v.transpose(), (v) => np.transpose(v)],
  [
    'transpose of axes',
    (v) => v.reshape(1, 2, 3).transpose(2, 0, 1),
    (v) => np.transpose(np.reshape(v, [1, 2, 3]), [2, 0, 1]),
  ],
  ['transpose of a list', (v) => v.transpose([1, 0]), (v) => np.transpose(v)],
  ['swapaxes', (v) => v.swapaxes(0, 1), (v) => np.swapaxes(v, 0, 1)],
  ['squeeze', (v) => v.reshape(1, 6).squeeze(0), np.ravel],
  ['repeat', (v) => v.repeat(2, 1), (v) => np.repeat(v, 2, 1)],
  [
    'take',
    (v) => v.take(np.array([2, 0], { dtype: 'int32' }), 1),
    (v) => np.take(v, np.array([2, 0], { dtype: 'int32' }), 1),
  ],
  ['diagonal', (v) => v.diagonal(1), (v) => np.diagonal(v, 1)],
  ['trace', (v) => v.trace(), (v) => np.trace(v)],
  ['astype', (v) => v.astype('int32'), (v) => np.astype(v, 'int32')],
  ['T', (v) => v.T, (v) => np.transpose(v)],
  ['slice', (v) => v.slice(0), (v) => np.take(v, 0, 0)],
  ['at', (v) => v.at(0).set(0).slice(1), (v) => np.take(v, 1, 0)],
  ['iteration', (v) => np.stack([...v]), (v) => v],
];

test.each(pairs)('%s', (_name, method, f) => {
  const [got, want] = [method(x), f(x)];
  expect([got.dtype, got.shape, got.js()]).toEqual([want.dtype, want.shape, want.js()]);
  expect(jit(method)(x).js()).toEqual(want.js());
});

describe('installation', () => {
  test('methods are not enumerable and stand on the prototype', () => {
    expect(Object.keys(NDArray.prototype)).toEqual([]);
    expect(Object.getOwnPropertyDescriptor(NDArray.prototype, 'add')).toMatchObject({ enumerable: false });
    expect(Object.keys(Object.getOwnPropertyDescriptors(NDArray.prototype))).toContain('T');
  });

  test('they chain and have derivatives', () => {
    const f = (v: NDArray): NDArray => v.exp().mul(3).sum(0).slice(1);
    expect(grad(f)(np.zeros([2, 2])).js()).toEqual([
      [0, 3],
      [0, 3],
    ]);
  });

  test('a scalar does not iterate', () => {
    expect(() => [...np.array(1)]).toThrow(/iteration: a scalar has no axis/);
  });
});
