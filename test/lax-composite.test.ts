import { describe, expect, it } from 'vitest';
import { array, flat } from './helpers/arrays.js';
import { ShapeError } from '../src/core/errors.js';
import * as lax from '../src/lax/index.js';

describe('compositions of lax', () => {
  const m = array([1, 2, 3, 4, 5, 6], [2, 3]);
  it('fullLike, broadcast, tile', () => {
    expect([flat(lax.fullLike(m, 7)).length, lax.fullLike(m, 1, 'int32', [2]).dtype]).toEqual([6, 'int32']);
    expect([lax.broadcast(m, [2]).shape, flat(lax.broadcast(array([1, 2]), [2]))]).toEqual([
      [2, 2, 3],
      [1, 2, 1, 2],
    ]);
    expect(flat(lax.tile(array([1, 2, 3, 4], [2, 2]), [1, 2]))).toEqual([1, 2, 1, 2, 3, 4, 3, 4]);
    expect(flat(lax.tile(array([1, 2]), [3]))).toEqual([1, 2, 1, 2, 1, 2]);
    expect(() => lax.tile(m, [2])).toThrow(ShapeError);
  });
  it('split and stack', () => {
    expect(lax.split(m, [1, 2], 1).map(flat)).toEqual([
      [1, 4],
      [2, 3, 5, 6],
    ]);
    expect(() => lax.split(m, [1, 1], 1)).toThrow(/add up to 2, but axis 1 of shape \[2, 3\] has length 3/);
    expect(lax.stack([m, m], -1).shape).toEqual([2, 3, 2]);
    expect(flat(lax.stack([array([1, 2]), array([3, 4])], 1))).toEqual([1, 3, 2, 4]);
  });
  it('indices and updates along one axis', () => {
    expect(flat(lax.indexInDim(m, -1, 1, false))).toEqual([3, 6]);
    expect(lax.indexInDim(m, 0).shape).toEqual([1, 3]);
    expect(flat(lax.dynamicUpdateIndexInDim(m, array([9, 9]), 1, 1))).toEqual([1, 9, 3, 4, 9, 6]);
    expect(flat(lax.dynamicUpdateSliceInDim(m, array([8, 8, 8], [1, 3]), 5, 0))).toEqual([1, 2, 3, 8, 8, 8]);
    expect(flat(lax.dynamicIndexInDim(m, 1, 0, false))).toEqual([4, 5, 6]);
  });
});
