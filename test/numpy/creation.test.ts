/** Creation of arrays: every function against NumPy, and those that read buffers or call a function. */
import { jit, makeJaxpr, numpy as np } from 'cotangent';
import { expect, test } from 'vitest';
import { testGroup } from './fixtures-a.js';

testGroup('creation');

test('frombuffer reads little-endian bytes of every dtype, from any offset', () => {
  const floats = new Float32Array([1.5, -2, 3]);
  expect(np.frombuffer(floats.buffer).js()).toEqual([1.5, -2, 3]);
  expect(np.frombuffer(new Uint8Array(floats.buffer, 4)).js()).toEqual([-2, 3]);
  expect(np.frombuffer(floats.buffer, { offset: 4, count: 1 }).js()).toEqual([-2]);
  // An offset at which no typed array may start.
  const bytes = new Uint8Array(13);
  bytes.set(new Uint8Array(new Int32Array([7, -1, 2]).buffer), 1);
  expect(np.frombuffer(bytes, { dtype: 'int32', offset: 1 }).js()).toEqual([7, -1, 2]);
  expect(np.frombuffer(new Float64Array([Math.PI]), { dtype: 'float64' }).js()).toEqual([Math.PI]);
  expect(np.frombuffer(new Uint8Array([0, 1, 7]), { dtype: 'bool' }).js()).toEqual([false, true, true]);
  floats[0] = 9;
  expect(() => np.frombuffer(floats, { count: 4 })).toThrow(/12 bytes from offset 0 are not 4 elements/);
});

test('frombuffer copies', () => {
  const floats = new Float32Array([1, 2]);
  const x = np.frombuffer(floats);
  floats[0] = 9;
  expect(x.js()).toEqual([1, 2]);
});

test('fromfunction calls with index arrays', () => {
  const f = (i: ReturnType<typeof np.arange>, j: ReturnType<typeof np.arange>) => i.mul(10).add(j);
  expect(np.fromfunction(f, [2, 3]).js()).toEqual([
    [0, 1, 2],
    [10, 11, 12],
  ]);
  expect(np.fromfunction(f, [2, 3]).dtype).toBe('float32');
  expect(np.fromfunction((i) => i, 3, { dtype: 'int32' }).dtype).toBe('int32');
});

test('creation inside a trace makes views, not constants', () => {
  const text = makeJaxpr(() =>
    np
      .eye(3)
      .add(np.arange(3))
      .add(np.zeros([3, 3])),
  )().toString();
  expect(text).toContain('iota');
  expect(jit(() => np.eye(2).add(np.arange(2)))().js()).toEqual([
    [1, 1],
    [0, 2],
  ]);
});
